//! `keys agreement`: the certificates by which members of etcd and proxies know each other.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::json;

use super::super::args::FleetArg;
use super::super::exit::Exit;
use super::super::output::{Output, Table, Tone, cell, complain, toned};
use super::super::reach::Reach;
use super::change::{Stop, complain_of, lock};
use crate::files;
use crate::fleet::{self, Fleet, Role};
use crate::push::admin::known_fleet;
use crate::push::admin::state::write_secret;
use crate::push::error::Error;
use crate::push::keys::agreement::authority::{Authority, RENEWED_BEFORE};
use crate::push::keys::agreement::files::AUTHORITIES;
use crate::push::keys::agreement::renewal::{self, Failed, Held, Step, Wanted};
use crate::push::protocol::agreement::AgreementFiles;
use crate::push::remote::Remotes;
use crate::push::rollout::pause::pause;
use crate::push::rollout::prove::{Asker, Outcome, Probe};
use crate::unix_time::{formatted, unix_ms};

/// How long a member may take to find the others again after its restart.
const PATIENCE: Duration = Duration::from_secs(60);

/// The pause between two looks at a member.
const ROUND: Duration = Duration::from_millis(500);

/// The arguments of `keys agreement`.
#[derive(Debug, Clone, clap::Args)]
#[command(
    after_help = "Run it before the first push with polder.fleet.agreement.hosts, and again when a host joins, has another address, or \
    a certificate is about to run out (`polder keys show`). To replace the authority: run with --new-authority, then with --retire."
)]
pub struct AgreementArgs {
    /// Make a new authority; the hosts trust the one before beside it, until --retire
    #[arg(long)]
    pub new_authority: bool,
    /// Have the hosts trust no authority but that of their certificates
    #[arg(long, conflicts_with = "new_authority")]
    pub retire: bool,
    /// Write the files into this folder, for a secrets manager of your own, instead of onto the hosts
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["retire", "skip"])]
    pub to: Option<PathBuf>,
    /// Leave out a dead host (may be repeated); run it again when the host is back
    #[arg(long, value_name = "HOST")]
    pub skip: Vec<String>,
    #[command(flatten)]
    /// Which fleet.
    pub fleet: FleetArg,
}

/// Gives the hosts what they lack.
pub(super) fn run(args: &AgreementArgs, output: &Output) -> Result<Exit, Stop> {
    if let Some(folder) = &args.to {
        return Ok(write_into(folder, args, output)?);
    }
    let reach = Reach::new(&args.fleet)?;
    let unskipped = reach.hosts(&args.skip)?;
    let mut wanted = wanted(&reach.fleet)?;
    wanted.retain(|host, _| unskipped.contains(host));
    let held = lock(&reach, &unskipped, "certificates of the agreement".to_owned(), output)?;
    let members = Members::well(&reach.fleet, &reach.remotes, &wanted)?;
    match args.retire {
        true => retire(&reach, held.token(), &wanted, &members, output),
        false => renew(&reach, held.token(), &wanted, &members, args.new_authority, output),
    }
}

/// The hosts that need certificates: members, and proxies, which ask them.
fn wanted(fleet: &Fleet) -> Result<Wanted, Error> {
    if fleet.agreement.is_empty() {
        return Err(Error::new("the fleet has no agreement: polder.fleet.agreement.hosts is empty")
            .remedy("name its hosts there, then let `polder check` evaluate the fleet"));
    }
    let needs = |name: &String, host: &fleet::Host| host.is(Role::Proxy) || fleet.agreement.contains(name);
    let hosts = fleet.hosts.iter().filter(|(name, host)| needs(name, host));
    Ok(hosts.map(|(name, host)| (name.clone(), host.addresses.clone())).collect())
}

fn renew(
    reach: &Reach,
    token: &str,
    wanted: &Wanted,
    members: &Members<'_>,
    fresh: bool,
    output: &Output,
) -> Result<Exit, Stop> {
    let file = reach.admin.state_dir.join("agreement-authority.pem");
    let authority = authority(&file, fresh)?;
    let mut steps = Vec::new();
    let mut on_step = |step: &Step| match step {
        Step::Trust(hosts) => steps.push(format!("trusted on {}", hosts.join(", "))),
        Step::Issue(hosts) => steps.push(format!("new certificates on {}", hosts.join(", "))),
        Step::Done => {}
    };
    let now = unix_ms() / 1000;
    renewal::renew(&*reach.remotes, token, wanted, &authority, now, &mut on_step, &|host| members.settled(host))
        .map_err(|failed| stopped(&failed, output))?;
    let done = if steps.is_empty() { "nothing to do".to_owned() } else { steps.join("; ") };
    output.answer(
        &json!({ "authority": authority.name, "steps": steps, "hosts": wanted.keys().collect::<Vec<_>>() }),
        &format!("{}: {done}\n", authority.name),
    );
    Ok(Exit::Done)
}

