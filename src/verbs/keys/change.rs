//! What every change of keys has in common: the fleet lock, and how it stops.

use super::super::caller::who;
use super::super::exit::Exit;
use super::super::lock::refused;
use super::super::output::{Output, complain};
use super::super::reach::Reach;
use crate::push::error::Error;
use crate::push::fleet_lock::HeldLock;
use crate::push::host::lock::Lock;

/// How long the lock is held without a renewal, in seconds.
const LOCK_SECONDS: u64 = 120;

/// Why a change of keys stopped.
pub(super) enum Stop {
    /// For a reason that the operator has been shown.
    Printed(Exit),
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Stop {
        Stop::Failed(error)
    }
}

/// Takes the fleet lock on these hosts.
pub(super) fn lock(reach: &Reach, hosts: &[String], reason: String, output: &Output) -> Result<HeldLock, Stop> {
    let lock = Lock::wanted(who(), &reach.admin.location, reason);
    HeldLock::take_or_use(&reach.admin, &reach.remotes, hosts, lock, LOCK_SECONDS)
        .map_err(|refusal| Stop::Printed(refused(&refusal, output)))
}

/// Says on which hosts something failed, and why.
pub(super) fn complain_of(failed: &[(String, Error)]) {
    for (host, why) in failed {
        complain(&format!("{host}: {why}"));
    }
}
