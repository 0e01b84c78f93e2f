//! What is known of the store, at one point in its life.

use std::collections::BTreeMap;

use super::{Key, Mark, Seat};
use crate::health::Verdict;
use crate::proxy::latch::Latch;

/// A key that was written, or taken away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: Key,
    /// Its value; none: it is not there any more.
    pub value: Option<Vec<u8>>,
    /// The revision at which it was written.
    pub written: i64,
}

/// What is in the store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct View {
    /// As of then.
    pub mark: Mark,
    latches: BTreeMap<String, Held<Latch>>,
    seats: BTreeMap<String, Held<Seat>>,
    /// Keys whose values this program cannot read, and why: they count as what nobody may overwrite.
    unreadable: BTreeMap<Key, String>,
}

/// A value, and when it was written. None: it cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Held<T> {
    value: Option<T>,
    written: i64,
}

/// What the seats say of a backend.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Votes {
    /// The proxies that hold a seat and have the service.
    pub seats: usize,
    /// Those that find it down.
    pub down: Vec<String>,
    /// Those that find it up.
    pub up: Vec<String>,
}

impl Votes {
    /// Most find it down, and none finds it up.
    pub fn condemn(&self) -> bool {
        self.up.is_empty() && 2 * self.down.len() > self.seats
    }

    /// Most find it up.
    pub fn most_find_it_up(&self) -> bool {
        2 * self.up.len() > self.seats
    }
}

impl View {
    /// All that was there then.
    pub fn new(mark: Mark, entries: impl IntoIterator<Item = Entry>) -> View {
        let mut view = View { mark, ..View::default() };
        entries.into_iter().for_each(|entry| view.write(entry));
        view
    }

    /// What has changed up to a revision.
    pub fn change(&mut self, revision: i64, entries: impl IntoIterator<Item = Entry>) {
        entries.into_iter().for_each(|entry| self.write(entry));
        self.mark.revision = self.mark.revision.max(revision);
    }

    fn write(&mut self, Entry { key, value, written }: Entry) {
        self.unreadable.remove(&key);
        let Some(value) = value else {
            match &key {
                Key::Latch(service) => drop(self.latches.remove(service)),
                Key::Seat(proxy) => drop(self.seats.remove(proxy)),
            }
            return;
        };
        let unreadable = match &key {
            Key::Latch(service) => {
                let read = serde_json::from_slice(&value).map_err(|error| error.to_string());
                let read = read.and_then(|latch: Latch| match latch.has_a_possible_epoch() {
                    true => latch.vet(latch.epoch, |_| true).map(|()| latch).map_err(|error| error.to_string()),
                    false => Err(format!("no service has moved {} times", latch.epoch)),
                });
                let why = read.as_ref().err().cloned();
                self.latches.insert(service.clone(), Held { value: read.ok(), written });
                why
            }
            Key::Seat(proxy) => {
                let read = serde_json::from_slice(&value);
                let why = read.as_ref().err().map(ToString::to_string);
                self.seats.insert(proxy.clone(), Held { value: read.ok(), written });
                why
            }
        };
        self.unreadable.extend(unreadable.map(|why| (key, why)));
    }

    /// The latch of a service, and when it was written; none: there is none.
    pub fn latch(&self, service: &str) -> Option<(&Latch, i64)> {
        let held = self.latches.get(service)?;
        held.value.as_ref().map(|latch| (latch, held.written))
    }

    /// Whether there is something in the place of a service's latch, readable or not.
    pub fn has_latch(&self, service: &str) -> bool {
        self.latches.contains_key(service)
    }

    /// Whether there is no latch at all.
    pub fn has_no_latches(&self) -> bool {
        self.latches.is_empty()
    }

    /// The seat of a proxy.
    pub fn seat(&self, proxy: &str) -> Option<&Seat> {
        self.seats.get(proxy)?.value.as_ref()
    }

    /// Keys whose values cannot be read, and why.
    pub fn unreadable(&self) -> impl Iterator<Item = (&Key, &String)> {
        self.unreadable.iter()
    }

    /// The others that may still serve what was active before this epoch. A seat that cannot be read may stand anywhere.
    pub fn behind<'a>(&'a self, own: &'a str, service: &'a str, epoch: u64) -> impl Iterator<Item = &'a String> {
        let is_behind = move |held: &Held<Seat>| match &held.value {
            Some(seat) => seat.stands_at.get(service).is_some_and(|stands_at| *stands_at < epoch),
            None => true,
        };
        self.seats.iter().filter(move |(proxy, held)| *proxy != own && is_behind(held)).map(|(proxy, _)| proxy)
    }

    /// What the seats say of a backend of a service.
    pub fn votes(&self, service: &str, subject: &str) -> Votes {
        let mut votes = Votes::default();
        for (proxy, held) in &self.seats {
            let has_it = |seat: &&Seat| seat.stands_at.contains_key(service);
            let Some(seat) = held.value.as_ref().filter(has_it) else {
                // One that cannot be read has its voice all the same, and nobody knows which.
                votes.seats += usize::from(held.value.is_none());
                continue;
            };
            votes.seats += 1;
            match seat.verdicts.get(subject) {
                Some(Verdict::Up) => votes.up.push(proxy.clone()),
                Some(Verdict::Down) => votes.down.push(proxy.clone()),
                Some(Verdict::Unchecked) | None => {}
            }
        }
        votes
    }
}