fn retire(reach: &Reach, token: &str, wanted: &Wanted, members: &Members<'_>, output: &Output) -> Result<Exit, Stop> {
    let hosts: Vec<String> = wanted.keys().cloned().collect();
    let held = renewal::look(&*reach.remotes, &hosts).map_err(|failed| stopped(&failed, output))?;
    let Some(keep) = renewal::common_authority(&held) else {
        return Err(
            Error::new("the certificates are not by one authority yet: run `polder keys agreement` first").into()
        );
    };
    let those: Vec<String> =
        held.iter().filter(|(_, files)| files.authorities.len() > 1).map(|(host, _)| host.clone()).collect();
    renewal::retire(&*reach.remotes, token, keep, &those, &|host| members.settled(host))
        .map_err(|failed| stopped(&failed, output))?;
    let text = match those.is_empty() {
        true => format!("{keep} is the only authority everywhere\n"),
        false => format!("{keep} is the only authority that {} trust now\n", those.join(", ")),
    };
    output.answer(&json!({ "authority": keep, "hosts": those }), &text);
    Ok(Exit::Done)
}

/// The authority in a file, made if there is none; or a new one in its place.
fn authority(file: &Path, fresh: bool) -> Result<Authority, Error> {
    let place = |error: io::Error| Error::at(file.display(), error);
    match fs::read_to_string(file) {
        Ok(text) if !fresh => return Authority::of_pem(&text).map_err(|error| error.of(file.display())),
        Ok(_) => fs::rename(file, file.with_extension("old.pem")).map_err(place)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(place(error)),
    }
    let made = Authority::make()?;
    write_secret(file, made.pem().0.as_bytes())?;
    Ok(made)
}

/// Writes what hosts need into a folder: their certificates, and the authorities to trust.
fn write_into(folder: &Path, args: &AgreementArgs, output: &Output) -> Result<Exit, Error> {
    let fleet = match &args.fleet.file {
        Some(file) => fleet::load(file).map_err(Error::new)?,
        None => known_fleet::load(&known_fleet::this_admin()?)?,
    };
    let wanted = wanted(&fleet)?;
    fs::create_dir_all(folder).map_err(|error| Error::at(folder.display(), error))?;
    let authority = authority(&folder.join("authority.pem"), args.new_authority)?;
    let trusted = folder.join(AUTHORITIES);
    let before = match fs::read_to_string(&trusted) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        read => read.map_err(|error| Error::at(trusted.display(), error))?,
    };
    if !before.contains(authority.certificate()) {
        files::replace_own(&trusted, format!("{before}{}", authority.certificate()).as_bytes())?;
    }
    for (host, addresses) in &wanted {
        let issued = authority.issue(host, addresses)?;
        files::replace_own(&folder.join(format!("{host}.pem")), issued.0.as_bytes())?;
    }
    let hosts: Vec<&str> = wanted.keys().map(String::as_str).collect();
    let folder = folder.display();
    let text = format!(
        "{folder}: {AUTHORITIES} for all hosts, and a certificate with its key for each of {}, by {}\n\
         Keep authority.pem where no host can read it: it issues the certificates of hosts that join later.\n",
        hosts.join(", "),
        authority.name,
    );
    output.answer(&json!({ "authority": authority.name, "hosts": hosts }), &text);
    Ok(Exit::Done)
}

/// The members of etcd, which are restarted when they are to trust another authority.
struct Members<'a> {
    asker: Asker<'a>,
    /// Those that serve, and so have to do it again after a restart.
    probes: BTreeMap<String, Probe>,
}

