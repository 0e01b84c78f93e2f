//! What the loops count. Each worker has its own counters, and is the only one that writes them.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::answer::Answered;

/// Error codes counted apart: 0 to 16 (BADVERS).
pub const RCODES: usize = 17;

/// One worker's counters, alone on their cache lines.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct Counters {
    answers: [AtomicU64; RCODES],
    /// Answers with TC.
    pub truncated: Count,
    /// Messages that get no answer: responses and runts.
    pub ignored: Count,
    /// Answers the kernel did not take.
    pub send_errors: Count,
    /// TCP connections accepted.
    pub connections: Count,
    /// TCP connections refused at a cap.
    pub connections_refused: Count,
}

/// A number with one writer.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// One more. A load and a store: cheaper than an atomic addition, and right with one writer.
    pub fn add(&self) {
        self.0.store(self.0.load(Relaxed) + 1, Relaxed);
    }

    /// Its value.
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

impl Counters {
    /// Counts one message by what it came to.
    pub fn count(&self, answered: Option<Answered>) {
        let Some(answered) = answered else { return self.ignored.add() };
        let answers = &self.answers[(answered.rcode as usize).min(RCODES - 1)];
        answers.store(answers.load(Relaxed) + 1, Relaxed);
        if answered.truncated {
            self.truncated.add();
        }
    }

    /// Answers by error code.
    pub fn answers(&self) -> [u64; RCODES] {
        std::array::from_fn(|rcode| self.answers[rcode].load(Relaxed))
    }
}
