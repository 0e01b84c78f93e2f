//! `zone`: looks at zones in files, as a nameserver would, and compares them. Nothing is changed.

mod check;
mod diff;
mod dump;
mod serial;
pub(super) mod source;

use super::exit::Exit;
use super::output::Output;
use crate::push::error::Error;

/// What to do with a zone.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum ZoneVerb {
    /// Find all that is wrong with a zone in a file, by line
    #[command(after_help = "Exit codes: 0 it can be served, 1 it cannot, 2 usage, 3 could not run.")]
    Check(check::CheckArgs),
    /// Show in which records two versions of a zone differ
    ///
    /// As zones and not as texts: neither the order of records nor how they are written counts.
    #[command(after_help = "Exit codes: 0 they are alike, 1 they differ, 2 usage, 3 one of them cannot be read.")]
    Diff(diff::DiffArgs),
    /// Print a zone's records in order, each whole on a line of its own
    #[command(after_help = "Exit codes: 0 printed, 1 the zone has errors, 2 usage, 3 could not run.")]
    Dump(dump::DumpArgs),
    /// Show the serial of a zone in its file, and at nameservers
    ///
    /// `polder serial` raises it.
    #[command(
        after_help = "Exit codes: 0 it is the same everywhere, 1 it is not, or the zone is missing somewhere, 2 usage, 3 could not run."
    )]
    Serial(serial::SerialArgs),
}

/// Does it.
pub fn run(verb: &ZoneVerb, output: &Output) -> Result<Exit, Error> {
    match verb {
        ZoneVerb::Check(args) => check::run(args, output),
        ZoneVerb::Diff(args) => diff::run(args, output),
        ZoneVerb::Dump(args) => dump::run(args, output),
        ZoneVerb::Serial(args) => serial::run(args, output),
    }
}
