//! polder-proxy: see the library's documentation.

fn main() -> std::process::ExitCode {
    let args = <Args as clap::Parser>::parse();
    polder::proxy::run(args.daemon)
}

#[derive(clap::Parser)]
#[command(name = "polder-proxy", version, about = "The reverse proxy of polder", long_about = None)]
struct Args {
    #[command(flatten)]
    daemon: polder::daemon::args::DaemonArgs,
}
