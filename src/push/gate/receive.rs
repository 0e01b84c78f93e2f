//! Receives signed store paths and adds them to the store.
//!
//! Runs as the deploy user, whom the store does not trust, so that the store checks each path's contents and signature again. Paths
//! are spooled as a binary cache of files, a batch at a time, and Nix imports them from there. Must never: build, or send anything
//! from the store. Called by [`super::forced_command()`].

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, BufRead, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::request::line;
use crate::files;
use crate::push::error::Error;
use crate::push::host::machine::free_bytes;
use crate::push::host::paths::HostPaths;
use crate::push::protocol::closure;
use crate::push::protocol::signing::TrustedKeys;
use crate::push::protocol::upload::{END, HEADER_BYTES, Header};

/// Bytes and paths in a batch: each start of Nix costs about 0.1 s.
const BATCH_BYTES: u64 = 128 * 1024 * 1024;
const BATCH_PATHS: usize = 256;

/// What an upload must leave free on the disk, in bytes.
const SPARE: u64 = 256 * 1024 * 1024;

/// Imports a batch into the store: the folder of the binary cache, and the paths in it, dependencies first.
pub(super) type Import<'a> = &'a mut dyn FnMut(&Path, &[String]) -> Result<(), Error>;

/// Receives a whole upload. After each batch, writes the number of paths done so far to `progress`, as a line.
///
/// # Errors
///
/// Why the upload ended early, for the pusher. Batches that were already imported stay.
pub(super) fn receive(
    paths: &HostPaths,
    input: &mut impl BufRead,
    progress: &mut impl Write,
    import: Import<'_>,
) -> Result<usize, Error> {
    let keys = TrustedKeys::read(&paths.signing_keys)?;
    let mut next = header(input, paths, &keys)?;
    // Locked only after the first signature was checked, so that a caller without one cannot block others.
    let _locked = lock_spool(&paths.spool)?;
    let mut batch = Batch::new(paths.spool.join("cache")).map_err(|error| named(&paths.spool, &error))?;
    let mut done = 0;
    while let Some(header) = next {
        let room = free_bytes(&paths.spool).min(free_bytes(&paths.store));
        // A path is in the spool and in the store at the same time for a while.
        if room < SPARE.saturating_add(batch.bytes).saturating_add(header.nar_size.saturating_mul(2)) {
            let (wanted, free) = (header.nar_size / 1024 / 1024, room / 1024 / 1024);
            return Err(Error::new(format!("{} needs {wanted} MiB, but only {free} MiB are free here", header.path)));
        }
        batch.take(&header, input)?;
        if batch.bytes >= BATCH_BYTES || batch.paths.len() >= BATCH_PATHS {
            done += batch.hand_over(import)?;
            writeln!(progress, "{done}").and_then(|()| progress.flush()).map_err(Error::new)?;
        }
        next = self::header(input, paths, &keys)?;
    }
    Ok(done + batch.hand_over(import)?)
}

/// Reads and checks the header of the next path; `None` at the end of the upload.
fn header(input: &mut impl BufRead, paths: &HostPaths, keys: &TrustedKeys) -> Result<Option<Header>, Error> {
    let line = line(input, HEADER_BYTES)?;
    if line == END {
        return Ok(None);
    }
    let header: Header = serde_json::from_str(&line).map_err(|error| {
        if line.is_empty() { cut_short() } else { Error::new(format!("not the description of a store path: {error}")) }
    })?;
    header.check(&paths.store, keys)?;
    Ok(Some(header))
}

/// The most paths in one comparison: a system has a few thousand.
const MOST_PATHS: usize = 100_000;

/// The longest line of a comparison, in bytes: a path and a hash.
const COMPARED_BYTES: usize = 512;

