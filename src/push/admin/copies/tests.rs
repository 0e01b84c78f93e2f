#![allow(clippy::unwrap_used)]
use super::*;
use crate::push::ledger::Event;

#[test]
fn a_copy_has_each_entry_once_in_order_of_time() {
    let folder = tempfile::tempdir().unwrap();
    let entry = |at| {
        let event = Event::KeyPut { who: "a".to_owned(), name: "peers".to_owned(), fingerprints: Vec::new() };
        Entry { at, from: "admin-nl".to_owned(), signed_by: None, event }
    };
    keep(folder.path(), "px-nl", &[entry(2), entry(3)]).unwrap();
    keep(folder.path(), "px-nl", &[entry(1), entry(2)]).unwrap();
    keep(folder.path(), "px-nl", &[]).unwrap();
    let kept: Vec<u64> = of_host(folder.path(), "px-nl").entries().unwrap().iter().map(|one| one.at).collect();
    assert_eq!(kept, [1, 2, 3]);
}

#[test]
fn many_entries_travel_in_requests_that_the_gate_takes() {
    let entry = |at| {
        let event = Event::LockBroken {
            who: "a".to_owned(),
            why: "\"".repeat(1000),
            holder: String::new(),
            reason: String::new(),
        };
        Entry { at, from: "admin-nl".to_owned(), signed_by: None, event }
    };
    let news = BTreeMap::from([("px-nl".to_owned(), (0..1000).map(entry).collect::<Vec<_>>())]);
    let pieces = pieces(news);
    assert!(pieces.len() > 1);
    assert_eq!(pieces.iter().flat_map(BTreeMap::values).map(Vec::len).sum::<usize>(), 1000);
    for ledgers in pieces {
        // As it stands in a manifest.
        assert!(json!(Instruction::Copies { ledgers }).to_string().len() < REQUEST_BYTES - 1024);
    }
    assert!(super::pieces(BTreeMap::new()).is_empty());
}

#[test]
fn a_line_of_a_later_release_stays_and_one_that_was_cut_short_goes() {
    let folder = tempfile::tempdir().unwrap();
    let later = r#"{"at":5,"event":"of-a-later-release"}"#;
    std::fs::write(folder.path().join("px-nl.jsonl"), format!("{later}\n{{\"at\":")).unwrap();
    let event = Event::KeyPut { who: "a".to_owned(), name: "peers".to_owned(), fingerprints: Vec::new() };
    keep(folder.path(), "px-nl", &[Entry { at: 4, from: "admin-nl".to_owned(), signed_by: None, event }]).unwrap();
    let text = std::fs::read_to_string(folder.path().join("px-nl.jsonl")).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!((lines.len(), lines[1]), (2, later), "{text}");
}
