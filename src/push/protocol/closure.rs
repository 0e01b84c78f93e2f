//! The closure of a system, as the store describes it: references, sizes and hashes of contents.
//!
//! Owns the parser of `nix-store --dump-db`, whose format is the same in every release of Nix, and the [`digest`] that identifies a
//! closure by its contents, however it came into the store. Called on the admin machine before a copy and on the host before an
//! activation.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest as hash};

use crate::push::error::Error;
use crate::push::hex::hex;
use crate::push::program::output;

/// What the store knows of one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathInfo {
    /// The path.
    pub path: String,
    /// The SHA-256 of its NAR, in Nix' base 32.
    pub nar_hash: String,
    /// Bytes of its NAR.
    pub nar_size: u64,
    /// Its references, sorted, including itself if it has one to itself.
    pub references: Vec<String>,
}

/// How many paths are passed to one program, so that they fit into an argument list.
const AT_ONCE: usize = 1000;

/// The closure of a path, dependencies first.
///
/// # Errors
///
/// The path is not in the store.
pub fn requisites(path: &Path) -> Result<Vec<String>, Error> {
    nix_store(&["--query", "--requisites", &path.to_string_lossy()]).map(|printed| lines(&printed))
}

/// What the store knows of paths, in their order.
///
/// # Errors
///
/// A path is not in the store, or nix-store's output is not understood.
pub fn infos(paths: &[String]) -> Result<Vec<PathInfo>, Error> {
    let mut infos = BTreeMap::new();
    for some in paths.chunks(AT_ONCE) {
        let arguments: Vec<&str> = ["--dump-db"].into_iter().chain(some.iter().map(String::as_str)).collect();
        let printed = nix_store(&arguments)?;
        let known =
            registrations(&printed).ok_or_else(|| Error::new("the output of nix-store --dump-db is not understood"))?;
        infos.extend(known.into_iter().map(|info| (info.path.clone(), info)));
    }
    let info = |path: &String| infos.remove(path).ok_or_else(|| Error::new(format!("{path} is not in this store")));
    paths.iter().map(info).collect()
}

/// Which of these paths the store does not have.
///
/// # Errors
///
/// What nix-store says.
pub fn missing(paths: &[String]) -> Result<Vec<String>, Error> {
    let mut missing = Vec::new();
    for some in paths.chunks(AT_ONCE) {
        let arguments: Vec<&str> =
            ["--check-validity", "--print-invalid"].into_iter().chain(some.iter().map(String::as_str)).collect();
        missing.extend(lines(&nix_store(&arguments)?));
    }
    Ok(missing)
}

/// The signatures of each path.
///
/// # Errors
///
/// What nix says.
pub fn signatures(infos: &[PathInfo]) -> Result<Vec<Vec<String>>, Error> {
    let mut signatures = BTreeMap::new();
    for some in infos.chunks(AT_ONCE) {
        let head = ["path-info", "--extra-experimental-features", "nix-command", "--sigs"];
        let arguments: Vec<&str> = head.into_iter().chain(some.iter().map(|info| info.path.as_str())).collect();
        let printed = output("nix", Path::new("/"), &arguments)?;
        signatures.extend(signature_lines(&String::from_utf8_lossy(&printed)));
    }
    Ok(infos.iter().map(|info| signatures.remove(&info.path).unwrap_or_default()).collect())
}

/// Parses lines of `nix path-info --sigs`: a path, then words. The words `ultimate` and `ca:...` never verify as signatures.
fn signature_lines(printed: &str) -> BTreeMap<String, Vec<String>> {
    let line = |line: &str| {
        let mut words = line.split_whitespace().map(str::to_owned);
        Some((words.next()?, words.collect()))
    };
    printed.lines().filter_map(line).collect()
}

/// The digest of a system's closure: the SHA-256 of the sorted lines `PATH HASH`.
///
/// # Errors
///
/// As [`requisites`].
pub fn digest(system: &Path) -> Result<String, Error> {
    Ok(digest_of(&infos(&requisites(system)?)?))
}

/// The digest of a closure whose paths are known already.
pub fn digest_of(infos: &[PathInfo]) -> String {
    let mut lines: Vec<String> = infos.iter().map(|info| format!("{} {}\n", info.path, info.nar_hash)).collect();
    lines.sort();
    hex(hash(&SHA256, lines.concat().as_bytes()).as_ref())
}

/// Parses `nix-store --dump-db`: path, hash, size, deriver (may be empty), number of references, references; one per line.
fn registrations(printed: &str) -> Option<Vec<PathInfo>> {
    let mut infos = Vec::new();
    let mut lines = printed.lines();
    while let Some(path) = lines.next() {
        let nar_hash = nix32(lines.next().filter(|hash| hash.len() == 64)?)?;
        let nar_size = lines.next()?.parse().ok()?;
        let _deriver = lines.next()?;
        let count: usize = lines.next()?.parse().ok()?;
        let mut references: Vec<String> = lines.by_ref().take(count).map(str::to_owned).collect();
        if references.len() != count {
            return None;
        }
        references.sort();
        infos.push(PathInfo { path: path.to_owned(), nar_hash, nar_size, references });
    }
    Some(infos)
}

fn nix_store(arguments: &[&str]) -> Result<String, Error> {
    let printed = output("nix-store", Path::new("/"), arguments)?;
    String::from_utf8(printed).map_err(|_| Error::new("the output of nix-store is not UTF-8"))
}

fn lines(printed: &str) -> Vec<String> {
    printed.lines().map(str::to_owned).collect()
}

/// Checks that a path is a store path, `STORE/HASH-NAME`, and not below one or elsewhere.
///
/// # Errors
///
/// It is not; the error names it.
pub fn in_store(store: &Path, path: &Path) -> Result<PathBuf, Error> {
    let name = path.strip_prefix(store).ok().and_then(Path::to_str).unwrap_or_default();
    if is_store_name(name) {
        Ok(path.to_owned())
    } else {
        Err(Error::new(format!("{} is not a store path", path.display())))
    }
}

/// The letters of a hash in a store path, in the order of their values.
pub(super) const NIX32: &[u8; 32] = b"0123456789abcdfghijklmnpqrsvwxyz";

/// Hexadecimal digits in Nix' base 32: least significant digit last, its own alphabet (Nix' base-nix-32.cc).
fn nix32(hex: &str) -> Option<String> {
    let byte = |at: usize| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok();
    let bytes: Vec<u8> = (0..hex.len()).step_by(2).map(byte).collect::<Option<_>>()?;
    let digits = (bytes.len() * 8).div_ceil(5);
    let digit = |n: usize| {
        let (at, shift) = (n * 5 / 8, n * 5 % 8);
        let low = u16::from(bytes[at]) >> shift;
        let high = bytes.get(at + 1).map_or(0, |next| u16::from(*next) << (8 - shift));
        char::from(NIX32[usize::from((low | high) & 31)])
    };
    Some((0..digits).rev().map(digit).collect())
}

/// Nix' rule for names (its path-regex.hh): a hash of 32 letters, a dash, and up to 211 letters, digits and `+-._?=`.
fn is_store_name(name: &str) -> bool {
    let Some((hash, rest)) = name.split_at_checked(32) else { return false };
    let Some(rest) = rest.strip_prefix('-') else { return false };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"+-._?=".contains(&byte);
    hash.bytes().all(|byte| NIX32.contains(&byte)) && (1..=211).contains(&rest.len()) && rest.bytes().all(plain)
}

#[cfg(test)]
mod tests;
