//! The arguments both daemons share.

use std::path::PathBuf;

/// `polder-proxy` and `polder-dns` alike.
#[derive(Debug, Clone, clap::Args)]
pub struct DaemonArgs {
    /// The JSON document
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// Read the document and the files it names, report every error, and exit: 0 valid, 1 not
    #[arg(long, conflicts_with = "takeover")]
    pub check_config: bool,
    /// With --check-config: also read every file that the document names, keys too, and try to bind sockets, those of the daemon that runs excepted
    #[arg(long, requires = "check_config")]
    pub live: bool,
    /// Take sockets and state from the daemon that runs, without a gap
    #[arg(long)]
    pub takeover: bool,
    /// A reload starts this program with --takeover if it is another build than the one running
    #[arg(long, value_name = "FILE")]
    pub successor: Option<PathBuf>,
}
