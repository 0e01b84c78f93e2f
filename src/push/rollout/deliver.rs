//! Copies systems to their hosts, signed with the admin machine's key.

mod upload;

use std::cell::LazyCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::session::Session;
use super::step::{Stage, Step};
use crate::push::at_once::at_once;
use crate::push::error::Error;
use crate::push::host::paths::HostPaths;
use crate::push::protocol::closure::{self, PathInfo};
use crate::push::protocol::signing::TrustedKeys;
use crate::push::protocol::upload::Header;
use crate::push::protocol::{Answer, Instruction};
use crate::push::remote::gates::Gates;
use crate::push::remote::no_answer::unexpected;
use crate::push::remote::stderr_text;

/// How many hosts are copied to at once: enough to fill a link.
const COPIES_AT_ONCE: usize = 4;

/// How long a host may take to protect a system from its garbage collector.
const PROMPT: Duration = Duration::from_secs(20);

/// How long a host may take to compare its store with this one, and the longest answer, in bytes.
const COMPARE_LIMIT: Duration = Duration::from_secs(120);
const COMPARE_BYTES: u64 = 64 * 1024 * 1024;

/// Copies every host's system, before any is activated.
///
/// # Errors
///
/// The first host on which it failed, and why.
pub(super) fn copy_all(session: &Session<'_>, steps: &[&Step]) -> Result<(), Error> {
    let next = AtomicUsize::new(0);
    let copy_some = || {
        while let Some(step) = steps.get(next.fetch_add(1, Ordering::Relaxed)) {
            if session.is_interrupted() {
                return Err(Error::new("interrupted"));
            }
            copy(session, step).map_err(|error| error.of(&step.host))?;
        }
        Ok(())
    };
    at_once(0..COPIES_AT_ONCE, |_| copy_some()).into_iter().collect()
}

/// Copies what a host lacks of its system, after the host has protected that from its garbage collector.
fn copy(session: &Session<'_>, step: &Step) -> Result<(), Error> {
    session.reached(&step.host, Stage::Copy(0, 0));
    let hold = Instruction::Hold { token: session.token.to_owned(), system: step.system.clone() };
    match session.remotes.instruct(&step.host, &hold, PROMPT) {
        Ok(Answer::Done) => {}
        other => return Err(unexpected(other)),
    }
    let Contents { infos, missing } = contents(session, step)?;
    let missing: Vec<PathInfo> = infos.into_iter().filter(|info| missing.contains(&info.path)).collect();
    if !missing.is_empty() {
        upload::upload(session, &step.host, &missing)?;
    }
    session.reached(&step.host, Stage::Copied);
    Ok(())
}

/// The closure of a host's system.
pub(super) struct Contents {
    /// All of its paths, dependencies first, with the contents that the host has or will have.
    infos: Vec<PathInfo>,
    /// The paths that the host does not have.
    missing: BTreeSet<String>,
}

impl Contents {
    /// The digest that is signed.
    pub(super) fn digest(&self) -> String {
        closure::digest_of(&self.infos)
    }
}

/// The closure of a host's system as it will be there. A path that the host has with different contents stays as it is if a key of the
/// fleet has signed them: another admin machine may have built it, and not every build is reproducible.
///
/// # Errors
///
/// The comparison failed, or the host has a path whose contents no key of the fleet has signed.
pub(super) fn contents(session: &Session<'_>, step: &Step) -> Result<Contents, Error> {
    let infos = closure::infos(&closure::requisites(&step.system)?)?;
    let comparison = compare(session, &step.host, &infos)?;
    let place = HostPaths::of_this_machine();
    // Read only if something differs, which is rare.
    let keys = LazyCell::new(|| TrustedKeys::read(&place.signing_keys));
    let vouched = |theirs: &Header| keys.as_ref().is_ok_and(|keys| theirs.check(&place.store, keys).is_ok());
    agree(infos, &comparison, &step.host, vouched)
}

/// Asks a host which paths it lacks or has with different contents. Returns the answer of its gate.
fn compare(session: &Session<'_>, host: &str, infos: &[PathInfo]) -> Result<String, Error> {
    let (mut child, mut stderr) = session.remotes.stream(host, "compare")?;
    let (Some(mut input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(Error::new("ssh has no pipes"));
    };
    let lines: String = infos.iter().map(|info| format!("{} {}\n", info.path, info.nar_hash)).collect();
    let (sender, answer) = mpsc::channel();
    thread::spawn(move || {
        let mut text = String::new();
        let read = output.take(COMPARE_BYTES).read_to_string(&mut text);
        sender.send(read.map(|_| text))
    });
    // A host that hangs up early has said why; one that reads nothing is given up below.
    thread::spawn(move || writeln!(input, "{lines}"));
    let answer = answer.recv_timeout(COMPARE_LIMIT);
    if answer.is_err() {
        let _ = child.kill();
    }
    let status = child.wait().map_err(|error| Error::at("ssh", error))?;
    match answer {
        Ok(Ok(text)) if status.success() => Ok(text),
        Err(_) => Err(Error::new(format!("it did not compare its store within {} s", COMPARE_LIMIT.as_secs()))),
        _ => Err(Error::new(stderr_text(&mut stderr))),
    }
}

/// The closure as it will be on a host, from the host's comparison (pure): `missing PATH`, or headers of what it has with different
/// contents, one for each signature. `vouched` decides which signatures count.
fn agree(
    mut infos: Vec<PathInfo>,
    comparison: &str,
    host: &str,
    vouched: impl Fn(&Header) -> bool,
) -> Result<Contents, Error> {
    let mut missing = BTreeSet::new();
    let mut differing: BTreeMap<String, Option<String>> = BTreeMap::new();
    for line in comparison.lines() {
        if let Some(path) = line.strip_prefix("missing ") {
            missing.insert(path.to_owned());
            continue;
        }
        let theirs: Header = serde_json::from_str(line)
            .map_err(|error| Error::new(format!("its comparison is not understood: {error}")))?;
        let counts = vouched(&theirs);
        let signed = differing.entry(theirs.path).or_default();
        *signed = signed.take().or(counts.then_some(theirs.nar_hash));
    }
    for info in &mut infos {
        match differing.remove(&info.path) {
            None => {}
            Some(Some(hash)) => info.nar_hash = hash,
            Some(None) => {
                let path = &info.path;
                return Err(Error::new(format!(
                    "{path} has different contents on the host, and no key of the fleet has signed them"
                ))
                .remedy(format!(
                    "if its build is not reproducible, copy it here with `nix copy --from ssh://root@{host} {path}`; otherwise \
                     somebody has tampered with a store"
                )));
            }
        }
    }
    Ok(Contents { infos, missing })
}

#[cfg(test)]
mod tests;
