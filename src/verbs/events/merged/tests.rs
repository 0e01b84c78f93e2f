use super::*;

fn event(at: u64, words: &str) -> Event {
    Event {
        at,
        level: Level::Warning,
        kind: Kind::Check,
        subjects: vec!["shop/shop2".to_owned()],
        words: words.to_owned(),
    }
}

fn told(events: &[(&str, u64, &str)]) -> Vec<(u64, String, String)> {
    let events = events.iter().map(|(daemon, at, words)| ((*daemon).to_owned(), event(*at, words))).collect();
    merged(events).into_iter().map(|told| (told.at, told.daemons.join(" "), told.words)).collect()
}

#[test]
fn what_two_daemons_see_within_moments_is_told_once() {
    let seen = told(&[("px-2", 1_400, "down"), ("px-1", 1_000, "down"), ("px-3", 1_200, "other")]);
    assert_eq!(seen, [(1_000, "px-1 px-2".into(), "down".into()), (1_200, "px-3".into(), "other".into())]);
}

#[test]
fn what_a_daemon_tells_stays_in_its_order() {
    let in_words = |events: &[(&str, u64, &str)]| -> Vec<String> {
        told(events).into_iter().map(|(_, daemons, words)| format!("{daemons} {words}")).collect()
    };
    let (starting, started) = ("starting", "started");
    assert_eq!(
        in_words(&[
            ("px-1", 1_000, starting),
            ("px-1", 2_000, started),
            ("px-2", 2_500, starting),
            ("px-2", 3_000, started)
        ]),
        ["px-1 px-2 starting", "px-1 px-2 started"]
    );
    assert_eq!(
        in_words(&[("px-1", 1_000, started), ("px-2", 2_500, starting), ("px-2", 3_000, started)]),
        ["px-1 started", "px-2 starting", "px-2 started"]
    );
}

#[test]
fn what_happens_again_is_told_again() {
    let seen = told(&[("px-1", 1_000, "down"), ("px-1", 2_000, "down"), ("px-2", 20_000, "down")]);
    assert_eq!(seen.iter().map(|(at, ..)| *at).collect::<Vec<_>>(), [1_000, 2_000, 20_000]);
}

#[test]
fn how_long_a_probe_took_makes_no_difference() {
    let seen = told(&[("px-1", 1_000, "down -> up: 200 in 3 ms"), ("px-2", 1_100, "down -> up: 200 in 17 ms")]);
    assert_eq!(seen, [(1_000, "px-1 px-2".into(), "down -> up: 200 in 3 ms".into())]);
    for words in ["up", "500 in 3 s", "in x ms", "ms"] {
        assert_eq!(untimed(words), words);
    }
}

#[test]
fn a_step_that_proxies_made_each_by_itself_is_told_once() {
    let step = |by: &str| format!("shop: shop1 -> shop2 (epoch 2, by {by}): connection refused");
    let (one, other) = (step("px-1"), step("px-2"));
    let seen = told(&[("px-1", 1_000, &one), ("px-2", 1_300, &other)]);
    assert_eq!(seen, [(1_000, "px-1 px-2".into(), "shop: shop1 -> shop2 (epoch 2): connection refused".into())]);
    let same = told(&[("px-1", 1_000, &one), ("px-2", 1_300, &one)]);
    assert_eq!(same, [(1_000, "px-1 px-2".into(), one)]);
    let later = "shop: shop2 -> shop1 (epoch 3, by px-2): failed back";
    assert_eq!(told(&[("px-1", 1_000, &other), ("px-2", 1_300, later)]).len(), 2);
}
