//! `bootstrap`: installs a host's first system; from then on it is pushed to like the others.

use std::io::IsTerminal;
use std::net::IpAddr;
use std::path::PathBuf;

use serde_json::json;

use super::args::parse_address;
use super::exit::Exit;
use super::output::{Output, complain, print_progress, printable};
use crate::fleet::{Deployable, Fleet};
use crate::push::admin::known_fleet;
use crate::push::bootstrap::{HostKey, RootConnection, Switched, shown_key, wait_for_gate, with_fingerprint};
use crate::push::error::Error;
use crate::push::pipeline::build::build;
use crate::push::pipeline::evaluate::Depth;
use crate::push::pipeline::prepare::{Request, prepare};
use crate::push::remote::Remotes;

/// The arguments of `bootstrap`.
#[derive(Debug, Clone, clap::Args)]
#[command(
    after_help = "The machine has to run NixOS already and accept your ssh login as root. Its host key has to be compared once: with what its \
    console shows, or with --host-key."
)]
pub struct BootstrapArgs {
    /// The host, by its name in the fleet
    pub host: String,
    /// The address at which it is reached now, if not its first one in the fleet
    #[arg(long, value_parser = parse_address)]
    pub address: Option<IpAddr>,
    /// The user to log in as, who needs root's rights
    #[arg(long, default_value = "root")]
    pub user: String,
    /// Its host key, as its console shows it (`cat /etc/ssh/ssh_host_ed25519_key.pub`)
    #[arg(long, value_name = "KEY")]
    pub host_key: Option<String>,
    /// Restart the machine if NixOS refuses to switch it to the system while it runs
    #[arg(long)]
    pub reboot: bool,
    /// The folder with the fleet's flake [default: this one if it has a flake.nix, else the working copy]
    #[arg(long, value_name = "FOLDER")]
    pub folder: Option<PathBuf>,
    /// Further arguments for `nix eval`, after `--`
    #[arg(last = true, value_name = "NIX")]
    pub nix: Vec<String>,
}

/// Why it stopped.
enum Stop {
    /// Something is wrong, in lines for the operator.
    No(Vec<String>),
    /// A step failed.
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Stop {
        Stop::Failed(error)
    }
}

/// Runs `bootstrap`, announcing each step.
pub fn run(args: &BootstrapArgs, output: &Output) -> Result<Exit, Error> {
    match install(args, output) {
        Ok(()) => Ok(Exit::Done),
        Err(Stop::Failed(why)) => Err(why),
        Err(Stop::No(lines)) => {
            output.answer(&json!({ "done": false, "why": lines }), "");
            lines.iter().for_each(|line| complain(line));
            Ok(Exit::No)
        }
    }
}

fn install(args: &BootstrapArgs, output: &Output) -> Result<(), Stop> {
    let admin = known_fleet::this_admin()?;
    let folder = args.folder.clone().unwrap_or_else(|| admin.fleet_folder());
    let mut fleet = evaluated(args, &folder)?;
    let Deployable { path: system, derivation, .. } = deployable(&fleet, &args.host)?;
    let address = address(args, &fleet)?;
    let key = compared_key(args, &fleet, &address)?;

    announce(output, &format!("building {}", system.display()));
    build(&[derivation])?;
    let root = RootConnection::new(&args.user, &address.to_string(), &key)
        .map_err(|error| Error::new(format!("a temporary folder: {error}")))?;
    announce(output, &format!("copying it to {address}"));
    root.copy(&system)?;
    announce(output, "switching to it");
    let switched = root.switch(&system);
    let restarts_into = match &switched {
        Ok(Switched::FromNextBoot(why)) if !args.reboot => {
            let refused = format!(
                "{} cannot be switched to {} while it runs; that is its boot default now: restart it, or use --reboot",
                args.host,
                system.display()
            );
            return Err(Stop::No(why.lines().map(str::to_owned).chain([refused]).collect()));
        }
        Ok(Switched::FromNextBoot(_)) => {
            announce(output, "restarting it: NixOS refuses to switch to it while the machine runs");
            root.restart()?;
            Some(&*system)
        }
        Ok(Switched::Now) | Err(_) => None,
    };

    let was_pinned = pin(&mut fleet, &args.host, address, &key);
    let remotes = Remotes::new(&fleet, &admin).map_err(|error| Error::new(format!("a temporary folder: {error}")))?;
    announce(output, "waiting for its gate");
    let report = wait_for_gate(&remotes, &args.host, restarts_into).map_err(|why| {
        let switch = switched.err().map_or_else(String::new, |error| format!("; {error}"));
        Error::new(format!("the gate of {} does not answer: {why}{switch}", args.host))
    })?;
    if report.system != system {
        let why = format!("{} runs {} instead of what was built", args.host, report.system.display());
        return Err(Stop::No(vec![why]));
    }
    let mut text = format!("{} runs {}, and its gate answers\n", args.host, system.display());
    if !was_pinned {
        text.push_str(&format!(
            "add its host key to the fleet, so that it can be pushed to:\n\n  polder.fleet.hosts.{}.hostKey = \"{}\";\n\n",
            args.host, key.key
        ));
    }
    for (daemon, kind) in [("polder-proxy", "proxy"), ("polder-dns", "nameserver")] {
        if let Some(key) = root.identity(daemon) {
            text.push_str(&format!(
                "add the key of its {kind}, by which its peers know it:\n\n  polder.fleet.hosts.{}.peerKeys.{kind} = [ \"{key}\" ];\n\n",
                args.host
            ));
        }
    }
    text.push_str(
        "it does not have the keys that hosts share yet: see `polder keys show`, then use `polder keys first`, or `rotate --also`\n",
    );
    output.answer(&json!({ "done": true, "system": system, "host_key": key.key }), &text);
    Ok(())
}

