//! Requests to a host's gate: any line is one or is refused, no key of it is ever shown, nothing unsigned is an instruction, and of
//! what is signed each counter is taken once, in its time, by its host.

use std::path::Path;

use polder::push::gate::allowed;
use polder::push::protocol::manifest::{AcceptedManifests, Manifest, open};
use polder::push::protocol::signing::TrustedKeys;
use polder::push::protocol::upload::Header;
use polder::push::protocol::{Instruction, KeyChange, Question};
use serde::Serialize;
use serde::de::DeserializeOwned;

const HOST: &str = "px-nl";

/// A moment, in milliseconds since the epoch.
const NOW: u64 = 1_800_000_000_000;

/// One line; read as numbers, eight bytes each, it is also a row of counters and times.
pub fn check(line: &[u8]) {
    if let Ok(text) = std::str::from_utf8(line) {
        assert!(open(text, &TrustedKeys::default()).is_err(), "an instruction of nobody");
        for target in [allowed::may_look, allowed::may_tell] {
            assert!(!target(text) || text.starts_with('/') && !text.contains(char::is_control), "{text:?} is allowed");
        }
    }
    if let Some(header) = same_anew::<Header>(line) {
        assert!(header.check(Path::new("/nix/store"), &TrustedKeys::default()).is_err(), "an upload of nobody");
    }
    let _: Option<Question> = same_anew(line);
    if let Some(Manifest { instruction: Instruction::Key { change: change @ KeyChange::Add { .. }, .. }, .. }) =
        same_anew(line)
    {
        let KeyChange::Add { key } = &change else { return };
        assert!(key.0.len() < 12 || !format!("{change:?}").contains(&key.0), "a key is shown");
    }
    taken_once(line);
}

/// What is read; written and read once more it is the same.
fn same_anew<T: DeserializeOwned + Serialize>(line: &[u8]) -> Option<T> {
    let read: T = serde_json::from_slice(line).ok()?;
    let told = serde_json::to_value(&read).expect("it can be written");
    let again: T = serde_json::from_value(told.clone()).expect("what was written can be read");
    assert_eq!(serde_json::to_value(&again).expect("it can be written"), told, "written anew it is another one");
    Some(read)
}

/// Manifests come one after another, in whatever order; the clock goes as it likes.
fn taken_once(numbers: &[u8]) {
    let mut taken = AcceptedManifests::up_to(NOW - 1000);
    let mut counters = Vec::new();
    for row in numbers.chunks_exact(8) {
        let number = |at: usize| u64::from(u16::from_le_bytes([row[at], row[at + 1]]));
        // Mostly near now; now and then at the very end of what can be said.
        let counter = if row[6] == 0xff { u64::MAX - number(0) } else { NOW - 2000 + number(0) };
        let (expires, now) = (NOW + number(2) * 10, NOW + number(4) * 5);
        let host = if row[6] & 1 == 0 { HOST } else { "px-ch" };
        let instruction = Instruction::Unlock { token: String::new() };
        let manifest = Manifest { host: host.to_owned(), counter, expires, instruction };
        let before = taken.highest();
        let Ok(next) = taken.admit(&manifest, HOST, now) else { continue };
        assert_eq!(host, HOST, "signed for another host");
        assert!(now < expires, "its time was over");
        assert!(!counters.contains(&counter) && counter > NOW - 1000, "the counter {counter} was taken twice");
        assert!(next.highest() >= before.max(counter), "the highest counter goes back");
        counters.push(counter);
        // As it lies on the disk between two requests.
        let kept = serde_json::to_string(&next).expect("it can be written");
        taken = serde_json::from_str(&kept).expect("it can be read");
        assert_eq!(taken, next, "another one after a restart");
    }
}
