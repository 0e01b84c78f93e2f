//! The host's answer to [`Question::Report`](crate::push::protocol::Question::Report).

use std::path::Path;

use crate::push::error::Error;
use crate::push::host::lock::{self, Lock, LockFile};
use crate::push::host::machine;
use crate::push::host::paths::HostPaths;
use crate::push::ledger::{Entry, Ledger, Outcome};
use crate::push::protocol::{Report, VERSION};
use crate::push::supervisor;
use crate::unix_time::unix_ms;

pub(super) fn report(paths: &HostPaths) -> Result<Report, Error> {
    let now = unix_ms();
    let resolved = |link: &Path| machine::resolved(link).map_err(Error::new);
    Ok(Report {
        protocol: VERSION,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        host: machine::host_name(),
        system: resolved(&paths.current)?,
        profile: resolved(&paths.profile)?,
        booted: resolved(&paths.booted)?,
        boot: machine::boot_id(),
        free: machine::free_bytes(&paths.store),
        lock: lock::held(LockFile::new(&paths.state).read(), now).map(|lock: Lock| lock.shown()),
        activation: supervisor::under_way(paths)?,
        last: last_confirmed(paths)?,
        failed_units: machine::failed_units(),
        clock_ms: now,
    })
}

fn last_confirmed(paths: &HostPaths) -> Result<Option<Entry>, Error> {
    let is_confirmed = |entry: &Entry| entry.activation().is_some_and(|last| last.outcome == Outcome::Confirmed);
    let entries = Ledger::new(paths.ledger()).entries().map_err(Error::new)?;
    Ok(entries.into_iter().rfind(is_confirmed))
}
