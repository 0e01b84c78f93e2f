//! Builds systems, signs what they consist of with the admin's key, and copies it to their hosts.

use std::cell::LazyCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::host::in_words;
use super::{Move, Rollout, Stage};
use crate::push::host::place::Place;
use crate::push::program::output;
use crate::push::protocol::closure::{self, PathInfo};
use crate::push::protocol::signing::{SigningKey, TrustedKeys};
use crate::push::protocol::upload::{END, Header};
use crate::push::protocol::{Answer, Instruction};
use crate::push::remote::{Silence, words};

/// How long a host may take to compare its store with ours, and the most that it may say of it.
const COMPARED: Duration = Duration::from_secs(120);
const COMPARED_BYTES: u64 = 64 * 1024 * 1024;

/// How long an upload may go on without a byte being taken by the host.
const STALLED: Duration = Duration::from_secs(180);

/// How long a host's store may take with a batch once all has been sent.
const LAST_BATCH: Duration = Duration::from_secs(900);

/// Bytes of progress and answer that a host may say in an upload.
const SAID_BYTES: u64 = 4 * 1024 * 1024;

/// Lines that are told of a build that fails.
const LAST_LINES: usize = 20;

const FEATURES: [&str; 2] = ["--extra-experimental-features", "nix-command flakes"];

/// Builds derivations, as many at once as Nix is set to.
///
/// # Errors
///
/// The end of Nix' log.
pub fn build(derivations: &[PathBuf]) -> Result<(), String> {
    let mut arguments = vec!["build".to_owned(), "--no-link".to_owned(), "--print-build-logs".to_owned()];
    arguments.extend(FEATURES.map(str::to_owned));
    arguments.extend(derivations.iter().map(|derivation| format!("{}^out", derivation.display())));
    output("nix", Path::new("/"), &arguments).map(drop).map_err(|failure| last_lines(&failure.in_words("nix build")))
}

/// What a host's system consists of.
pub(super) struct Contents {
    /// All of its paths, what is referred to before what refers to it, with the contents that the host has or will have.
    infos: Vec<PathInfo>,
    /// Those that the host does not have.
    missing: BTreeSet<String>,
}

impl Contents {
    /// What is signed of them.
    pub(super) fn digest(&self) -> String {
        closure::digest_of(&self.infos)
    }
}

impl Rollout<'_> {
    /// Copies a host's system there, held from the garbage collector from before on: of all that it needs, what the host has not.
    ///
    /// # Errors
    ///
    /// Why it is not there.
    pub fn copy(&self, one: &Move) -> Result<(), String> {
        self.watch.at(&one.host, &Stage::Copy(0, 0));
        let hold = Instruction::Hold { token: self.token.to_owned(), system: one.system.clone() };
        match self.remotes.instruct(&one.host, &hold, Duration::from_secs(20)) {
            Ok(Answer::Done) => {}
            other => return Err(in_words(other)),
        }
        let Contents { infos, missing } = self.contents(one)?;
        let missing: Vec<PathInfo> = infos.into_iter().filter(|info| missing.contains(&info.path)).collect();
        if !missing.is_empty() {
            self.upload(&one.host, &missing)?;
        }
        self.watch.at(&one.host, &Stage::Copied);
        Ok(())
    }

    /// What a host's system consists of once all is there. A path that the host has already, with other contents than here, stays as
    /// it is if a key of the fleet has signed those: another admin machine may have built it, and not all that is built twice is alike.
    ///
    /// # Errors
    ///
    /// Why it cannot be told, or the path whose contents on the host nobody vouches for.
    pub(super) fn contents(&self, one: &Move) -> Result<Contents, String> {
        let infos = closure::infos(&closure::requisites(&one.system)?)?;
        let said = self.compare(&one.host, &infos)?;
        let place = Place::of_this_machine();
        // Read only where something differs: it seldom does.
        let keys = LazyCell::new(|| TrustedKeys::read(&place.signing_keys));
        let vouched = |theirs: &Header| keys.as_ref().is_ok_and(|keys| theirs.check(&place.store, keys).is_ok());
        agree(infos, &said, &one.host, vouched)
    }

    /// What a host has otherwise than here, in its gate's words.
    fn compare(&self, host: &str, infos: &[PathInfo]) -> Result<String, String> {
        let (mut child, mut said) = self.remotes.stream(host, "compare").map_err(silence)?;
        let (Some(mut input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("ssh has no pipes".to_owned());
        };
        let lines: String = infos.iter().map(|info| format!("{} {}\n", info.path, info.nar_hash)).collect();
        let (sender, answer) = mpsc::channel();
        thread::spawn(move || {
            let mut text = String::new();
            let read = output.take(COMPARED_BYTES).read_to_string(&mut text);
            sender.send(read.map(|_| text))
        });
        // A host that hangs up early has said why; one that takes nothing is given up below.
        thread::spawn(move || writeln!(input, "{lines}"));
        let answer = answer.recv_timeout(COMPARED);
        if answer.is_err() {
            let _ = child.kill();
        }
        let status = child.wait().map_err(|error| format!("ssh: {error}"))?;
        match answer {
            Ok(Ok(text)) if status.success() => Ok(text),
            Err(_) => Err(format!("it did not compare its store within {} s", COMPARED.as_secs())),
            _ => Err(words(&mut said)),
        }
    }

    /// Brings paths to a host, what is referred to before what refers to it.
    fn upload(&self, host: &str, infos: &[PathInfo]) -> Result<(), String> {
        let key = self.remotes.signing_key()?;
        let (child, mut said) = self.remotes.stream(host, "upload").map_err(silence)?;
        let progress = |done: u64| self.watch.at(host, &Stage::Copy(done, infos.len() as u64));
        progress(0);
        match send(child, infos, key, &progress) {
            Ok(Answer::Done) => Ok(()),
            Ok(answer) => Err(in_words(Ok(answer))),
            Err(why) => Err(format!("{why} {}", words(&mut said)).trim().to_owned()),
        }
    }
}

