#![allow(clippy::unwrap_used)]

use super::*;

fn names(set: BTreeSet<String>) -> Vec<String> {
    set.into_iter().collect()
}

#[test]
fn only_a_worker_that_did_not_tick_is_silent() {
    let ticks = Ticks::default();
    let (one, two) = (ticks.worker("one"), ticks.worker("two"));
    one.tick();
    let before = ticks.counts();
    one.tick();
    assert_eq!(names(silent(&before, &ticks.counts())), ["two"]);
    two.tick();
    assert!(silent(&before, &ticks.counts()).is_empty());
}

#[test]
fn a_worker_is_not_silent_before_it_had_a_whole_interval() {
    let ticks = Ticks::default();
    let before = ticks.counts();
    let _new = ticks.worker("new");
    assert!(silent(&before, &ticks.counts()).is_empty());
}

#[test]
fn a_worker_that_ended_is_forgotten_with_the_last_clone_of_its_tick() {
    let ticks = Ticks::default();
    let tick = ticks.worker("short");
    let clone = tick.clone();
    let before = ticks.counts();
    drop(tick);
    assert_eq!(names(silent(&before, &ticks.counts())), ["short"]);
    drop(clone);
    assert!(silent(&before, &ticks.counts()).is_empty());
}

#[test]
fn workers_of_one_name_are_told_apart() {
    let ticks = Ticks::default();
    let (_one, two) = (ticks.worker("udp"), ticks.worker("udp"));
    let before = ticks.counts();
    two.tick();
    assert_eq!(names(silent(&before, &ticks.counts())), ["udp"]);
}

#[tokio::test]
async fn the_watchdog_is_not_fed_while_a_worker_is_silent_and_again_when_it_has_ended() {
    let ticks = Ticks::default();
    let silent = ticks.worker("silent");
    let (sender, mut pings) = tokio::sync::mpsc::unbounded_channel();
    let feeding = tokio::spawn(ticks.feed_each(Duration::from_millis(5), move || {
        let _ = sender.send(());
    }));
    let limit = Duration::from_secs(60);

    assert_eq!(tokio::time::timeout(limit, pings.recv()).await, Ok(Some(())), "at the start");
    assert!(tokio::time::timeout(Duration::from_millis(50), pings.recv()).await.is_err());
    drop(silent);
    assert_eq!(tokio::time::timeout(limit, pings.recv()).await, Ok(Some(())));
    feeding.abort();
}
