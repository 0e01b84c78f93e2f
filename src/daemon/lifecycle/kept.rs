//! What became of an obeyed command: whether it is on disk, as its answer says.

use super::super::admin::AdminReply;

/// Whether what a command changed is on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// Its write is still to come or under way.
    NotYet,
    /// It is on disk.
    Yes,
    /// Its write failed or is late, and what that means, for the operator.
    No(String),
    /// It was withdrawn before it took effect, and why.
    Withdrawn(String),
}

/// A command that was obeyed: its effects, and its answer once `change` is on disk.
#[derive(Debug)]
pub struct Obeyed<E, C> {
    /// The answer if it was kept.
    pub answer: AdminReply,
    /// What follows at once.
    pub effects: Vec<E>,
    /// What the answer waits for.
    pub change: C,
}

impl Kept {
    /// The answer to the command, of which `answer` says that it was done; that one again while there is none yet.
    pub fn reply(self, answer: AdminReply) -> Result<AdminReply, AdminReply> {
        match self {
            Kept::NotYet => Err(answer),
            Kept::Yes => Ok(answer),
            // Insufficient Storage (RFC 4918, 11.5).
            Kept::No(why) => Ok(AdminReply::refuse(507, why)),
            Kept::Withdrawn(why) => Ok(AdminReply::refuse(409, why)),
        }
    }
}
