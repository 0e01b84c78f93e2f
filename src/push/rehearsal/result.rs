//! How a rehearsal went, as the gate tells the pusher.

use serde::{Deserialize, Serialize};

/// How a rehearsal went.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rehearsed {
    /// What was tried and went well, in words: `www.example.net/ answers 200`.
    pub proved: Vec<String>,
    /// What is worse than with the running daemons, each a reason to refuse the system.
    pub worse: Vec<String>,
    /// What could not be proved, and does not count against it: a backend that is down now is down in the rehearsal too.
    pub notes: Vec<String>,
}
