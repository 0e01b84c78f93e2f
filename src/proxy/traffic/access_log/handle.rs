//! The access log, as control and the workers know it.

#![allow(
    clippy::disallowed_types,
    reason = "held only to put another place for the log, or to look for a request; no worker does"
)]

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;

use super::kept::{Found, Kept};
use super::kept_file::KeptFile;
use super::sink::Sink;
use super::style::Style;
use super::writer::{self, Batch, Message, Shared};
use crate::config::proxy::AccessLogConfig;

/// Batches that may wait for each thread.
const WAITING: usize = 256;

/// For what waits to be written when the log is closed: a place that hangs does not keep a process from its end.
const END_LIMIT: Duration = Duration::from_secs(5);

/// Where requests are logged. Workers hand lines to one writer thread over a bounded channel, and what went wrong to another thread, which
/// keeps it; what does not fit is counted, not waited for.
pub struct AccessLog {
    pub(super) style: ArcSwap<Style>,
    shared: Arc<Shared>,
    writer: Thread,
    keeper: Thread,
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
        let keeps_on_disk = AtomicBool::new(config.is_some());
        let shared = Arc::new(Shared { kept: Mutex::new(kept), keeps_on_disk, ..Shared::default() });
        let of_writer = Arc::clone(&shared);
        let writer = Thread::start("access-log", move |messages| writer::write_all(&of_writer, sink, messages))?;
        let (of_keeper, its_file) = (Arc::clone(&shared), file.clone());
        let keeper = move |messages: &Receiver<Message>| writer::keep_all(&of_keeper, its_file.as_ref(), messages);
        let keeper = Thread::start("access-log-kept", keeper)?;
        let style = ArcSwap::from_pointee(Style::of(config));
        Ok(AccessLog { style, shared, writer, keeper, file })
    }

    /// Opens the document's log in place of the present one (a reload, SIGHUP). After an error the present one stays.
    pub fn reopen(&self, config: Option<&AccessLogConfig>) -> io::Result<()> {
        let sink = Sink::open(config)?;
        *self.shared.next.lock().unwrap_or_else(PoisonError::into_inner) = Some(sink);
        self.style.store(Arc::new(Style::of(config)));
        self.shared.keeps_on_disk.store(config.is_some(), Ordering::SeqCst);
        if let (Some(file), None) = (&self.file, config) {
            file.remove();
        }
        Ok(())
    }

    /// Lines dropped since the start.
    pub fn dropped(&self) -> u64 {
        self.shared.dropped.load(Ordering::Relaxed)
    }

    /// Why the last lines could not be written; none: they were.
    pub fn failure(&self) -> Option<String> {
        self.shared.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The requests of this id among those that were kept.
    pub fn find(&self, id: &str) -> Found {
        self.shared.kept.lock().unwrap_or_else(PoisonError::into_inner).find(id)
    }

    /// Lines that are left out of the log, and counted as those that were dropped.
    pub(super) fn leave_out(&self, lines: u64) {
        self.shared.dropped.fetch_add(lines, Ordering::Relaxed);
    }

    /// How many lines of the log were dropped, for it never waits.
    pub(super) fn hand_over(&self, message: Message) -> u64 {
        let lines = message.lines();
        let thread = if message.batch == Batch::Written { &self.writer } else { &self.keeper };
        if thread.messages.as_ref().is_some_and(|messages| messages.try_send(message).is_ok()) {
            return 0;
        }
        self.leave_out(lines);
        lines
    }
}

impl Drop for AccessLog {
    fn drop(&mut self) {
        // Both end beside each other.
        let mut threads = [&mut self.writer, &mut self.keeper];
        threads.iter_mut().for_each(|thread| drop(thread.messages.take()));
        threads.into_iter().for_each(Thread::wait);
    }
}

/// A thread that takes messages.
struct Thread {
    messages: Option<SyncSender<Message>>,
    /// Ends when the thread has.
    ended: Mutex<Receiver<()>>,
}

impl Thread {
    fn start(name: &str, work: impl FnOnce(&Receiver<Message>) + Send + 'static) -> io::Result<Thread> {
        let (messages, received) = sync_channel(WAITING);
        let (end, ended) = sync_channel::<()>(0);
        std::thread::Builder::new().name(name.into()).spawn(move || {
            work(&received);
            drop(end);
        })?;
        Ok(Thread { messages: Some(messages), ended: Mutex::new(ended) })
    }

    fn wait(&mut self) {
        let ended = self.ended.get_mut().unwrap_or_else(PoisonError::into_inner);
        // Nothing is ever sent: it ends with the thread, or at the limit.
        let _ = ended.recv_timeout(END_LIMIT);
    }
}

#[cfg(test)]
mod tests;
