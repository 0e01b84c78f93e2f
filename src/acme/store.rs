//! What was ordered, on the disk: `STATE_DIR/acme/`, mode 0700, its files 0600.
//!
//! `SERVICE.pem` holds key and chain in one file, replaced in one step, so the two always fit; `accounts.json` the keys of the accounts
//! at CAs; `failures.json` what failed, so that a daemon that is restarted again and again does not ask the CA each time;
//! `unwanted.json` since when services are not in the document whose certificate is there. Must never: run on the control thread once the daemon serves.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::desired::{self, Desired};
use super::material::{Account, Failures, Issued, MOST_BYTES, Secret, Told};
use super::steps::{File, Known};
use crate::config::names;
use crate::config::regular_file::read_regular_file;
use crate::files;
use crate::unix_time::unix_ms;

/// The most that is read of a file of accounts or failures.
const MOST_JSON: u64 = 16 * 1024 * 1024;

#[derive(Deserialize)]
struct StoredAccounts {
    accounts: BTreeMap<String, Account>,
}

#[derive(Deserialize)]
struct StoredFailures {
    failures: BTreeMap<String, Failures>,
}

#[derive(Deserialize)]
struct StoredUnwanted {
    unwanted: BTreeMap<String, u64>,
}

/// Reads what is there. What a document wants and cannot be read is said in the log, and ordered again.
pub fn read(state_dir: &Path, desired: &BTreeMap<String, Desired>) -> Known {
    let folder = desired::folder(state_dir);
    let path = |file: &File| path(&folder, file);
    let accounts = read_json(&path(&File::Accounts)).map(|StoredAccounts { accounts }| accounts);
    let failures = read_json(&path(&File::Failures)).map(|StoredFailures { failures }| failures);
    let stored = read_json(&path(&File::Unwanted)).map(|StoredUnwanted { unwanted }| unwanted).unwrap_or_default();
    let (mut certificates, mut unwanted) = (BTreeMap::new(), BTreeMap::new());
    let mut services = services_in(&folder);
    for service in services.iter().filter(|service| !desired.contains_key(*service)) {
        // Of one that has just left the document it is not known yet: from now on.
        unwanted.insert(service.clone(), stored.get(service).copied().unwrap_or(u64::MAX));
    }
    services.extend(desired.keys().cloned());
    for service in services {
        let file = path(&File::Certificate(service.clone()));
        match read_certificate(&file) {
            Ok(Some(issued)) => drop(certificates.insert(service, issued)),
            Ok(None) => {}
            Err(_) if !desired.contains_key(&service) => {}
            Err(why) => {
                tracing::error!("{}: {why}; another certificate is taken from a peer, or ordered", file.display())
            }
        }
    }
    Known { accounts: accounts.unwrap_or_default(), failures: failures.unwrap_or_default(), certificates, unwanted }
}

/// The services that have a file there.
fn services_in(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let service = |entry: fs::DirEntry| names::name(entry.file_name().to_str()?.strip_suffix(".pem")?).ok();
    entries.filter_map(service).collect()
}

fn read_json<T: DeserializeOwned>(file: &Path) -> Option<T> {
    let read = match read_regular_file(file, MOST_JSON) {
        // The words of the error must not hold what stands in the file.
        Ok(text) => serde_json::from_slice(&text)
            .map_err(|error| format!("is malformed at line {}, column {}", error.line(), error.column())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => Err(format!("cannot be read: {error}")),
    };
    read.inspect_err(|why| tracing::error!("{}: {why}; it is not used", file.display())).ok()
}

fn read_certificate(file: &Path) -> Result<Option<Issued>, String> {
    let text = match read_regular_file(file, 2 * MOST_BYTES as u64) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("cannot be read: {error}")),
    };
    let text = String::from_utf8(text).map_err(|_| "is not text".to_owned())?;
    let told = Told::of_file(&text).map(|told| told.bounded(unix_ms()));
    told.and_then(Issued::new).map(Some).map_err(|why| why.to_string())
}

/// Replaces a file.
///
/// # Errors
///
/// It cannot be written; what was there is there still.
pub fn write(folder: &Path, file: &File, content: &Secret) -> io::Result<()> {
    if !folder.is_dir() {
        make(folder).map_err(|error| files::naming(folder, &error))?;
    }
    files::replace_own(&path(folder, file), content.reveal().as_bytes())
}

/// Makes the folder, which another write may do at the same time: what comes from a peer comes in several files at once.
fn make(folder: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => {}
        made => made?,
    }
    folder.parent().map_or(Ok(()), |above| fs::File::open(above)?.sync_all())
}

/// Removes the file of a service's certificate, if it is there.
///
/// # Errors
///
/// It cannot be removed.
pub fn remove(folder: &Path, service: &str) -> io::Result<()> {
    let file = path(folder, &File::Certificate(service.to_owned()));
    match fs::remove_file(&file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(files::naming(&file, &error)),
        _ => Ok(()),
    }
}

/// Where a file lies.
fn path(folder: &Path, file: &File) -> PathBuf {
    match file {
        File::Accounts => folder.join("accounts.json"),
        File::Failures => folder.join("failures.json"),
        File::Unwanted => folder.join("unwanted.json"),
        File::Certificate(service) => folder.join(format!("{service}.pem")),
    }
}

#[cfg(test)]
mod tests;
