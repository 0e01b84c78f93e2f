//! `dnssec`: shows how signed zones stand, makes their keys, tells the parent of them, and rolls them over. It changes files in one folder, and
//! nothing else.

mod ds;
mod for_parent;
mod keygen;
mod keys_of;
mod nameservers;
mod pace;
mod parent;
mod parent_roll;
mod roll_algorithm;
mod roll_ksk;
mod roll_zsk;
mod shown;
mod status;
mod step;

use super::exit::Exit;
use super::output::Output;
use crate::push::error::Error;

/// What to do with signed zones and their keys.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum DnssecVerb {
    /// Show the keys and signatures of signed zones, and what comes next
    ///
    /// As all their nameservers have them: each key and what it does, when the first signature runs out, what the parent is to have, and where
    /// nameservers differ. Of a zone that is named, what the nameservers of the zone above have of it too.
    #[command(after_help = "Exit codes: 0 all is well, 1 it is not, 2 usage, 3 no nameserver answered.")]
    Status(status::StatusArgs),
    /// Make a key, and say what to do with it
    ///
    /// In the files that BIND's dnssec-keygen makes. Without --ksk and --zsk one key signs the whole zone, which is the least to look after.
    #[command(after_help = "Exit codes: 0 made, 2 usage, 3 could not run.")]
    Keygen(keygen::KeygenArgs),
    /// Print the DS records that the parent is to have
    ///
    /// Of each key that has the flag SEP (257) and signs now or will. Give them to the registrar once every nameserver serves the zone signed.
    #[command(after_help = "Exit codes: 0 printed, 1 no key is for the parent, 2 usage, 3 could not run.")]
    Ds(ds::DsArgs),
    /// Make a successor of the key that signs a zone's records, or many of them ahead
    ///
    /// It is published now, and signs when resolvers know it; the present key stays until its last signature has run out. Both are in the times of
    /// the files: nothing is left to do but to copy them to every nameserver. With --every and --for each successor has one in turn, so that the key
    /// rolls by itself; the last one goes on until somebody says it again.
    #[command(
        after_help = "Exit codes: 0 the roll is under way, 1 the keys are not such that one can begin, 2 usage, 3 could not run."
    )]
    RollZsk(roll_zsk::RollArgs),
    /// Replace the key that the parent knows, a KSK or the one key of a zone
    ///
    /// The new key is published now, and signs beside the old one. Once the parent has its DS instead, --finish looks at every nameserver and at every one of the
    /// parent's, and gives the old key its end: when the parent's old DS has run out of caches.
    #[command(
        after_help = "Exit codes: 0 begun, or ended, 1 the keys are not such that it can begin, or it waits for something, 2 usage, 3 could not run, or ask."
    )]
    RollKsk(roll_ksk::RollKskArgs),
    /// Replace all keys of a zone by those of another algorithm
    ///
    /// The new keys sign from now on, and are published when every resolver has their signatures. Then the parent has its turn, and --finish ends it, as that of roll-ksk
    /// does: the old keys go first, and then their signatures.
    #[command(
        after_help = "Exit codes: 0 begun, or ended, 1 the keys are not such that it can begin, or it waits for something, 2 usage, 3 could not run, or ask."
    )]
    RollAlgorithm(roll_algorithm::RollAlgorithmArgs),
}

/// Does it.
pub fn run(verb: &DnssecVerb, output: &Output) -> Result<Exit, Error> {
    match verb {
        DnssecVerb::Status(args) => status::run(args, output),
        DnssecVerb::Keygen(args) => keygen::run(args, output),
        DnssecVerb::Ds(args) => ds::run(args, output),
        DnssecVerb::RollZsk(args) => roll_zsk::run(args, output),
        DnssecVerb::RollKsk(args) => roll_ksk::run(args, output),
        DnssecVerb::RollAlgorithm(args) => roll_algorithm::run(args, output),
    }
}
