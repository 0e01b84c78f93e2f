//! The command lines of both daemons, which take the same.

use std::path::PathBuf;

/// What `polder-proxy` takes.
#[derive(Debug, Clone, clap::Parser)]
#[command(name = "polder-proxy", version, after_help = AFTER)]
/// The reverse proxy of a polder fleet: picks a healthy backend for each request, and fails stateful services over
pub struct ProxyArgs {
    #[command(flatten)]
    /// The same as the nameserver's.
    pub daemon: DaemonArgs,
}

/// What `polder-dns` takes.
#[derive(Debug, Clone, clap::Parser)]
#[command(name = "polder-dns", version, after_help = AFTER)]
/// The authoritative nameserver of a polder fleet: zones from master files, and pools of proxies that are up and wanted
pub struct NameserverArgs {
    #[command(flatten)]
    /// The same as the proxy's.
    pub daemon: DaemonArgs,
}

/// What their help and their man pages tell besides.
const AFTER: &str = "\
Signals: SIGHUP reloads the document; one that is not valid changes nothing.
SIGTERM and SIGINT end it, after what runs has ended or its time is up.

Exit codes: 0 ended as asked, or a valid document; 1 the document is not valid;
2 usage; 3 could not run. The log goes to standard error; under systemd
the daemon says when it is ready, reloads and stops (sd_notify).

`polder status --socket FILE`, with the admin socket of the document, shows how
it is; `polder reload` has it read the document and waits for the result.";

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
