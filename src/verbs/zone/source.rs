//! Where a zone comes from: a file that is named, one that is named after the zone, or standard input.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::config::Findings;
use crate::config::dns::Checks;
use crate::config::names;
use crate::push::error::Error;
use crate::verbs::exit::Exit;
use crate::verbs::output::{Output, complain};
use crate::zone::{self, ZoneFile};

/// Which zone, and its file.
#[derive(Debug, Clone, clap::Args)]
pub struct ZoneArg {
    /// The zone, such as example.net
    pub zone: String,
    /// Its file; `-` is standard input; none: the one named ZONE.zone or ZONE in this folder, at any depth
    pub file: Option<PathBuf>,
}

impl ZoneArg {
    /// The zone's file, where it is not named.
    pub(super) fn file(&self, zone: &str) -> Result<PathBuf, Error> {
        self.file.clone().map_or_else(|| look_for(zone, Path::new(".")), Ok)
    }
}

/// Standard input is read up to here: a larger zone is read from its file.
const MOST_BYTES: u64 = 256 << 20;

/// The name of a zone, as it is compared.
pub(in crate::verbs) fn zone_name(text: &str) -> Result<String, Error> {
    names::zone_name(text).map_err(|message| Error::new(message).remedy("expected a zone's name, such as example.net"))
}

/// A zone that was asked for, or why it has none; `-` is standard input.
pub(super) fn load(apex: &str, file: &Path, checks: Checks) -> Result<Result<ZoneFile, Findings>, Error> {
    if file == Path::new("-") {
        let mut text = Vec::new();
        let read = std::io::stdin().lock().take(MOST_BYTES + 1).read_to_end(&mut text);
        let read = read.map_err(|error| Error::at("standard input", error))?;
        if read as u64 > MOST_BYTES {
            return Err(Error::at("standard input", format!("it is longer than {} MiB", MOST_BYTES >> 20))
                .remedy("name a file"));
        }
        return Ok(zone::parse(apex, Path::new("-"), text, checks));
    }
    check_is_file(file)?;
    Ok(zone::load(apex, file, checks))
}

/// Whether a zone may be there.
pub(in crate::verbs) fn check_is_file(file: &Path) -> Result<(), Error> {
    let expected = "expected the zone's file, a regular file";
    let there = fs::metadata(file).map_err(|error| Error::at(file.display(), error).remedy(expected))?;
    if there.is_dir() {
        return Err(Error::at(file.display(), "it is a directory").remedy(expected));
    }
    Ok(())
}

/// The one file that is named after the zone.
pub(in crate::verbs) fn look_for(zone: &str, folder: &Path) -> Result<PathBuf, Error> {
    let mut files = Vec::new();
    let names = [format!("{zone}.zone"), zone.to_owned()];
    walk(folder, &names, &mut files).map_err(|error| {
        Error::at(folder.display(), error).remedy("expected the folder in which the zone's file is")
    })?;
    files.sort();
    match &files[..] {
        [file] => Ok(file.clone()),
        [] => {
            let problem = format!("no file below {} is named {}", folder.display(), names.join(" or "));
            Err(Error::new(format!("{problem}: name it with --file")))
        }
        _ => {
            let names: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
            Err(Error::new(format!("several files are named after {zone}: {}", names.join(", ")))
                .remedy("name one with --file"))
        }
    }
}

/// Finds files by name, at any depth; skips hidden folders and follows no links.
fn walk(folder: &Path, names: &[String], files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let kind = entry.file_type()?;
        let path = if folder == Path::new(".") { PathBuf::from(&name) } else { entry.path() };
        if kind.is_dir() && !name.as_encoded_bytes().starts_with(b".") {
            walk(&path, names, files)?;
        } else if kind.is_file() && names.iter().any(|wanted| name.eq_ignore_ascii_case(wanted)) {
            files.push(path);
        }
    }
    Ok(())
}

/// Says why there is no zone.
pub(super) fn refuse(findings: &Findings, exit: Exit, output: &Output) -> Exit {
    findings.0.iter().for_each(|finding| complain(&finding.to_string()));
    output.answer(&serde_json::json!({ "error": findings.to_string() }), "");
    exit
}
