//! Builds systems, signs what they consist of with the admin's key, and copies it to their hosts.

use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::host::in_words;
use super::{Move, Rollout, Stage};
use crate::push::closure::{self, PathInfo};
use crate::push::program::output;
use crate::push::protocol::{Answer, Instruction};
use crate::push::remote::{Silence, words};
use crate::push::signing::SigningKey;
use crate::push::upload::{END, Header};

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
        let missing = self.missing(&one.host, &closure::requisites(&one.system)?)?;
        if !missing.is_empty() {
            self.upload(&one.host, &closure::infos(&missing)?)?;
        }
        self.watch.at(&one.host, &Stage::Copied);
        Ok(())
    }

    /// Which of these paths a host's store does not have, in the same order.
    fn missing(&self, host: &str, paths: &[String]) -> Result<Vec<String>, String> {
        let (mut child, mut said) = self.remotes.stream(host, "missing").map_err(silence)?;
        if let Some(mut input) = child.stdin.take() {
            // A host that hangs up early has said why.
            let _ = input.write_all(paths.iter().map(|path| format!("{path}\n")).collect::<String>().as_bytes());
        }
        let ran = child.wait_with_output().map_err(|error| format!("ssh: {error}"))?;
        if !ran.status.success() {
            return Err(words(&mut said));
        }
        let lines = String::from_utf8_lossy(&ran.stdout);
        let missing: std::collections::BTreeSet<&str> = lines.lines().collect();
        Ok(paths.iter().filter(|path| missing.contains(path.as_str())).cloned().collect())
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

/// Sends paths down an upload, and waits for its answer. While it goes on, the host tells how many of them its store has.
fn send(mut child: Child, infos: &[PathInfo], key: &SigningKey, progress: &dyn Fn(u64)) -> Result<Answer, String> {
    let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
        return Err("ssh has no pipes".to_owned());
    };
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || BufReader::new(output).lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
    let told = |line: String, answer: &mut Option<Answer>| match line.parse() {
        Ok(done) => progress(done),
        Err(_) => *answer = serde_json::from_str(&line).ok(),
    };
    let mut answer = None;
    let mut input = BufWriter::with_capacity(256 * 1024, input);
    let mut sent = Ok(());
    for info in infos {
        lines.try_iter().for_each(|line| told(line, &mut answer));
        sent = dump(info, key, &mut input);
        if sent.is_err() {
            break;
        }
    }
    if sent.is_ok() {
        sent = writeln!(input, "{END}").and_then(|()| input.flush()).map_err(|error| error.to_string());
    }
    drop(input);
    lines.iter().for_each(|line| told(line, &mut answer));
    let _ = child.wait();
    // Where the host has refused, what could not be sent any more is of no interest.
    answer.ok_or_else(|| sent.err().unwrap_or_else(|| "the upload ended without an answer".to_owned()))
}

/// One path: its line, and its NAR.
fn dump(info: &PathInfo, key: &SigningKey, into: &mut BufWriter<ChildStdin>) -> Result<(), String> {
    let broken = |error: io::Error| format!("the connection broke: {error}");
    let header = Header::signed(info, key).ok_or_else(|| format!("{}: its hash is none", info.path))?;
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

fn silence(silence: Silence) -> String {
    silence.in_words().to_owned()
}

fn last_lines(said: &str) -> String {
    let lines: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(LAST_LINES)..].join("\n")
}
