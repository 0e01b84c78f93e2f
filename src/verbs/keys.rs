//! `keys`: shows, makes and rotates the keys that hosts share (for cookies), a daemon's own key, those of an admin machine, and the
//! certificates of the agreement.

mod agreement;
mod change;
mod identity;

use std::collections::{BTreeMap, BTreeSet};

use clap::Subcommand;
use serde_json::json;

use super::args::FleetArg;
use super::exit::Exit;
use super::output::{Output, Table, Tone, cell, complain, printable, toned};
use super::reach::Reach;
use crate::fleet::{Fleet, Role};
use crate::push::admin::Admin;
use crate::push::admin::known_fleet;
use crate::push::error::Error;
use crate::push::fleet_lock::HeldLock;
use crate::push::keys::{fingerprint, own, rotate};
use crate::push::protocol::KeyChange;
use change::{Stop, complain_of, lock};
use rotate::{Failed, Files, Step};

/// The arguments of `keys`.
#[derive(Debug, Clone, clap::Args)]
pub struct KeysArgs {
    /// What to do.
    #[command(subcommand)]
    pub verb: KeysVerb,
}

/// What to do with keys.
#[derive(Debug, Clone, Subcommand)]
pub enum KeysVerb {
    /// Show the key files of all hosts by fingerprint; exit 1 if hosts differ
    Show(FleetArg),
    /// Make this admin machine's own keys if they are missing, and print their public parts for the fleet
    Make(MakeArgs),
    /// Show the public half of the key by which a daemon's peers know it, or make that key; runs on the daemon's host
    Identity(identity::IdentityArgs),
    /// Give members of etcd and proxies the certificates by which they know each other, where the fleet has an agreement
    Agreement(agreement::AgreementArgs),
    /// Make the first key of a key file (`cookies`) on all hosts that need it
    First(FileArgs),
    /// Make a new key the first on all hosts that have the file. Older keys still open what they sealed
    Rotate(FileArgs),
    /// Remove all keys of a file but the first. Visitors whose cookies were sealed by a removed one start new sessions
    Retire(FileArgs),
}

/// The arguments of `keys make`.
#[derive(Debug, Clone, clap::Args)]
#[command(
    after_help = "To replace them: run with --next, add what it prints to the fleet and push; then run with --switch, and push what that prints."
)]
pub struct MakeArgs {
    /// Make the next keys, beside the present ones, which stay in use
    #[arg(long)]
    pub next: bool,
    /// Use the keys made with --next from now on; refused if a host does not accept them yet
    #[arg(long, conflicts_with = "next")]
    pub switch: bool,
    /// Do not ask this dead host whether it accepts the next key (may be repeated)
    #[arg(long, value_name = "HOST", requires = "switch")]
    pub skip: Vec<String>,
    #[command(flatten)]
    /// Which fleet.
    pub fleet: FleetArg,
}

/// The arguments of `keys first`, `rotate` and `retire`.
#[derive(Debug, Clone, clap::Args)]
pub struct FileArgs {
    /// The name of the file in /var/lib/polder-keys, such as `cookies`
    #[arg(value_name = "FILE")]
    pub name: String,
    /// Add the file on this host, which does not have it yet (may be repeated)
    #[arg(long, value_name = "HOST")]
    pub also: Vec<String>,
    /// Leave out a dead host (may be repeated); rotate again when it is back
    #[arg(long, value_name = "HOST")]
    pub skip: Vec<String>,
    #[command(flatten)]
    /// Which fleet.
    pub fleet: FleetArg,
}

/// Runs `keys`.
pub fn run(args: &KeysArgs, output: &Output) -> Result<Exit, Error> {
    let ended = match &args.verb {
        KeysVerb::Show(fleet) => Ok(show(fleet, output)?),
        KeysVerb::Make(args) => Ok(make(args, output)?),
        KeysVerb::Identity(args) => Ok(identity::run(args, output)?),
        KeysVerb::Agreement(args) => agreement::run(args, output),
        KeysVerb::First(args) => first(args, output),
        KeysVerb::Rotate(args) => rotate(args, output),
        KeysVerb::Retire(args) => retire(args, output),
    };
    match ended {
        Ok(exit) | Err(Stop::Printed(exit)) => Ok(exit),
        Err(Stop::Failed(why)) => Err(why),
    }
}

