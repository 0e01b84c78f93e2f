//! What became of an obeyed command: whether it is on disk, as its answer says.

use super::super::admin::AdminReply;

/// Whether what a command changed is on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Persistence {
    /// Its write is still to come or under way.
    Pending,
    /// It is on disk.
    OnDisk,
    /// Its write failed or is late, and what that means, for the operator.
    Failed(String),
    /// It was withdrawn before it took effect, and why.
    Withdrawn(String),
}

/// A command that was obeyed: its effects, and its answer once `change` is on disk.
#[derive(Debug)]
pub struct Obeyed<E, C> {
    /// The answer if it is on disk.
    pub answer: AdminReply,
    /// What follows at once.
    pub effects: Vec<E>,
    /// What the answer waits for.
    pub change: C,
}

impl Persistence {
    /// The answer to the command, of which `answer` says that it was done; that one again while there is none yet.
    pub fn reply(self, answer: AdminReply) -> Result<AdminReply, AdminReply> {
        match self {
            Persistence::Pending => Err(answer),
            Persistence::OnDisk => Ok(answer),
            // Insufficient Storage (RFC 4918, 11.5).
            Persistence::Failed(why) => Ok(AdminReply::refuse(507, why)),
            Persistence::Withdrawn(why) => Ok(AdminReply::refuse(409, why)),
        }
    }
}
