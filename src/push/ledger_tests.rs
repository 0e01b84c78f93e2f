#![allow(clippy::unwrap_used)]

use super::*;

fn entry(at: u64) -> Entry {
    Entry {
        at,
        from: "admin-nl".to_owned(),
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
