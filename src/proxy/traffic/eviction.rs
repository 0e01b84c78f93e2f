//! Room for a newcomer: a free slot, or that of a connection on which no request is under way.
//!
//! Owns which connection is closed first: the one that has waited longest, be it for a client's next request, for its
//! first, or for the rest of its head. One order for all of them, so that a client that only holds slots is always the next
//! to lose one, while a newcomer keeps its slot until as many others have come after it. A connection with a request under
//! way stays.
//!
//! A client whose address is at its limit makes room with one of its own connections. Addresses of `trusted_proxies` speak for many visitors
//! and are not counted. Called by the listener for each connection, by dispatch for those in the reserve.

use std::net::IpAddr;
use std::sync::atomic::Ordering;

use tokio::sync::oneshot;

use super::admission::{Admitted, Origin, Slot, SlotKind};
use super::counters::add;
use super::http1::forwarded::Client;
use super::inflight::Entry;
use super::local::Local;
use super::shared::SlotRequest;
use super::termination::End;

/// Admits a newcomer, or gives the reason for the access log why it is refused.
pub fn admit(local: &Local, client: &Client) -> Result<Admitted, End> {
    let view = local.view();
    let settings = &view.snapshot.settings;
    let address = if client.is_trusted(&settings.trusted_proxies) {
        None
    } else {
        match local.shared.admission.of_address(client.address, settings.capacity.connections_per_address) {
            None => return replace_own(local, client.address).ok_or(End::AddressFull),
            address => address,
        }
    };
    let slot = find_slot(local, settings.capacity.connections).ok_or(End::NoSlot)?;
    Ok(Admitted { slot, address })
}

/// Admits a proxy that has yet to say for whom it comes ([`count_visitor`]).
pub fn admit_uncounted(local: &Local) -> Result<Admitted, End> {
    let slot = find_slot(local, local.view().snapshot.settings.capacity.connections).ok_or(End::NoSlot)?;
    Ok(Admitted { slot, address: None })
}

/// Counts a connection that was admitted uncounted as one of its visitor, or gives the reason for the access log why he may have no more.
pub fn count_visitor(local: &Local, entry: &Entry, visitor: &Client) -> Result<(), End> {
    let view = local.view();
    let settings = &view.snapshot.settings;
    if visitor.is_trusted(&settings.trusted_proxies) {
        return Ok(());
    }
    let free = local.shared.admission.of_address(visitor.address, settings.capacity.connections_per_address);
    let address = free.or_else(|| replace_own(local, visitor.address)?.address).ok_or(End::AddressFull)?;
    entry.count_as(address);
    Ok(())
}

/// Closes the handshake that has been under way longest, if this worker has its part of all that may be. Before a newcomer is admitted,
/// who so gets the slot of that one, and not of a visitor who has had a handshake.
pub fn make_room_for_handshake(local: &Local) {
    let most = local.view().snapshot.settings.capacity.tls_handshakes;
    if !local.handshakes.make_room(most.div_ceil(local.shared.siblings.len().max(1))) {
        return;
    }
    add(&local.counters.handshakes_evicted, 1);
    if local.handshakes_reached.permits() {
        tracing::warn!(
            "limits.tls_handshakes ({most}, over all workers) is reached: for each new connection to a listener of https the \
             handshake that has been under way longest is closed (logged at most once a minute)"
        );
    }
}

/// A regular slot if there is one, otherwise one of the reserve.
fn find_slot(local: &Local, most: usize) -> Option<Slot> {
    let admission = &local.shared.admission;
    if let free @ Some(_) = admission.regular(most) {
        return free;
    }
    if local.connections_reached.permits() {
        tracing::warn!(
            "limits.connections ({most}) is reached: for each new connection one without a request is closed, or it is \
             refused (logged at most once a minute)"
        );
    }
    evict(local, SlotKind::Regular).or_else(|| admission.reserved()).or_else(|| evict(local, SlotKind::Reserved))
}

/// Gives the connection a regular slot if it has none, so that it may go on with a request; the error is the reason for the access log.
pub async fn ensure_regular_slot(local: &Local, entry: &Entry, client: &Client) -> Result<(), End> {
    if entry.has_regular_slot() {
        return Ok(());
    }
    if entry.slot().is_none() {
        // Its request came at the moment it was evicted: it is a newcomer again.
        entry.hold(admit(local, client)?);
    }
    if entry.slot() == Some(SlotKind::Reserved) {
        let most = local.view().snapshot.settings.capacity.connections;
        let slot = match local.shared.admission.regular(most).or_else(|| evict(local, SlotKind::Regular)) {
            None => ask_siblings(local).await,
            slot => slot,
        };
        entry.change_slot(slot.ok_or(End::NoSlot)?);
    }
    Ok(())
}

/// Evicts a connection for another worker.
pub fn answer_sibling(local: &Local, request: SlotRequest) {
    if let Some(slot) = evict(local, SlotKind::Regular) {
        // The slot is free again at once if the other worker waits no longer.
        let _ = request.reply.send(slot);
    }
}

async fn ask_siblings(local: &Local) -> Option<Slot> {
    let siblings = local.shared.siblings.iter().enumerate().filter(|(index, _)| *index != local.index);
    for sibling in siblings.filter_map(|(_, sibling)| sibling.get()) {
        if sibling.counters.evictable.load(Ordering::Relaxed) == 0 {
            continue;
        }
        let (reply, answer) = oneshot::channel();
        if sibling.slot_requests.send(SlotRequest { reply }).is_ok()
            && let Ok(slot) = answer.await
        {
            return Some(slot);
        }
    }
    None
}

fn evict(local: &Local, kind: SlotKind) -> Option<Slot> {
    local.registry.evict(|admitted| admitted.slot.kind() == kind).map(|admitted| admitted.slot)
}

/// Evicts another connection of the same address, and gives what it held.
fn replace_own(local: &Local, address: IpAddr) -> Option<Admitted> {
    if local.address_reached.permits() {
        tracing::warn!(
            "{address} has limits.connections_per_address: for each of its new connections one of its own without a \
             request is closed, or it is refused (logged at most once a minute, of whichever address)"
        );
    }
    let origin = Origin::of(address);
    local.registry.evict(|admitted| admitted.address.as_ref().is_some_and(|address| address.origin() == origin))
}
