//! The gate's part in an activation: checks that it may begin, has systemd start its supervisor, and talks to the supervisor.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::error::GateError;
use super::target;
use crate::api::daemon::Daemon;
use crate::files;
use crate::push::error::Error;
use crate::push::host::machine;
use crate::push::host::paths::HostPaths;
use crate::push::ledger::{Ledger, Outcome, Record};
use crate::push::program::{output, text};
use crate::push::protocol::{Answer, Target};
use crate::push::rehearsal::Rehearsed;
use crate::push::supervisor;
use crate::push::supervisor::activation::{Activation, Phase};

/// The supervisor's unit.
const UNIT: &str = "polder-activate.service";

/// How long a switch may take, in seconds, before its supervisor is stopped and the host goes back: one of its units may hang.
const SWITCH_SECONDS: u64 = 900;

/// How long a rehearsal may take, in seconds.
const REHEARSAL_SECONDS: u64 = 120;

/// How long a question about an activation waits for its next phase. The pusher then asks again, so no process stays here.
const WAITING: Duration = Duration::from_secs(15);

/// How long a trial may last, in seconds.
const TRIAL_SECONDS: std::ops::RangeInclusive<u64> = 5..=3600;

/// The lock file that is held while an activation begins or ends.
const GUARD: &str = "activation.guard";
const MODE: u32 = 0o600;

/// Waits for the lock under which an activation begins or ends, so that only one gate does so at a time.
///
/// # Errors
///
/// The lock file cannot be created.
pub(super) fn lock_activation(paths: &HostPaths) -> io::Result<File> {
    files::lock(&paths.state.join(GUARD), MODE)
}

/// What is to be activated.
pub(super) struct ActivationRequest {
    pub(super) target: Target,
    pub(super) expected: PathBuf,
    pub(super) confirm_within: u64,
    pub(super) reboot: bool,
    pub(super) record: Record,
}

/// Checks that an activation may begin.
pub(super) fn check(paths: &HostPaths, request: &ActivationRequest) -> Result<(), GateError> {
    let ActivationRequest { target, expected, confirm_within, .. } = request;
    if let Some(other) = supervisor::under_way(paths)? {
        let Activation { record, phase, .. } = other;
        return Err(GateError::refused(format!("push {} by {} is {} here", record.push, record.who, phase.in_words())));
    }
    if is_active(UNIT) {
        return Err(GateError::refused("the previous activation is still ending here: push again"));
    }
    let current = machine::current(paths)?;
    if current != *expected {
        let (current, expected) = (current.display(), expected.display());
        return Err(GateError::refused(format!(
            "the plan is stale: it was made for {expected}, but {current} is running here; plan again"
        )));
    }
    if !TRIAL_SECONDS.contains(confirm_within) {
        return Err(GateError::refused(format!(
            "a trial has to last {} to {} s",
            TRIAL_SECONDS.start(),
            TRIAL_SECONDS.end()
        )));
    }
    target::check(paths, target)
}

/// Begins an activation that may: writes its record and starts the supervisor. When this returns, the switch is under way.
pub(super) fn begin(paths: &HostPaths, from: &str, signer: &str, request: ActivationRequest) -> Result<(), GateError> {
    let ActivationRequest { target, expected, confirm_within, reboot, record } = request;
    let activation = Activation {
        record,
        from: from.to_owned(),
        signed_by: Some(signer.to_owned()),
        before: expected,
        system: target.system,
        boot: machine::boot_id(),
        confirm_within,
        reboot,
        why: String::new(),
        phase: Phase::Switching,
    };
    supervisor::note(paths, &activation)?;
    start_supervisor(confirm_within).map_err(|why| {
        // Without a supervisor nothing has begun.
        let _ = supervisor::forget(paths);
        GateError::refused(format!("the supervisor did not start: {why}"))
    })
}

fn start_supervisor(confirm_within: u64) -> Result<(), Error> {
    let longest = confirm_within + SWITCH_SECONDS;
    start_unit(&[&format!("--property=RuntimeMaxSec={longest}")], None)
}

/// Starts the running system's polder as supervisor, in a unit that no switch touches. The program is named by its store path,
/// because the switch replaces /etc.
fn start_unit(properties: &[&str], argument: Option<&str>) -> Result<(), Error> {
    let own = std::env::current_exe().map_err(Error::new)?;
    let own = own.to_string_lossy();
    let path = std::env::var("PATH").unwrap_or_default();
    let mut arguments = vec![
        "--quiet".to_owned(),
        "--collect".to_owned(),
        format!("--unit={UNIT}"),
        "--description=polder: a system on trial".to_owned(),
        "--service-type=notify".to_owned(),
        format!("--setenv=PATH={path}"),
        format!("--property=ExecStopPost={own} activate --settle"),
        // Going back is a whole switch, too.
        "--property=TimeoutStopSec=600".to_owned(),
        "--property=TimeoutStartSec=60".to_owned(),
        "--property=KillMode=mixed".to_owned(),
        // The kernel should kill everything else first when memory runs out.
        "--property=OOMScoreAdjust=-900".to_owned(),
    ];
    arguments.extend(properties.iter().map(|property| (*property).to_owned()));
    arguments.extend(["--".to_owned(), own.into_owned(), "activate".to_owned()]);
    arguments.extend(argument.map(str::to_owned));
    output("systemd-run", Path::new("/"), &arguments).map(drop).map_err(Error::from)
}

