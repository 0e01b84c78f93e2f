//! Which zone's keys a verb is about, and the folder that they are in.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::dnssec::KeyError;
use crate::files;
use crate::push::error::Error;
use crate::unix_time::unix_ms;
use crate::verbs::zone::source::zone_name;
use crate::zone::name;

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
pub(super) struct Zone {
    pub(super) text: String,
    pub(super) apex: Box<[u8]>,
}

impl KeysOf {
    pub(super) fn zone(&self) -> Result<Zone, Error> {
        let text = zone_name(&self.zone)?;
        let apex = name::from_text(&text).ok_or_else(|| Error::new(format!("\"{text}\" is not a domain name")))?;
        Ok(Zone { text, apex })
    }

    /// Keeps another `polder dnssec` from changing the folder meanwhile.
    pub(super) fn lock(&self) -> Result<File, Error> {
        files::lock_folder(&self.folder).map_err(|error| {
            Error::new(error)
                .remedy("expected the folder of the zone's keys; `mkdir -m 0750` makes one, for the nameserver's user")
        })
    }
}

/// A fault of the keys, as the operator is told of it.
pub(super) fn unusable(error: KeyError) -> Error {
    let place = match error.line {
        Some(line) => format!("{}:{line}", error.file.display()),
        None => error.file.display().to_string(),
    };
    Error::at(place, error.why)
}

/// In seconds since the epoch.
pub(super) fn now() -> u64 {
    unix_ms() / 1000
}

/// The path as a shell takes it where it holds nothing odd.
pub(super) fn shell(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-+".contains(letter);
    if !text.is_empty() && text.chars().all(is_plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}
