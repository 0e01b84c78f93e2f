//! `zone check`: what a nameserver would say of a zone's file, and a validator of its signatures.

use serde::Serialize;

use super::source::{self, ZoneArg};
use crate::config::Finding;
use crate::config::dns::Checks;
use crate::counted::counted;
use crate::dnssec::validate::{self, Depth, Judged, Severity, Subject};
use crate::push::error::Error;
use crate::unix_time;
use crate::verbs::exit::Exit;
use crate::verbs::output::{Output, Tone, printable};
use crate::zone::ZoneFile;

/// The arguments of `zone check`.
#[derive(Debug, Clone, clap::Args)]
pub struct CheckArgs {
    #[command(flatten)]
    /// Which zone.
    pub zone: ZoneArg,
    /// Warnings are errors, as with `checks: strict` of its nameservers
    #[arg(long)]
    pub strict: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    zone: String,
    serial: Option<u32>,
    records: usize,
    errors: Vec<String>,
    warnings: Vec<String>,
}

pub(super) fn run(args: &CheckArgs, output: &Output) -> Result<Exit, Error> {
    let zone = match source::zone_name(&args.zone.zone) {
        Ok(zone) => zone,
        Err(why) => return Ok(output.refuse(&why, Exit::Usage)),
    };
    let file = args.zone.file(&zone)?;
    let checks = if args.strict { Checks::Strict } else { Checks::Lenient };
    let lines = |findings: &[Finding]| findings.iter().map(ToString::to_string).collect();
    let report = match source::load(&zone, &file, checks)? {
        Ok(loaded) => {
            let Judged { errors, warnings } = signatures(&loaded, checks);
            Report {
                zone,
                serial: loaded.serial(),
                records: loaded.records.len(),
                errors: lines(&errors),
                warnings: lines(&[&loaded.warnings[..], &warnings].concat()),
            }
        }
        Err(findings) => Report { zone, serial: None, records: 0, errors: lines(&findings.0), warnings: Vec::new() },
    };
    output.answer(&report, &text(&report));
    Ok(if report.errors.is_empty() { Exit::Done } else { Exit::No })
}

/// What a validator would say of a zone that comes signed.
fn signatures(zone: &ZoneFile, checks: Checks) -> Judged {
    if !validate::is_signed(&zone.records) {
        return Judged::default();
    }
    let (now, depth, parent) = (unix_time::unix_ms() / 1000, Depth::Signatures, None);
    let flaws = validate::validate(&Subject { apex: &zone.apex, records: &zone.records, now, depth, parent });
    Judged::of(zone, &flaws, |severity| match severity {
        Severity::Bogus | Severity::Untimely => true,
        Severity::Odd => checks == Checks::Strict,
        Severity::Ending => false,
    })
}

fn text(report: &Report) -> String {
    let told = |tone: Tone, kind: &str, lines: &[String]| {
        lines.iter().map(|line| format!("{} {}\n", tone.paint(kind), printable(line))).collect::<String>()
    };
    let findings = told(Tone::Bad, "error  ", &report.errors) + &told(Tone::Notable, "warning", &report.warnings);
    let end = match (report.errors.len(), report.serial) {
        (0, serial) => {
            let serial = serial.map_or_else(String::new, |serial| format!("serial {serial}, "));
            let good = Tone::Good.paint("can be served");
            format!("zone {}: {serial}{}: {good}\n", report.zone, counted(report.records, "record"))
        }
        (errors, _) => format!("zone {}: {}\n", report.zone, Tone::Bad.paint(&counted(errors, "error"))),
    };
    findings + &end
}
