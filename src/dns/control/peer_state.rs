//! What nameservers tell each other (pure): operator states, what they put to each other, and what their checks say.

use std::collections::{BTreeMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::prepared::Prepared;
use crate::acme::message::AcmeMessage;
use crate::daemon::operator::OperatorStates;
use crate::daemon::operator::proposals::ProposalsMessage;
use crate::daemon::opinions::{Heard, Opinions};

/// The version of the messages, and of the state that outlives a process: the one written, and the only one read.
pub(super) const VERSION: u64 = 1;

/// The catalogs that a nameserver makes, by apex: its serial, and the digest of what it says.
pub type ToldCatalogs = BTreeMap<String, (u32, String)>;

/// What a nameserver tells its peers. Earlier versions know nothing of verdicts, of catalogs, and of certificates.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct PeerMessage {
    pub(super) version: u64,
    pub(super) operator: OperatorStates,
    /// What its checks say, by `POOL/ADDRESS`.
    #[serde(default)]
    pub(super) verdicts: Arc<Opinions>,
    /// The catalogs that it makes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) catalogs: ToldCatalogs,
    /// What the writer puts to its peers, and has seen of theirs.
    #[serde(flatten)]
    pub(super) put: ProposalsMessage,
    /// Certificates, and their orders.
    #[serde(flatten)]
    pub(super) acme: AcmeMessage,
}

impl PeerMessage {
    pub(super) fn new(
        operator: OperatorStates,
        verdicts: Arc<Opinions>,
        catalogs: ToldCatalogs,
        put: ProposalsMessage,
    ) -> PeerMessage {
        PeerMessage { version: VERSION, operator, verdicts, catalogs, put, acme: AcmeMessage::default() }
    }

    /// The same with what is to be said of orders of certificates.
    #[must_use]
    pub(super) fn with_acme(self, acme: AcmeMessage) -> PeerMessage {
        PeerMessage { acme, ..self }
    }
}

/// One peer, as far as it counts beyond the message that told it.
#[derive(Debug)]
pub struct PeerState {
    /// What its checks say of the members that our document has.
    pub(super) verdicts: Arc<Opinions>,
    /// The catalogs that it makes, of those that our document has.
    pub(super) catalogs: ToldCatalogs,
    /// When it was heard last.
    pub(super) heard: Heard,
    /// What it puts to its peers, and has seen of theirs.
    pub(super) put: ProposalsMessage,
    /// The document by which its last message was read.
    pub(super) read_for: Arc<Prepared>,
}

/// The verdicts of the peers that were heard lately.
#[derive(Debug, Default)]
pub(super) struct Told(Vec<(String, Arc<Opinions>)>);

impl Told {
    pub(super) fn of<'p>(heard: impl Iterator<Item = (&'p String, &'p PeerState)>) -> Told {
        Told(heard.map(|(name, peer)| (name.clone(), peer.verdicts.clone())).collect())
    }

    /// Whether these are the same.
    pub(super) fn is<'p>(&self, heard: impl Iterator<Item = (&'p String, &'p PeerState)>) -> bool {
        self.0.iter().map(|(name, told)| (name, told)).eq(heard.map(|(name, peer)| (name, &peer.verdicts)))
    }
}

/// Under which name verdicts on an address of a pool are told: members may be called otherwise in another document.
pub(super) fn told_as(pool: &str, address: IpAddr) -> String {
    format!("{pool}/{address}")
}

/// Of which addresses the document wants to be told.
pub(super) fn named(document: &Prepared) -> HashSet<String> {
    let pools = document.config.pools.iter();
    let named = pools.flat_map(|(pool, config)| {
        let addresses = config.members.values().flat_map(|member| &member.addresses);
        addresses.map(move |address| told_as(pool, *address))
    });
    named.collect()
}
