//! The state that a peer sent last, and where it differs from ours (pure).
//!
//! Owns how a peer's message is read, and holds it to the bounds: values beyond them are left out, with an alarm, and the
//! rest of the message counts. A message of another form is refused whole. Must never: decide; `control` merges. Latches
//! that differ for a moment are normal while peers exchange them; only a difference that lasts is worth an alarm.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::prepared::{Prepared, PreparedService};
use crate::acme::message::AcmeMessage;
use crate::api::bounds;
use crate::daemon::operator::OperatorStates;
use crate::daemon::operator::proposals::ProposalsMessage;
use crate::daemon::opinions::{Heard, Opinions};
use crate::daemon::peers::Rejected;
use crate::proxy::latch::latches::Latches;
use crate::proxy::latch::{Keeper, Latch, LatchError, Now};

/// The version of the messages between proxies, and of the state that is handed over.
pub const VERSION: u64 = 1;

/// A difference between latches is reported when it has lasted longer than this.
const LASTING: Duration = Duration::from_secs(3);

/// Why a peer's message cannot be read.
#[derive(Debug)]
pub enum MessageError {
    /// It is not of the expected form, under this key if it has one. More is not said: serde's own words hold what stands there, and
    /// that may be a key of a certificate.
    Malformed(Option<String>),
    /// It is of another version than [`VERSION`].
    Version(u64),
}

impl fmt::Display for MessageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MessageError::Malformed(None) => f.write_str("it has another form than this program reads"),
            MessageError::Malformed(Some(key)) => {
                write!(f, "it has another form than this program reads, under {key:?}")
            }
            MessageError::Version(version) => {
                write!(f, "it is of version {version}, this program reads {VERSION}")
            }
        }
    }
}

impl std::error::Error for MessageError {}

impl PeerMessage {
    /// What peers are told: only of what the document names, so that it always has the size that peers take.
    pub fn new(
        prepared: &Prepared,
        latches: &Latches,
        operator: &OperatorStates,
        put: ProposalsMessage,
    ) -> PeerMessage {
        let (mut decided, mut undecided) = (BTreeMap::new(), BTreeMap::new());
        for name in prepared.services.iter().map(|service| &*service.name) {
            let Some(keeper) = latches.get(name) else { continue };
            match keeper.latch() {
                Some(latch) => drop(decided.insert(name.to_owned(), latch.clone())),
                None => drop(undecided.insert(name.to_owned(), keeper.doubtful().cloned())),
            }
        }
        let is_named = |subject: &String| prepared.names(subject);
        let notes = operator.0.iter().filter(|(subject, _)| is_named(subject));
        let operator = OperatorStates(notes.map(|(subject, note)| (subject.clone(), note.clone())).collect());
        PeerMessage { version: VERSION, latches: decided, undecided, operator, put, ..PeerMessage::default() }
    }

    /// The same with what our checks say, and whether this proxy is ready and isolated from nothing.
    #[must_use]
    pub fn with_opinions(self, verdicts: Arc<Opinions>, fit: bool) -> PeerMessage {
        PeerMessage { verdicts, fit, ..self }
    }

    /// The same with what is to be said of orders of certificates.
    #[must_use]
    pub fn with_acme(self, acme: AcmeMessage) -> PeerMessage {
        PeerMessage { acme, ..self }
    }
}

/// The first key of a message whose value alone cannot be read.
fn malformed_key(message: &Value) -> Option<&String> {
    let is_malformed = |key: &str, value: &Value| {
        let mut alone = json!({ "version": VERSION });
        alone[key] = value.clone();
        PeerMessage::deserialize(alone).is_err()
    };
    message.as_object()?.iter().find(|(key, value)| is_malformed(key, value)).map(|(key, _)| key)
}

/// Whether a peer's latch of a service is within the bounds.
fn vet(theirs: &Latch, service: &PreparedService, ours: &Latches) -> Result<(), LatchError> {
    let epoch = ours.get(&service.name).and_then(|keeper| keeper.upcoming()).map_or(0, |ours| ours.epoch);
    theirs.vet(epoch, |backend| service.backends.iter().any(|known| &*known.name == backend))
}

