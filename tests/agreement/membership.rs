//! `polder agreement`, on real members: one that has lost its disk is replaced, others join and leave, and all are restored.

use std::path::Path;
use std::process::{Command, Output};

use crate::cluster::Cluster;
use crate::programs;

/// `polder agreement` with these words, on the host of a member.
fn agreement(cluster: &Cluster, member: usize, words: &[&str]) -> Output {
    let mut command = Command::new(&programs().polder);
    command.arg("agreement").args(words).arg("--document").arg(cluster.write_document(member)).env("COLUMNS", "1000");
    command.output().unwrap()
}

/// What it said, which must have ended so.
#[track_caller]
fn said(output: &Output, exit: i32) -> String {
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(exit), "{said}");
    said
}

#[track_caller]
fn assert_says(output: &Output, exit: i32, words: &[&str]) {
    let said = said(output, exit);
    for words in words {
        assert!(said.contains(words), "{words:?} is not in:\n{said}");
    }
}

#[test]
#[ignore = "needs etcd: see CONTRIBUTING.md"]
fn a_member_that_has_lost_its_disk_gets_its_place_back_step_by_step_and_one_that_lives_is_left_alone() {
    let mut cluster = Cluster::start(3);
    assert_says(&agreement(&cluster, 0, &["members"]), 0, &["leads", "follows", "3.4"]);
    assert_says(&agreement(&cluster, 0, &["replace", "etcd-3"]), 0, &["etcd-3 is a member, has a vote and answers"]);
    cluster.kill(2);
    cluster.wait_until_it_answers();
    let gone = agreement(&cluster, 0, &["members"]);
    assert_says(&gone, 1, &["2 of 3 members of etcd answer", "`polder agreement replace etcd-3` on another member"]);
    assert_says(&agreement(&cluster, 0, &["join", "etcd-3"]), 1, &["is a member and does not answer; start it there"]);
    assert_says(
        &agreement(&cluster, 0, &["replace", "etcd-3", "--dry-run"]),
        0,
        &["would come: take etcd-3", "would come: give etcd-3 its vote", "Nothing has changed"],
    );
    assert_says(&agreement(&cluster, 0, &["members"]), 1, &["etcd-3  silent"]);

    cluster.wipe(2);
    let taken_in = agreement(&cluster, 1, &["replace", "etcd-3"]);
    assert_says(&taken_in, 1, &["done: take etcd-3", "without a vote", "has to start without old data"]);
    let again = agreement(&cluster, 0, &["replace", "etcd-3"]);
    assert!(!said(&again, 1).contains("done:"), "what is done is not done twice: {again:?}");
    cluster.run(2);
    assert_says(&agreement(&cluster, 0, &["replace", "etcd-3", "--wait"]), 0, &["done: give etcd-3 its vote"]);
    assert_says(&agreement(&cluster, 2, &["replace", "etcd-3"]), 0, &["etcd-3 is a member, has a vote and answers"]);
    assert_says(&agreement(&cluster, 0, &["members"]), 0, &["etcd-3  "]);
}

#[test]
#[ignore = "needs etcd: see CONTRIBUTING.md"]
fn members_join_one_after_the_other_leave_and_nothing_is_changed_without_a_majority() {
    let mut cluster = Cluster::start(3);
    cluster.extend();
    cluster.extend();
    assert_says(
        &agreement(&cluster, 0, &["join", "etcd-9"]),
        1,
        &["\"etcd-9\" is not among the members of the document"],
    );
    assert_says(&agreement(&cluster, 0, &["join", "etcd-4"]), 1, &["etcd-4 has been taken in, and has to start"]);
    assert_says(&agreement(&cluster, 0, &["join", "etcd-5"]), 1, &["members join one after the other"]);
    // It was named and never started: out again, and in again.
    let learner = agreement(&cluster, 0, &["join", "etcd-5"]);
    let learner = said(&learner, 1);
    let url = learner.split_whitespace().find(|word| word.starts_with("http://")).unwrap().to_owned();
    assert_says(&agreement(&cluster, 0, &["remove", &url]), 0, &["done: take", "is no member"]);
    assert_says(&agreement(&cluster, 0, &["join", "etcd-4"]), 1, &["etcd-4 has been taken in, and has to start"]);
    let limit = agreement(&cluster, 0, &["join", "etcd-4", "--wait", "--wait-limit", "1s"]);
    assert_says(&limit, 4, &["run this again to go on"]);
    cluster.shrink();
    cluster.run(3);
    assert_says(&agreement(&cluster, 0, &["join", "etcd-4", "--wait"]), 0, &["done: give etcd-4 its vote"]);
    assert_says(&agreement(&cluster, 0, &["members"]), 0, &["etcd-4  "]);
    assert_says(&agreement(&cluster, 0, &["remove", "etcd-4", "--dry-run"]), 0, &["would come: take etcd-4"]);
    assert_says(&agreement(&cluster, 0, &["remove", "etcd-4"]), 0, &["done: take etcd-4", "etcd-4 is no member"]);
    assert_says(&agreement(&cluster, 0, &["remove", "etcd-4"]), 0, &["etcd-4 is no member"]);
    cluster.shrink();

    cluster.kill(2);
    cluster.wait_until_it_answers();
    assert_says(&agreement(&cluster, 0, &["remove", "etcd-2"]), 1, &["without etcd-2, 1 of 2 members would answer"]);
    cluster.kill(1);
    for words in [["remove", "etcd-3"], ["replace", "etcd-3"], ["join", "etcd-3"]] {
        let refused = said(&agreement(&cluster, 0, &words), 1);
        assert!(refused.contains("members of etcd answer and hear a leader, and 2 are needed"), "{words:?}: {refused}");
    }
}