/// What a system consists of on a host, by what that says of it: `missing PATH`, or the headers of what it has otherwise, one for each
/// signature. `vouched` says which of these count.
fn agree(
    mut infos: Vec<PathInfo>,
    said: &str,
    host: &str,
    vouched: impl Fn(&Header) -> bool,
) -> Result<Contents, String> {
    let mut missing = BTreeSet::new();
    let mut differing: BTreeMap<String, Option<String>> = BTreeMap::new();
    for line in said.lines() {
        if let Some(path) = line.strip_prefix("missing ") {
            missing.insert(path.to_owned());
            continue;
        }
        let theirs: Header =
            serde_json::from_str(line).map_err(|error| format!("its comparison is not understood: {error}"))?;
        let counts = vouched(&theirs);
        let known = differing.entry(theirs.path).or_default();
        *known = known.take().or(counts.then_some(theirs.nar_hash));
    }
    for info in &mut infos {
        match differing.remove(&info.path) {
            None => {}
            Some(Some(hash)) => info.nar_hash = hash,
            Some(None) => {
                return Err(format!(
                    "{} has other contents there than here, and no key of the fleet has signed those; if its build is not \
                     reproducible, `nix copy --from ssh://root@{host} {}` brings them here, else somebody has tampered with a store",
                    info.path, info.path
                ));
            }
        }
    }
    Ok(Contents { infos, missing })
}

/// Sends paths down an upload, and waits for its answer. While it goes on, the host tells how many of them its store has.
fn send(mut child: Child, infos: &[PathInfo], key: &SigningKey, progress: &dyn Fn(u64)) -> Result<Answer, String> {
    let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
        return Err("ssh has no pipes".to_owned());
    };
    let (sender, lines) = mpsc::channel();
    let lines_of = BufReader::new(output.take(SAID_BYTES)).lines();
    thread::spawn(move || lines_of.map_while(Result::ok).try_for_each(|line| sender.send(line)));
    let ssh = Pid::from_raw(child.id().cast_signed());
    let watch = Watchdog::start(ssh);
    let told = |line: String, answer: &mut Option<Answer>| match line.parse() {
        Ok(done) => progress(done),
        Err(_) => *answer = serde_json::from_str(&line).ok(),
    };
    let mut answer = None;
    let mut input = BufWriter::with_capacity(256 * 1024, input);
    let mut sent = Ok(());
    for info in infos {
        lines.try_iter().for_each(|line| told(line, &mut answer));
        sent = dump(info, key, &mut watch.over(&mut input));
        if sent.is_err() {
            break;
        }
    }
    if sent.is_ok() {
        sent = writeln!(input, "{END}").and_then(|()| input.flush()).map_err(|error| error.to_string());
    }
    drop(input);
    // What is left is the host's: it may take its time with a batch, and not for ever.
    drop(watch);
    while let Ok(line) = lines.recv_timeout(LAST_BATCH) {
        told(line, &mut answer);
    }
    // It has ended, or is given up.
    let _ = child.kill();
    let _ = child.wait();
    // Where the host has refused, what could not be sent any more is of no interest.
    answer.ok_or_else(|| sent.err().unwrap_or_else(|| "the upload ended without an answer".to_owned()))
}

/// One path: its line, and its NAR.
fn dump(info: &PathInfo, key: &SigningKey, into: &mut impl Write) -> Result<(), String> {
    let broken = |error: io::Error| format!("the connection broke: {error}");
    let header = Header::signed(info, key);
    let line = serde_json::to_string(&header).map_err(|error| error.to_string())?;
    writeln!(into, "{line}").map_err(broken)?;
    let mut nar = Command::new("nix-store")
        .args(["--dump", &info.path])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .map_err(|error| format!("nix-store did not start: {error}"))?;
    let copied = match nar.stdout.take() {
        Some(output) => io::copy(&mut output.take(info.nar_size), into),
        None => Ok(0),
    };
    let _ = nar.wait();
    match copied.map_err(broken)? {
        length if length == info.nar_size => Ok(()),
        length => Err(format!("{}: its NAR has {length} bytes, and the store says {}", info.path, info.nar_size)),
    }
}

/// Ends an ssh that takes nothing any more: a host that hangs must not hold a whole fleet's push.
struct Watchdog {
    taken: Sender<()>,
}

impl Watchdog {
    fn start(ssh: Pid) -> Watchdog {
        let (taken, ticks) = mpsc::channel();
        thread::spawn(move || {
            loop {
                match ticks.recv_timeout(STALLED) {
                    Ok(()) => {}
                    Err(RecvTimeoutError::Disconnected) => return,
                    Err(RecvTimeoutError::Timeout) => {
                        let _ = kill(ssh, Signal::SIGKILL);
                        return;
                    }
                }
            }
        });
        Watchdog { taken }
    }

    fn over<'a, W: Write>(&'a self, writer: &'a mut W) -> Watched<'a, W> {
        Watched { writer, taken: &self.taken }
    }
}

/// A writer whose progress is told.
struct Watched<'a, W> {
    writer: &'a mut W,
    taken: &'a Sender<()>,
}

impl<W: Write> Write for Watched<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.writer.write(bytes)?;
        let _ = self.taken.send(());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

fn silence(silence: Silence) -> String {
    silence.in_words().to_owned()
}

fn last_lines(said: &str) -> String {
    let lines: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(LAST_LINES)..].join("\n")
}

#[cfg(test)]
mod tests;
