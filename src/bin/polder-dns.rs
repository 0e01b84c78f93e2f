//! polder-dns: see the library's documentation.

fn main() -> std::process::ExitCode {
    let args = <Args as clap::Parser>::parse();
    polder::dns::run(args.daemon)
}

/// The authoritative nameserver of a polder fleet: zones from master files, and pools of proxies that are up and wanted
#[derive(clap::Parser)]
#[command(name = "polder-dns", version)]
struct Args {
    #[command(flatten)]
    daemon: polder::daemon::args::DaemonArgs,
}
