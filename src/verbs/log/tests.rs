use super::*;
use crate::push::ledger::Record;

fn record() -> Record {
    Record {
        push: "p1".to_owned(),
        kind: Kind::Push,
        who: "alice@admin-nl".to_owned(),
        revision: Some("r41".to_owned()),
        local_changes: vec!["hosts/a.nix".into(), "hosts/b.nix".into()],
        deferred: true,
        plan: "abc".to_owned(),
        skipped: Vec::new(),
    }
}

fn entry(at: u64, event: Event) -> Entry {
    Entry { at, from: "admin-nl".to_owned(), signed_by: None, event }
}

#[test]
fn entries_of_all_hosts_stand_in_order_of_time_and_tell_what_became_of_them() {
    let activation = Event::Activation {
        record: record(),
        before: "/nix/store/aaaaaaaaaaaa-nixos".into(),
        system: "/nix/store/bbbbbbbbbbbb-nixos".into(),
        outcome: Outcome::Reverted,
        words: "www answers 503".to_owned(),
    };
    let broken = Event::LockBroken {
        who: "bob@admin-ch".to_owned(),
        why: "she is asleep".to_owned(),
        holder: "alice@admin-nl".to_owned(),
        reason: "push".to_owned(),
    };
    let all = vec![
        ("px-ch".to_owned(), entry(2_000, activation)),
        ("ns-nl".to_owned(), entry(1_000, broken.clone())),
        ("ns-ch".to_owned(), entry(0, broken)),
    ];
    let text = anstream::adapter::strip_str(&table(&newest(all, 2))).to_string();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3, "{text}");
    assert!(
        lines[1].contains("ns-nl") && lines[1].contains("she is asleep; it was held by alice@admin-nl: push"),
        "{text}"
    );
    for told in
        ["px-ch", "alice@admin-nl from admin-nl", "r41 +2, deferred", "abc", "aaaaaaaa -> bbbbbbbb", "www answers 503"]
    {
        assert!(lines[2].contains(told), "{told} in {text}");
    }
}

#[test]
fn what_is_kept_in_a_ledger_steers_no_terminal_and_forges_no_line() {
    let hostile = "asleep\r\n2026-01-01 forged\u{1b}[1A\u{1b}[2K\u{202e}desrever\u{2066}\u{200b}\u{9b}31m";
    let broken = Event::LockBroken {
        who: hostile.to_owned(),
        why: hostile.to_owned(),
        holder: hostile.to_owned(),
        reason: hostile.to_owned(),
    };
    let activation = Event::Activation {
        record: Record { who: hostile.to_owned(), revision: Some(hostile.to_owned()), ..record() },
        before: hostile.into(),
        system: hostile.into(),
        outcome: Outcome::Stuck,
        words: hostile.to_owned(),
    };
    let rows =
        [broken, activation].map(|event| (hostile.to_owned(), Entry { from: hostile.to_owned(), ..entry(0, event) }));
    let shown = super::super::output::fit(&table(&rows));
    let text = anstream::adapter::strip_str(&shown).to_string();
    assert_eq!(text.lines().count(), 3, "{text:?}");
    assert!(!text.replace('\n', "").contains(crate::printable::is_hidden), "{text:?}");
    assert!(text.contains("asleep\\r\\n2026-01-01 forged\\u{1b}[1A"), "{text:?}");
}