fn make(args: &MakeArgs, output: &Output) -> Result<Exit, Error> {
    let admin = known_fleet::this_admin()?;
    let (mut deploy, mut signing) = (Vec::new(), Vec::new());
    let mut add = |public: own::Public| {
        deploy.push(public.deploy);
        signing.push(public.signing);
    };
    if args.switch {
        let closed = closed_to_the_next(&admin, args)?;
        if !closed.is_empty() {
            output.answer(&json!({ "closed": closed }), "");
            complain_of(&closed);
            complain("these hosts do not accept the next key yet, so the present one stays in use: push first");
            return Ok(Exit::No);
        }
        add(own::switch(&admin)?);
    } else {
        add(own::make(&admin)?);
        if args.next {
            add(own::make_next(&admin)?);
        }
    }
    let list = |keys: &[String]| keys.iter().map(|key| format!("\"{key}\"")).collect::<Vec<_>>().join(" ");
    let text = format!(
        "# The keys of {} are {}. Add this to the fleet and push it:\n\
         # whoever has the signing key is root on every host.\n\
         polder.fleet.hosts.{} = {{\n  deployKeys = [ {} ];\n  signingKeys = [ {} ];\n}};\n",
        admin.name,
        own::files(&admin).map(|file| file.display().to_string()).join(" and "),
        admin.name,
        list(&deploy),
        list(&signing),
    );
    output.answer(&json!({ "deploy_keys": deploy, "signing_keys": signing }), &text);
    Ok(Exit::Done)
}

/// The hosts that do not accept this admin machine's next key.
fn closed_to_the_next(admin: &Admin, args: &MakeArgs) -> Result<Failed, Error> {
    let next = own::next(admin);
    // Without a next key there is nothing to ask: `own::switch` reports that, unless it has switched already.
    if !next.deploy_key.exists() {
        return Ok(Failed::new());
    }
    let reach = Reach::of(next, &args.fleet)?;
    let looked = rotate::look_at_each(&*reach.remotes, &reach.hosts(&args.skip)?);
    Ok(looked.into_iter().filter_map(|(host, looked)| Some((host, looked.err()?))).collect())
}

fn show(fleet: &FleetArg, output: &Output) -> Result<Exit, Error> {
    let reach = Reach::new(fleet)?;
    let hosts = reach.hosts(&[])?;
    let (mut files, mut silent) = (Files::new(), Failed::new());
    // One by one, so that a dead host does not hide the others.
    for (host, answer) in rotate::look_at_each(&*reach.remotes, &hosts) {
        match answer {
            Ok(keys) => drop(files.insert(host, keys)),
            Err(why) => silent.push((host, why)),
        }
    }
    let groups = groups(&files);
    let shown = if reach.fleet.agreement.is_empty() { None } else { Some(agreement::shown(&reach)?) };
    let mut answer = json!({ "hosts": files, "silent": silent });
    let mut text = table(&groups);
    if let Some(shown) = &shown {
        answer["agreement"] = json!({ "hosts": shown.held, "silent": shown.silent, "faults": shown.faults });
        text = format!("{text}\n{}", shown.table);
    }
    output.answer(&answer, &text);
    complain_of(&silent);
    // Its hosts are among those above: what keeps one silent is said once.
    let of_agreement = shown.is_none_or(|shown| {
        for (host, fault) in &shown.faults {
            complain(&format!("{host}: {fault}: run `polder keys agreement`"));
        }
        shown.faults.is_empty() && shown.silent.is_empty()
    });
    let differing = differing(&groups);
    for name in &differing {
        complain(&format!(
            "{name} differs between the hosts that have it: `polder keys rotate {name}` makes a new first key on all of them"
        ));
    }
    Ok(if differing.is_empty() && silent.is_empty() && of_agreement { Exit::Done } else { Exit::No })
}

