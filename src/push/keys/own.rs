//! An admin machine's own keys: the deploy key opens the hosts' gates, the signing key signs what is sent there.
//!
//! Must never: overwrite a key, or show a private one. Called by `polder keys make`.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::push::admin::Admin;
use crate::push::admin::state::write_secret;
use crate::push::error::Error;
use crate::push::program::{output, text};

/// The public parts of both keys, for the fleet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Public {
    /// `ssh-ed25519 AAAA… admin-nl`.
    pub deploy: String,
    /// `admin-nl-1:AAAA…`.
    pub signing: String,
}

/// Arguments of every `nix` command.
const NIX: [&str; 2] = ["--extra-experimental-features", "nix-command"];

/// Makes the keys that do not exist yet, and returns the public parts of both.
///
/// # Errors
///
/// A program is missing or fails, or a file cannot be read or written.
pub fn make(admin: &Admin) -> Result<Public, Error> {
    make_named(admin, &format!("{}-1", admin.name))
}

/// Makes the next keys of an admin machine, beside the present ones, if they do not exist yet.
///
/// # Errors
///
/// As [`make`].
pub fn make_next(admin: &Admin) -> Result<Public, Error> {
    let present = make(admin)?;
    make_named(&next(admin), &name_after(&present.signing, &admin.name))
}

/// The same admin machine with its next keys.
pub fn next(admin: &Admin) -> Admin {
    Admin {
        deploy_key: beside(&admin.deploy_key, "next"),
        signing_key: beside(&admin.signing_key, "next"),
        ..admin.clone()
    }
}

/// Replaces the present keys with the next ones, and keeps the old ones beside them.
///
/// # Errors
///
/// A file cannot be renamed, or there are no next keys.
pub fn switch(admin: &Admin) -> Result<Public, Error> {
    let following = next(admin);
    let pairs = [(&admin.deploy_key, &following.deploy_key), (&admin.signing_key, &following.signing_key)];
    // If only one of them is left, an earlier switch was interrupted.
    if !pairs.iter().any(|(_, fresh)| fresh.exists()) {
        return Err(Error::new("there are no next keys: `polder keys make --next`, then push what it prints"));
    }
    for (present, fresh) in pairs.into_iter().filter(|(_, fresh)| fresh.exists()) {
        let old = beside(present, "old");
        // There is a present key at every moment; after an interruption, the switch can be repeated.
        let renamed = fs::remove_file(&old)
            .or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
            .and_then(|()| fs::hard_link(present, &old))
            .and_then(|()| fs::rename(fresh, present));
        renamed.map_err(|error| named(present, &error))?;
    }
    make(admin)
}

fn beside(file: &Path, what: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(format!(".{what}"));
    PathBuf::from(name)
}

/// The next key's name: `admin-nl-2` after `admin-nl-1:AAAA…`. Hosts tell keys apart by their names.
fn name_after(public: &str, admin: &str) -> String {
    let name = public.split(':').next().unwrap_or_default();
    let number = name.rsplit_once('-').and_then(|(_, number)| number.parse::<u32>().ok()).unwrap_or(1);
    format!("{admin}-{}", number + 1)
}

fn make_named(admin: &Admin, signing_name: &str) -> Result<Public, Error> {
    Ok(Public { deploy: deploy(admin)?, signing: signing(admin, signing_name)? })
}

fn deploy(admin: &Admin) -> Result<String, Error> {
    let file = &admin.deploy_key;
    if !there(file)? {
        let scratch = tempfile::tempdir().map_err(|error| Error::new(format!("a temporary folder: {error}")))?;
        let fresh = scratch.path().join("deploy");
        let name = fresh.to_string_lossy();
        let how = ["-q", "-t", "ed25519", "-N", "", "-C", &*admin.name, "-f", &*name];
        output("ssh-keygen", scratch.path(), &how)?;
        let secret = fs::read(&fresh).map_err(|error| named(&fresh, &error))?;
        write_secret(file, &secret)?;
    }
    // ssh-keygen refuses the caller's own key if a group may read it, so the public part is read from a copy.
    let secret = fs::read(file).map_err(|error| named(file, &error))?;
    let copy = tempfile::NamedTempFile::new().and_then(|mut copy| copy.write_all(&secret).map(|()| copy));
    let copy = copy.map_err(|error| Error::new(format!("a temporary file: {error}")))?;
    let name = copy.path().to_string_lossy();
    let public =
        text("ssh-keygen", Path::new("/"), &["-y", "-f", &*name]).map_err(|error| Error::at(file.display(), error))?;
    let words: Vec<&str> = public.split_whitespace().take(2).chain([admin.name.as_str()]).collect();
    Ok(words.join(" "))
}

fn signing(admin: &Admin, name: &str) -> Result<String, Error> {
    let file = &admin.signing_key;
    if !there(file)? {
        let made = nix(&["key", "generate-secret", "--key-name", name], b"")?;
        write_secret(file, made.trim().as_bytes())?;
    }
    let secret = fs::read(file).map_err(|error| named(file, &error))?;
    Ok(nix(&["key", "convert-secret-to-public"], &secret)?.trim().to_owned())
}

/// The output of nix, with `input` on its standard input: a secret must not be an argument.
fn nix(arguments: &[&str], input: &[u8]) -> Result<String, Error> {
    let not_started = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => Error::new("there is no `nix` on this machine"),
        _ => Error::new(format!("nix did not start: {error}")),
    };
    let mut child = Command::new("nix")
        .args(arguments)
        .args(NIX)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(not_started)?;
    if let Some(mut stdin) = child.stdin.take() {
        // If nix does not read it, its own error says why.
        let _ = stdin.write_all(input);
    }
    let ran = child.wait_with_output().map_err(not_started)?;
    match ran.status.success() {
        true => Ok(String::from_utf8_lossy(&ran.stdout).into_owned()),
        false => {
            Err(Error::new(format!("nix {}: {}", arguments.join(" "), String::from_utf8_lossy(&ran.stderr).trim())))
        }
    }
}

/// Whether a key exists. An error is not taken for a missing key, or another one would be made.
fn there(file: &Path) -> Result<bool, Error> {
    file.try_exists().map_err(|error| named(file, &error))
}

fn named(path: &Path, error: &io::Error) -> Error {
    let named = Error::at(path.display(), error);
    match error.kind() {
        io::ErrorKind::PermissionDenied => named.remedy("only root can make keys here"),
        _ => named,
    }
}

/// The files of both keys.
pub fn files(admin: &Admin) -> [&PathBuf; 2] {
    [&admin.deploy_key, &admin.signing_key]
}

#[cfg(test)]
mod tests;
