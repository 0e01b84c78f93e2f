//! Commands that take a backend or member away are put to the peers before they take effect (pure): two operators who take the
//! last two at two daemons at once must not both succeed.
//!
//! A proposal is a note that is not in force yet. A daemon sends its own to its peers, and echoes theirs; one that every peer
//! has echoed was known to every peer when it last spoke. Of two proposals the one that is older by the order of notes
//! counts as if it were in force when the other is judged. So whichever way the messages go: a daemon that has made one
//! before it saw the other sees both before either is decided, and all daemons know the same older one; a daemon that makes one
//! afterwards dates it later (`OperatorStates::next_date`). Peers that do not answer in time are counted: each could be taking one
//! away. Must never: know what a subject is; the daemon judges.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::super::clock::Now;
use crate::api::operator::OperatorNote;

/// How long peers have to answer: two exchanges that time out take as long.
pub const LIMIT: Duration = Duration::from_secs(2);

/// A peer of which nothing has come for so long is silent, and not waited for: peers speak every second, and an exchange may take as long.
pub const SILENT_AFTER: Duration = Duration::from_secs(3);

/// A peer's proposals count so long after its last message: it has decided or dropped them by then.
const LASTING: Duration = Duration::from_secs(5);

/// Proposals of one daemon at a time, so that they and the echoes of them fit into a message.
pub const MOST: usize = 64;

/// Decisions that are remembered until the operator has been answered.
const REMEMBERED: usize = 256;

/// Part of the message between peers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProposalsMessage {
    /// What the writer puts to its peers, by subject.
    #[serde(default)]
    pub proposed: BTreeMap<String, OperatorNote>,
    /// What it has seen of theirs: by peer and subject, the date.
    #[serde(default)]
    pub seen: BTreeMap<String, BTreeMap<String, u64>>,
}

impl ProposalsMessage {
    /// What of it `own` goes by: echoes of its own proposals, and notes within the bounds on subjects that its document names,
    /// [`MOST`] of them: each is echoed, and the echoes have to fit into a message too.
    pub fn vetted(mut self, own: &str, now: u64, is_named: impl Fn(&str) -> bool) -> ProposalsMessage {
        self.seen.retain(|peer, _| peer == own);
        let sound = self.proposed.into_iter().filter(|(subject, note)| is_named(subject) && note.vet(now).is_ok());
        self.proposed = sound.take(MOST).collect();
        self
    }
}

/// Why a command is refused, in words for the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused(pub String);

/// One of our proposals, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(u64);

/// Everything proposed here and at the peers. `C` is a change of the states in memory.
#[derive(Debug)]
pub struct Proposals<C> {
    ours: BTreeMap<Ticket, Proposal>,
    last: u64,
    peers: BTreeMap<String, PeerProposals>,
    decided: BTreeMap<Ticket, Result<C, Refused>>,
}

/// One that waits for the peers.
#[derive(Debug, Clone)]
pub struct Proposal {
    /// What it is about.
    pub subject: String,
    /// What it says.
    pub note: OperatorNote,
    until: Duration,
}

/// What a peer said last.
#[derive(Debug)]
struct PeerProposals {
    put: ProposalsMessage,
    at: Duration,
}

/// What a command is judged with besides the states in force.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rivals<'a> {
    /// Subjects that older proposals take away.
    pub taken: BTreeSet<&'a str>,
    /// Peers that have not answered in time.
    pub silent: Vec<&'a str>,
}

impl Rivals<'_> {
    /// The peers that are silent, for a refusal: each could be taking one away at this moment.
    pub fn silence(&self) -> String {
        let names = self.silent.join(", ");
        format!("{names} did not answer within {LIMIT:?} and could be taking another one away at this moment")
    }
}

impl<C> Default for Proposals<C> {
    fn default() -> Self {
        Proposals { ours: BTreeMap::new(), last: 0, peers: BTreeMap::new(), decided: BTreeMap::new() }
    }
}

impl<C: Clone> Proposals<C> {
    /// Puts a note to the peers.
    ///
    /// # Errors
    ///
    /// Another one on the subject waits for them, or too many do.
    pub fn propose(&mut self, subject: &str, note: OperatorNote, now: Now) -> Result<Ticket, Refused> {
        if self.ours.values().any(|ours| ours.subject == subject) {
            return Err(Refused(format!("the peers are being asked about {subject} already: try again in a moment")));
        }
        if self.ours.len() >= MOST {
            return Err(Refused(format!(
                "the peers are being asked about {MOST} other commands: try again in a moment"
            )));
        }
        self.last += 1;
        let proposal = Proposal { subject: subject.to_owned(), note, until: now.running + LIMIT };
        self.ours.insert(Ticket(self.last), proposal);
        Ok(Ticket(self.last))
    }

    /// Takes what a peer's message has of it.
    pub fn receive(&mut self, peer: &str, put: ProposalsMessage, now: Now) {
        self.peers.insert(peer.to_owned(), PeerProposals { put, at: now.running });
    }