impl<'a> Members<'a> {
    /// Of this fleet: all of them serve, or none does, because they have yet to find each other.
    fn well(fleet: &Fleet, remotes: &'a Remotes, wanted: &Wanted) -> Result<Members<'a>, Error> {
        let asker = Asker::new(remotes);
        let members = wanted.iter().filter(|(host, _)| fleet.agreement.contains(host));
        let probes: BTreeMap<String, Probe> =
            members.filter_map(|(host, addresses)| Some((host.clone(), Probe::member(*addresses.first()?)))).collect();
        let outcomes = asker.all(&probes.values().cloned().collect());
        let ill: Vec<&str> = probes
            .iter()
            .filter(|(_, probe)| outcomes.get(probe) != Some(&Outcome::Passed))
            .map(|(host, _)| host.as_str())
            .collect();
        match ill.len() {
            0 => Ok(Members { asker, probes }),
            all if all == probes.len() => Ok(Members { asker, probes: BTreeMap::new() }),
            _ => Err(Error::new(format!(
                "the members of etcd on {} are not healthy, and the others must not be restarted meanwhile",
                ill.join(", ")
            ))
            .remedy("mend them first (docs/etcd.md), or leave out a dead host with --skip HOST")),
        }
    }

    /// Waits until a member serves again.
    fn settled(&self, host: &str) -> Result<(), Error> {
        let Some(probe) = self.probes.get(host) else { return Ok(()) };
        let end = Instant::now() + PATIENCE;
        loop {
            let outcomes = self.asker.all(&BTreeSet::from([probe.clone()]));
            match outcomes.get(probe) {
                Some(Outcome::Failed(why) | Outcome::Unknown(why)) if Instant::now() >= end => {
                    return Err(Error::new(format!(
                        "its etcd is not healthy {} s after its restart: {why}",
                        PATIENCE.as_secs()
                    )));
                }
                Some(Outcome::Failed(_) | Outcome::Unknown(_)) => pause(ROUND),
                Some(Outcome::Passed) | None => return Ok(()),
            }
        }
    }
}

/// What hosts have, for `keys show`; and whether all is well.
pub(super) fn shown(reach: &Reach) -> Result<Shown, Error> {
    let wanted = wanted(&reach.fleet)?;
    let hosts: Vec<String> = wanted.keys().cloned().collect();
    let (mut held, mut silent) = (Held::new(), Failed::new());
    for (host, files) in renewal::look_at_each(&*reach.remotes, &hosts) {
        match files {
            Ok(files) => drop(held.insert(host, files)),
            Err(why) => silent.push((host, why)),
        }
    }
    let now = unix_ms() / 1000;
    let faults = faults(&held, now);
    Ok(Shown { table: table(&held, &faults), held, faults, silent })
}

/// The certificates of all hosts.
pub(super) struct Shown {
    pub(super) table: String,
    pub(super) held: Held,
    pub(super) faults: BTreeMap<String, String>,
    pub(super) silent: Failed,
}

/// What is wrong, by host.
fn faults(held: &Held, now: u64) -> BTreeMap<String, String> {
    let fault = |files: &AgreementFiles| match &files.certificate {
        None => Some("no certificate".to_owned()),
        Some(own) if !files.trusts(&own.authority) => Some("its own authority is not trusted".to_owned()),
        Some(own) if own.ends < now => Some("the certificate has run out".to_owned()),
        Some(own) if own.ends < now.saturating_add(RENEWED_BEFORE) => Some("the certificate runs out".to_owned()),
        Some(_) => None,
    };
    held.iter().filter_map(|(host, files)| Some((host.clone(), fault(files)?))).collect()
}

fn table(held: &Held, faults: &BTreeMap<String, String>) -> String {
    let mut table = Table::new(&["HOST", "CERTIFICATE BY", "UNTIL", "TRUSTS TOO"]);
    for (host, files) in held {
        let tone = if faults.contains_key(host) { Tone::Bad } else { Tone::Plain };
        let day = |seconds: u64| formatted(seconds.saturating_mul(1000), "%Y-%m-%d");
        let (by, until) = files
            .certificate
            .as_ref()
            .map_or(("-".to_owned(), "-".to_owned()), |own| (own.authority.clone(), day(own.ends)));
        let others = files.authorities.iter().map(|one| one.name.as_str()).filter(|name| *name != by);
        let others: Vec<&str> = others.collect();
        let others = if others.is_empty() { "-".to_owned() } else { others.join(", ") };
        table.row(vec![cell(host), toned(by, tone), toned(until, tone), cell(others)]);
    }
    table.render()
}

fn stopped(failed: &Failed, output: &Output) -> Stop {
    output.answer(&json!({ "stopped": failed }), "");
    complain_of(failed);
    complain(
        "stopped there; what is done stays, and nothing is lost: `polder keys agreement` continues, and --skip HOST leaves a dead host out",
    );
    Stop::Printed(Exit::No)
}

#[cfg(test)]
mod tests;
