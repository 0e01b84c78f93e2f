//! `dnssec roll-algorithm`: replaces all keys of a zone by those of another algorithm.

use super::keygen::Chosen;
use super::keys_of::KeysOf;
use super::parent_roll::{self, EndArgs};
use crate::push::error::Error;
use crate::verbs::exit::Exit;
use crate::verbs::output::Output;

/// The arguments of `dnssec roll-algorithm`.
#[derive(Debug, Clone, clap::Args)]
pub struct RollAlgorithmArgs {
    #[command(flatten)]
    /// Whose keys.
    pub keys: KeysOf,
    /// The algorithm that the new keys are of
    #[arg(long, value_enum, ignore_case = true, required_unless_present = "finish")]
    pub to: Option<Chosen>,
    #[command(flatten)]
    /// How it ends.
    pub end: EndArgs,
}

pub(super) fn run(args: &RollAlgorithmArgs, output: &Output) -> Result<Exit, Error> {
    match args.to {
        Some(to) if !args.end.finish => {
            parent_roll::begin(&args.keys, Some(to.into()), "roll-algorithm", &args.end, output)
        }
        _ => parent_roll::end(&args.keys, &args.end, output),
    }
}
