//! Letters of peers: any bytes are a letter or are refused, and it does not matter whose letter is read first.

use polder::daemon::operator::OperatorStates;
use polder::daemon::peers::read_message;
use polder::proxy::control::peer_state::PeerState;
use polder::proxy::latch::Now;
use polder::proxy::latch::latches::{Latches, Record, StoredLatches};

/// Two letters, a line each.
pub fn check(letters: &[u8]) {
    let mut letters = letters.splitn(2, |byte| *byte == b'\n');
    let one = letters.next().and_then(words);
    let two = letters.next().and_then(words);
    let (Some(one), Some(two)) = (one, two) else { return };
    let forward = merged(&[&one, &two]);
    assert_eq!(forward, merged(&[&two, &one]), "it matters who speaks first");
    assert_eq!(forward, merged(&[&one, &two, &one, &two]), "it matters how often it is said");
}

/// What a proxy makes of a letter.
fn words(letter: &[u8]) -> Option<PeerState> {
    let value = read_message(letter).ok()?;
    let mut words = PeerState::read(&value, None).ok()?;
    let own = StoredLatches::Whole(Record { latches: words.latches.clone(), ..Record::default() });
    words.compare(&Latches::restore(own), Now::default());
    assert!(words.differing(Now::default()).is_empty(), "it differs from itself");
    Some(words)
}

fn merged(letters: &[&PeerState]) -> (OperatorStates, Record) {
    let mut operator = OperatorStates::default();
    let mut latches = Latches::restore(StoredLatches::Missing);
    for words in letters {
        operator.merge(&words.operator, 0);
        latches.merge_peers(&words.latches);
    }
    // When a note ends is each daemon's own to say, by its own clock.
    operator.0.values_mut().for_each(|note| note.until = None);
    (operator, latches.upcoming())
}
