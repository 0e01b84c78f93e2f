//! Whole zones for other nameservers, over TCP: AXFR (RFC 5936), by which IXFR (RFC 1995) is answered too.
//!
//! Owns who gets which zone, and the messages of one transfer, each made when the one before has been taken: a transfer holds its zone and
//! no message. Must never: wait, or read a socket ([`tcp`](super::tcp) does). What is not allowed is answered by the
//! [engine](super::answer) like any other query: REFUSED.

mod messages;
mod rules;

use std::net::IpAddr;

use super::answer::{TransferKind, TransferQuery};
use super::snapshot::Snapshot;
use super::tsig::Verified;
use crate::config::dns::PoolsInTransfer;
use crate::zone::serial::is_newer;
use messages::Content;
pub use messages::{MESSAGE, Messages};
pub use rules::Transfers;

/// A transfer that is allowed.
pub struct Transfer<'s> {
    /// Its messages.
    pub messages: Messages<'s>,
    /// The zone's apex in wire format.
    pub apex: &'s [u8],
    /// The serial that it has.
    pub serial: u32,
    /// Where the zone's queries are counted.
    pub slot: Option<super::compiled::Slot>,
}

/// Begins what this query asks for, if it is a transfer and the client may have it.
pub fn begin<'s>(query: &[u8], snapshot: &'s Snapshot, client: IpAddr, now: u64) -> Option<Transfer<'s>> {
    let asked = TransferQuery::read(query)?;
    let rules = snapshot.transfers.of(asked.name.as_bytes())?;
    let zone = snapshot.zones.get(asked.name.as_bytes())?;
    let verified = match asked.tsig {
        Some(place) => {
            Some(snapshot.transfers.keys().verify(query, place, now).ok().filter(|one| one.fault.is_none())?)
        }
        None => None,
    };
    let key = verified.as_ref().map(|verified| verified.key);
    if !rules.allow(client, key) {
        return None;
    }
    let content = match asked.kind {
        // Nothing newer is there (RFC 1995, 2 and 4).
        TransferKind::Incremental { serial } if !is_newer(zone.serial, serial) => Content::SoaAlone,
        TransferKind::Incremental { .. } | TransferKind::Whole => {
            Content::Zone { with_pools: rules.pools == PoolsInTransfer::Present }
        }
    };
    let signer = verified.as_ref().map(Verified::signer);
    let slot = snapshot.zones.slot(&zone.apex);
    let messages = Messages::new(&query[..asked.question_end], snapshot, zone, content, signer);
    Some(Transfer { messages, apex: &zone.apex, serial: zone.serial, slot })
}