    /// Forgets all peers but these.
    pub fn keep_peers(&mut self, peers: &[String]) {
        self.peers.retain(|peer, _| peers.contains(peer));
    }

    /// What peers are told of it.
    pub fn to_peers(&self) -> ProposalsMessage {
        let proposed = self.ours.values().map(|ours| (ours.subject.clone(), ours.note.clone())).collect();
        let dates =
            |put: &ProposalsMessage| put.proposed.iter().map(|(subject, note)| (subject.clone(), note.when)).collect();
        let seen = self.peers.iter().filter(|(_, heard)| !heard.put.proposed.is_empty());
        ProposalsMessage { proposed, seen: seen.map(|(peer, heard)| (peer.clone(), dates(&heard.put))).collect() }
    }

    /// The latest date of any proposal that is known here: a new one is dated later.
    pub fn latest(&self) -> u64 {
        let theirs = self.peers.values().flat_map(|heard| heard.put.proposed.values());
        self.ours.values().map(|ours| &ours.note).chain(theirs).map(|note| note.when).max().unwrap_or(0)
    }

    /// What a command on this subject is judged with before it becomes a proposal: every one that is known here is older.
    pub fn rivals(&self, of: &str, now: Now) -> Rivals<'_> {
        let taken = self.notes(now).map(|(subject, _)| subject).filter(|subject| *subject != of);
        Rivals { taken: taken.collect(), silent: Vec::new() }
    }

    fn notes(&self, now: Now) -> impl Iterator<Item = (&str, &OperatorNote)> {
        let fresh = move |heard: &&PeerProposals| now.running.saturating_sub(heard.at) < LASTING;
        let theirs = self.peers.values().filter(fresh).flat_map(|heard| &heard.put.proposed);
        let ours = self.ours.values().map(|ours| (&*ours.subject, &ours.note));
        ours.chain(theirs.map(|(subject, note)| (&**subject, note)))
    }

    /// The oldest of ours that can be decided now: every one of `peers` has echoed it, or has had its time; or it is refused
    /// with older ones alone. The caller does what it says, and reports it with [`Proposals::decide`].
    pub fn next(
        &self,
        peers: &[String],
        now: Now,
        judge: impl Fn(&str, &Rivals<'_>) -> Result<(), Refused>,
    ) -> Option<(Ticket, Result<Proposal, Refused>)> {
        let mut ours: Vec<_> = self.ours.iter().collect();
        ours.sort_by(|(_, one), (_, two)| one.note.compare(&two.note));
        ours.into_iter().find_map(|(ticket, proposal)| {
            let older = |(subject, note): &(&str, &OperatorNote)| {
                *subject != proposal.subject && note.compare(&proposal.note) == Ordering::Less
            };
            let taken: BTreeSet<&str> = self.notes(now).filter(older).map(|(subject, _)| subject).collect();
            let silent = peers.iter().filter(|peer| !self.has_echoed(peer, proposal)).map(String::as_str).collect();
            let mut rivals = Rivals { taken, silent: Vec::new() };
            if let Err(why) = judge(&proposal.subject, &rivals) {
                return Some((*ticket, Err(why)));
            }
            rivals.silent = silent;
            let is_waited_for = |peer: &&str| !self.is_silent(peer, now);
            let is_due = now.running >= proposal.until || !rivals.silent.iter().any(is_waited_for);
            is_due.then(|| (*ticket, judge(&proposal.subject, &rivals).map(|()| proposal.clone())))
        })
    }

    /// The peers of which nothing has come lately: what a command would be judged with if it were given now.
    pub fn silent<'p>(&self, peers: &'p [String], now: Now) -> Vec<&'p str> {
        peers.iter().map(String::as_str).filter(|peer| self.is_silent(peer, now)).collect()
    }

    fn is_silent(&self, peer: &str, now: Now) -> bool {
        let heard = self.peers.get(peer).map_or(Duration::ZERO, |heard| heard.at);
        now.running.saturating_sub(heard) >= SILENT_AFTER
    }

    fn has_echoed(&self, peer: &str, proposal: &Proposal) -> bool {
        let seen = self.peers.get(peer).and_then(|heard| heard.put.seen.get(&proposal.note.by)?.get(&proposal.subject));
        seen == Some(&proposal.note.when)
    }

    /// A proposal of ours has been decided.
    pub fn decide(&mut self, ticket: Ticket, outcome: Result<C, Refused>) {
        self.ours.remove(&ticket);
        self.decided.insert(ticket, outcome);
        if self.decided.len() > REMEMBERED {
            self.decided.pop_first();
        }
    }

    /// Whether nothing waits for the peers.
    pub fn is_empty(&self) -> bool {
        self.ours.is_empty()
    }

    /// What came of a proposal; `None` while it waits.
    pub fn outcome(&self, ticket: Ticket) -> Option<&Result<C, Refused>> {
        self.decided.get(&ticket)
    }

    /// When the next proposal has had its time.
    pub fn wakes(&self) -> Option<Duration> {
        self.ours.values().map(|ours| ours.until).min()
    }
}

#[cfg(test)]
mod tests;
