//! What the rate limit comes to.

/// What became of a response that met the rate limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limited {
    /// It was not sent.
    Dropped,
    /// Only its question was sent (with TC or BADCOOKIE), or it was a short error.
    Slipped,
    /// It was sent, since limits are only logged.
    Spared,
}

impl Limited {
    /// All of them.
    pub const ALL: [Limited; 3] = [Limited::Dropped, Limited::Slipped, Limited::Spared];

    /// As metrics name it.
    pub fn name(self) -> &'static str {
        match self {
            Limited::Dropped => "dropped",
            Limited::Slipped => "slipped",
            Limited::Spared => "log_only",
        }
    }
}