/// For each file and its keys, the hosts that have it in this form.
type Groups = BTreeMap<(String, Vec<String>), Vec<String>>;

fn groups(files: &Files) -> Groups {
    let mut groups = Groups::new();
    for (host, files) in files {
        for (name, keys) in files {
            groups.entry((name.clone(), keys.clone())).or_default().push(host.clone());
        }
    }
    groups
}

/// The files that differ between hosts.
fn differing(groups: &Groups) -> BTreeSet<&str> {
    let (mut seen, mut differing) = (BTreeSet::new(), BTreeSet::new());
    for (name, _) in groups.keys() {
        if !seen.insert(name.as_str()) {
            differing.insert(name.as_str());
        }
    }
    differing
}

fn table(groups: &Groups) -> String {
    let differing = differing(groups);
    let mut table = Table::new(&["FILE", "SEALS", "OPENS TOO", "HOSTS"]);
    for ((name, keys), hosts) in groups {
        let tone = if differing.contains(name.as_str()) { Tone::Bad } else { Tone::Plain };
        let (first, rest) = keys.split_first().map_or(("-", &[][..]), |(first, rest)| (first.as_str(), rest));
        let rest = if rest.is_empty() { "-".to_owned() } else { rest.join(" ") };
        table.row(vec![cell(name), toned(first, tone), toned(rest, tone), toned(hosts.join(" "), tone)]);
    }
    if groups.is_empty() { "none of the hosts that answered has a key file\n".to_owned() } else { table.render() }
}

fn first(args: &FileArgs, output: &Output) -> Result<Exit, Stop> {
    let reach = Reach::new(&args.fleet)?;
    let name = &args.name;
    let unskipped = reach.hosts(&args.skip)?;
    reach.has("--also", &args.also)?;
    let needed_on = needed_on(&reach.fleet);
    let hosts: Vec<String> =
        unskipped.iter().filter(|host| needed_on.contains(*host) || args.also.contains(host)).cloned().collect();
    if hosts.is_empty() {
        return Err(Error::new(format!("no host needs {name}: add one with --also HOST")).into());
    }
    let held = lock(&reach, &unskipped, format!("the first key of {name}"), output)?;
    let key = rotate::begin(&reach.admin, name)?;
    let new = fingerprint(&key.0).unwrap_or_default();
    let files = rotate::look(&*reach.remotes, &hosts).map_err(|failed| stopped(&failed, name, "first", output))?;
    let files = rotate::of_file(&files, name);
    if let Some((host, _)) = files.iter().find(|(_, keys)| keys.iter().any(|key| *key != new)) {
        // Nothing was changed on any host, so the new key is dropped.
        rotate::end(&reach.admin, name).map_err(Error::new)?;
        return Err(Stop::Failed(Error::new(format!(
            "{host} has a key of {name} already: make a new one with `polder keys rotate {name}`, and add --also HOST for a host that has none"
        ))));
    }
    carry_out(&reach, &held, args, &hosts, &key, "first", output)
}

/// The hosts that need the file: proxies, which seal cookies.
fn needed_on(fleet: &Fleet) -> Vec<String> {
    fleet.hosts.iter().filter(|(_, host)| host.is(Role::Proxy)).map(|(name, _)| name.clone()).collect()
}

fn rotate(args: &FileArgs, output: &Output) -> Result<Exit, Stop> {
    let reach = Reach::new(&args.fleet)?;
    let name = &args.name;
    let unskipped = reach.hosts(&args.skip)?;
    reach.has("--also", &args.also)?;
    let held = lock(&reach, &unskipped, format!("a new key of {name}"), output)?;
    let files = rotate::look(&*reach.remotes, &unskipped).map_err(|failed| stopped(&failed, name, "rotate", output))?;
    let files = rotate::of_file(&files, name);
    if files.values().all(Vec::is_empty) {
        return Err(
            Error::new(format!("no host has a key of {name} yet: make one with `polder keys first {name}`")).into()
        );
    }
    let with_file = files.iter().filter(|(host, keys)| !keys.is_empty() || args.also.contains(host));
    let hosts: Vec<String> = with_file.map(|(host, _)| host.clone()).collect();
    let key = rotate::begin(&reach.admin, name)?;
    carry_out(&reach, &held, args, &hosts, &key, "rotate", output)
}

