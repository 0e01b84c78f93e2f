//! `zone diff`: two versions of a zone, compared as zones.

use std::path::PathBuf;

use serde::Serialize;

use super::source::{self, refuse};
use crate::config::dns::Checks;
use crate::counted::counted;
use crate::push::error::Error;
use crate::verbs::exit::Exit;
use crate::verbs::output::{Output, Tone};
use crate::zone::diff::{Difference, diff};
use crate::zone::text::line;

/// The arguments of `zone diff`.
#[derive(Debug, Clone, clap::Args)]
pub struct DiffArgs {
    /// The zone, such as example.net
    pub zone: String,
    /// The file of one version; `-` is standard input
    pub old: PathBuf,
    /// The file of the other one
    pub new: PathBuf,
    /// A serial that differs is no difference
    #[arg(long)]
    pub ignore_serial: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    zone: String,
    serials: [Option<u32>; 2],
    removed: Vec<String>,
    added: Vec<String>,
}

pub(super) fn run(args: &DiffArgs, output: &Output) -> Result<Exit, Error> {
    let zone = match source::zone_name(&args.zone) {
        Ok(zone) => zone,
        Err(message) => return Ok(output.refuse(&message, Exit::Usage)),
    };
    if args.old.as_os_str() == "-" && args.new.as_os_str() == "-" {
        return Ok(output.refuse("only one of the two can be standard input", Exit::Usage));
    }
    let (old, new) =
        match (source::load(&zone, &args.old, Checks::Lenient)?, source::load(&zone, &args.new, Checks::Lenient)?) {
            (Ok(old), Ok(new)) => (old, new),
            (Err(findings), _) | (_, Err(findings)) => return Ok(refuse(&findings, Exit::CouldNot, output)),
        };
    let difference = diff(&old, &new, !args.ignore_serial);
    let is_alike = difference.is_empty();
    let text = text(&zone, &difference);
    let Difference { removed, added } = difference;
    let lines = |records: Vec<_>| records.iter().map(line).collect();
    let report = Report { zone, serials: [old.serial(), new.serial()], removed: lines(removed), added: lines(added) };
    output.answer(&report, &text);
    Ok(if is_alike { Exit::Done } else { Exit::No })
}

/// What goes and what comes, of one name and type beside each other.
fn text(zone: &str, difference: &Difference<'_>) -> String {
    if difference.is_empty() {
        return format!("zone {zone}: {}\n", Tone::Good.paint("no difference"));
    }
    let Difference { removed, added } = difference;
    let removed = removed.iter().map(|record| (record, Tone::Bad, '-'));
    let added = added.iter().map(|record| (record, Tone::Good, '+'));
    let mut lines: Vec<_> = removed.chain(added).collect();
    lines.sort_by(|(one, ..), (other, ..)| one.in_order_with(other));
    let shown: String =
        lines.iter().map(|(record, tone, sign)| tone.paint(&format!("{sign} {}", line(record))) + "\n").collect();
    let (gone, come) = (difference.removed.len(), difference.added.len());
    format!("{shown}zone {zone}: {} removed, {come} added\n", counted(gone, "record"))
}
