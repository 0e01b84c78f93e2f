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

fn open(folder: &Path) -> History {
    let history = History::default();
    history.open(folder);
    history
}

/// Long enough for a busy machine: whoever waits for so long has waited in vain.
const LIMIT: Duration = Duration::from_secs(60);

#[allow(clippy::disallowed_methods, reason = "what another thread has written gives no event; the wait has a limit")]
fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let until = std::time::Instant::now() + LIMIT;
    while !is_so() {
        assert!(std::time::Instant::now() < until, "never: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn what_happened_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path());
    first.add(event(1, "down"));
    first.add(event(2, "up again"));
    first.close(LIMIT);

    let second = open(folder.path());
    second.add(event(3, "after the restart"));

    assert_eq!(words(&second), ["down", "up again", "after the restart"]);
    assert_eq!(second.find(&Query::default()).oldest, Some(1));
}

#[test]
fn what_was_said_before_the_state_directory_was_known_is_kept_and_comes_after_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path());
    first.add(event(1, "old"));
    first.close(LIMIT);
    let history = History::default();
    history.add(event(2, "starting"));

    history.open(folder.path());

    assert_eq!(words(&history), ["old", "starting"]);
}

#[test]
fn a_line_that_a_crash_cut_off_is_left_out_and_takes_no_other_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let whole = serde_json::to_string(&event(1, "whole")).unwrap();
    std::fs::write(folder.path().join("events.jsonl"), format!("{whole}\n\u{0}\n{{\"at\":2,\"lev")).unwrap();

    let first = open(folder.path());
    first.add(event(3, "after the crash"));
    first.close(LIMIT);

    assert_eq!(words(&open(folder.path())), ["whole", "after the crash"]);
}

#[test]
fn a_pipe_in_the_place_of_the_file_holds_up_nothing_and_is_said() {
    let folder = tempfile::tempdir().unwrap();
    nix::unistd::mkfifo(&folder.path().join("events.jsonl"), nix::sys::stat::Mode::S_IRWXU).unwrap();

    let history = open(folder.path());
    history.add(event(1, "in memory"));
    history.close(LIMIT);

    assert_eq!(words(&history), ["in memory"]);
    let disk = history.disk();
    assert!(disk.failure.is_some() && disk.lost == 1, "{disk:?}");
}

#[test]
fn that_events_cannot_be_written_is_said_until_one_is_written_however_often_the_file_is_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let state_dir = folder.path().join("not-there-yet");
    let (history, (mut file, _)) = (History::default(), EventFile::open(&state_dir));

    history.turn(Some(&event(1, "lost")), &mut file);
    history.turn(None, &mut file);
    assert!(history.disk().failure.is_some() && history.disk().lost == 1, "{:?}", history.disk());

    std::fs::create_dir(&state_dir).unwrap();
    history.turn(Some(&event(2, "written")), &mut file);
    assert_eq!(history.disk(), Disk { failure: None, lost: 1 });
}

#[test]
fn two_processes_of_a_takeover_know_what_the_other_one_tells_also_over_the_end_of_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let (before, next) = (open(folder.path()), open(folder.path()));
    let long = |at: u64| event(at, &format!("{at:04}{}", "x".repeat(LONGEST - 4)));
    let each = LARGEST_FILE / 2 / LONGEST as u64 + 50;
    for at in 0..each {
        // At most as many wait as the channel holds.
        wait_until("the disk takes it", || before.disk().lost == 0);
        before.add(long(2 * at));
        next.add(long(2 * at + 1));
        if at % 200 == 0 {
            let said =
                |history: &History| history.find(&Query { since: Some(2 * at), ..Query::default() }).events.len();
            wait_until("each knows both", || said(&before) >= 2 && said(&next) >= 2);
        }
    }
    before.close(LIMIT);
    let all = |history: &History| history.kept().count;
    wait_until("all is known", || all(&next) == 2 * each);
    next.close(LIMIT);

    assert!(folder.path().join("events.1.jsonl").is_file());
    let after = open(folder.path());
    let mut seen: Vec<u64> = after.kept().events.iter().map(|event| event.at).collect();
    seen.sort_unstable();
    assert_eq!(seen, (0..2 * each).collect::<Vec<_>>());
}

#[test]
fn whoever_asks_again_is_told_what_is_new_whatever_its_time() {
    let history = History::default();
    history.add(event(1_000_000, "from the future"));
    let first = history.find(&Query::default());
    history.add(event(5, "now"));

    let query = Query { after: Some(first.read), since: Some(500), ..Query::default() };
    let told = |history: &History| history.find(&query).events.into_iter().map(|event| event.words).collect::<Vec<_>>();

    assert_eq!(told(&history), ["now"]);
    // Another process has another count: it goes by the time.
    let restarted = History::default();
    restarted.add(event(400, "before"));
    restarted.add(event(600, "after"));
    assert_eq!(told(&restarted), ["after"]);
}

#[test]
fn events_that_the_disk_does_not_take_in_time_are_counted() {
    let history = History::default();
    let (writer, events) = sync_channel(1);
    history.kept().writer = Some(writer);
    history.add(event(1, "waits"));
    history.add(event(2, "does not fit"));
    assert_eq!((history.disk().lost, words(&history).len()), (1, 2));
    drop(events);
}

#[test]
fn a_file_that_has_grown_becomes_the_older_one_and_both_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let line = serde_json::to_string(&event(1, &"x".repeat(LONGEST))).unwrap() + "\n";
    let lines = usize::try_from(LARGEST_FILE).unwrap() / line.len() + 1;
    std::fs::write(folder.path().join("events.jsonl"), line.repeat(lines)).unwrap();
    let first = open(folder.path());
    first.add(event(2, "one more"));
    first.close(LIMIT);

    assert!(folder.path().join("events.1.jsonl").is_file());
    let second = open(folder.path());
    assert_eq!(second.find(&Query { since: Some(2), ..Query::default() }).events, [event(2, "one more")]);
    assert_eq!(second.find(&Query::default()).left_out, (lines + 1).saturating_sub(events::MOST));
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
