//! The names of header fields that do not go on (pure).

use crate::config::proxy::RemovedFields;

/// How the fields of a WebSocket's handshake begin, which no `Sec-*` means.
const OF_WEBSOCKETS: &[u8] = b"sec-websocket-";

/// The names, as programs may read them that make variables of fields: in small letters, and all punctuation alike. So `X_Real_IP` is
/// dropped with `X-Real-IP`.
#[derive(Debug, Default)]
pub struct Drops {
    /// The lengths that `names` have, a bit each: most fields are told apart by it.
    lengths: u64,
    names: Vec<Box<[u8]>>,
    fronts: Vec<Box<[u8]>>,
}

impl Drops {
    /// These too.
    pub fn add(&mut self, removed: &RemovedFields) {
        match removed {
            RemovedFields::Named(name) => self.add_name(name),
            RemovedFields::Beginning(front) => self.fronts.push(folded(front)),
        }
    }

    /// This one too.
    pub fn add_name(&mut self, name: &str) {
        self.lengths |= 1 << name.len().min(63);
        self.names.push(folded(name));
    }

    /// Whether a field of this name is one of them.
    pub fn have(&self, name: &[u8]) -> bool {
        let is_named = || self.names.iter().any(|known| known.len() == name.len() && begins(name, known));
        let is_begun = || self.fronts.iter().any(|front| begins(name, front)) && !begins(name, OF_WEBSOCKETS);
        self.lengths >> name.len().min(63) & 1 == 1 && is_named() || is_begun()
    }
}

fn begins(name: &[u8], front: &[u8]) -> bool {
    name.len() >= front.len() && name.iter().zip(front).all(|(byte, folded)| fold(*byte) == *folded)
}

fn folded(name: &str) -> Box<[u8]> {
    name.bytes().map(fold).collect()
}

fn fold(byte: u8) -> u8 {
    if byte.is_ascii_alphanumeric() { byte.to_ascii_lowercase() } else { b'-' }
}