fn evaluated(args: &BootstrapArgs, folder: &std::path::Path) -> Result<Fleet, Stop> {
    let wanted = Request { folder, fleet: None, served: &[], offline: true, nix: &args.nix, depth: Depth::Deployable };
    let prepared = prepare(&wanted)?;
    match prepared.evaluated {
        Some(evaluated) if prepared.findings.is_empty() => Ok(evaluated.fleet),
        _ => {
            let lines = prepared.findings.iter().map(|finding| format!("{}: {}", finding.place, finding.message));
            Err(Stop::No(lines.collect()))
        }
    }
}

fn deployable(fleet: &Fleet, host: &str) -> Result<Deployable, Stop> {
    let Some(system) = fleet.systems.get(host) else {
        let known: Vec<&str> = fleet.systems.keys().map(String::as_str).collect();
        return Err(Stop::No(vec![format!("there is no host {host:?} in the fleet; there are {}", known.join(", "))]));
    };
    let unbuildable = || Stop::No(vec![format!("the system of {host} cannot be built: `polder check` shows why")]);
    system.deployable().cloned().ok_or_else(unbuildable)
}

fn address(args: &BootstrapArgs, fleet: &Fleet) -> Result<IpAddr, Stop> {
    let in_fleet = fleet.hosts.get(&args.host).and_then(|host| host.addresses.first().copied());
    args.address
        .or(in_fleet)
        .ok_or_else(|| Stop::No(vec![format!("{} has no address in the fleet: name one with --address", args.host)]))
}

/// The machine's host key, once it matches the fleet, the command line, or what the operator confirms.
fn compared_key(args: &BootstrapArgs, fleet: &Fleet, address: &IpAddr) -> Result<HostKey, Stop> {
    let shown = shown_key(&address.to_string())?;
    let pinned = fleet.hosts.get(&args.host).and_then(|host| host.host_key.as_deref());
    let stated = args.host_key.as_deref().or(pinned).map(with_fingerprint).transpose()?;
    match stated {
        Some(stated) if stated.key == shown.key => Ok(shown),
        Some(stated) => Err(Stop::No(vec![format!(
            "{address} shows host key {} instead of the expected {}: it is another machine, or somebody intercepts the connection",
            shown.fingerprint, stated.fingerprint
        )])),
        None if operator_confirms(&shown, &args.host, address) => Ok(shown),
        None => Err(Stop::No(vec![
            format!("{address} shows the host key {} ({})", shown.key, shown.fingerprint),
            format!(
                "compare it with what the console of {} shows (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub), then confirm it with --host-key '{}'",
                args.host, shown.key
            ),
        ])),
    }
}

/// Asks the operator at the terminal; no without one.
fn operator_confirms(key: &HostKey, host: &str, address: &IpAddr) -> bool {
    if !std::io::stdin().is_terminal() {
        return false;
    }
    print_progress(&format!(
        "{address} shows the host key {}\nOn the console of {host}: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub\nDoes it show the same? (yes/no) ",
        printable(&key.fingerprint)
    ));
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).is_ok() && answer.trim() == "yes"
}

/// Adds the key to the fleet; returns whether it was there already.
fn pin(fleet: &mut Fleet, host: &str, address: IpAddr, key: &HostKey) -> bool {
    let Some(host) = fleet.hosts.get_mut(host) else { return false };
    let was_pinned = host.host_key.is_some();
    host.host_key = Some(key.key.clone());
    // From now on it is reached at its address in the fleet; --address may have been for this one time.
    if host.addresses.is_empty() {
        host.addresses.push(address);
    }
    was_pinned
}

fn announce(output: &Output, text: &str) {
    if !output.is_json() {
        output.answer(&(), &format!("{text}\n"));
    }
}
