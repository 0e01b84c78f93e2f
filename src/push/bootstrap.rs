//! Installs a host's first system: over ssh as root, with the operator's own key, on a machine that has no gate yet.
//!
//! Must never: trust a host key that nobody has compared. Called by `polder bootstrap`.

use std::io;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::config::PublicKey;
use crate::push::error::Error;
use crate::push::program::{last_lines, output_within, text};
use crate::push::protocol::{Answer, Question, Report};
use crate::push::remote::Remotes;

/// How long the machine may take to send its host key.
const SCAN: Duration = Duration::from_secs(10);

/// How long its gate may take to answer after the switch.
const GATE: Duration = Duration::from_secs(90);

/// How long the machine may take to restart, until its gate answers.
const RESTART: Duration = Duration::from_secs(900);

/// The pause between two attempts to reach the gate.
const PAUSE: Duration = Duration::from_secs(2);

/// The unit in which the switch runs, so that it continues if the connection breaks.
const UNIT: &str = "polder-bootstrap";

/// How many lines are shown of the errors of a failed copy or switch.
const LAST_LINES: usize = 20;

/// Switches to the system `$1`. It becomes the profile and the boot default once it runs, or if NixOS refuses to switch to it while the
/// machine runs (1); units may have failed (4), as daemons do whose keys are not there yet.
const INSTALL: &str = r#"
    "$1/bin/switch-to-configuration" test
    code=$?
    case $code in
        0 | 4) ended=$code ;;
        1) ended=100 ;;
        *) exit $code ;;
    esac
    nix-env --profile /nix/var/nix/profiles/system --set "$1" && "$1/bin/switch-to-configuration" boot || exit 1
    exit $ended
"#;

/// The exit code of [`INSTALL`] if the system runs from the next boot on.
const FROM_NEXT_BOOT: i32 = 100;

/// How a switch ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Switched {
    /// The system runs.
    Now,
    /// The system runs from the next boot on: what NixOS said against a switch.
    FromNextBoot(String),
}

/// A host key and its fingerprint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostKey {
    /// `ssh-ed25519 AAAA…`.
    pub key: String,
    /// `SHA256:…`, as `ssh-keygen -l` shows it.
    pub fingerprint: String,
}

/// The host key that a machine offers. It must not be trusted before somebody has compared it.
///
/// # Errors
///
/// The machine is not reached, or has no ed25519 key.
pub fn shown_key(address: &str) -> Result<HostKey, Error> {
    let arguments = ["-t", "ed25519", "-T", "8", address];
    let printed = output_within("ssh-keyscan", Path::new("/"), &arguments, SCAN)?;
    let printed = String::from_utf8_lossy(&printed);
    let key = printed.lines().find_map(key_of).ok_or_else(|| {
        Error::new(format!(
            "{address} shows no ed25519 host key: is its sshd running, and can port 22 be reached from here?"
        ))
    })?;
    with_fingerprint(&key)
}

/// `ADDRESS ssh-ed25519 AAAA…` without the address.
fn key_of(line: &str) -> Option<String> {
    let mut words = line.split_whitespace().skip(1);
    let (kind, key) = (words.next()?, words.next()?);
    (kind == "ssh-ed25519").then(|| format!("{kind} {key}"))
}

/// A public key, without its comment, and its fingerprint.
///
/// # Errors
///
/// It is not an SSH public key.
pub fn with_fingerprint(key: &str) -> Result<HostKey, Error> {
    let key = key.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
    let file = tempfile::NamedTempFile::new()
        .and_then(|file| std::fs::write(file.path(), format!("{key}\n")).map(|()| file))
        .map_err(|error| Error::at("a temporary file", error))?;
    let path = file.path().to_string_lossy();
    let printed = text("ssh-keygen", Path::new("/"), &["-l", "-f", &*path]).map_err(|_| {
        Error::new(format!(
            "{key:?} is not an SSH public key: expected the content of /etc/ssh/ssh_host_ed25519_key.pub"
        ))
    })?;
    let fingerprint = printed.split_whitespace().nth(1).unwrap_or_default().to_owned();
    Ok(HostKey { key, fingerprint })
}

/// An ssh login as root on a machine whose host key is known.
pub struct RootConnection {
    scratch: TempDir,
    target: String,
}

impl RootConnection {
    /// Prepares the login; nothing is connected yet.
    ///
    /// # Errors
    ///
    /// There is no temporary folder.
    pub fn new(user: &str, address: &str, key: &HostKey) -> io::Result<RootConnection> {
        let scratch = tempfile::Builder::new().prefix("polder-").tempdir()?;
        std::fs::write(scratch.path().join("known_hosts"), format!("bootstrap {}\n", key.key))?;
        let address = if address.contains(':') { format!("[{address}]") } else { address.to_owned() };
        Ok(RootConnection { scratch, target: format!("{user}@{address}") })
    }

