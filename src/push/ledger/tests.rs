#![allow(clippy::unwrap_used)]

use super::*;

/// A push of this name.
pub(crate) fn record(push: &str) -> Record {
    Record {
        push: push.to_owned(),
        kind: Kind::Push,
        who: "alice@admin-nl".to_owned(),
        revision: None,
        local_changes: Vec::new(),
        deferred: false,
        plan: String::new(),
        skipped: Vec::new(),
    }
}

fn entry(at: u64) -> Entry {
    Entry {
        at,
        from: "admin-nl".to_owned(),
        signed_by: None,
        event: Event::LockBroken {
            who: "alice@admin-nl".to_owned(),
            why: "they are asleep".to_owned(),
            holder: "bob@admin-ch".to_owned(),
            reason: "push".to_owned(),
        },
    }
}

#[test]
fn what_was_added_is_read_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::new(dir.path().join("below/ledger.jsonl"));
    assert_eq!(ledger.entries().unwrap(), []);
    for at in 1..=3 {
        ledger.add(&entry(at)).unwrap();
    }
    assert_eq!(ledger.last(2).unwrap(), [entry(2), entry(3)]);
}

#[test]
fn a_line_that_was_cut_short_is_passed_over_and_takes_no_other_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::new(dir.path().join("ledger.jsonl"));
    ledger.add(&entry(1)).unwrap();
    let whole = fs::read_to_string(ledger.file()).unwrap();
    fs::write(ledger.file(), format!("{whole}{}", &whole[..20])).unwrap();
    ledger.add(&entry(2)).unwrap();
    assert_eq!(ledger.entries().unwrap(), [entry(1), entry(2)]);
}

#[test]
fn each_line_names_the_one_before_it_and_what_is_changed_or_taken_out_shows() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::new(dir.path().join("ledger.jsonl"));
    assert_eq!(ledger.broken_at().unwrap(), None);
    for at in 1..=3 {
        ledger.add(&entry(at)).unwrap();
    }
    assert_eq!(ledger.broken_at().unwrap(), None);
    let whole = fs::read_to_string(ledger.file()).unwrap();
    let lines: Vec<&str> = whole.lines().collect();
    for forged in [
        format!("{}\n{}\n", lines[0], lines[2]),
        whole.replacen("they are asleep", "nobody was here", 1),
        format!("{whole}{}\n", lines[0]),
    ] {
        fs::write(ledger.file(), forged).unwrap();
        assert!(ledger.broken_at().unwrap().is_some());
    }
}

#[test]
fn a_ledger_that_has_grown_is_laid_aside_and_stays_one_chain_of_bounded_length() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::new(dir.path().join("ledger.jsonl"));
    let long = |at| {
        let Event::LockBroken { who, holder, reason, .. } = entry(at).event else { unreachable!() };
        let why = "x".repeat(FILE_BYTES as usize / 2);
        Entry { event: Event::LockBroken { who, why, holder, reason }, ..entry(at) }
    };
    for at in 1..=20 {
        ledger.add(&long(at)).unwrap();
    }
    let kept: Vec<u64> = ledger.entries().unwrap().iter().map(|entry| entry.at).collect();
    assert_eq!(kept.last(), Some(&20));
    assert!((KEPT_FILES * 2..=KEPT_FILES * 2 + 2).contains(&kept.len()), "{kept:?}");
    assert!(kept.is_sorted());
    assert_eq!(ledger.broken_at().unwrap(), None);
    assert!(fs::read_dir(dir.path()).unwrap().count() <= KEPT_FILES + 2);
}
