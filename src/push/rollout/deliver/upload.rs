//! Sends signed store paths to a host's gate.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::super::session::Session;
use super::super::step::Stage;
use crate::push::error::Error;
use crate::push::protocol::Answer;
use crate::push::protocol::closure::PathInfo;
use crate::push::protocol::signing::SigningKey;
use crate::push::protocol::upload::{END, Header};
use crate::push::remote::no_answer::unexpected;
use crate::push::remote::stderr_text;

/// How long an upload may go on without the host accepting a byte.
const STALLED: Duration = Duration::from_secs(180);

/// How long a host's store may take for a batch after everything was sent.
const LAST_BATCH: Duration = Duration::from_secs(900);

/// The most bytes of progress and answer that a host may send during an upload.
const ANSWER_BYTES: u64 = 4 * 1024 * 1024;

/// Sends paths to a host, dependencies first.
pub(super) fn upload(session: &Session<'_>, host: &str, infos: &[PathInfo]) -> Result<(), Error> {
    let key = session.remotes.signing_key()?;
    let (child, mut stderr): (Child, File) = session.remotes.stream(host, "upload")?;
    let progress = |done: u64| session.observer.reached(host, &Stage::Copy(done, infos.len() as u64));
    progress(0);
    match send(child, infos, key, &progress) {
        Ok(Answer::Done) => Ok(()),
        Ok(answer) => Err(unexpected(Ok(answer))),
        Err(error) => Err(Error::new(format!("{error} {}", stderr_text(&mut stderr)).trim())),
    }
}

/// Sends paths and waits for the answer. Meanwhile the host reports how many of them its store has.
fn send(mut child: Child, infos: &[PathInfo], key: &SigningKey, progress: &dyn Fn(u64)) -> Result<Answer, Error> {
    let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(Error::new("ssh has no pipes"));
    };
    let (sender, lines) = mpsc::channel();
    let lines_of = BufReader::new(output.take(ANSWER_BYTES)).lines();
    thread::spawn(move || lines_of.map_while(Result::ok).try_for_each(|line| sender.send(line)));
    let ssh = Pid::from_raw(child.id().cast_signed());
    let watch = Watchdog::start(ssh);
    let take_line = |line: String, answer: &mut Option<Answer>| match line.parse() {
        Ok(done) => progress(done),
        Err(_) => *answer = serde_json::from_str(&line).ok(),
    };
    let mut answer = None;
    let mut input = BufWriter::with_capacity(256 * 1024, input);
    let mut sent = Ok(());
    for info in infos {
        lines.try_iter().for_each(|line| take_line(line, &mut answer));
        sent = dump(info, key, &mut watch.over(&mut input));
        if sent.is_err() {
            break;
        }
    }
    if sent.is_ok() {
        sent = writeln!(input, "{END}").and_then(|()| input.flush()).map_err(Error::new);
    }
    drop(input);
    // Now the host imports the last batch, which may take long but not for ever.
    drop(watch);
    while let Ok(line) = lines.recv_timeout(LAST_BATCH) {
        take_line(line, &mut answer);
    }
    // It has ended, or it is given up.
    let _ = child.kill();
    let _ = child.wait();
    // If the host has refused, an error while sending is only the consequence.
    answer.ok_or_else(|| sent.err().unwrap_or_else(|| Error::new("the upload ended without an answer")))
}

/// Sends one path: its header and its NAR.
fn dump(info: &PathInfo, key: &SigningKey, into: &mut impl Write) -> Result<(), Error> {
    let broken = |error: io::Error| Error::new(format!("the connection broke: {error}"));
    let header = Header::signed(info, key);
    let line = serde_json::to_string(&header).map_err(Error::new)?;
    writeln!(into, "{line}").map_err(broken)?;
    let mut nar = Command::new("nix-store")
        .args(["--dump", &info.path])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .map_err(|error| Error::new(format!("nix-store did not start: {error}")))?;
    let copied = match nar.stdout.take() {
        Some(output) => io::copy(&mut output.take(info.nar_size), into),
        None => Ok(0),
    };
    let _ = nar.wait();
    match copied.map_err(broken)? {
        length if length == info.nar_size => Ok(()),
        length => {
            Err(Error::at(&info.path, format!("its NAR has {length} bytes, and the store says {}", info.nar_size)))
        }
    }
}

/// Kills an ssh that accepts no more data: a host that hangs must not hold up the push of a whole fleet.
struct Watchdog {
    progress: Sender<()>,
}

impl Watchdog {
    fn start(ssh: Pid) -> Watchdog {
        let (progress, ticks) = mpsc::channel();
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
        Watchdog { progress }
    }

    fn over<'a, W: Write>(&'a self, writer: &'a mut W) -> Watched<'a, W> {
        Watched { writer, progress: &self.progress }
    }
}

/// A writer that tells the watchdog of each piece that was written.
struct Watched<'a, W> {
    writer: &'a mut W,
    progress: &'a Sender<()>,
}

impl<W: Write> Write for Watched<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.writer.write(bytes)?;
        let _ = self.progress.send(());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}
