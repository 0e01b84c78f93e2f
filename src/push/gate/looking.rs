//! How the host is.

use std::path::Path;

use crate::daemon::operator::unix_ms;
use crate::push::host::lock::{self, Lock, LockFile};
use crate::push::host::machine;
use crate::push::host::place::Place;
use crate::push::ledger::{Entry, Event, Ledger, Outcome};
use crate::push::protocol::{Report, VERSION};
use crate::push::supervisor;

pub(super) fn report(place: &Place) -> Result<Report, String> {
    let now = unix_ms();
    let resolved = |link: &Path| machine::resolved(link).map_err(|error| error.to_string());
    Ok(Report {
        protocol: VERSION,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        host: machine::host_name(),
        system: resolved(&place.current)?,
        profile: resolved(&place.profile)?,
        booted: resolved(&place.booted)?,
        boot: machine::boot_id(),
        free: machine::free_bytes(&place.store),
        lock: lock::held(LockFile::new(&place.state).read(), now).map(|lock: Lock| lock.shown()),
        activation: supervisor::under_way(place)?,
        last: last_confirmed(place)?,
        failed_units: machine::failed_units(),
        clock_ms: now,
    })
}

fn last_confirmed(place: &Place) -> Result<Option<Entry>, String> {
    let is_confirmed = |entry: &Entry| matches!(entry.event, Event::Activation { outcome: Outcome::Confirmed, .. });
    let entries = Ledger::new(place.ledger()).entries().map_err(|error| error.to_string())?;
    Ok(entries.into_iter().rfind(is_confirmed))
}
