//! `activate`: the supervisor of a system on trial. Not for operators: a host's gate has systemd run it.

use super::exit::Exit;
use super::output::complain;
use crate::daemon::{logs, notify};
use crate::push::host::paths::HostPaths;
use crate::push::ledger::Outcome;
use crate::push::supervisor::{settle, supervise};

/// The arguments of `activate`.
#[derive(Debug, Clone, clap::Args)]
pub struct ActivateArgs {
    /// End an activation whose supervisor is gone: go back, unless it was being confirmed
    #[arg(long)]
    pub settle: bool,
}

/// Supervises the activation that the gate has recorded, or ends one without a supervisor.
pub fn run(args: &ActivateArgs) -> Exit {
    logs::init();
    let paths = HostPaths::of_this_machine();
    let ended = if args.settle {
        notify::ready("ending an activation whose supervisor is gone");
        settle(&paths)
    } else {
        supervise(&paths).map(Some)
    };
    match ended {
        Ok(None | Some(Outcome::Confirmed)) => Exit::Done,
        Ok(Some(Outcome::Reverted | Outcome::Stuck)) => Exit::No,
        Err(error) => {
            complain(&error.to_string());
            Exit::CouldNot
        }
    }
}
