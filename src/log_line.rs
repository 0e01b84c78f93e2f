//! What a daemon says of what happened: one line of its log, which its history keeps as an event.
//!
//! Below all other modules, so that checks can say what it is that they have found. A line that is written by `tracing`'s own
//! macros alone is an event too, of no kind.

use tracing::Level;

/// What an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The daemon starts, takes over, hands over, stops.
    Daemon,
    /// A document was taken or refused.
    Reload,
    /// The verdict of checks has changed.
    Check,
    /// A latch has moved.
    Latch,
    /// An operator has said something.
    Operator,
    /// A peer was heard again, was lost, or said what is not taken.
    Peer,
    /// A certificate was ordered, renewed, refused.
    Certificate,
    /// A pool is answered with other addresses.
    Pool,
    /// Anything else; of a newer version, what this one does not know.
    #[serde(other)]
    Other,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 9] = [
        Kind::Daemon,
        Kind::Reload,
        Kind::Check,
        Kind::Latch,
        Kind::Operator,
        Kind::Peer,
        Kind::Certificate,
        Kind::Pool,
        Kind::Other,
    ];

    /// Its name in the history and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Daemon => "daemon",
            Kind::Reload => "reload",
            Kind::Check => "check",
            Kind::Latch => "latch",
            Kind::Operator => "operator",
            Kind::Peer => "peer",
            Kind::Certificate => "certificate",
            Kind::Pool => "pool",
            Kind::Other => "other",
        }
    }

    /// The kind of this name.
    pub fn of_name(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// How much it matters.
    pub level: Level,
    /// What it is about.
    pub kind: Kind,
    /// Whom it is about: services (`shop`), backends (`shop/shop2`), pools and their members, peers. None: the daemon.
    pub subjects: Vec<String>,
    /// What happened.
    pub words: String,
}

impl LogLine {
    /// What is as it should be.
    pub fn info(kind: Kind, words: impl Into<String>) -> LogLine {
        LogLine { level: Level::INFO, kind, subjects: Vec::new(), words: words.into() }
    }

    /// What somebody should look at.
    pub fn warn(kind: Kind, words: impl Into<String>) -> LogLine {
        LogLine { level: Level::WARN, ..LogLine::info(kind, words) }
    }

    /// What somebody has to look at.
    pub fn error(kind: Kind, words: impl Into<String>) -> LogLine {
        LogLine { level: Level::ERROR, ..LogLine::info(kind, words) }
    }

    /// The same about this one too.
    #[must_use]
    pub fn about(mut self, subject: impl Into<String>) -> LogLine {
        self.subjects.push(subject.into());
        self
    }

    /// Writes it.
    pub fn write(&self) {
        let LogLine { level, kind, subjects, words } = self;
        let (kind, subjects) = (kind.name(), subjects.join(SEPARATOR));
        match *level {
            Level::ERROR => tracing::error!(kind, subjects, "{words}"),
            Level::WARN => tracing::warn!(kind, subjects, "{words}"),
            Level::INFO => tracing::info!(kind, subjects, "{words}"),
            _ => tracing::debug!(kind, subjects, "{words}"),
        }
    }
}

/// The field of a line that has its kind.
pub const KIND: &str = "kind";
/// The field that has its subjects, by [`SEPARATOR`]. No name has one in it.
pub const SUBJECTS: &str = "subjects";
/// Between two subjects.
pub const SEPARATOR: &str = " ";
