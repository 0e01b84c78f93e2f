//! `check`: finds everything that can be found wrong with a fleet before it reaches a host.

use std::path::PathBuf;

use serde::Serialize;

use super::exit::Exit;
use super::output::{Output, Tone, printable};
use crate::config::names;
use crate::counted::counted;
use crate::fleet::check::Finding;
use crate::push::admin::known_fleet;
use crate::push::error::Error;
use crate::push::pipeline::evaluate::{Depth, Evaluated};
use crate::push::pipeline::prepare::{Request, prepare};
use crate::push::pipeline::stage::Revision;

/// The arguments of `check`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Exit codes: 0 nothing is wrong, 1 something is, 2 usage, 3 could not run.")]
pub struct CheckArgs {
    /// The folder with the fleet's flake: a Subversion working copy, a git checkout, or a plain folder
    #[arg(default_value = ".")]
    pub folder: PathBuf,
    /// Check this evaluated fleet instead of evaluating the folder
    #[arg(long, value_name = "FILE", conflicts_with = "nix")]
    pub fleet: Option<PathBuf>,
    /// The serial that is served for a zone, instead of asking its nameservers (may be repeated)
    #[arg(long, value_name = "ZONE=SERIAL", value_parser = stated)]
    pub served: Vec<(String, u32)>,
    /// Do not query the nameservers for their serials
    #[arg(long)]
    pub offline: bool,
    /// Further arguments for `nix eval`, after `--`
    #[arg(last = true, value_name = "NIX")]
    pub nix: Vec<String>,
}

fn stated(text: &str) -> Result<(String, u32), String> {
    let (zone, serial) = text.split_once('=').ok_or("expected a zone and its serial, like example.net=42")?;
    let serial = serial.parse().map_err(|_| format!("{serial:?} is not a serial: expected 0 to {}", u32::MAX))?;
    Ok((names::dns_name(zone)?, serial))
}

/// What the check found.
#[derive(Debug, Default, Serialize)]
struct Report {
    /// The revision, without local changes.
    revision: Option<String>,
    /// Files that differ from it.
    local_changes: Vec<PathBuf>,
    hosts: usize,
    zones: usize,
    pools: usize,
    findings: Vec<Finding>,
    notes: Vec<Finding>,
    /// The revision and the number of local changes, for the text output.
    #[serde(skip)]
    staged: String,
}

/// Runs `check`.
pub fn run(args: &CheckArgs, output: &Output) -> Result<Exit, Error> {
    let CheckArgs { folder, fleet, served, offline, nix } = args;
    let fleet = fleet.as_deref();
    let request = Request { folder, fleet, served, offline: *offline, nix, depth: Depth::Checkable };
    let prepared = prepare(&request)?;
    let mut report = Report { findings: prepared.findings, notes: prepared.notes, ..Report::default() };
    if let Some(staged) = &prepared.staged {
        describe(&staged.revision, &mut report);
    }
    if let Some(Evaluated { fleet, text }) = &prepared.evaluated {
        (report.hosts, report.zones, report.pools) = (fleet.hosts.len(), fleet.zones.len(), fleet.pools.len());
        if args.fleet.is_none() {
            let kept = known_fleet::remember(fleet, text, report.findings.is_empty());
            report.notes.extend(kept.err().map(|why| Finding::new("this admin machine", why.to_string())));
        }
    }
    output.answer(&report, &text(&report));
    Ok(if report.findings.is_empty() { Exit::Done } else { Exit::No })
}

fn describe(revision: &Revision, report: &mut Report) {
    report.staged = revision.in_words();
    if let Revision::Known { name, changed, .. } = revision {
        report.revision = Some(name.clone());
        report.local_changes.clone_from(changed);
    }
}

fn text(report: &Report) -> String {
    let mut text = String::new();
    if !report.staged.is_empty() {
        text.push_str(&format!("staged {}", report.staged));
        if report.hosts > 0 {
            text.push_str(&format!(
                ": {}, {}, {}",
                counted(report.hosts, "host"),
                counted(report.zones, "zone"),
                counted(report.pools, "pool")
            ));
        }
        text.push('\n');
    }
    for note in &report.notes {
        text.push_str(&line(Tone::Notable, "note", note));
    }
    for finding in &report.findings {
        text.push_str(&line(Tone::Bad, "wrong", finding));
    }
    text.push_str(&match report.findings.len() {
        0 => format!("{}\n", Tone::Good.paint("nothing is wrong")),
        n => format!("{}\n", Tone::Bad.paint(&counted(n, "finding"))),
    });
    text
}

fn line(tone: Tone, kind: &str, finding: &Finding) -> String {
    format!("{} {}: {}\n", tone.paint(&format!("{kind:<5}")), printable(&finding.place), printable(&finding.message))
}
