//! `gate`: a host's end of a push. Nobody types it: sshd and systemd call it.

use super::exit::Exit;
use super::output::complain;
use crate::daemon::logs;
use crate::push::gate;
use crate::push::host::paths::HostPaths;

/// What `gate` takes.
#[derive(Debug, Clone, clap::Args)]
#[group(required = true, multiple = false)]
pub struct GateArgs {
    /// As the forced command of the deploy user: serve what ssh was asked for (SSH_ORIGINAL_COMMAND), for this admin machine
    #[arg(long, value_name = "ADMIN")]
    pub from: Option<String>,
    /// As root behind the gate's socket: answer one request on standard input and output
    #[arg(long)]
    pub serve: bool,
    /// As the user who may speak to this host's daemons: pass one request on
    #[arg(long)]
    pub relay: bool,
}

/// Serves one connection.
pub fn run(args: &GateArgs) -> Exit {
    let paths = HostPaths::of_this_machine();
    let done = match &args.from {
        Some(from) => gate::forced_command(from, std::env::var("SSH_ORIGINAL_COMMAND").ok().as_deref(), &paths),
        None => {
            logs::init();
            if args.relay { gate::relay(&paths) } else { gate::serve(&paths) }
        }
    };
    match done {
        Ok(()) => Exit::Done,
        Err(error) => {
            complain(&error.to_string());
            Exit::CouldNot
        }
    }
}
