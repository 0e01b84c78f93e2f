//! Where the access log goes.

use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::journal::Journal;
use super::style::Form;
use crate::config::proxy::{AccessLogConfig, AccessLogPath};

/// Where systemd's journal takes entries (systemd's "Native Journal Protocol").
const JOURNAL: &str = "/run/systemd/journal/socket";

/// Where lines or entries go.
pub(super) enum Sink {
    /// Nowhere.
    Nothing,
    StandardOutput,
    File(File, PathBuf),
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
            Some(AccessLogPath::File(path)) => {
                let file = File::options().append(true).create(true).open(path);
                file.map(|file| Sink::File(file, path.clone())).map_err(|error| {
                    io::Error::new(
                        error.kind(),
                        format!("access_log.path: cannot append to {}: {error}; create its folder", path.display()),
                    )
                })
            }
        }
    }

    fn takes_entries(&self) -> bool {
        matches!(self, Sink::Journal(_))
    }

    /// Nothing is to be written at all.
    pub(super) fn is_nothing(&self) -> bool {
        matches!(self, Sink::Nothing)
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
            Sink::File(file, _) => file.write_all(text),
            Sink::Journal(journal) => journal.send(text),
        }
    }
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
