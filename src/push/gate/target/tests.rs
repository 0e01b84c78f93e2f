#![allow(clippy::unwrap_used)]

use std::fs;

use super::*;
use crate::push::ledger::Event;
use crate::push::ledger::tests::record;

/// A host that trusts the keys `a` and `b`, with a system in its store that trusts these.
fn host(trusted: &str) -> (tempfile::TempDir, HostPaths, std::path::PathBuf) {
    let root = tempfile::tempdir().unwrap();
    let paths = HostPaths::under(&fs::canonicalize(root.path()).unwrap());
    let system = paths.store.join("00000000000000000000000000000000-system");
    for (file, keys) in
        [(paths.signing_keys.clone(), "a:AA==\nb:BB==\n"), (system.join("etc/polder/signing-keys"), trusted)]
    {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, keys).unwrap();
    }
    (root, paths, system)
}

fn again(trusted: &str) -> Vec<String> {
    let (_root, paths, system) = host(trusted);
    keys_again(&paths, &system).unwrap_or_else(|_| panic!("the keys can be read"))
}

#[test]
fn a_key_that_the_fleet_has_stopped_naming_or_changed_is_told_by_its_name() {
    assert_eq!(again("b:BB==\na:AA==\n"), [""; 0]);
    assert_eq!(again("a:AA==\nold:CC==\n"), ["old"]);
    assert_eq!(again("a:ZZ==\n"), ["a"]);
}

#[test]
fn what_ran_here_is_what_the_ledger_confirms_and_what_it_came_from() {
    let (_root, paths, _) = host("");
    let add = |before: &str, system: &str, outcome| {
        let (record, words) = (record("p"), String::new());
        let event = Event::Activation { record, before: before.into(), system: system.into(), outcome, words };
        let entry = Entry { at: 1, from: "admin-nl".to_owned(), signed_by: None, event };
        Ledger::new(paths.ledger()).add(&entry).unwrap();
    };
    add("/s/a", "/s/b", Outcome::Confirmed);
    add("/s/b", "/s/c", Outcome::Reverted);
    for (system, ran) in [("/s/a", true), ("/s/b", true), ("/s/c", false), ("/s/d", false)] {
        assert_eq!(check_ran_here(&paths, Path::new(system)).is_ok(), ran, "{system}");
    }
}
