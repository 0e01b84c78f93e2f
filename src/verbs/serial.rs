//! `serial`: raises the serial of a zone in its master file.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::args::parse_number;
use super::exit::Exit;
use super::output::{Output, complain};
use crate::config::dns::Checks;
use crate::config::names;
use crate::push::error::Error;
use crate::push::pipeline::trust;
use crate::zone;
use crate::zone::serial::bump;

/// The arguments of `serial`.
#[derive(Debug, Clone, clap::Args)]
pub struct SerialArgs {
    /// The zone, such as example.net
    pub zone: String,
    /// The folder in which to look for its file, ZONE.zone or ZONE, at any depth
    #[arg(default_value = ".")]
    pub folder: PathBuf,
    /// The zone's file, instead of looking for it
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Raise it above this serial, too: one that is served
    #[arg(long, value_name = "SERIAL", value_parser = |text: &str| parse_number(text, 0..=u32::MAX), allow_hyphen_values = true)]
    pub above: Option<u32>,
}

/// The result.
#[derive(Debug, Serialize)]
struct Raised {
    zone: String,
    file: PathBuf,
    line: u32,
    before: u32,
    after: u32,
}

/// Finds the file and raises the serial. A zone with an error is left unchanged.
pub fn run(args: &SerialArgs, output: &Output) -> Result<Exit, Error> {
    let zone = match names::zone_name(&args.zone) {
        Ok(zone) => zone,
        Err(message) => {
            return Ok(output.refuse(&format!("{message}; expected a zone's name, such as example.net"), Exit::Usage));
        }
    };
    let file = args.file.clone().map_or_else(|| look_for(&zone, &args.folder), Ok)?;
    let expected = "expected the zone's file, a regular file";
    let there = fs::metadata(&file).map_err(|error| Error::at(file.display(), error).remedy(expected))?;
    if there.is_dir() {
        return Err(Error::at(file.display(), "it is a directory").remedy(expected));
    }
    trust::check_file(&file)?;
    let loaded = match zone::load(&zone, &file, Checks::Lenient) {
        Ok(loaded) => loaded,
        Err(findings) => {
            for finding in &findings.0 {
                complain(&finding.to_string());
            }
            output.answer(&serde_json::json!({ "error": findings.to_string() }), "");
            return Ok(Exit::No);
        }
    };
    let done = bump(&loaded, args.above, today()).map_err(|error| Error::at(file.display(), error))?;
    let raised = Raised { zone, file: done.file, line: done.line, before: done.before, after: done.after };
    output.answer(&raised, &text(&raised));
    Ok(Exit::Done)
}

fn text(raised: &Raised) -> String {
    let Raised { file, line, before, after, .. } = raised;
    format!("{}:{line}: serial {before} -> {after}\n", file.display())
}

/// Today as YYYYMMDD, in this machine's time zone.
fn today() -> u32 {
    let day = jiff::Zoned::now().date();
    let number = i32::from(day.year()) * 10_000 + i32::from(day.month()) * 100 + i32::from(day.day());
    u32::try_from(number).unwrap_or(0)
}

/// The one file that is named after the zone.
fn look_for(zone: &str, folder: &Path) -> Result<PathBuf, Error> {
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
