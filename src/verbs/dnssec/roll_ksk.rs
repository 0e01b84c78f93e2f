//! `dnssec roll-ksk`: replaces the key that the parent knows.

use super::keys_of::KeysOf;
use super::parent_roll::{self, EndArgs};
use crate::push::error::Error;
use crate::verbs::exit::Exit;
use crate::verbs::output::Output;

/// The arguments of `dnssec roll-ksk`.
#[derive(Debug, Clone, clap::Args)]
pub struct RollKskArgs {
    #[command(flatten)]
    /// Whose keys.
    pub keys: KeysOf,
    #[command(flatten)]
    /// How it ends.
    pub end: EndArgs,
}

pub(super) fn run(args: &RollKskArgs, output: &Output) -> Result<Exit, Error> {
    match args.end.finish {
        true => parent_roll::end(&args.keys, &args.end, output),
        false => parent_roll::begin(&args.keys, None, "roll-ksk", &args.end, output),
    }
}
