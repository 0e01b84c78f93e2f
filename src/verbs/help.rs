//! The command line of `polder` as `--help` shows it.

use clap::CommandFactory;

use super::Cli;

pub mod examples;

/// The whole command line.
pub fn command() -> clap::Command {
    Cli::command()
}
