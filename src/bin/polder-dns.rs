//! polder-dns: see the library's documentation.

use polder::daemon::args::NameserverArgs;

fn main() -> std::process::ExitCode {
    let args = <NameserverArgs as clap::Parser>::parse();
    polder::dns::run(args.daemon)
}
