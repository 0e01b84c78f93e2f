//! What one worker has gathered of the access log.

use std::cell::{Cell, RefCell};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::handle::AccessLog;
use super::journal;
use super::line::{self, Record, Weight};
use super::pace::Pace;
use super::style::Form;
use super::writer::{Batch, Message};
use crate::config::proxy::AccessLogFormat;
use crate::proxy::traffic::throttle::Throttle;

/// Gathered lines are handed over when they are this long, and at each heartbeat. Each time another thread is woken and writes, which
/// costs about as much for a few lines as for two hundred.
const GATHERED: usize = 64 * 1024;

/// Empty buffers that wait to be used again.
const SPARE: usize = 8;

/// The lines that one worker has gathered.
pub struct Lines {
    /// What is written, all of it in one form.
    written: Gathered,
    form: Cell<Form>,
    /// What is kept of failures, and of what was refused.
    kept: [Gathered; 2],
    /// Good requests since one was written.
    passed: Cell<u32>,
    /// Of the refused ones that become entries of the journal.
    refused: Pace,
    spare: Receiver<Vec<u8>>,
    back: SyncSender<Vec<u8>>,
    /// That lines are dropped.
    warning: Throttle,
}

#[derive(Default)]
struct Gathered {
    text: RefCell<Vec<u8>>,
    count: Cell<u64>,
}

impl Default for Lines {
    fn default() -> Lines {
        let (back, spare) = sync_channel(SPARE);
        let (written, kept, passed, refused, warning) = Default::default();
        Lines { written, form: Cell::new(Form::Nothing), kept, passed, refused, spare, back, warning }
    }
}

impl Lines {
    /// Adds a request, if it is to be written or kept.
    pub fn write(&self, log: &AccessLog, record: &Record<'_>) {
        let style = log.style.load();
        let weight = record.weight(style.slow);
        let Some(weight) = weight else { return };
        let is_written = style.form != Form::Nothing && (weight != Weight::Good || self.is_sampled(style.sample));
        let has_room =
            || weight != Weight::Refused || style.form != Form::Entry || self.refused.takes(record.trace.began);
        if is_written && !has_room() {
            log.leave_out(1);
        } else if is_written {
            if style.form != self.form.get() {
                self.hand_over(log, &self.written, Batch::Written);
                self.form.set(style.form);
            }
            let mut text = self.written.text.borrow_mut();
            match style.form {
                Form::Nothing => {}
                Form::Line(AccessLogFormat::Json) => line::json(&mut text, record, style.fields),
                Form::Line(AccessLogFormat::Haproxy) => line::haproxy(&mut text, record),
                Form::Entry => journal::entry(&mut text, record, style.fields, weight),
            }
            drop(text);
            self.added(log, &self.written, Batch::Written);
        }
        let kept = match weight {
            Weight::Good => return,
            Weight::Failed | Weight::Slow => (&self.kept[0], Batch::Failed),
            Weight::Refused => (&self.kept[1], Batch::Refused),
        };
        // Nobody can ask for one that has no name.
        if record.trace.request_id.is_some() {
            line::json(&mut kept.0.text.borrow_mut(), record, style.fields);
            self.added(log, kept.0, kept.1);
        }
    }

    /// Whether this good request is the one of so many.
    fn is_sampled(&self, sample: u32) -> bool {
        let passed = self.passed.get() + 1;
        let is_it = passed >= sample;
        self.passed.set(if is_it { 0 } else { passed });
        is_it
    }

    fn added(&self, log: &AccessLog, to: &Gathered, batch: Batch) {
        to.count.set(to.count.get() + 1);
        if to.text.borrow().len() >= GATHERED {
            self.hand_over(log, to, batch);
        }
    }

    /// Hands all that is gathered over to the writer.
    pub fn flush(&self, log: &AccessLog) {
        self.hand_over(log, &self.written, Batch::Written);
        self.hand_over(log, &self.kept[0], Batch::Failed);
        self.hand_over(log, &self.kept[1], Batch::Refused);
    }

    fn hand_over(&self, log: &AccessLog, gathered: &Gathered, batch: Batch) {
        let count = gathered.count.take();
        if count > 0 {
            let text = gathered.text.replace(self.spare.try_recv().unwrap_or_default());
            let message = Message { batch, form: self.form.get(), text, count, back: self.back.clone() };
            if log.hand_over(message) > 0 && self.warning.permits() {
                tracing::warn!(
                    "access log: what it is written to does not keep up; lines are dropped, and polder_access_log_lines_dropped_total counts them"
                );
            }
        }
    }
}
