//! Zones for other nameservers: whole, over TCP (AXFR, RFC 5936), or what has changed since a serial (IXFR, RFC 1995), over UDP too.
//!
//! Owns who gets what of which zone, and the messages of one transfer, each made when the one before has been taken: a transfer holds its zone
//! and no message. Must never: wait, or read a socket ([`tcp`](super::tcp) and [`udp`](super::udp) do). What is not allowed is answered by the
//! [engine](super::answer) like any other query: REFUSED.

mod messages;
mod rules;

use std::net::IpAddr;

use super::answer::{Opt, TransferKind, TransferQuery, UDP_SIZE};
use super::compiled::Slot;
use super::rate_limit::{Account, Class};
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
    /// What they bring.
    pub brings: Brings,
    /// The zone's apex in wire format.
    pub apex: &'s [u8],
    /// The serial that it has.
    pub serial: u32,
    /// What an answer from the zone counts as where responses are limited.
    pub account: Account,
    /// Where the zone's queries are counted.
    pub slot: Option<Slot>,
}

/// What a client gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Brings {
    /// The zone.
    Whole,
    /// What has changed since this serial.
    Since(u32),
    /// Nothing but the serial, which is not newer than the client's.
    Nothing,
}

/// Begins what this query asks for, if it is a transfer and the client may have it.
pub fn begin<'s>(query: &[u8], snapshot: &'s Snapshot, client: IpAddr, now: u64) -> Option<Transfer<'s>> {
    begin_as(TransferQuery::read(query)?, query, snapshot, client, now, false)
}

/// Answers a query for what has changed that came as a datagram: with all of it if that fits, else with the SOA alone, and the client asks
/// again over TCP (RFC 1995, 2). `None`, and an untouched buffer, for any other query and for a client that may not have it.
pub fn datagram(query: &[u8], snapshot: &Snapshot, client: IpAddr, now: u64, buffer: &mut [u8]) -> Option<Brought> {
    const LEAST: u16 = 512;
    let begin = |soa_alone| {
        let asked = TransferQuery::read(query).filter(|asked| asked.kind != TransferKind::Whole)?;
        let takes = asked.edns.map_or(LEAST, |edns| edns.udp_size.min(UDP_SIZE));
        Some((begin_as(asked, query, snapshot, client, now, soa_alone)?, usize::from(takes)))
    };
    let (transfer, takes) = begin(false)?;
    let mut scratch = [0; UDP_SIZE as usize];
    let room = takes.min(buffer.len()).min(scratch.len());
    let brought = (transfer.brings != Brings::Whole).then_some(transfer);
    let brought = brought.and_then(|transfer| Brought::make(transfer, &mut scratch[..room], now));
    let brought = brought.or_else(|| Brought::make(begin(true)?.0, &mut scratch[..room], now))?;
    buffer[..brought.length].copy_from_slice(&scratch[..brought.length]);
    Some(brought)
}

/// What a datagram was answered with.
pub struct Brought {
    /// The answer's bytes.
    pub length: usize,
    /// What it brings.
    pub brings: Brings,
    /// What it counts as where responses are limited.
    pub account: Account,
    /// Where the zone's queries are counted.
    pub slot: Option<Slot>,
}

impl Brought {
    fn make(
        Transfer { messages, brings, account, slot, .. }: Transfer<'_>,
        buffer: &mut [u8],
        now: u64,
    ) -> Option<Brought> {
        let length = messages.datagram(buffer, now)?;
        Some(Brought { length, brings, account, slot })
    }
}

fn begin_as<'s>(
    asked: TransferQuery,
    query: &[u8],
    snapshot: &'s Snapshot,
    client: IpAddr,
    now: u64,
    soa_alone: bool,
) -> Option<Transfer<'s>> {
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
    let since = |serial| zone.history.as_ref().and_then(|history| history.since(serial));
    let whole = (Content::Zone { with_pools: rules.pools == PoolsInTransfer::Present }, Brings::Whole);
    let (content, brings) = match asked.kind {
        _ if soa_alone => (Content::SoaAlone, Brings::Nothing),
        TransferKind::Whole => whole,
        // Nothing newer is there (RFC 1995, 2 and 4).
        TransferKind::Incremental { serial } if !is_newer(zone.serial, serial) => (Content::SoaAlone, Brings::Nothing),
        TransferKind::Incremental { serial } => {
            since(serial).map_or(whole, |steps| (Content::Differences(steps), Brings::Since(serial)))
        }
    };
    let opt = asked.edns.as_ref().map(|edns| Opt::reply_to(edns, None));
    let signer = verified.as_ref().map(Verified::signer);
    let slot = snapshot.zones.slot(&zone.apex);
    let account = Account { class: Class::Answer, name: zone.account };
    let messages = Messages::new(&query[..asked.question_end], snapshot, zone, content, (opt, signer));
    Some(Transfer { messages, brings, apex: &zone.apex, serial: zone.serial, account, slot })
}
