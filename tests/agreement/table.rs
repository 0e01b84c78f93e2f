//! What visitors see of cut links, in a table: with etcd no two backends of the shop ever answer at once, whatever is cut; with peers alone a false
//! alarm moves nobody.
//!
//! Each row is played on a network of its own, some side by side. `LONG=1`: faults last as long as in docs/agreement.md, and rows
//! for which peers alone promise nothing are played with them too, to see what etcd is for. `ONLY=words` plays the rows with these words.

mod rows;

use std::time::Duration;

use rows::{Outcome, ROWS, Row, Times};

use crate::world::Engine;
use crate::{LEASE, play_all};

fn plays(is_long: bool) -> Vec<(&'static Row, Engine)> {
    let only = std::env::var("ONLY").unwrap_or_default();
    let rows = || ROWS.iter().filter(|row| row.what.contains(&only));
    let peers = rows().filter(|row| is_long || row.rests_with_peers_alone).map(|row| (row, Engine::Peers));
    rows().map(|row| (row, Engine::Etcd(LEASE))).chain(peers).collect()
}

/// Whether it is not as promised.
fn is_broken(row: &Row, engine: Engine, outcome: &Outcome) -> bool {
    let (served, moves) = row.ends;
    let ends_well = outcome.served == served && outcome.moves == moves;
    match engine {
        Engine::Etcd(_) => !ends_well || outcome.split > Duration::ZERO || outcome.by_the_losing_side > 0,
        Engine::Peers => row.rests_with_peers_alone && !ends_well,
    }
}

#[test]
#[ignore = "needs etcd and root: see CONTRIBUTING.md"]
fn whatever_is_cut_no_two_backends_answer_at_once_and_a_false_alarm_moves_nobody() {
    let is_long = std::env::var("LONG").is_ok();
    let times = match is_long {
        true => Times {
            partition: Duration::from_secs(60),
            asymmetry: Duration::from_secs(75),
            pause: Duration::from_secs(16),
        },
        false => Times {
            partition: Duration::from_secs(15),
            asymmetry: Duration::from_secs(20),
            pause: Duration::from_secs(6),
        },
    };
    let plays = plays(is_long);
    let outcomes = play_all(&plays, |(row, engine)| rows::play(row, *engine, &times));
    println!("| what happens | by | split | answered by the losing side | moves | requests | failed |");
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    let mut all_kept = true;
    for ((row, engine), outcome) in plays.iter().zip(&outcomes) {
        let by = if *engine == Engine::Etcd(LEASE) { "etcd" } else { "peers" };
        let Some(outcome) = outcome else {
            println!("| {} | {by} | FAILED | | | | |", row.what);
            all_kept = false;
            continue;
        };
        let mark = if is_broken(row, *engine, outcome) { " BROKEN" } else { "" };
        all_kept &= mark.is_empty();
        let (split, Outcome { by_the_losing_side, moves, requests, failed, .. }) =
            (outcome.split.as_secs_f64(), outcome);
        println!(
            "| {} | {by} | {split:.1} s | {by_the_losing_side} | {moves} | {requests} | {failed} |{mark}",
            row.what
        );
    }
    assert!(all_kept, "a row is not as it is promised: {outcomes:#?}");
}
