//! The access log, as control and the workers know it.

#![allow(
    clippy::disallowed_types,
    reason = "held only to put another place for the log, or to look for a request; no worker does"
)]

use std::io;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;

use super::kept::{Found, Kept};
use super::kept_file::KeptFile;
use super::sink::Sink;
use super::style::Style;
use super::writer::{self, Message, Shared};
use crate::config::proxy::AccessLogConfig;

/// Batches that may wait for the writer.
const WAITING: usize = 256;

/// For what waits to be written when the log is closed: a place that hangs does not keep a process from its end.
const END_LIMIT: Duration = Duration::from_secs(5);

/// Where requests are logged. Workers hand lines to one writer thread over a bounded channel; what does not fit is
/// counted, not waited for.
pub struct AccessLog {
    pub(super) style: ArcSwap<Style>,
    shared: Arc<Shared>,
    messages: Option<SyncSender<Message>>,
    /// Ends when the writer has.
    written: Mutex<Receiver<()>>,
    file: Option<KeptFile>,
}

impl AccessLog {
    /// Opens it; without a configuration nothing is written and nothing but failures is formatted. `state_dir`: where those are kept on
    /// disk, as long as there is a configuration.
    pub fn open(config: Option<&AccessLogConfig>, state_dir: Option<&Path>) -> io::Result<AccessLog> {
        let sink = Sink::open(config)?;
        let mut kept = Kept::default();
        let file = state_dir.map(KeptFile::new);
        match (&file, config) {
            (Some(file), Some(_)) => file.read_into(&mut kept),
            (Some(file), None) => file.remove(),
            (None, _) => {}
        }
        let shared = Arc::new(Shared { kept: Mutex::new(kept), ..Shared::default() });
        let (messages, received) = sync_channel(WAITING);
        let thread = std::thread::Builder::new().name("access-log".into());
        let (end, written) = sync_channel::<()>(0);
        let (of_writer, file_of_writer) = (Arc::clone(&shared), file.clone());
        thread.spawn(move || {
            writer::write_all(&of_writer, sink, file_of_writer, &received);
            drop(end);
        })?;
        let style = ArcSwap::from_pointee(Style::of(config));
        Ok(AccessLog { style, shared, messages: Some(messages), written: Mutex::new(written), file })
    }

    /// Opens the document's log in place of the present one (a reload, SIGHUP). After an error the present one stays.
    pub fn reopen(&self, config: Option<&AccessLogConfig>) -> io::Result<()> {
        let sink = Sink::open(config)?;
        *self.shared.next.lock().unwrap_or_else(PoisonError::into_inner) = Some(sink);
        self.style.store(Arc::new(Style::of(config)));
        if let (Some(file), None) = (&self.file, config) {
            file.remove();
        }
        Ok(())
    }

    /// Lines dropped since the start.
    pub fn dropped(&self) -> u64 {
        self.shared.dropped.load(Ordering::Relaxed)
    }

    /// The requests of this id among those that were kept.
    pub fn find(&self, id: &str) -> Found {
        self.shared.kept.lock().unwrap_or_else(PoisonError::into_inner).find(id)
    }

    /// How many lines of the log were dropped, for it never waits.
    pub(super) fn hand_over(&self, message: Message) -> u64 {
        let lines = message.lines();
        if self.messages.as_ref().is_some_and(|messages| messages.try_send(message).is_ok()) {
            return 0;
        }
        self.shared.dropped.fetch_add(lines, Ordering::Relaxed);
        lines
    }
}

impl Drop for AccessLog {
    fn drop(&mut self) {
        drop(self.messages.take());
        let written = self.written.get_mut().unwrap_or_else(PoisonError::into_inner);
        // Nothing is ever sent: it ends with the writer, or at the limit.
        let _ = written.recv_timeout(END_LIMIT);
    }
}

#[cfg(test)]
mod tests;
