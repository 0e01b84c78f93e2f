//! The operator's command: see `polder::verbs`.

use clap::Parser;

fn main() -> std::process::ExitCode {
    polder::verbs::run(polder::verbs::Cli::parse())
}
