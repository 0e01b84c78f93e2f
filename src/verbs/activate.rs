//! `activate`: the supervisor of a system on trial. Not for operators: a host's gate has systemd run it.

use super::exit::Exit;
use crate::daemon::{logs, notify};
use crate::push::error::Error;
use crate::push::gate::settle_what_is_left;
use crate::push::host::paths::HostPaths;
use crate::push::ledger::Outcome;
use crate::push::supervisor::{settle, supervise};

/// The arguments of `activate`.
#[derive(Debug, Clone, clap::Args)]
pub struct ActivateArgs {
    /// End an activation whose supervisor is gone: go back, unless it was being confirmed
    #[arg(long)]
    pub settle: bool,
    /// Go on, after a restart of the machine, with an activation that was under way
    #[arg(long, conflicts_with = "settle")]
    pub after_boot: bool,
}

/// Supervises the activation that the gate has recorded, or ends one without a supervisor.
pub fn run(args: &ActivateArgs) -> Result<Exit, Error> {
    logs::init();
    let paths = HostPaths::of_this_machine();
    if args.after_boot {
        settle_what_is_left(&paths)?;
        return Ok(Exit::Done);
    }
    let outcome = if args.settle {
        notify::ready("ending an activation whose supervisor is gone");
        settle(&paths)?
    } else {
        supervise(&paths)?
    };
    Ok(match outcome {
        None | Some(Outcome::Confirmed) => Exit::Done,
        Some(Outcome::Reverted | Outcome::Stuck) => Exit::No,
    })
}