#[test]
#[ignore = "needs etcd: see CONTRIBUTING.md"]
fn all_members_are_restored_from_a_snapshot_that_is_checked_and_no_data_are_overwritten() {
    let mut cluster = Cluster::start(3);
    cluster.set("latch", "before");
    let snapshot = cluster.file("snapshot.db");
    let file = snapshot.to_str().unwrap();
    let saved = said(&agreement(&cluster, 0, &["snapshot", file]), 0);
    assert!(saved.contains("hash ") && saved.contains("revision 2"), "{saved}");
    assert_says(&agreement(&cluster, 0, &["snapshot", file]), 1, &["it exists already"]);
    cluster.set("latch", "later");
    let number = cluster.number();

    assert_says(&agreement(&cluster, 0, &["restore", file]), 1, &["etcd is there: ", "nothing has to be restored"]);
    cluster.kill(1);
    cluster.kill(2);
    let until = std::time::Instant::now();
    // The one that is left needs a moment to see that it is alone.
    while said_any(&agreement(&cluster, 1, &["restore", file])).contains("etcd is there") {
        assert!(until.elapsed() < crate::LIMIT, "it still leads");
    }
    assert_says(&agreement(&cluster, 1, &["restore", file]), 1, &["etcd runs on etcd-1; stop it there first"]);
    cluster.kill(0);
    assert_says(&agreement(&cluster, 1, &["restore", file]), 1, &["there are data already", "--set-aside"]);
    for (name, content) in [("empty.db", &b""[..]), ("words.db", b"no snapshot at all, however long it is")] {
        let wrong = cluster.file(name);
        std::fs::write(&wrong, content).unwrap();
        assert_says(
            &agreement(&cluster, 1, &["restore", wrong.to_str().unwrap()]),
            3,
            &["this is no snapshot of etcd"],
        );
    }
    let damaged = damaged(&snapshot);
    let refused = agreement(&cluster, 1, &["restore", damaged.to_str().unwrap(), "--set-aside"]);
    assert_says(&refused, 3, &["fails"]);
    assert!(cluster.folder_of(1).join("member/wal").is_dir(), "what was there is there");

    assert_says(&agreement(&cluster, 0, &["restore", file, "--set-aside", "--dry-run"]), 0, &["would be restored"]);
    for member in 0..3 {
        let words = ["next: the same on ", "hash ", "when all are restored, start them all"];
        assert_says(&agreement(&cluster, member, &["restore", file, "--set-aside"]), 0, &words);
        let kept = std::fs::read_dir(cluster.folder_of(member)).unwrap();
        let kept =
            kept.filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with("member.before-"));
        assert_eq!(kept.count(), 1, "what was there is kept");
    }
    assert_says(&agreement(&cluster, 0, &["restore", file]), 1, &["if this member has been restored already"]);
    (0..3).for_each(|member| cluster.run(member));
    cluster.wait_until_it_answers();
    assert_eq!(cluster.get("latch"), "before");
    assert_ne!(cluster.number(), number, "proxies see by it that the store was restored");
    assert_says(&agreement(&cluster, 0, &["members"]), 0, &["leads"]);
}

fn said_any(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A copy with a byte changed in its middle.
fn damaged(snapshot: &Path) -> std::path::PathBuf {
    let mut bytes = std::fs::read(snapshot).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    let damaged = snapshot.with_extension("damaged");
    std::fs::write(&damaged, bytes).unwrap();
    damaged
}
