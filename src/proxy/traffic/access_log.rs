//! The access log: JSON or a line like HAProxy's; nothing a client sends can forge a line.
//!
//! A worker gathers lines in a buffer of its own and hands it over whole; one thread writes. When that thread falls
//! behind, lines are dropped and counted: a slow disk must not slow a visitor.

#![allow(clippy::disallowed_types, reason = "held only to open, reopen or flush the log; lines go over a channel")]

mod line;

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io::{self, Write};
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;

use crate::config::proxy::{AccessLogConfig, AccessLogFormat, AccessLogPath};

pub use line::Record;

/// Gathered lines are handed over when they are this long, and at each heartbeat.
const GATHERED: usize = 16 * 1024;

/// Batches that may wait for the writer.
const WAITING: usize = 256;

/// Where requests are logged. Workers hand lines to one writer thread over a bounded channel; what does not fit is
/// counted, not waited for.
pub struct AccessLog {
    format: AtomicU8,
    dropped: AtomicU64,
    writer: Mutex<Option<Writer>>,
}

struct Writer {
    messages: SyncSender<Message>,
    thread: JoinHandle<()>,
}

enum Message {
    Lines(Vec<u8>),
    Reopen(Sink),
}

/// Where lines go.
enum Sink {
    StandardOutput,
    File(File),
}

impl Sink {
    fn open(path: &AccessLogPath) -> io::Result<Sink> {
        match path {
            AccessLogPath::StandardOutput => Ok(Sink::StandardOutput),
            AccessLogPath::File(path) => {
                let file = File::options().append(true).create(true).open(path);
                file.map(Sink::File).map_err(|error| {
                    io::Error::new(
                        error.kind(),
                        format!("access_log.path: cannot append to {}: {error}; create its folder", path.display()),
                    )
                })
            }
        }
    }

    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        match self {
            Sink::StandardOutput => {
                let mut out = io::stdout().lock();
                out.write_all(lines)?;
                out.flush()
            }
            Sink::File(file) => file.write_all(lines),
        }
    }
}

impl AccessLog {
    /// Opens it; without a configuration nothing is logged and nothing is formatted.
    pub fn open(config: Option<&AccessLogConfig>) -> io::Result<AccessLog> {
        let log = AccessLog { format: AtomicU8::new(0), dropped: AtomicU64::new(0), writer: Mutex::new(None) };
        log.reopen(config)?;
        Ok(log)
    }

    /// Opens the document's log in place of the present one (a reload, SIGHUP). After an error the present one stays.
    pub fn reopen(&self, config: Option<&AccessLogConfig>) -> io::Result<()> {
        let Some(config) = config else {
            self.format.store(0, Ordering::Relaxed);
            return Ok(());
        };
        let sink = Sink::open(&config.path)?;
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        match &*writer {
            // Only a writer that has ended refuses, and it ends with this log.
            Some(writer) => drop(writer.messages.send(Message::Reopen(sink))),
            None => *writer = Some(start_writer(sink)?),
        }
        let format = match config.format {
            AccessLogFormat::Json => 1,
            AccessLogFormat::Haproxy => 2,
        };
        self.format.store(format, Ordering::Relaxed);
        Ok(())
    }

    /// The format of the lines; `None`: nothing is logged.
    pub fn format(&self) -> Option<AccessLogFormat> {
        match self.format.load(Ordering::Relaxed) {
            1 => Some(AccessLogFormat::Json),
            2 => Some(AccessLogFormat::Haproxy),
            _ => None,
        }
    }

    /// Lines dropped since the start.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    fn hand_over(&self, lines: Vec<u8>, count: u64) {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let handed = writer.as_ref().map(|writer| writer.messages.try_send(Message::Lines(lines)));
        if let None | Some(Err(TrySendError::Full(_) | TrySendError::Disconnected(_))) = handed {
            self.dropped.fetch_add(count, Ordering::Relaxed);
        }
    }
}

impl Drop for AccessLog {
    fn drop(&mut self) {
        let writer = self.writer.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Writer { messages, thread }) = writer {
            drop(messages);
            // A writer that panicked has nothing left to write.
            let _ = thread.join();
        }
    }
}

fn start_writer(sink: Sink) -> io::Result<Writer> {
    let (messages, receiver) = sync_channel(WAITING);
    let thread = std::thread::Builder::new().name("access-log".into()).spawn(move || write_all(sink, receiver))?;
    Ok(Writer { messages, thread })
}

fn write_all(mut sink: Sink, messages: Receiver<Message>) {
    let mut failed = false;
    for message in messages {
        match message {
            Message::Reopen(next) => (sink, failed) = (next, false),
            Message::Lines(lines) => match sink.write(&lines) {
                Ok(()) => failed = false,
                Err(error) if !failed => {
                    failed = true;
                    tracing::error!("access log: cannot write: {error}; lines are lost until it can");
                }
                Err(_) => {}
            },
        }
    }
}

/// The lines one worker has gathered.
#[derive(Default)]
pub struct Lines {
    gathered: RefCell<Vec<u8>>,
    count: Cell<u64>,
}

impl Lines {
    /// Adds a line.
    pub fn write(&self, log: &AccessLog, format: AccessLogFormat, record: &Record<'_>) {
        let mut gathered = self.gathered.borrow_mut();
        match format {
            AccessLogFormat::Json => line::json(&mut gathered, record),
            AccessLogFormat::Haproxy => line::haproxy(&mut gathered, record),
        }
        self.count.set(self.count.get() + 1);
        if gathered.len() >= GATHERED {
            drop(gathered);
            self.flush(log);
        }
    }

    /// Hands the gathered lines over to the writer.
    pub fn flush(&self, log: &AccessLog) {
        let count = self.count.take();
        if count > 0 {
            let mut gathered = self.gathered.borrow_mut();
            let room = gathered.capacity();
            log.hand_over(std::mem::replace(&mut gathered, Vec::with_capacity(room)), count);
        }
    }
}
