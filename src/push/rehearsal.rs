//! The rehearsal: a system's daemons with their new documents on loopback ports, beside the running ones.
//!
//! [`documents`] alters a document so that its daemon disturbs nobody, [`child`] runs it, [`proxy`] and [`nameserver`] ask it
//! what visitors and resolvers ask, and compare with what the running daemon answers. Must never: write outside of a folder
//! of its own, speak to peers, or leave a process behind. Called by `polder rehearse`, which a host's gate runs as a user who
//! may ask the running daemons and reads no keys.

mod child;
mod documents;
mod nameserver;
mod proxy;
mod result;
mod setup;

pub use result::Rehearsed;
pub use setup::Stage;

use crate::push::error::Error;
use setup::Failure;

/// Rehearses both daemons, as far as the system has them.
///
/// # Errors
///
/// The rehearsal itself could not run; nothing is known of the system.
pub fn rehearse(stage: &Stage<'_>) -> Result<Rehearsed, Error> {
    if !stage.system.is_dir() {
        return Err(Error::new(format!(
            "{} is no folder: expected a system, with its etc/polder",
            stage.system.display()
        )));
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::new(format!("the runtime did not start: {error}")))?;
    runtime.block_on(async {
        let mut rehearsed = Rehearsed::default();
        let nameserver = nameserver::rehearse(stage, &mut rehearsed).await;
        note_failure(nameserver, "polder-dns", &mut rehearsed)?;
        let proxy = proxy::rehearse(stage, &mut rehearsed).await;
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
        Err(Failure::CouldNot(why)) => Err(Error::new(format!("{program} could not be rehearsed: {why}"))),
    }
}
