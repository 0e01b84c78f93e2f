//! What pools are answered with at first is signed when it is wanted: at a start, and after a reload that changes keys or records.

use std::time::{Duration, UNIX_EPOCH};

use super::*;
use crate::daemon::clock::Now;
use crate::daemon::state_file::StateFile;
use crate::dns::control::{Event, Saved, State};
use crate::dnssec::{Algorithm, Role, Times, make};
use crate::health::{HealthView, TargetHealth, Verdict};
use crate::zone::number::rtype;

/// The pool's name and its aliases.
const NAMES: u64 = 41;

fn now() -> Now {
    Now { running: Duration::from_secs(60), unix_ms: unix_time::unix_ms() }
}

/// A folder with a signed zone and a pool of three members that has many names in it.
fn folder() -> Folder {
    let mut folder = Folder::new();
    let aliases: Vec<String> = (1..NAMES).map(|n| format!("a{n}.two.test")).collect();
    folder.document["pools"]["pool.two.test"]["aliases"] = json!(aliases);
    folder.document["zones"]["two.test"]["dnssec"] = json!({ "keys": folder.folder.path().join("keys") });
    for n in 1..=3 {
        add_member(&mut folder, n);
    }
    fs::create_dir(folder.folder.path().join("keys")).unwrap();
    make_key(&folder);
    folder.write("dns.json", &folder.document.to_string());
    folder
}

fn add_member(folder: &mut Folder, n: u8) {
    let name = ["a", "b", "c", "d"][usize::from(n) - 1];
    folder.document["pools"]["pool.two.test"]["members"][name] = json!({ "addresses": [format!("192.0.2.{n}")] });
}

/// The one key that signs, instead of those that were there.
fn make_key(folder: &Folder) {
    let keys = folder.folder.path().join("keys");
    for file in fs::read_dir(&keys).unwrap() {
        fs::remove_file(file.unwrap().path()).unwrap();
    }
    let apex = name::from_text("two.test").unwrap();
    let made = make(&apex, Role::Ksk, Algorithm::Ed25519, Times::default(), &[]).unwrap();
    made.write(&keys).unwrap();
}

/// What checks say of members, in the order of their names.
fn health(document: &Prepared, down: &[&str]) -> Event {
    let of = |users: &[String]| TargetHealth {
        verdict: if down.iter().any(|down| users[0].ends_with(down)) { Verdict::Down } else { Verdict::Up },
        health: 0,
        reason: "a test".into(),
        since: UNIX_EPOCH,
        probed: None,
        changes: 0,
        hearsay: false,
        proof: Default::default(),
        before: None,
    };
    let view: HealthView = document.targets().into_iter().map(|(target, users)| (target, of(&users))).collect();
    Event::Health(Arc::new(view))
}

/// A nameserver that has just begun to answer, with these members down.
fn answering(folder: &Folder, down: &[&str]) -> State {
    let document = Arc::new(folder.start());
    let mut state = State::new(Arc::clone(&document), Saved::default());
    state.on_event(health(&document, down), now());
    state.on_event(Event::Ready, now());
    state
}

fn reload(state: &mut State, folder: &Folder, down: &[&str]) {
    let parsed = Prepared::parse_again(&folder.path(), state.document()).unwrap();
    let document = Arc::new(Prepared::with_keys(parsed).unwrap().0);
    state.on_event(health(&document, down), now());
    state.on_event(Event::Reloaded(document), now());
}

/// How many sets were signed late; all that is answered is signed.
fn late(state: &State) -> u64 {
    let snapshot = state.snapshot();
    let zone = snapshot.zones.get(&name::from_text("two.test").unwrap()).unwrap();
    assert_eq!(zone.pool_names().count() as u64, NAMES);
    for (pool, node) in zone.pool_names() {
        let answer = snapshot.pool(pool);
        assert!(answer.denial(node, None).is_some_and(|denial| !denial.signatures.is_empty()));
        assert!(answer.set(node, None, rtype::A).is_none_or(|set| !set.signatures.is_empty()));
    }
    state.signed_pools.waited_for()
}

#[test]
fn nothing_is_late_at_a_start_with_everybody_up_or_nobody_or_as_the_process_before_left_it() {
    let folder = folder();
    assert_eq!(late(&answering(&folder, &[])), 0);
    assert_eq!(late(&answering(&folder, &["a", "b", "c"])), 0);
    // Nobody could know that; the types of each name are those that it has with everybody up.
    let before = answering(&folder, &["b"]);
    assert_eq!(late(&before), NAMES);
    StateFile::new(folder.folder.path(), "health").write(&before.health_to_save(now())).unwrap();
    assert_eq!(late(&answering(&folder, &["b"])), 0);
    assert_eq!(late(&answering(&folder, &["c"])), NAMES);
}

#[test]
fn nothing_is_late_after_a_reload_that_changes_keys_or_members_but_what_changes_while_it_is_read() {
    let mut folder = folder();
    let mut state = answering(&folder, &["b"]);
    let at_first = late(&state);
    make_key(&folder);
    reload(&mut state, &folder, &["b"]);
    assert_eq!(late(&state), at_first, "another key signs");
    add_member(&mut folder, 4);
    folder.write("dns.json", &folder.document.to_string());
    reload(&mut state, &folder, &["b"]);
    assert_eq!(late(&state), at_first, "a member came");
    folder.document["pools"]["pool.two.test"]["ttl"] = json!(77);
    folder.write("dns.json", &folder.document.to_string());
    reload(&mut state, &folder, &["b"]);
    assert_eq!(late(&state), at_first, "the TTL is another one");
    make_key(&folder);
    reload(&mut state, &folder, &["b", "c"]);
    assert_eq!(
        late(&state),
        at_first + 2 * NAMES,
        "a member falls after the document was read: signed by the old key, and by the new one"
    );
}
