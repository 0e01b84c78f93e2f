use super::file::LARGEST_FILE;
use super::*;
use crate::api::events::Level;
use crate::log_line::Kind;

fn event(at: u64, words: &str) -> Event {
    Event {
        at,
        level: Level::Info,
        kind: Kind::Check,
        subjects: vec!["shop/shop2".to_owned()],
        words: words.to_owned(),
    }
}

fn words(history: &History) -> Vec<String> {
    history.find(&Query::default()).events.into_iter().map(|event| event.words).collect()
}

/// A history whose events are on disk when it is dropped.
struct OnDisk(History);

impl OnDisk {
    fn open(folder: &Path) -> OnDisk {
        let history = History::default();
        history.open(folder);
        OnDisk(history)
    }

    /// Lets the writer end, and waits until the file holds these words.
    fn close(self, folder: &Path, last: &str) {
        self.0.kept().writer = None;
        let is_there = || std::fs::read_to_string(folder.join("events.jsonl")).is_ok_and(|text| text.contains(last));
        while !is_there() {
            thread::yield_now();
        }
    }
}

#[test]
fn what_happened_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let first = OnDisk::open(folder.path());
    first.0.add(event(1, "down"));
    first.0.add(event(2, "up again"));
    first.close(folder.path(), "up again");

    let second = OnDisk::open(folder.path());
    second.0.add(event(3, "after the restart"));

    assert_eq!(words(&second.0), ["down", "up again", "after the restart"]);
    assert_eq!(second.0.find(&Query::default()).oldest, Some(1));
}

#[test]
fn what_was_said_before_the_state_directory_was_known_is_kept_and_comes_after_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let first = OnDisk::open(folder.path());
    first.0.add(event(1, "old"));
    first.close(folder.path(), "old");
    let history = History::default();
    history.add(event(2, "starting"));

    history.open(folder.path());

    assert_eq!(words(&history), ["old", "starting"]);
}

#[test]
fn a_line_that_a_crash_cut_off_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let whole = serde_json::to_string(&event(1, "whole")).unwrap();
    std::fs::write(folder.path().join("events.jsonl"), format!("{whole}\n{{\"at\":2,\"lev\n{whole}\n\u{0}")).unwrap();

    let history = OnDisk::open(folder.path());

    assert_eq!(words(&history.0), ["whole", "whole"]);
}

#[test]
fn a_file_that_has_grown_becomes_the_older_one_and_both_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let line = serde_json::to_string(&event(1, &"x".repeat(LONGEST))).unwrap() + "\n";
    let lines = usize::try_from(LARGEST_FILE).unwrap() / line.len() + 1;
    std::fs::write(folder.path().join("events.jsonl"), line.repeat(lines)).unwrap();
    let first = OnDisk::open(folder.path());
    first.0.add(event(2, "one more"));
    first.close(folder.path(), "one more");

    assert!(folder.path().join("events.1.jsonl").is_file());
    let second = OnDisk::open(folder.path());
    assert_eq!(second.0.find(&Query { since: Some(2), ..Query::default() }).events, [event(2, "one more")]);
    assert_eq!(second.0.find(&Query::default()).left_out, (lines + 1).saturating_sub(events::MOST));
}

#[test]
fn memory_holds_the_newest_only() {
    let history = History::default();
    for at in 0..MOST as u64 + 5 {
        history.add(event(at, "x"));
    }

    let found = history.find(&Query::default());

    assert_eq!(found.oldest, Some(5));
    assert_eq!((found.events.len(), found.left_out), (events::MOST, MOST - events::MOST));
    assert_eq!(found.events.last().unwrap().at, MOST as u64 + 4);
}

#[test]
fn long_words_are_cut_between_two_letters() {
    let history = History::default();
    history.add(event(1, &("x".to_owned() + &"é".repeat(LONGEST))));

    assert_eq!(words(&history)[0].len(), LONGEST - 1);
}

#[test]
fn a_line_of_the_log_is_an_event_with_its_kind_and_subjects() {
    use tracing_subscriber::layer::SubscriberExt;
    let history = History::default();
    let subscriber = tracing_subscriber::registry().with(Layer::new(history.clone()));

    tracing::subscriber::with_default(subscriber, || {
        crate::log_line::LogLine::warn(Kind::Check, "down: refused").about("shop/shop2").about("www/web2").write();
        tracing::info!(count = 3, "plain");
        tracing::debug!("not kept");
    });

    let found = history.find(&Query::default()).events;
    let seen: Vec<_> =
        found.iter().map(|event| (event.level, event.kind, event.subjects.len(), &*event.words)).collect();
    assert_eq!(
        seen,
        [(Level::Warning, Kind::Check, 2, "down: refused"), (Level::Info, Kind::Other, 0, "plain count=3")]
    );
}
