//! State that is exchanged by what changed of it (pure).
//!
//! A daemon's state is one JSON object: of scalars, and of sections with entries by key (latches by service, notes by subject).
//! Every change of an entry has a number of its own, in the order of the changes, and an entry is known by its last one. A peer
//! says up to which number it has our state, and is sent the entries with higher ones, oldest first, in pieces of bounded
//! size; each piece says from where to where it leads. So a piece that comes twice or late changes nothing, one
//! that is lost is sent again, and where nothing changed a piece is empty. A process draws a number for itself: what was said to
//! another one does not count, and a peer that knows nothing of this one is sent everything.
//!
//! Owns the numbers and both ends of the state. Must never: know what a section means, or touch a socket.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The most bytes of a message: of the whole state of a peer of an earlier version. Among others messages are small.
pub const MAX_MESSAGE: usize = 8 * 1024 * 1024;

/// The entries of a piece have about so many bytes at most, one entry excepted that is larger by itself: some thousandths of a second
/// on a slow machine.
const MAX_PIECE: usize = 256 * 1024;

/// The most bytes of a peer's state. What documents and bounds allow fits: `a_state_of_the_most_that_a_document_allows_fits` in
/// src/proxy/control/tests.rs.
pub const MAX_STATE: usize = 13 * MAX_MESSAGE;

/// Removed entries that are remembered, beyond as many as there are others.
const MOST_REMOVED: usize = 1024;

/// An entry: its section, and its key in it. The section of a scalar of the object itself is empty, and so is that of the sections: each
/// is an entry too, an empty object, which comes before its own entries.
type Key = (String, String);

/// Entries by section and key.
type Entries = BTreeMap<String, BTreeMap<String, Value>>;

/// Up to where somebody has the state of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The number that the process has drawn.
    process: u64,
    /// The last change that is known.
    change: u64,
}

impl Position {
    /// Whether it is the same process's, and not before the other one.
    pub fn reaches(self, other: Position) -> bool {
        self.process == other.process && self.change >= other.change
    }
}

/// What changed from one number to another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Piece {
    process: u64,
    since: u64,
    upto: u64,
    /// There are later changes.
    more: bool,
    set: Entries,
    /// The keys of removed entries, by section.
    removed: BTreeMap<String, Vec<String>>,
}

/// What two daemons tell each other in a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Exchanged {
    /// Up to where the writer has the reader's state.
    pub have: Option<Position>,
    /// Of the writer's state.
    pub piece: Piece,
}

/// Our own state, as peers are told of it.
#[derive(Debug)]
pub struct Outbox {
    process: u64,
    last: u64,
    entries: BTreeMap<Key, Entry>,
    by_change: BTreeMap<u64, Key>,
}

#[derive(Debug)]
struct Entry {
    change: u64,
    value: Option<Value>,
    bytes: usize,
}

impl Outbox {
    /// Of a process that has this state.
    pub fn new(state: &Value) -> Outbox {
        let mut outbox =
            Outbox { process: fastrand::u64(..), last: 0, entries: BTreeMap::new(), by_change: BTreeMap::new() };
        outbox.set(state);
        outbox
    }

    /// The state is this one from now on.
    pub fn set(&mut self, state: &Value) {
        let now = entries_of(state);
        let gone =
            |(key, entry): (&Key, &Entry)| (entry.value.is_some() && !now.contains_key(key)).then(|| key.clone());
        let gone: Vec<Key> = self.entries.iter().filter_map(gone).collect();
        gone.into_iter().for_each(|key| self.note(key, None));
        let removed = self.entries.len() - now.len().min(self.entries.len());
        if removed > now.len() + MOST_REMOVED {
            *self = Outbox::new(state);
            return;
        }
        for (key, value) in now {
            if self.entries.get(&key).and_then(|entry| entry.value.as_ref()) != Some(value) {
                self.note(key, Some(value.clone()));
            }
        }
    }

    fn note(&mut self, key: Key, value: Option<Value>) {
        self.last += 1;
        let bytes = key.0.len() + key.1.len() + value.as_ref().map_or(0, bytes_of);
        let entry = Entry { change: self.last, value, bytes };
        if let Some(before) = self.entries.insert(key.clone(), entry) {
            self.by_change.remove(&before.change);
        }
        self.by_change.insert(self.last, key);
    }

    /// The last change.
    pub fn position(&self) -> Position {
        Position { process: self.process, change: self.last }
    }

    /// What somebody lacks who has it up to there.
    pub fn piece(&self, have: Option<Position>) -> Piece {
        let is_ours = |have: &Position| have.process == self.process && have.change <= self.last;
        let since = have.filter(is_ours).map_or(0, |have| have.change);
        let (process, set, removed) = (self.process, Entries::new(), BTreeMap::new());
        let mut piece = Piece { process, since, upto: self.last, more: false, set, removed };
        let (mut bytes, mut upto) = (0, since);
        for (change, key) in self.by_change.range(since + 1..) {
            let Some(entry) = self.entries.get(key) else { continue };
            bytes += entry.bytes;
            if bytes > MAX_PIECE && upto > since {
                return Piece { upto, more: true, ..piece };
            }
            let (section, key) = key.clone();
            match entry.value.clone() {
                Some(value) => drop(piece.set.entry(section).or_default().insert(key, value)),
                None => piece.removed.entry(section).or_default().push(key),
            }
            upto = *change;
        }
        piece
    }

    /// The whole, as earlier versions are sent it.
    pub fn whole(&self) -> Value {
        self.object(|_| true)
    }

