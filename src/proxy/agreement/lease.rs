//! Our own lease: until when this proxy may serve without another word from the store.

use std::time::Duration;

use crate::health::Proof;

/// The lease is given up this part of it before the store does: clocks of machines do not run alike.
const MARGIN: u32 = 10;

/// A lease, and that it was renewed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lease {
    held: Option<(i64, Proof)>,
    /// That of the last one, where the store has ended it and there is no other yet.
    ended: Option<Proof>,
}

impl Lease {
    /// Renewed, by a question that was asked at this time; `lasts`: as the store counts from when it heard it, which is later. Gives
    /// whether something follows from it: it is another lease, or this one had lapsed.
    pub fn renew(&mut self, id: i64, asked: Duration, lasts: Duration, now: Duration) -> bool {
        match &mut self.held {
            // Where it had lapsed here the store has still kept our seat for us: nobody has moved on.
            Some((held, proof)) if *held == id => proof.renew(asked, now),
            held => {
                *held = Some((id, Proof::new(asked, lasts - lasts / MARGIN)));
                self.ended = None;
                true
            }
        }
    }

    /// The store knows it no more.
    pub fn end(&mut self) {
        if let Some((_, proof)) = self.held.take() {
            self.ended = Some(proof);
        }
    }

    /// Whether the store has ended it before its time, and the time is not over: another one may be had at once. A leader of etcd that was frozen does
    /// this when it goes on, since it has not heard of renewals by the leader that took its place (etcd's issue 15247; mended in 3.4.31 and 3.5.13).
    pub fn was_ended_early(&self, now: Duration) -> bool {
        self.ended.as_ref().is_some_and(|proof| proof.holds(now))
    }

    /// When it lapses unless it is renewed; of one that the store has ended early, when it would have lapsed.
    pub fn lapses(&self, now: Duration) -> Option<Duration> {
        let ended = self.ended.as_ref().filter(|proof| proof.holds(now));
        self.proof(now).or(ended)?.lapses()
    }

    /// Its number, while it lives.
    pub fn id(&self, now: Duration) -> Option<i64> {
        self.held.as_ref().filter(|(_, proof)| proof.holds(now)).map(|(id, _)| *id)
    }

    /// Shows until when it may be acted on, while it lives.
    pub fn proof(&self, now: Duration) -> Option<&Proof> {
        self.held.as_ref().map(|(_, proof)| proof).filter(|proof| proof.holds(now))
    }
}
