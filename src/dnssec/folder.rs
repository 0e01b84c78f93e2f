//! The folder that the keys of a zone lie in, maybe with those of other zones, and the names of their files.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::KeyError;
use super::key::ZoneKey;
use super::private_file::PrivateFile;
use super::public_file::PublicFile;
use crate::config::regular_file::{MOST_KEYS, read_regular_file, warn_if_public};
use crate::zone::name;

/// Reads the keys of a zone that lie in a folder; `apex` is its name in wire format and lower case. Files of other zones, and those that are
/// no keys, are passed over. The keys come in the order of algorithm, flags and tag, so that every nameserver has them in the same one. A
/// `.private` that everybody may read is a warning in the log.
///
/// # Errors
///
/// The folder cannot be read or has no key of the zone, a file of a pair is missing, cannot be read or is damaged, or two files do not
/// belong together: of the first one, in the order of their names. None of the keys is to be used then.
pub fn read_keys(folder: &Path, apex: &[u8]) -> Result<Vec<Arc<ZoneKey>>, KeyError> {
    let pairs = pairs(folder, apex)?;
    if pairs.is_empty() {
        let (zone, stem) = (name::to_text(apex), file_stem(apex));
        return Err(KeyError::new(
            folder,
            format!(
                "no key of {zone}; expected files {stem}+ALGORITHM+TAG.key and .private: copy those of the zone's other nameservers here; only if it has none anywhere yet, \
                 `polder dnssec keygen {zone} --folder {}` makes them, once for all nameservers",
                folder.display()
            ),
        ));
    }
    let mut keys = pairs.iter().map(|pair| pair.read(apex)).collect::<Result<Vec<_>, _>>()?;
    keys.sort_by_key(|key| (key.algorithm(), key.flags(), key.tag()));
    Ok(keys.into_iter().map(Arc::new).collect())
}

/// The tags of all keys of a zone in a folder, by the names of their files: those that a new key must not have.
///
/// # Errors
///
/// The folder cannot be read.
pub fn tags(folder: &Path, apex: &[u8]) -> Result<Vec<u16>, KeyError> {
    Ok(pairs(folder, apex)?.into_iter().map(|pair| pair.tag).collect())
}

/// The name of a key's files without what differs between the keys of a zone: `Kexample.com.` A byte that is no letter, digit, `-` or `_`
/// stands there as BIND has it, `%2A`.
pub fn file_stem(apex: &[u8]) -> String {
    let mut stem = String::from("K");
    for label in name::labels(apex) {
        for byte in label.to_ascii_lowercase() {
            match byte {
                b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => stem.push(char::from(byte)),
                _ => stem.push_str(&format!("%{byte:02X}")),
            }
        }
        stem.push('.');
    }
    if stem.len() == 1 { stem + "." } else { stem }
}

/// The files of a key that is in the folder.
///
/// # Errors
///
/// The folder cannot be read, or the key is not there any more.
pub fn files_of(folder: &Path, key: &ZoneKey) -> Result<KeyFiles, KeyError> {
    let of_key = |pair: &Pair| (pair.algorithm, pair.tag) == (key.algorithm().number(), key.tag());
    let pair = pairs(folder, key.apex())?.into_iter().find(of_key);
    pair.map(|pair| KeyFiles::of(&pair.path))
        .ok_or_else(|| KeyError::new(folder, format!("{} is not there any more", pair_name(key))))
}

/// The name of the files of a key, without `.key` and `.private`: `Kexample.com.+013+12345`.
pub(super) fn pair_name(key: &ZoneKey) -> String {
    format!("{}+{:03}+{:05}", file_stem(key.apex()), key.algorithm().number(), key.tag())
}

/// Where the files of a key are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFiles {
    /// The `.key`.
    pub public: PathBuf,
    /// The `.private`.
    pub private: PathBuf,
}

impl KeyFiles {
    /// Of the path without `.key` and `.private`.
    pub(super) fn of(pair: &Path) -> KeyFiles {
        let with = |ending: &str| {
            let mut file = pair.to_owned().into_os_string();
            file.push(ending);
            PathBuf::from(file)
        };
        KeyFiles { public: with(".key"), private: with(".private") }
    }
}

/// The two files of a key, of which one may be missing, and what their name says of it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Pair {
    /// The files' path without `.key` and `.private`.
    path: PathBuf,
    algorithm: u8,
    tag: u16,
}

