//! polder-proxy: see the library's documentation.

use polder::daemon::args::ProxyArgs;

fn main() -> std::process::ExitCode {
    let args = <ProxyArgs as clap::Parser>::parse();
    polder::proxy::run(args.daemon)
}