/// One peer's latches and operator states.
#[derive(Debug, Clone, Default)]
pub struct PeerState {
    /// Its latches that are within the bounds, by service of our document.
    pub latches: BTreeMap<String, Latch>,
    /// Services about which it is undecided, and what it has of their latches; `None`: it has lost it.
    pub undecided: BTreeMap<String, Option<Latch>>,
    /// Its latches of services that our document does not have, unvetted: they are not passed on, and its next message
    /// replaces them.
    unknown: BTreeMap<String, Latch>,
    /// Which values of its messages were beyond the bounds.
    refused: Rejected,
    /// Its operator states.
    pub operator: OperatorStates,
    /// What its checks say of the backends that our document has.
    pub verdicts: Arc<Opinions>,
    /// It is ready, and isolated from nothing.
    pub fit: bool,
    /// When it was heard last; none: never.
    pub heard: Option<Heard>,
    /// What it puts to its peers, and has seen of theirs.
    pub put: ProposalsMessage,
    /// What it said of orders of certificates, until `control` has taken that in.
    pub acme: AcmeMessage,
    /// The document by which its last message was read.
    read_for: Option<Arc<Prepared>>,
    /// Why its last message could not be read.
    unreadable: Option<String>,
    /// Services whose latch differs, and since when.
    differs: BTreeMap<String, Duration>,
}

/// What proxies tell each other, and hand over. Earlier versions know nothing of what is undecided or proposed.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct PeerMessage {
    version: u64,
    #[serde(default)]
    latches: BTreeMap<String, Latch>,
    #[serde(default)]
    undecided: BTreeMap<String, Option<Latch>>,
    #[serde(default)]
    operator: OperatorStates,
    /// What its checks say, by `SERVICE/ADDRESS`.
    #[serde(default)]
    verdicts: Arc<Opinions>,
    /// It is ready, and isolated from nothing.
    #[serde(default)]
    fit: bool,
    /// What the writer puts to its peers, and has seen of theirs.
    #[serde(flatten)]
    put: ProposalsMessage,
    /// Certificates, and their orders.
    #[serde(flatten)]
    acme: AcmeMessage,
}

impl PeerState {
    /// Reads a message; `before` is the state by the last message of the same peer.
    pub fn read(value: &Value, before: Option<&PeerState>) -> Result<PeerState, MessageError> {
        let message =
            PeerMessage::deserialize(value).map_err(|_| MessageError::Malformed(malformed_key(value).cloned()))?;
        if message.version != VERSION {
            return Err(MessageError::Version(message.version));
        }
        let differs = before.map(|before| before.differs.clone()).unwrap_or_default();
        let refused = before.map(|before| before.refused.clone()).unwrap_or_default();
        Ok(PeerState {
            latches: message.latches,
            undecided: message.undecided,
            unknown: BTreeMap::new(),
            refused,
            operator: message.operator,
            verdicts: message.verdicts,
            fit: message.fit,
            heard: None,
            put: message.put,
            acme: message.acme,
            read_for: None,
            unreadable: None,
            differs,
        })
    }

    /// Leaves out what is beyond the bounds, and what is about services and backends that our document does not name. Gives
    /// a text for the log if values are refused that were not refused before.
    pub fn hold_to_bounds(
        &mut self,
        prepared: &Arc<Prepared>,
        latches: &Latches,
        ahead_ms: i64,
        now: Now,
    ) -> Option<String> {
        self.read_for = Some(Arc::clone(prepared));
        let (operator, mut refused) =
            std::mem::take(&mut self.operator).vetted(now.unix_ms, ahead_ms, |subject| prepared.names(subject));
        self.operator = operator;
        let verdicts = std::mem::take(&mut self.verdicts);
        self.verdicts = Arc::unwrap_or_clone(verdicts).vetted(|told_as| prepared.is_told_as(told_as)).into();
        let put = std::mem::take(&mut self.put);
        self.put = put.vetted(&prepared.document.name, now.unix_ms, |subject| prepared.names(subject));
        self.unknown = std::mem::take(&mut self.latches);
        self.vet_undecided(prepared, latches);
        refused.extend(self.adopt_known(prepared, latches, now));
        self.refused.note(refused)
    }

