//! What the model's few numbers are in the real types, and back.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;

use super::state::{Content, Move, PROXIES, Seated};
use crate::health::Verdict;
use crate::proxy::agreement::{Entry, Key, Lease, Mark, Seat, Transaction, View};
use crate::proxy::latch::{Latch, Now};

pub const SERVICE: &str = "shop";
pub const BACKENDS: [&str; 2] = ["web2", "web3"];
/// A lease in the proxies' own time; a tick is half of it.
pub const LASTS: Duration = Duration::from_secs(20);
pub const TICK: Duration = Duration::from_secs(10);
/// All is asked at this time, and the past is as long ago as it is.
pub const NOW: Now = Now { running: Duration::from_secs(1_000), unix_ms: 0 };

/// Whether a lease that was asked for so many ticks ago lives by its proxy's own clock.
pub fn lives(age: u8) -> bool {
    let mut lease = Lease::default();
    lease.renew(1, NOW.running - TICK * u32::from(age), LASTS, NOW.running);
    lease.id(NOW.running).is_some()
}

/// How many writes are known at a revision.
pub fn count(writes: &[u8], revision: u8) -> u8 {
    writes.iter().filter(|written| **written <= revision).count() as u8
}

/// What a proxy sees of the store: of the others' leases it needs to know nothing.
pub fn seen(own: usize, store: &Content) -> Content {
    let mut seen = *store;
    for (proxy, seat) in seen.seats.iter_mut().enumerate() {
        if let Some(seat) = seat {
            (seat.written, seat.lease) = (0, if proxy == own { seat.lease } else { 0 });
        }
    }
    seen
}

pub fn changed(mut store: Content, key: &Key, value: &str, revision: u8) -> Content {
    store.revision = revision;
    match key {
        Key::Latch(_) => {
            let Latch { epoch, active, by_operator, .. } = serde_json::from_str(value).unwrap();
            let active = BACKENDS.iter().position(|name| *name == active).unwrap() as u8;
            (store.latch, store.written) = (Move { epoch: epoch as u8, active, by_operator }, revision);
        }
        Key::Seat(proxy) => {
            let own = of_name(proxy);
            let seat: Seat = serde_json::from_str(value).unwrap();
            store.seats[own] = Some(Seated {
                lease: local(own, seat.lease),
                stands_at: seat.stands_at[SERVICE] as u8,
                finds_down: seat.verdicts[&subject(0)] == Verdict::Down,
                written: revision,
            });
        }
    }
    store
}

pub fn real_view(content: &Content) -> View {
    View::new(Mark { revision: i64::from(content.revision), ..Mark::default() }, entries(content))
}

pub fn entries(content: &Content) -> Vec<Entry> {
    let latch = json!(real_latch(&content.latch)).to_string().into_bytes();
    let latch = Entry { key: Key::Latch(SERVICE.into()), value: Some(latch), written: i64::from(content.written) };
    let seats = content.seats.iter().enumerate().filter_map(|(own, seat)| {
        let seat = (*seat)?;
        let verdict = if seat.finds_down { Verdict::Down } else { Verdict::Up };
        let real = Seat {
            lease: global(own, seat.lease),
            stands_at: BTreeMap::from([(SERVICE.into(), u64::from(seat.stands_at))]),
            verdicts: BTreeMap::from([(subject(0), verdict), (subject(1), Verdict::Up)]),
        };
        let value = Some(json!(real).to_string().into_bytes());
        Some(Entry { key: Key::Seat(name(own)), value, written: i64::from(seat.written) })
    });
    std::iter::once(latch).chain(seats).collect()
}

pub fn real_latch(latch: &Move) -> Latch {
    // Of two moves to one epoch the store makes one, and with two backends they are alike: who made it is all one.
    let by = if latch.epoch == 0 { String::new() } else { name(0) };
    let Move { epoch, active, by_operator, .. } = *latch;
    Latch { epoch: u64::from(epoch), by, by_operator, ..Latch::first(BACKENDS[usize::from(active)]) }
}

pub fn name(own: usize) -> String {
    format!("px{}", own + 1)
}

pub fn put_under(transaction: &mut Transaction, lease: i64) {
    transaction.lease = Some(lease);
    for (_, value) in &mut transaction.writes {
        let seat: Seat = serde_json::from_str(value).unwrap();
        *value = json!(Seat { lease, ..seat }).to_string();
    }
}

pub fn of_name(proxy: &str) -> usize {
    (0..PROXIES).find(|own| name(*own) == proxy).unwrap()
}

pub fn subject(backend: usize) -> String {
    format!("{SERVICE}/{}", BACKENDS[backend])
}

/// The number of a lease in the store, where no two proxies have the same.
pub fn global(own: usize, id: u8) -> i64 {
    (own as i64) << 8 | i64::from(id)
}

pub fn local(own: usize, lease: i64) -> u8 {
    (lease - ((own as i64) << 8)) as u8
}
