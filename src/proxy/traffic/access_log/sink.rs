//! Where the access log goes.

use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};

use super::journal::Journal;
use super::style::Form;
use crate::config::proxy::{AccessLogConfig, AccessLogPath};

/// Where systemd's journal takes entries (systemd's "Native Journal Protocol").
const JOURNAL: &str = "/run/systemd/journal/socket";

/// How long a file may take to be opened.
const PATIENCE: Duration = Duration::from_secs(1);

/// Where lines or entries go.
pub(super) enum Sink {
    /// Nowhere.
    Nothing,
    StandardOutput,
    /// None: it could not be opened yet.
    File(Option<File>, PathBuf),
    Journal(Journal),
}

impl Sink {
    pub(super) fn open(config: Option<&AccessLogConfig>) -> io::Result<Sink> {
        match config.map(|config| &config.path) {
            None => Ok(Sink::Nothing),
            Some(AccessLogPath::StandardOutput) => Ok(Sink::StandardOutput),
            // Visitors are served without it.
            Some(AccessLogPath::Journal) => Journal::connect(Path::new(JOURNAL))
                .or_else(|error| {
                    tracing::error!(
                        "access_log.path: no journal at {JOURNAL}: {error}; no request is logged until there is one"
                    );
                    Journal::unconnected(Path::new(JOURNAL))
                })
                .map(Sink::Journal),
            Some(AccessLogPath::File(path)) => open_in_time(path).map(|file| Sink::File(file, path.clone())),
        }
    }

    fn takes_entries(&self) -> bool {
        matches!(self, Sink::Journal(_))
    }

    /// Writes lines or entries. Those that were gathered for a place of another kind, before a reload, are lost.
    pub(super) fn write(&mut self, form: Form, text: &[u8]) -> io::Result<()> {
        if self.takes_entries() != (form == Form::Entry) {
            return Err(io::Error::other("this was gathered before the reload that has changed where it goes"));
        }
        match self {
            Sink::Nothing => Ok(()),
            Sink::StandardOutput => {
                let mut out = io::stdout().lock();
                out.write_all(text)?;
                out.flush()
            }
            Sink::File(Some(file), _) => file.write_all(text),
            Sink::File(file @ None, path) => file.insert(open_to_append(path)?).write_all(text),
            Sink::Journal(journal) => journal.send(text),
        }
    }
}

/// Opens a file without being held up by it: by a pipe that nobody reads, or a file system that does not answer. Visitors are served
/// without either, and the writer tries again.
fn open_in_time(path: &Path) -> io::Result<Option<File>> {
    let (sender, opened) = sync_channel(1);
    let to_open = path.to_owned();
    let open = move || {
        // Nobody waits for it any more.
        let _ = sender.send(open_to_append(&to_open));
    };
    std::thread::Builder::new().name("access-log-open".into()).spawn(open)?;
    let path = path.display();
    match opened.recv_timeout(PATIENCE) {
        Ok(Ok(file)) => Ok(Some(file)),
        Ok(Err(error)) if error.raw_os_error() == Some(Errno::ENXIO as i32) => {
            tracing::error!("access_log.path: nobody reads the pipe {path}; no request is logged until somebody does");
            Ok(None)
        }
        Ok(Err(error)) => {
            let words = format!("access_log.path: cannot append to {path}: {error}; create its folder");
            Err(io::Error::new(error.kind(), words))
        }
        Err(_) => {
            tracing::error!(
                "access_log.path: {path} could not be opened within 1 s, its file system does not answer; no request is logged until it does"
            );
            Ok(None)
        }
    }
}

/// A pipe is opened only if somebody reads it; what it then does not take holds up whoever writes.
fn open_to_append(path: &Path) -> io::Result<File> {
    let file = File::options().append(true).create(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path)?;
    let flags = OFlag::from_bits_retain(fcntl(&file, FcntlArg::F_GETFL)?);
    fcntl(&file, FcntlArg::F_SETFL(flags - OFlag::O_NONBLOCK))?;
    Ok(file)
}

impl fmt::Display for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Sink::Nothing => f.write_str("nothing"),
            Sink::StandardOutput => f.write_str("standard output"),
            Sink::File(_, path) => path.display().fmt(f),
            Sink::Journal(_) => f.write_str("the journal"),
        }
    }
}