/// The state of the activation, once its switch is over; at once if none is under way.
pub(super) fn wait(paths: &HostPaths) -> Result<Answer, GateError> {
    if supervisor::under_way(paths)?.is_some() {
        // Without an answer the activation has ended meanwhile, and the ledger tells how.
        supervisor::tell_within(paths, &supervisor::Command::Wait, WAITING);
    }
    // Read in this order, so that an activation that ends in between is found in the ledger.
    let activation = supervisor::under_way(paths)?.map(Box::new);
    let last = Ledger::new(paths.ledger()).entries()?.into_iter().rfind(|entry| entry.activation().is_some());
    Ok(Answer::Activation { activation, last: last.map(Box::new) })
}

/// Has the supervisor confirm or revert, and waits until that is done.
pub(super) fn conclude(paths: &HostPaths, command: &supervisor::Command) -> Result<(), GateError> {
    let expected = match command {
        supervisor::Command::Confirm(_) => Outcome::Confirmed,
        supervisor::Command::Wait | supervisor::Command::Revert(..) => Outcome::Reverted,
    };
    match supervisor::tell(paths, command) {
        Some(printed) if printed == expected.name() => Ok(()),
        Some(printed) => {
            Err(GateError::refused(format!("the supervisor answered: {printed}; `polder log` shows more")))
        }
        None => Err(GateError::refused("no activation is under way; `polder log` shows how the last one ended")),
    }
}

/// Runs the system's own rehearsal, as a dynamic user who can read no key.
pub(super) fn rehearse(paths: &HostPaths, target: &Target) -> Result<Rehearsed, GateError> {
    target::check(paths, target)?;
    let system = &target.system;
    let polder = system.join("etc/polder/bin/polder");
    if !polder.exists() {
        let why = format!("{} has no {}: nobody could push to this host again", system.display(), "polder gate");
        return Ok(Rehearsed { worse: vec![why], ..Rehearsed::default() });
    }
    // It asks the running daemons for their status. Their groups may open their admin sockets, but not their key files.
    let group_of = |daemon: Daemon| std::fs::metadata(paths.admin_socket(daemon)).ok().map(|socket| socket.gid());
    let groups = Daemon::ALL.into_iter().filter_map(group_of).filter(|group| *group != 0);
    // Its exit code is ignored: the answer says the same.
    let ran = Command::new("systemd-run")
        .args(["--quiet", "--pipe", "--wait", "--collect", "--unit=polder-rehearse.service"])
        .args(["--property=DynamicUser=yes", "--property=PrivateTmp=yes", "--property=ProtectHome=yes"])
        .args(["--property=NoNewPrivileges=yes", "--property=CapabilityBoundingSet="])
        .arg(format!("--property=RuntimeMaxSec={REHEARSAL_SECONDS}"))
        .args(groups.map(|group| format!("--property=SupplementaryGroups={group}")))
        .arg("--")
        .arg(&polder)
        .args(["rehearse", "--json", "--system"])
        .arg(system)
        .stdin(Stdio::null())
        .output()?;
    serde_json::from_slice(&ran.stdout).map_err(|_| {
        let printed = String::from_utf8_lossy(&ran.stderr);
        let silent = format!("it did not end within {REHEARSAL_SECONDS} s");
        let words = if printed.trim().is_empty() { &silent } else { printed.trim() };
        GateError::refused(format!("the rehearsal gave no result: {words}"))
    })
}

/// Ends an activation that has lost its supervisor: at once if the machine has restarted since, else in a unit of its own. One whose
/// machine has restarted into the new system, as it was to, gets a supervisor again.
///
/// # Errors
///
/// systemd does not start a unit, or the record can neither be read nor moved away.
pub fn settle_what_is_left(paths: &HostPaths) -> Result<(), Error> {
    // While another gate holds the lock, an activation is just beginning or ending.
    let Ok(Some(_locked)) = files::try_lock(&paths.state.join(GUARD), MODE) else { return Ok(()) };
    match supervisor::under_way(paths) {
        Ok(None) => return Ok(()),
        Ok(Some(activation)) if supervisor::is_up_again(paths, &activation) => {
            return if is_active(UNIT) { Ok(()) } else { start_supervisor(activation.confirm_within) };
        }
        Ok(Some(activation)) if activation.boot != machine::boot_id() => return supervisor::settle(paths).map(drop),
        // A record that cannot be read is ended, too: otherwise no push could ever begin here again.
        Ok(Some(_)) | Err(_) => {}
    }
    if is_active(UNIT) { Ok(()) } else { start_unit(&[], Some("--settle")) }
}

/// Whether a unit is active, or is starting or stopping.
fn is_active(unit: &str) -> bool {
    let state = text("systemctl", Path::new("/"), &["show", "--property=ActiveState", "--value", unit]);
    state.is_ok_and(|state| ["active", "activating", "deactivating", "reloading"].contains(&state.trim()))
}
