//! `check`: everything that can be known of a fleet before any host sees it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::Exit;
use super::output::{Output, Tone, printable};
use crate::config::names;
use crate::fleet::check::{Checked, Finding, Known, Served, check};
use crate::fleet::{self, Fleet};
use crate::push::evaluate::{self, Refused, at_home, evaluate};
use crate::push::stage::{self, Revision, stage};
use crate::push::{changes, served};

/// What `check` takes.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Exit codes: 0 nothing is wrong, 1 something is, 2 usage, 3 could not run.")]
pub struct CheckArgs {
    /// The folder with the fleet's flake: a Subversion working copy, a git checkout, or neither
    #[arg(default_value = ".")]
    pub folder: PathBuf,
    /// Check a fleet that was evaluated elsewhere, instead of evaluating the folder
    #[arg(long, value_name = "FILE", conflicts_with = "nix")]
    pub fleet: Option<PathBuf>,
    /// The serial of a zone that is served, instead of asking the nameservers (may be repeated)
    #[arg(long, value_name = "ZONE=SERIAL", value_parser = stated)]
    pub served: Vec<(String, u32)>,
    /// Ask no nameserver
    #[arg(long)]
    pub offline: bool,
    /// Further arguments for `nix eval`, behind `--`
    #[arg(last = true, value_name = "NIX")]
    pub nix: Vec<String>,
}

fn stated(text: &str) -> Result<(String, u32), String> {
    let (zone, serial) = text.split_once('=').ok_or("expected a zone and its serial, like example.net=42")?;
    let serial = serial.parse().map_err(|_| format!("{serial:?} is no serial: expected 0 to {}", u32::MAX))?;
    Ok((names::dns_name(zone)?, serial))
}

const DNS_PORT: u16 = 53;

/// What was found.
#[derive(Debug, Default, Serialize)]
struct Report {
    /// The revision, local changes left aside.
    revision: Option<String>,
    /// Files that differ from it.
    local_changes: Vec<PathBuf>,
    hosts: usize,
    zones: usize,
    pools: usize,
    findings: Vec<Finding>,
    notes: Vec<Finding>,
    /// For people: the revision and its changes.
    #[serde(skip)]
    staged: String,
}

/// Stages, evaluates, checks.
pub fn run(args: &CheckArgs, output: &Output) -> Exit {
    let mut report = Report::default();
    match examine(args, &mut report) {
        Ok(()) => {
            output.answer(&report, &text(&report));
            if report.findings.is_empty() { Exit::Done } else { Exit::No }
        }
        Err(message) => output.could_not(&message),
    }
}

/// Goes as far as it can: a folder that cannot be staged is not evaluated, a fleet that does not evaluate is not checked.
fn examine(args: &CheckArgs, report: &mut Report) -> Result<(), String> {
    let staged = match stage(&args.folder) {
        Ok(staged) => staged,
        Err(stage::Refusal::CouldNot(why)) => return Err(why),
        Err(stage::Refusal::Files(unfit)) => {
            let place = |file: &Path| shown(&args.folder, file);
            report.findings.extend(unfit.iter().map(|one| Finding::new(place(&one.file), &*one.message)));
            return Ok(());
        }
    };
    describe(&staged.revision, report);
    let fleet = match &args.fleet {
        Some(file) => fleet::load(file)
            .map(|fleet| at_home(fleet, &args.folder))
            .map_err(|findings| report.findings.extend(findings.0.into_iter().map(Finding::from))),
        None => evaluated(args, &staged.folder(), report)?,
    };
    let Ok(fleet) = fleet else { return Ok(()) };
    (report.hosts, report.zones, report.pools) = (fleet.hosts.len(), fleet.zones.len(), fleet.pools.len());
    let known =
        Known { served: serials(&fleet, args), changes: changes::zones(&fleet, &args.folder, &staged.revision) };
    let Checked { findings, notes } = check(&fleet, &known);
    report.findings.extend(findings);
    report.notes.extend(notes);
    Ok(())
}

fn describe(revision: &Revision, report: &mut Report) {
    report.staged = revision.in_words();
    if let Revision::Known { name, changed, .. } = revision {
        report.revision = Some(name.clone());
        report.local_changes.clone_from(changed);
    }
}

/// The fleet of the staged flake, or a finding.
fn evaluated(args: &CheckArgs, staged: &Path, report: &mut Report) -> Result<Result<Fleet, ()>, String> {
    if !staged.join("flake.nix").is_file() {
        return Err(format!(
            "there is no flake.nix in {}: name the folder with the fleet's flake, or --fleet FILE",
            args.folder.display()
        ));
    }
    let refused = match evaluate(staged, &args.folder, &args.nix) {
        Ok(fleet) => return Ok(Ok(fleet)),
        Err(evaluate::Refusal::CouldNot(why)) => return Err(why),
        Err(evaluate::Refusal::Unreadable(findings)) => {
            return Err(format!("the flake's polder is of another release than this command: {findings}"));
        }
        Err(evaluate::Refusal::Refused(refused)) => refused,
    };
    let Refused { place, message } = refused;
    report.findings.push(Finding::new(place.unwrap_or_else(|| "evaluation".to_owned()), message));
    Ok(Err(()))
}

/// What is known of each zone's serial: as stated, or as the nameservers say.
fn serials(fleet: &Fleet, args: &CheckArgs) -> BTreeMap<String, Vec<Served>> {
    let mut served: BTreeMap<String, Vec<Served>> = BTreeMap::new();
    for (zone, serial) in &args.served {
        let by = "--served".to_owned();
        served.entry(zone.clone()).or_default().push(Served::Serial { by, serial: *serial });
    }
    if args.offline {
        return served;
    }
    // All nameservers at once: each of them may be silent.
    std::thread::scope(|scope| {
        let asked: Vec<_> = fleet
            .zones
            .iter()
            .filter(|(apex, _)| args.served.iter().all(|(stated, _)| stated != *apex))
            .flat_map(|(apex, zone)| zone.nameservers.iter().map(move |host| (apex, host)))
            .map(|(apex, host)| (apex, scope.spawn(move || ask(fleet, apex, host))))
            .collect();
        for (apex, asking) in asked {
            if let Ok(answer) = asking.join() {
                served.entry(apex.clone()).or_default().push(answer);
            }
        }
    });
    served
}

fn ask(fleet: &Fleet, apex: &str, host: &str) -> Served {
    let by = host.to_owned();
    let addresses = fleet.hosts.get(host).map_or(&[][..], |host| &host.addresses);
    let mut why = "it has no address".to_owned();
    for address in addresses {
        match served::serial(SocketAddr::new(*address, DNS_PORT), apex) {
            Ok(served::Answer::Serial(serial)) => return Served::Serial { by, serial },
            Ok(served::Answer::NoZone) => return Served::NotYet { by },
            Err(error) => why = format!("{address}: {error}"),
        }
    }
    Served::Unknown { by, why }
}

fn shown(folder: &Path, file: &Path) -> String {
    let file = if folder == Path::new(".") { file.to_owned() } else { folder.join(file) };
    file.display().to_string()
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

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