    /// The object with empty sections.
    pub fn scalars(&self) -> Value {
        self.object(|section| section.is_empty())
    }

    fn object(&self, wanted: impl Fn(&str) -> bool) -> Value {
        let mut object = Map::new();
        for ((section, key), entry) in self.entries.iter().filter(|((section, _), _)| wanted(section)) {
            let key = (section.clone(), key.clone());
            entry.value.clone().map(|value| insert(&mut object, &key, value));
        }
        Value::Object(object)
    }
}

/// A peer's state, as far as it has told us.
#[derive(Debug, Default)]
pub struct Inbox {
    have: Option<Position>,
    state: Arc<Value>,
    bytes: usize,
    is_whole: bool,
    is_news: bool,
}

/// A peer's state is larger than [`MAX_STATE`].
#[derive(Debug, PartialEq, Eq)]
pub struct StateTooLarge;

impl Inbox {
    /// Up to where it is here.
    pub fn position(&self) -> Option<Position> {
        self.have
    }

    /// Whether nothing is missing of what the peer had when it last said something.
    pub fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Takes a piece; one that does not follow what is here is passed over, and the peer will see from where to go on.
    ///
    /// # Errors
    ///
    /// The state becomes too large; nothing of it is kept.
    pub fn take(&mut self, piece: Piece) -> Result<(), StateTooLarge> {
        let Piece { process, since, upto, more, set, removed } = piece;
        let known = self.have.filter(|have| have.process == process).map(|have| have.change);
        match known {
            None if since > 0 => return Ok(()),
            None => *self = Inbox { is_news: true, state: Arc::new(Value::Object(Map::new())), ..Inbox::default() },
            Some(known) if since > known || upto < known => return Ok(()),
            Some(_) => {}
        }
        self.is_news |= !set.is_empty() || !removed.is_empty();
        if self.is_news
            && let Value::Object(state) = Arc::make_mut(&mut self.state)
        {
            let bytes = |key: &str, value: &Value| key.len() + bytes_of(value);
            // What goes may make room: a scalar that becomes a section, or the other way round.
            for key in removed
                .into_iter()
                .rev()
                .flat_map(|(section, keys)| keys.into_iter().map(move |key| (section.clone(), key)))
            {
                self.bytes -= remove(state, &key).map_or(0, |before| bytes(&key.1, &before));
            }
            for (key, value) in flat(set) {
                self.bytes += bytes(&key.1, &value);
                self.bytes -= insert(state, &key, value).map_or(0, |before| bytes(&key.1, &before));
            }
        }
        if self.bytes > MAX_STATE {
            *self = Inbox::default();
            return Err(StateTooLarge);
        }
        self.have = Some(Position { process, change: upto });
        self.is_whole = !more;
        Ok(())
    }

    /// Takes the whole state of a peer of an earlier version.
    pub fn replace(&mut self, state: Value) {
        *self = Inbox { is_news: *self.state != state, is_whole: true, state: Arc::new(state), ..Inbox::default() };
    }

    /// The state if it is whole, and whether it is another one than when this was asked before.
    pub fn news(&mut self) -> Option<(Arc<Value>, bool)> {
        self.is_whole.then(|| (Arc::clone(&self.state), std::mem::take(&mut self.is_news)))
    }
}

/// The value of a section as an entry.
static EMPTY: LazyLock<Value> = LazyLock::new(|| Value::Object(Map::new()));

fn entries_of(state: &Value) -> BTreeMap<Key, &Value> {
    let mut entries = BTreeMap::new();
    for (name, value) in state.as_object().into_iter().flatten() {
        let own = match value {
            Value::Object(section) => {
                entries.extend(section.iter().map(|(key, value)| ((name.clone(), key.clone()), value)));
                &EMPTY
            }
            scalar => scalar,
        };
        entries.insert((String::new(), name.clone()), own);
    }
    entries
}

fn flat(entries: Entries) -> impl Iterator<Item = (Key, Value)> {
    entries
        .into_iter()
        .flat_map(|(section, entries)| entries.into_iter().map(move |(key, value)| ((section.clone(), key), value)))
}

/// Puts an entry into an object; gives what it replaces, which is the entry itself where it has no place.
fn insert(object: &mut Map<String, Value>, (section, key): &Key, value: Value) -> Option<Value> {
    let size = |value: Option<&Value>| value.and_then(Value::as_object).map(Map::len);
    match section.as_str() {
        "" => match (size(object.get(key)), size(Some(&value))) {
            // A section that is there, or one that has entries.
            (Some(_), Some(_)) | (Some(1..), None) | (None, Some(1..)) => Some(value),
            _ => object.insert(key.clone(), value),
        },
        section => match object.get_mut(section) {
            Some(Value::Object(entries)) => entries.insert(key.clone(), value),
            _ => Some(value),
        },
    }
}

/// Takes an entry out of an object, if it is there; a section only when it is empty.
fn remove(object: &mut Map<String, Value>, (section, key): &Key) -> Option<Value> {
    match section.as_str() {
        "" if object.get(key)?.as_object().is_some_and(|entries| !entries.is_empty()) => None,
        "" => object.remove(key),
        section => object.get_mut(section)?.as_object_mut()?.remove(key),
    }
}

fn bytes_of(value: &Value) -> usize {
    // The writer takes everything and cannot fail; a value is always JSON.
    serde_json::to_vec(value).map_or(0, |bytes| bytes.len())
}

#[cfg(test)]
mod tests;
