//! What visitors see when members of etcd fail, one way after the other: of a stateless service, of one that keeps and of one that stops
//! without etcd.
//!
//! Each row is played on a network of its own, some side by side. `ONLY=words` plays the rows with these words.

mod rows;

use std::time::Duration;

use polder::demo::addresses::PROXIES;
use rows::{Outcome, ROWS, Row, Stops};

use crate::play_all;

/// As the document has it that says nothing of it.
const LEASE: Duration = Duration::from_secs(5);

/// Members that are this busy elect no leader in the time that they are meant to (one second, or two), and leases run out meanwhile: what proxies
/// do then is not judged here.
const LONG_SILENCE: Duration = Duration::from_millis(2500);

fn is_broken(row: &Row, outcome: &Outcome) -> bool {
    let failed = outcome.stop.failed;
    let stops = match row.stops {
        Stops::Yes => failed == 0,
        Stops::AMoment => failed > PROXIES && outcome.silence < LONG_SILENCE,
        Stops::No => failed > 0 && outcome.silence < LONG_SILENCE,
    };
    let all = [&outcome.stateless, &outcome.keep, &outcome.stop];
    let is_split = [&outcome.keep, &outcome.stop].iter().any(|seen| seen.split > Duration::ZERO);
    stops || is_split || outcome.stateless.failed + outcome.keep.failed > 0 || all.iter().any(|seen| seen.requests == 0)
}

#[test]
#[ignore = "needs etcd and root: see CONTRIBUTING.md"]
fn members_of_etcd_that_fail_are_missed_by_no_visitor_but_of_a_service_that_stops_when_all_are_gone() {
    let only = std::env::var("ONLY").unwrap_or_default();
    let rows: Vec<&Row> = ROWS.iter().filter(|row| row.what.contains(&only)).collect();
    let outcomes = play_all(&rows, |row| rows::play(row, LEASE));
    println!(
        "| what happens to etcd | requests of each | stateless, failed | `keep`, failed | `stop`, failed | `stop`, 503 for | etcd silent for |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    let mut all_kept = true;
    for (row, outcome) in rows.iter().zip(&outcomes) {
        let Some(outcome) = outcome else {
            println!("| {} | FAILED | | | | | |", row.what);
            all_kept = false;
            continue;
        };
        let Outcome { stateless, keep, stop, silence } = outcome;
        let mark = if is_broken(row, outcome) { " BROKEN" } else { "" };
        all_kept &= mark.is_empty();
        println!(
            "| {} | {} | {} | {} | {} | {:.1} s | {:.1} s |{mark}",
            row.what,
            stop.requests,
            stateless.failed,
            keep.failed,
            stop.failed,
            stop.outage.as_secs_f64(),
            silence.as_secs_f64()
        );
    }
    assert!(all_kept, "a row is not as it is promised: {outcomes:#?}");
}
