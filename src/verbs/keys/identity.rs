//! `keys identity`: a daemon's own key pair on its host, made there and shown by its public half.

use std::path::PathBuf;

use serde_json::json;

use super::super::exit::Exit;
use super::super::output::Output;
use crate::daemon::peers::Identity;
use crate::push::error::Error;

/// The arguments of `keys identity`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "The private half stays on its host. On NixOS each daemon makes its key when it first starts: \
    /var/lib/polder-proxy/identity.key, /var/lib/polder-dns/identity.key. Its public half belongs in \
    polder.fleet.hosts.HOST.peerKeys.")]
pub struct IdentityArgs {
    /// The daemon's `peers.key_file`
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Make the key if the file does not exist; an existing one is never overwritten
    #[arg(long)]
    pub make: bool,
}

/// Prints the public half.
pub fn run(args: &IdentityArgs, output: &Output) -> Result<Exit, Error> {
    let identity =
        if args.make { Identity::make(&args.file) } else { Identity::read(&args.file) }.map_err(Error::new)?;
    let public = identity.public().to_string();
    output.answer(&json!({ "file": args.file, "public": public }), &format!("{public}\n"));
    Ok(Exit::Done)
}
