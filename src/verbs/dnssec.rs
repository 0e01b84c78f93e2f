//! `dnssec`: makes the keys of signed zones, tells the parent of them, and rolls them over. It changes files in one folder, and nothing else.

mod ds;
mod keygen;
mod roll_zsk;
mod shown;

use std::fs::File;
use std::path::{Path, PathBuf};

use super::exit::Exit;
use super::output::Output;
use super::zone::source::zone_name;
use crate::dnssec::KeyError;
use crate::files;
use crate::push::error::Error;
use crate::unix_time::unix_ms;
use crate::zone::name;

/// What to do with the keys of a zone.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum DnssecVerb {
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
    /// Make a successor of the key that signs a zone's records
    ///
    /// It is published now, and signs when resolvers know it; the present key stays until its last signature has run out. Both are in the times of
    /// the files: nothing is left to do but to copy them to every nameserver.
    #[command(
        after_help = "Exit codes: 0 the roll is under way, 1 the keys are not such that one can begin, 2 usage, 3 could not run."
    )]
    RollZsk(roll_zsk::RollArgs),
}

/// Of which zone, and where its keys are.
#[derive(Debug, Clone, clap::Args)]
pub struct KeysOf {
    /// The zone, such as example.net
    pub zone: String,
    /// The folder of its keys (`dnssec.keys` of the zone in dns.json); keys of other zones in it are left alone
    #[arg(long, value_name = "DIR")]
    pub folder: PathBuf,
}

/// A zone by its name, as text and in wire format.
struct Zone {
    text: String,
    apex: Box<[u8]>,
}

impl KeysOf {
    fn zone(&self) -> Result<Zone, Error> {
        let text = zone_name(&self.zone)?;
        let apex = name::from_text(&text).ok_or_else(|| Error::new(format!("\"{text}\" is not a domain name")))?;
        Ok(Zone { text, apex })
    }

    /// Keeps another `polder dnssec` from changing the folder meanwhile.
    fn lock(&self) -> Result<File, Error> {
        files::lock_folder(&self.folder).map_err(|error| {
            Error::new(error)
                .remedy("expected the folder of the zone's keys; `mkdir -m 0750` makes one, for the nameserver's user")
        })
    }
}

/// Does it.
pub fn run(verb: &DnssecVerb, output: &Output) -> Result<Exit, Error> {
    match verb {
        DnssecVerb::Keygen(args) => keygen::run(args, output),
        DnssecVerb::Ds(args) => ds::run(args, output),
        DnssecVerb::RollZsk(args) => roll_zsk::run(args, output),
    }
}

fn unusable(error: KeyError) -> Error {
    let place = match error.line {
        Some(line) => format!("{}:{line}", error.file.display()),
        None => error.file.display().to_string(),
    };
    Error::at(place, error.why)
}

/// In seconds since the epoch.
fn now() -> u64 {
    unix_ms() / 1000
}

/// The path as a shell takes it where it holds nothing odd.
fn shell(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-+".contains(letter);
    if !text.is_empty() && text.chars().all(is_plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}
