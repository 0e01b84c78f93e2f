//! etcd's own programs, which save, check and restore snapshots.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde::Deserialize;

use crate::config::proxy::AgreementTlsConfig;
use crate::push::error::Error;

/// What etcd says of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SnapshotFacts {
    /// Of all it has.
    pub hash: u32,
    /// How many changes there had been.
    pub revision: u64,
    /// How many keys it has, those of the past too.
    pub total_key: u64,
    /// In bytes.
    pub total_size: u64,
}

impl SnapshotFacts {
    pub(super) fn in_words(&self) -> String {
        let SnapshotFacts { hash, revision, total_key, total_size } = self;
        format!("hash {hash:08x}, revision {revision}, {total_key} keys, {total_size} bytes")
    }
}

/// The program for files: `etcdutl`, or `etcdctl` before etcd 3.5.
fn of_files() -> Result<Command, Error> {
    let mut command = Command::new("etcdutl");
    let is_there = Command::new("etcdutl").arg("version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !is_there {
        command = with_api_3(Command::new("etcdctl"));
    }
    Ok(command)
}

fn with_api_3(mut command: Command) -> Command {
    // What else is set for etcdctl is not meant for this.
    let names = std::env::vars_os().map(|(name, _)| name);
    for name in names.filter(|name| name.to_string_lossy().starts_with("ETCDCTL_")) {
        command.env_remove(name);
    }
    command.env("ETCDCTL_API", "3");
    command
}

fn done(mut command: Command, place: &Path) -> Result<Output, Error> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().map_err(|error| {
        Error::new(format!("{program} cannot be run: {error}"))
            .remedy("it comes with etcd (Debian: etcd-client); have it in PATH")
    })?;
    if output.status.success() {
        return Ok(output);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it has not said why").trim();
    Err(Error::at(place.display(), format!("{program} fails: {said}")))
}

/// Checks a snapshot.
///
/// # Errors
///
/// It is none.
pub(super) fn look_at(file: &Path) -> Result<SnapshotFacts, Error> {
    // etcd's programs make a database of a file that is not there, or empty.
    let length =
        std::fs::metadata(file).map_err(|error| Error::at(file.display(), format!("cannot be read: {error}")))?.len();
    let no_snapshot = |why: &str| {
        Error::at(file.display(), format!("this is no snapshot of etcd: {why}"))
            .remedy("expected a file that `polder agreement snapshot` or `etcdctl snapshot save` has made")
    };
    if length == 0 {
        return Err(no_snapshot("it is empty"));
    }
    let mut command = of_files()?;
    command.args(["snapshot", "status", "--write-out", "json"]).arg(file);
    let output = done(command, file).map_err(|error| no_snapshot(&error.problem))?;
    serde_json::from_slice(&output.stdout).map_err(|error| no_snapshot(&error.to_string()))
}

/// Saves what a member has.
///
/// # Errors
///
/// It could not be saved.
pub(super) fn save(endpoint: &str, tls: Option<&AgreementTlsConfig>, file: &Path) -> Result<(), Error> {
    let mut command = with_api_3(Command::new("etcdctl"));
    command.args(["--endpoints", endpoint, "--command-timeout", "60s"]);
    if let Some(tls) = tls {
        command.arg("--cacert").arg(&tls.ca).arg("--cert").arg(&tls.certificate).arg("--key").arg(&tls.key);
    }
    command.args(["snapshot", "save"]).arg(file);
    done(command, file).map(drop)
}

/// Who a restored member is.
pub(super) struct Identity<'a> {
    pub(super) name: &'a str,
    pub(super) peer: &'a str,
    /// All members: `NAME=URL,NAME=URL`.
    pub(super) all: &'a str,
    pub(super) token: &'a str,
}

/// Makes a data folder of a snapshot.
///
/// # Errors
///
/// The snapshot is damaged, or the folder cannot be written.
pub(super) fn restore(file: &Path, folder: &Path, identity: &Identity<'_>) -> Result<(), Error> {
    let mut command = of_files()?;
    command.args(["snapshot", "restore"]).arg(file).arg("--data-dir").arg(folder);
    command.args(["--name", identity.name, "--initial-advertise-peer-urls", identity.peer]);
    command.args(["--initial-cluster", identity.all, "--initial-cluster-token", identity.token]);
    done(command, file).map(drop)
}
