//! What the keys of the store are called.

use std::fmt;

/// Before every key of ours. The version is of the form of what is stored.
pub const PREFIX: &str = "/polder/1/";

/// A key of the store.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// The latch of a service.
    Latch(String),
    /// The seat of a proxy.
    Seat(String),
}

impl Key {
    /// Reads it; none: it is not one of ours.
    pub fn read(text: &str) -> Option<Key> {
        let (kind, name) = text.strip_prefix(PREFIX)?.split_once('/')?;
        match kind {
            "latches" => Some(Key::Latch(name.to_owned())),
            "seats" => Some(Key::Seat(name.to_owned())),
            _ => None,
        }
    }

    /// Whether it is that of this service's latch.
    pub fn is_latch_of(&self, service: &str) -> bool {
        matches!(self, Key::Latch(name) if name == service)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Key::Latch(service) => write!(f, "{PREFIX}latches/{service}"),
            Key::Seat(proxy) => write!(f, "{PREFIX}seats/{proxy}"),
        }
    }
}

/// All keys of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The latches.
    Latches,
    /// The seats.
    Seats,
}

impl Kind {
    /// What they begin with.
    pub fn prefix(self) -> String {
        match self {
            Kind::Latches => format!("{PREFIX}latches/"),
            Kind::Seats => format!("{PREFIX}seats/"),
        }
    }

    /// Whether a key is of this kind.
    pub fn has(self, key: &Key) -> bool {
        matches!((self, key), (Kind::Latches, Key::Latch(_)) | (Kind::Seats, Key::Seat(_)))
    }
}