    /// Takes the latches of the services that our document has by now, if they are within the bounds. Gives a text for each
    /// value beyond them. A date in the future is reported and decides nothing.
    pub fn adopt_known(&mut self, prepared: &Prepared, ours: &Latches, now: Now) -> Vec<String> {
        let mut refused = Vec::new();
        let latched = |name: &String| prepared.service(name).filter(|service| service.rules().is_some());
        for (name, latch) in std::mem::take(&mut self.unknown) {
            let Some(service) = latched(&name) else {
                self.unknown.insert(name, latch);
                continue;
            };
            match vet(&latch, service, ours) {
                Err(why) => refused.push(format!("the latch of {name}: {why}")),
                Ok(()) => {
                    if bounds::is_ahead(latch.at, now.unix_ms) {
                        refused.push(format!(
                            "the date of the latch of {name}, which lies in the future: compare the clocks"
                        ));
                    }
                    self.latches.insert(name, latch.without_strangers());
                }
            }
        }
        refused
    }

    /// Leaves out what it is undecided about and our document does not have; what is beyond the bounds it has lost.
    fn vet_undecided(&mut self, prepared: &Prepared, ours: &Latches) {
        self.undecided.retain(|name, latch| {
            let service = prepared.service(name);
            *latch = latch.take().filter(|latch| service.is_some_and(|service| vet(latch, service, ours).is_ok()));
            service.is_some()
        });
    }

    /// Values that were refused since the start.
    pub fn refused(&self) -> u64 {
        self.refused.total()
    }

    /// Whether it has sent a message that could be read.
    pub fn is_heard(&self) -> bool {
        self.unreadable.is_none()
    }

    /// Remembers why a message could not be read; gives whether the reason is another one than before.
    pub fn note_unreadable(&mut self, why: &str) -> bool {
        self.unreadable.replace(why.to_owned()).is_none_or(|before| before != why)
    }

    /// Whether its last message must be read again though nothing of it has changed: our document has, or values were refused, which
    /// may be within the bounds by now.
    pub fn is_outdated(&self, prepared: &Arc<Prepared>) -> bool {
        self.refused.is_any() || self.read_for.as_ref().is_none_or(|read_for| !Arc::ptr_eq(read_for, prepared))
    }

    /// Compares with our latches. A service that only one of the two knows does not count as differing: documents arrive
    /// at different times.
    pub fn compare(&mut self, ours: &Latches, now: Now) {
        let differs = |service: &str, theirs: &Latch| {
            let ours = ours.get(service).and_then(Keeper::latch);
            ours.is_some_and(|ours| !ours.is_same_move(theirs))
        };
        let since = |service: &String| self.differs.get(service).copied().unwrap_or(now.running);
        let differing = self.latches.iter().filter(|(service, theirs)| differs(service, theirs));
        self.differs = differing.map(|(service, _)| (service.clone(), since(service))).collect();
    }

    /// Services whose latch has differed for longer than a moment. A peer that is not heard any more counts too: it may serve what it had.
    pub fn differing(&self, now: Now) -> Vec<String> {
        let lasting = self.differs.iter().filter(|(_, since)| now.running.saturating_sub(**since) > LASTING);
        lasting.map(|(service, _)| service.clone()).collect()
    }

    /// What the operator should look at.
    pub fn alarms(&self, peer: &str, ours: &Latches, now: Now) -> Vec<String> {
        let is_heard = self.heard.is_some_and(|heard| heard.is_recent(now.running));
        let (has, when) = if is_heard { ("has", "") } else { ("had", " when it was heard last") };
        let differing = self.differing(now).into_iter().filter_map(|service| {
            let (ours, theirs) = (ours.get(&service)?.latch()?, self.latches.get(&service)?);
            Some(format!(
                "{service}: peer {peer} {has} {} active (epoch {}){when}, this proxy has {} (epoch {})",
                theirs.active, theirs.epoch, ours.active, ours.epoch
            ))
        });
        let unreadable = self
            .unreadable
            .iter()
            .map(|why| format!("peer {peer} sent a message that this program cannot read: {why}"));
        differing.chain(unreadable).chain(self.refused.alarm(peer)).collect()
    }
}
