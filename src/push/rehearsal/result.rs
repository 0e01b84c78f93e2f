//! The result of a rehearsal, as the gate sends it to the pusher.

use serde::{Deserialize, Serialize};

/// The result of a rehearsal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rehearsed {
    /// What was tried and works: `www.example.net/ answers 200`.
    pub proved: Vec<String>,
    /// What is worse than with the running daemons, each a reason to refuse the system.
    pub worse: Vec<String>,
    /// What could not be proved but is no reason to refuse: a backend that is down now, too.
    pub notes: Vec<String>,
}
