//! `serial`: raises the serial of a zone in its master file.

use std::path::PathBuf;

use serde::Serialize;

use super::args::parse_number;
use super::exit::Exit;
use super::output::{Output, complain};
use super::zone::source::{check_is_file, look_for, zone_name};
use crate::config::dns::Checks;
use crate::dnssec::validate::is_signed;
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
    let zone = match zone_name(&args.zone) {
        Ok(zone) => zone,
        Err(message) => return Ok(output.refuse(&message, Exit::Usage)),
    };
    let file = args.file.clone().map_or_else(|| look_for(&zone, &args.folder, "with --file"), Ok)?;
    check_is_file(&file)?;
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
    if is_signed(&loaded.records) {
        let why = "is signed: with another serial its SOA would have no signature; raise it where the zone is signed";
        return Ok(output.refuse(&Error::at(file.display(), why), Exit::No));
    }
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
