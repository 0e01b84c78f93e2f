//! The rehearsal: a system's daemons with their new documents on loopback ports, beside the running ones.
//!
//! [`documents`] alters a document so that its daemon disturbs nobody, [`child`] runs the daemon, [`proxy`] and [`nameserver`] send it
//! the requests of visitors and resolvers, and compare its answers with those of the running daemon. Must never: write outside of a folder
//! of its own, speak to peers, or leave a process behind. Called by `polder rehearse`, which a host's gate runs as a user who
//! may ask the running daemons and reads no keys.

mod child;
mod documents;
mod nameserver;
mod proxy;
mod result;
mod setup;

pub use result::Rehearsed;
pub use setup::Setup;

use crate::push::error::Error;
use setup::Failure;

/// Rehearses both daemons, as far as the system has them.
///
/// # Errors
///
/// The rehearsal could not run, so nothing is known about the system.
pub fn rehearse(setup: &Setup<'_>) -> Result<Rehearsed, Error> {
    if !setup.system.is_dir() {
        return Err(Error::new(format!(
            "{} is not a folder: expected a system with etc/polder",
            setup.system.display()
        )));
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::new(format!("the runtime did not start: {error}")))?;
    runtime.block_on(async {
        let mut rehearsed = Rehearsed::default();
        let nameserver = nameserver::rehearse(setup, &mut rehearsed).await;
        note_failure(nameserver, "polder-dns", &mut rehearsed)?;
        let proxy = proxy::rehearse(setup, &mut rehearsed).await;
        note_failure(proxy, "polder-proxy", &mut rehearsed)?;
        Ok(rehearsed)
    })
}

fn note_failure(ended: Result<(), Failure>, program: &str, rehearsed: &mut Rehearsed) -> Result<(), Error> {
    match ended {
        Ok(()) => Ok(()),
        Err(Failure::Worse(why)) => {
            rehearsed.worse.push(format!("{program}: {why}"));
            Ok(())
        }
        Err(Failure::Failed(why)) => Err(Error::new(format!("{program} could not be rehearsed: {why}"))),
    }
}