    /// Copies a system with its closure. Root needs no signatures for that.
    ///
    /// # Errors
    ///
    /// The copy failed, with Nix' messages.
    pub fn copy(&self, system: &Path) -> Result<(), Error> {
        let store = format!("ssh-ng://{}", self.target);
        let ran = Command::new("nix")
            .args(["copy", "--no-check-sigs", "--to", &store, "--extra-experimental-features", "nix-command flakes"])
            .arg(system)
            .env("NIX_SSHOPTS", self.options().join(" "))
            .stdin(Stdio::null())
            .output()
            .map_err(|error| Error::new(format!("nix did not start: {error}")))?;
        if ran.status.success() { Ok(()) } else { Err(failed("nix copy", &ran.stderr)) }
    }

    /// Switches to a system and makes it the boot default. An error may only mean that the connection broke: ask the gate.
    ///
    /// # Errors
    ///
    /// The switch failed, or the connection broke.
    pub fn switch(&self, system: &Path) -> Result<Switched, Error> {
        let ran = self.run(&format!(
            "systemd-run --collect --quiet --pipe --wait --unit={UNIT} --expand-environment=no --setenv=PATH=\"$PATH\" \
             /bin/sh -c '{INSTALL}' sh {}",
            system.display()
        ))?;
        match ran.status.code() {
            Some(0) => Ok(Switched::Now),
            Some(FROM_NEXT_BOOT) => Ok(Switched::FromNextBoot(last_lines(
                &String::from_utf8_lossy(&[ran.stdout, ran.stderr].concat()),
                LAST_LINES,
            ))),
            _ => Err(failed("the switch", &ran.stderr)),
        }
    }

    /// Restarts the machine.
    ///
    /// # Errors
    ///
    /// ssh does not start.
    pub fn restart(&self) -> Result<(), Error> {
        // The connection may end before its exit code comes.
        self.run("systemctl reboot").map(drop)
    }

    /// The public half of a daemon's key, if that daemon runs there. The key is made before the daemon starts.
    pub fn identity(&self, daemon: &str) -> Option<String> {
        let asked = format!("/run/current-system/sw/bin/polder keys identity /var/lib/{daemon}/identity.key");
        let ran = self.run(&asked).ok()?;
        let printed = String::from_utf8_lossy(&ran.stdout);
        PublicKey::parse(printed.trim()).ok().filter(|_| ran.status.success()).map(|key| key.to_string())
    }

    fn run(&self, command: &str) -> Result<Output, Error> {
        Command::new("ssh")
            .args(self.options())
            .args(["-T", &self.target.replace(['[', ']'], ""), command])
            .stdin(Stdio::null())
            .output()
            .map_err(|error| Error::new(format!("ssh did not start: {error}")))
    }

    fn options(&self) -> Vec<String> {
        let known = format!("-oUserKnownHostsFile={}/known_hosts", self.scratch.path().display());
        let fixed = ["-oStrictHostKeyChecking=yes", "-oGlobalKnownHostsFile=/dev/null", "-oHostKeyAlias=bootstrap"];
        let more = ["-oUpdateHostKeys=no", "-oForwardAgent=no", "-oConnectTimeout=10", "-oServerAliveInterval=5"];
        fixed.into_iter().chain(more).map(str::to_owned).chain([known]).collect()
    }
}

fn failed(what: &str, errors: &[u8]) -> Error {
    Error::at(what, last_lines(&String::from_utf8_lossy(errors), LAST_LINES))
}

/// Asks the host's gate until it answers; after a restart, until it answers on the system that was to boot.
///
/// # Errors
///
/// It does not answer within the limit: the last failure.
pub fn wait_for_gate(remotes: &Remotes, host: &str, restarts_into: Option<&Path>) -> Result<Report, Error> {
    let until = Instant::now() + if restarts_into.is_some() { RESTART } else { GATE };
    let (_never, timer) = mpsc::channel::<()>();
    loop {
        let why = match remotes.ask_afresh(host, &Question::Report, Duration::from_secs(10)) {
            Ok(Answer::Report(report)) if restarts_into.is_none_or(|system| report.system == system) => {
                return Ok(*report);
            }
            Ok(Answer::Report(report)) => Error::new(format!("it still runs {}", report.system.display())),
            other => crate::push::remote::no_answer::unexpected(other),
        };
        if Instant::now() >= until {
            return Err(why);
        }
        let _ = timer.recv_timeout(PAUSE);
    }
}

#[cfg(test)]
mod tests;