/// Compares the store with the pusher's: reads lines `PATH HASH` up to an empty one. Returns a line `missing PATH` for each path that
/// the store does not have, and for each one with different contents a [`Header`] per signature of them.
///
/// # Errors
///
/// A line is not valid, or Nix failed.
pub(super) fn compare(paths: &HostPaths, input: &mut impl BufRead) -> Result<String, Error> {
    let mut theirs = BTreeMap::new();
    loop {
        let line = line(input, COMPARED_BYTES)?;
        if line.is_empty() {
            break;
        }
        if theirs.len() == MOST_PATHS {
            return Err(Error::new(format!("more than {MOST_PATHS} paths")));
        }
        let (path, hash) = line.split_once(' ').ok_or_else(|| Error::new("expected a path and a hash"))?;
        closure::in_store(&paths.store, Path::new(path))?;
        theirs.insert(path.to_owned(), hash.to_owned());
    }
    let paths: Vec<String> = theirs.keys().cloned().collect();
    let missing: BTreeSet<String> = closure::missing(&paths)?.into_iter().collect();
    let here: Vec<String> = paths.into_iter().filter(|path| !missing.contains(path)).collect();
    let mut answer: String = missing.iter().map(|path| format!("missing {path}\n")).collect();
    let differing: Vec<_> =
        closure::infos(&here)?.into_iter().filter(|info| theirs[&info.path] != info.nar_hash).collect();
    for (info, signatures) in differing.iter().zip(closure::signatures(&differing)?) {
        for signature in signatures.into_iter().chain([String::new()]) {
            answer += &serde_json::to_string(&Header::with_signature(info, signature)).map_err(Error::new)?;
            answer.push('\n');
        }
    }
    Ok(answer)
}

/// Has Nix import paths from the spool. The store checks their contents and signatures, because this user is not trusted.
///
/// # Errors
///
/// The import failed, with Nix' messages.
pub(super) fn import(cache: &Path, paths: &[String]) -> Result<(), Error> {
    let ran = Command::new("nix")
        .args(["copy", "--extra-experimental-features", "nix-command", "--no-recursive", "--from"])
        .arg(format!("file://{}", cache.display()))
        .args(paths)
        // Environment variables of the connection must not influence Nix.
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("NIX_REMOTE", "daemon")
        // Nix caches what a binary cache has: keep that in the folder that is deleted with it.
        .env("HOME", cache)
        .env("XDG_CACHE_HOME", cache)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Error::new(format!("nix did not start: {error}")))?;
    match ran.status.success() {
        true => Ok(()),
        false => Err(Error::new(format!("the store refuses: {}", String::from_utf8_lossy(&ran.stderr).trim()))),
    }
}

/// A binary cache of paths that are not imported yet.
struct Batch {
    folder: PathBuf,
    paths: Vec<String>,
    bytes: u64,
}

impl Batch {
    fn new(folder: PathBuf) -> io::Result<Batch> {
        let mut batch = Batch { folder, paths: Vec::new(), bytes: 0 };
        batch.clear()?;
        Ok(batch)
    }

    /// Makes the binary cache empty.
    fn clear(&mut self) -> io::Result<()> {
        if let Err(error) = fs::remove_dir_all(&self.folder)
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(error);
        }
        (self.paths, self.bytes) = (Vec::new(), 0);
        fs::create_dir(&self.folder)?;
        fs::write(self.folder.join("nix-cache-info"), "StoreDir: /nix/store\n")
    }

    /// Receives the NAR that follows a header.
    fn take(&mut self, header: &Header, input: &mut impl BufRead) -> Result<(), Error> {
        let file = |ending: &str| self.folder.join(format!("{}.{ending}", header.hash_part()));
        let nar = file("nar");
        let copied = File::create(&nar).and_then(|mut nar| io::copy(&mut input.take(header.nar_size), &mut nar));
        if copied.map_err(|error| named(&nar, &error))? < header.nar_size {
            return Err(cut_short());
        }
        fs::write(file("narinfo"), header.narinfo()).map_err(|error| named(&nar, &error))?;
        self.paths.push(header.path.clone());
        self.bytes += header.nar_size;
        Ok(())
    }

    fn hand_over(&mut self, import: Import<'_>) -> Result<usize, Error> {
        if self.paths.is_empty() {
            return Ok(0);
        }
        import(&self.folder, &self.paths)?;
        let count = self.paths.len();
        self.clear().map_err(|error| named(&self.folder, &error))?;
        Ok(count)
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Allows one upload at a time, so that uploads cannot fill the disk together.
fn lock_spool(spool: &Path) -> Result<File, Error> {
    let held = files::try_lock(&spool.join("lock"), 0o600).map_err(Error::new)?;
    held.ok_or_else(|| Error::new("another upload to this host is under way"))
}

fn cut_short() -> Error {
    Error::new("the upload was cut short")
}

fn named(path: &Path, error: &io::Error) -> Error {
    Error::at(path.display(), error)
}

#[cfg(test)]
mod tests;
