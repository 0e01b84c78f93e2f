//! `gate`: a host's end of a push. Not for operators: sshd and systemd run it.

use super::exit::Exit;
use crate::daemon::logs;
use crate::push::error::Error;
use crate::push::gate;
use crate::push::host::paths::HostPaths;

/// The arguments of `gate`.
#[derive(Debug, Clone, clap::Args)]
#[group(required = true, multiple = false)]
pub struct GateArgs {
    /// Run as the forced command of the deploy user: serve SSH_ORIGINAL_COMMAND for this admin machine
    #[arg(long, value_name = "ADMIN")]
    pub from: Option<String>,
    /// Run as root behind the gate's socket: answer one request on standard input and output
    #[arg(long)]
    pub serve: bool,
    /// Run as the user who may open the daemons' admin sockets: relay one request
    #[arg(long)]
    pub relay: bool,
}

/// Serves one connection.
pub fn run(args: &GateArgs) -> Result<Exit, Error> {
    let paths = HostPaths::of_this_machine();
    match &args.from {
        Some(from) => gate::forced_command(from, std::env::var("SSH_ORIGINAL_COMMAND").ok().as_deref(), &paths)?,
        None => {
            logs::init();
            if args.relay { gate::relay(&paths)? } else { gate::serve(&paths)? }
        }
    }
    Ok(Exit::Done)
}
