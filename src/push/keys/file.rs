//! A key file of this host. [`changed`] computes its new text (pure); [`apply`] reads and writes. Must never: reveal a key, even in an error.
//! Called by the gate.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use super::fingerprint;
use crate::files::{self, Access};
use crate::push::error::Error;
use crate::push::protocol::KeyChange;

/// The mode of a new file: for root only, until the system's tmpfiles rules give it to the daemon that needs it.
const MODE: u32 = 0o400;

/// Changes a key file. Returns the fingerprints that it has then, in order, and whether anything was changed.
///
/// # Errors
///
/// The file or the change is not valid, or the file cannot be written. It is left as it was.
pub fn apply(folder: &Path, name: &str, change: &KeyChange) -> Result<(Vec<String>, bool), Error> {
    if !is_plain(name) {
        return Err(Error::new(format!("{name:?} cannot name a key file: expected letters, digits, - and _")));
    }
    let path = folder.join(name);
    let place = |why: &dyn std::fmt::Display| Error::at(path.display(), why);
    let before = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(place(&error)),
    };
    let after = changed(&before, change).map_err(|why| place(&why))?;
    if after != before {
        fs::create_dir_all(folder).map_err(|error| place(&error))?;
        files::replace(&path, after.as_bytes(), Access::AsBefore(MODE)).map_err(Error::new)?;
    }
    let fingerprints = fingerprints(&after).map_err(|why| place(&why))?;
    Ok((fingerprints, after != before))
}

/// The key files of the folder, with the fingerprints of their keys in order. A line that is not a key is listed as `no key`.
///
/// # Errors
///
/// The folder exists and cannot be read.
pub fn all(folder: &Path) -> io::Result<BTreeMap<String, Vec<String>>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(error),
    };
    let mut files = BTreeMap::new();
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if is_plain(&name) && entry.path().is_file() {
            let text = fs::read_to_string(entry.path())?;
            let named = |key| fingerprint(key).unwrap_or_else(|| "no key".to_owned());
            files.insert(name, keys(&text).map(|(_, key)| named(key)).collect());
        }
    }
    Ok(files)
}

/// A file's text after a change. Comments stay where they are.
fn changed(text: &str, change: &KeyChange) -> Result<String, Error> {
    let present = fingerprints(text)?;
    let lines: Vec<&str> = text.lines().collect();
    let at = |wanted: &str| present.iter().position(|one| one == wanted);
    let line_of = |index: usize| keys(text).nth(index).map_or(0, |(line, _)| line);
    match change {
        KeyChange::Add { key } => {
            let wanted = fingerprint(&key.0)
                .ok_or_else(|| Error::new("the key to add is not one: expected 32 bytes in base64"))?;
            match at(&wanted) {
                Some(_) => Ok(text.to_owned()),
                None => Ok(joined(lines.into_iter().chain([key.0.trim()]))),
            }
        }
        KeyChange::Promote { fingerprint } => match at(fingerprint) {
            None => {
                Err(Error::new(format!("it has no key {fingerprint} that could become the first: {}", have(&present))))
            }
            Some(0) => Ok(text.to_owned()),
            Some(index) => {
                let (from, to) = (line_of(index), line_of(0));
                let mut lines = lines;
                let line = lines.remove(from);
                lines.insert(to, line);
                Ok(joined(lines))
            }
        },
        KeyChange::Retire { keep } => match at(keep) {
            Some(0) => {
                let gone: Vec<usize> = keys(text).skip(1).map(|(line, _)| line).collect();
                match gone.is_empty() {
                    true => Ok(text.to_owned()),
                    false => Ok(joined(
                        lines.into_iter().enumerate().filter(|(n, _)| !gone.contains(n)).map(|(_, line)| line),
                    )),
                }
            }
            _ => Err(Error::new(format!(
                "key {keep} is not its first, so the others are not removed: {}",
                have(&present)
            ))),
        },
    }
}

fn have(present: &[String]) -> String {
    if present.is_empty() { "it has none".to_owned() } else { format!("it has {}", present.join(", ")) }
}

/// The fingerprints of all keys of a file; an error names the first line that is not a key.
fn fingerprints(text: &str) -> Result<Vec<String>, Error> {
    keys(text)
        .map(|(line, key)| {
            fingerprint(key).ok_or_else(|| Error::new(format!("line {}: expected 32 bytes in base64", line + 1)))
        })
        .collect()
}

/// The lines with keys, numbered from 0.
fn keys(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().map(str::trim).enumerate();
    lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

fn joined<'a>(lines: impl IntoIterator<Item = &'a str>) -> String {
    lines.into_iter().map(|line| format!("{line}\n")).collect()
}

/// Whether a name is a plain file name, which cannot leave the folder.
fn is_plain(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    !name.is_empty() && name.len() <= 64 && name.bytes().all(fits)
}

#[cfg(test)]
mod tests;