/// Those of the zone, in the order of their names.
fn pairs(folder: &Path, apex: &[u8]) -> Result<Vec<Pair>, KeyError> {
    let unread = |error: std::io::Error| {
        KeyError::new(
            folder,
            format!(
                "cannot be read: {error}; expected a folder of keys, such as {}+013+12345.key with its .private",
                file_stem(apex)
            ),
        )
    };
    let stem = file_stem(apex);
    let mut pairs = Vec::new();
    for entry in fs::read_dir(folder).map_err(unread)? {
        let file_name = entry.map_err(unread)?.file_name();
        let Some(file_name) = file_name.to_str() else { continue };
        let Some(pair) = file_name.strip_suffix(".key").or_else(|| file_name.strip_suffix(".private")) else {
            continue;
        };
        if let Some((algorithm, tag)) = numbers(pair, &stem) {
            pairs.push(Pair { path: folder.join(pair), algorithm, tag });
        }
    }
    pairs.sort();
    pairs.dedup();
    Ok(pairs)
}

/// Algorithm and tag of the name of a pair, if it is one of the zone; letters in any case, as ldns leaves them.
fn numbers(pair: &str, stem: &str) -> Option<(u8, u16)> {
    let (named, rest) = pair.split_at_checked(stem.len())?;
    let (algorithm, tag) = rest.strip_prefix('+')?.split_once('+')?;
    let are_digits = [algorithm, tag].iter().all(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    let is_of_zone = named.eq_ignore_ascii_case(stem) && algorithm.len() == 3 && tag.len() == 5 && are_digits;
    is_of_zone.then(|| Some((algorithm.parse().ok()?, tag.parse().ok()?))).flatten()
}

impl Pair {
    fn read(&self, apex: &[u8]) -> Result<ZoneKey, KeyError> {
        let KeyFiles { public: public_path, private: private_path } = KeyFiles::of(&self.path);
        let text = read(
            &public_path,
            &format!("it is the public half of {}: bring it, or take that away", private_path.display()),
        )?;
        let public = PublicFile::parse(apex, &text).map_err(|fault| fault.of(&public_path))?;
        let text = read(
            &private_path,
            &format!(
                "it is the secret of {}, and a key without its secret cannot sign: bring it, or take that away",
                public_path.display()
            ),
        )?;
        warn_if_public(&private_path, "this secret key");
        let private = PrivateFile::parse(&text).map_err(|fault| fault.of(&private_path))?;
        let halves = private.halves().map_err(|fault| fault.of(&private_path))?;
        let times = if private.times == Default::default() { public.times } else { private.times };
        let key = ZoneKey::new(apex, public.role, private.algorithm, halves, times);
        if key.dnskey() != public.dnskey {
            return Err(KeyError::new(
                &private_path,
                format!(
                    "it is not the secret of {}: two pairs were mixed up, as when the keys of two folders are put into one, and one has the \
                     tag of another: bring both files as they were made together",
                    public_path.display()
                ),
            ));
        }
        if (key.algorithm().number(), key.tag()) != (self.algorithm, self.tag) {
            return Err(KeyError::new(
                &public_path,
                format!(
                    "the key in it is {}: the files were renamed, or changed after they were made",
                    pair_name(&key)
                ),
            ));
        }
        Ok(key)
    }
}

/// The text of a file; `what` it is, for the error where it is missing.
fn read(path: &Path, what: &str) -> Result<String, KeyError> {
    let bytes = read_regular_file(path, MOST_KEYS).map_err(|error| unread(path, what, &error))?;
    in_utf8(path, bytes)
}

/// Why a file of a pair was not read.
fn unread(path: &Path, what: &str, error: &std::io::Error) -> KeyError {
    let why = match error.kind() {
        std::io::ErrorKind::NotFound => format!("is not there; {what}"),
        std::io::ErrorKind::PermissionDenied => {
            format!("cannot be read by {}: {error}; it is to be that user's, with mode 0400", reader())
        }
        _ => format!("cannot be read: {error}"),
    };
    KeyError::new(path, why)
}

/// Who reads.
fn reader() -> String {
    let uid = nix::unistd::geteuid();
    let known = nix::unistd::User::from_uid(uid).ok().flatten();
    known.map_or_else(|| format!("the user {uid}"), |user| format!("the user {}", user.name))
}

/// The text of a file that is there.
pub(super) fn read_text(path: &Path) -> Result<String, KeyError> {
    let unread = |error| KeyError::new(path, format!("cannot be read: {error}"));
    read_regular_file(path, MOST_KEYS).map_err(unread).and_then(|bytes| in_utf8(path, bytes))
}

fn in_utf8(path: &Path, bytes: Vec<u8>) -> Result<String, KeyError> {
    String::from_utf8(bytes)
        .map_err(|_| KeyError::new(path, "is not a text; expected a file as dnssec-keygen writes it"))
}

#[cfg(test)]
mod tests;
