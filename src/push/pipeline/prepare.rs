//! From a folder to a checked fleet: stage, evaluate, ask for serials, check. `check` ends here; `plan` and `push` continue.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

use crate::fleet::check::{Checked, Finding, SerialFacts, Served, check};
use crate::fleet::{self, Fleet};
use crate::health::dns_query;
use crate::push::at_once::at_once;
use crate::push::error::Error;
use crate::push::pipeline::changes;
use crate::push::pipeline::evaluate::{Depth, EvaluateError, Evaluated, evaluate, with_local_zone_files};
use crate::push::pipeline::stage::{self, Staged, stage};

const DNS_PORT: u16 = 53;

/// A request to prepare a fleet.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// The folder with the flake.
    pub folder: &'a Path,
    /// An evaluated fleet document to use instead of evaluating the folder.
    pub fleet: Option<&'a Path>,
    /// The served serials that the operator states, by zone.
    pub served: &'a [(String, u32)],
    /// Do not query the nameservers.
    pub offline: bool,
    /// Further arguments for `nix eval`.
    pub nix: &'a [String],
    /// How deeply to evaluate.
    pub depth: Depth,
}

/// The result, as far as preparation got: a folder that cannot be staged is not evaluated, and so on.
#[derive(Debug, Default)]
pub struct Prepared {
    /// The staged copy of the folder.
    pub staged: Option<Staged>,
    /// The fleet.
    pub evaluated: Option<Evaluated>,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// What is worth knowing.
    pub notes: Vec<Finding>,
}

/// Prepares a fleet. What is wrong with it becomes findings.
///
/// # Errors
///
/// A step could not be run.
pub fn prepare(request: &Request<'_>) -> Result<Prepared, Error> {
    let mut prepared = Prepared::default();
    let staged = match stage(request.folder) {
        Ok(staged) => staged,
        Err(stage::StageError::Failed(why)) => return Err(why),
        Err(stage::StageError::Files(unfit)) => {
            let place = |file: &Path| shown(request.folder, file);
            prepared.findings.extend(unfit.iter().map(|one| Finding::new(place(&one.file), &*one.message)));
            return Ok(prepared);
        }
    };
    let evaluated = match request.fleet {
        Some(file) => read(file, request.folder),
        None => evaluated(request, &staged.folder())?,
    };
    match evaluated {
        Ok(evaluated) => {
            let known = SerialFacts {
                served: serials(&evaluated.fleet, request),
                changes: changes::zones(&evaluated.fleet, request.folder, &staged.revision),
            };
            let Checked { findings, notes } = check(&evaluated.fleet, &known);
            (prepared.findings, prepared.notes) = (findings, notes);
            prepared.evaluated = Some(evaluated);
        }
        Err(findings) => prepared.findings = findings,
    }
    prepared.staged = Some(staged);
    Ok(prepared)
}

/// Reads a fleet document from a file.
fn read(file: &Path, folder: &Path) -> Result<Evaluated, Vec<Finding>> {
    let unreadable = |error: std::io::Error| vec![Finding::new(file.display().to_string(), error.to_string())];
    let text = std::fs::read_to_string(file).map_err(unreadable)?;
    match fleet::parse(file, &text) {
        Ok(fleet) => Ok(Evaluated { fleet: with_local_zone_files(fleet, folder), text }),
        Err(findings) => Err(findings.0.into_iter().map(Finding::from).collect()),
    }
}

/// Evaluates the staged flake: the fleet, or a finding.
fn evaluated(request: &Request<'_>, staged: &Path) -> Result<Result<Evaluated, Vec<Finding>>, Error> {
    if !staged.join("flake.nix").is_file() {
        return Err(Error::new(format!(
            "there is no flake.nix in {}: name the folder with the fleet's flake, or --fleet FILE",
            request.folder.display()
        )));
    }
    match evaluate(staged, request.folder, request.depth, request.nix) {
        Ok(evaluated) => Ok(Ok(evaluated)),
        Err(EvaluateError::Refused(finding)) => Ok(Err(vec![finding])),
        Err(EvaluateError::Failed(why)) => Err(why),
    }
}

/// The served serials of each zone, as the operator states them or as the nameservers answer.
fn serials(fleet: &Fleet, request: &Request<'_>) -> BTreeMap<String, Vec<Served>> {
    let mut served: BTreeMap<String, Vec<Served>> = BTreeMap::new();
    for (zone, serial) in request.served {
        let by = "--served".to_owned();
        served.entry(zone.clone()).or_default().push(Served::Serial { by, serial: *serial });
    }
    if request.offline {
        return served;
    }
    // All nameservers at once, because each of them may fail to answer.
    let unstated = fleet.zones.iter().filter(|(apex, _)| request.served.iter().all(|(stated, _)| stated != *apex));
    let asked: Vec<_> =
        unstated.flat_map(|(apex, zone)| zone.nameservers.iter().map(move |host| (apex, host))).collect();
    let answers = at_once(&asked, |(apex, host)| ask(fleet, apex, host));
    for ((apex, _), answer) in asked.into_iter().zip(answers) {
        served.entry(apex.clone()).or_default().push(answer);
    }
    served
}

fn ask(fleet: &Fleet, apex: &str, host: &str) -> Served {
    let by = host.to_owned();
    let addresses = fleet.hosts.get(host).map_or(&[][..], |host| &host.addresses);
    let mut why = "it has no address".to_owned();
    for address in addresses {
        match dns_query::serial(SocketAddr::new(*address, DNS_PORT), apex) {
            Ok(Some(serial)) => return Served::Serial { by, serial },
            Ok(None) => return Served::NotYet { by },
            Err(error) => why = format!("{address}: {error}"),
        }
    }
    Served::Unknown { by, why }
}

fn shown(folder: &Path, file: &Path) -> String {
    let file = if folder == Path::new(".") { file.to_owned() } else { folder.join(file) };
    file.display().to_string()
}