fn carry_out(
    reach: &Reach,
    held: &HeldLock,
    args: &FileArgs,
    hosts: &[String],
    key: &crate::push::protocol::Secret,
    verb: &str,
    output: &Output,
) -> Result<Exit, Stop> {
    let name = &args.name;
    let mut steps = Vec::new();
    let mut on_step = |step: &Step| match step {
        Step::Add(hosts) => steps.push(format!("added on {}", hosts.join(", "))),
        Step::Promote(hosts) => steps.push(format!("the first on {}", hosts.join(", "))),
        Step::Done => {}
    };
    rotate::rotate_to(&*reach.remotes, held.token(), name, key, hosts, &mut on_step)
        .map_err(|failed| stopped(&failed, name, verb, output))?;
    rotate::end(&reach.admin, name).map_err(Error::new)?;
    let new = fingerprint(&key.0).unwrap_or_default();
    let text = format!(
        "{name}: key {new} seals on {}: {}\n{}",
        hosts.join(", "),
        if steps.is_empty() { "it did already".to_owned() } else { steps.join("; ") },
        if verb == "rotate" {
            format!(
                "older keys still open what they sealed; when they are no longer needed, remove them with `polder keys retire {name}`\n"
            )
        } else {
            String::new()
        }
    );
    output.answer(&json!({ "file": name, "fingerprint": new, "hosts": hosts }), &printable_lines(&text));
    Ok(Exit::Done)
}

fn retire(args: &FileArgs, output: &Output) -> Result<Exit, Stop> {
    let reach = Reach::new(&args.fleet)?;
    let name = &args.name;
    let unskipped = reach.hosts(&args.skip)?;
    let held = lock(&reach, &unskipped, format!("older keys of {name} go"), output)?;
    let files = rotate::look(&*reach.remotes, &unskipped).map_err(|failed| stopped(&failed, name, "retire", output))?;
    let files = rotate::of_file(&files, name);
    let keep = the_first_everywhere(&files).ok_or_else(|| {
        Error::new(format!("the first key of {name} is not the same on all hosts: run `polder keys rotate {name}`"))
    })?;
    let hosts: Vec<String> = files.iter().filter(|(_, keys)| keys.len() > 1).map(|(host, _)| host.clone()).collect();
    let change = KeyChange::Retire { keep: keep.clone() };
    rotate::change(&*reach.remotes, held.token(), name, &change, &hosts)
        .map_err(|failed| stopped(&failed, name, "retire", output))?;
    let text = match hosts.is_empty() {
        true => format!("{name} has no older keys anywhere\n"),
        false => format!(
            "{name}: only key {keep} is left on {}. Visitors whose cookies were sealed by an older key start new sessions\n",
            hosts.join(", ")
        ),
    };
    output.answer(&json!({ "file": name, "fingerprint": keep, "hosts": hosts }), &printable_lines(&text));
    Ok(Exit::Done)
}

/// The first key, if it is the same on all hosts that have any.
fn the_first_everywhere(files: &BTreeMap<String, Vec<String>>) -> Option<String> {
    let firsts: BTreeSet<&String> = files.values().filter_map(|keys| keys.first()).collect();
    match firsts.len() {
        1 => firsts.into_iter().next().cloned(),
        _ => None,
    }
}

fn stopped(failed: &Failed, name: &str, verb: &str, output: &Output) -> Stop {
    output.answer(&json!({ "stopped": failed }), "");
    complain_of(failed);
    complain(&format!(
        "stopped before the next step; what is done stays, and nothing is lost. When these hosts are back, `polder keys {verb} {name}` continues from here; to continue without them, add --skip HOST"
    ));
    Stop::Printed(Exit::No)
}

fn printable_lines(text: &str) -> String {
    text.lines().map(|line| format!("{}\n", printable(line))).collect()
}

#[cfg(test)]
mod tests;
