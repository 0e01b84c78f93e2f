//! How far a store has come, as it says itself: whether what is read there now follows on what was read before.

use serde::{Deserialize, Serialize};

/// A point in the life of a store (etcd's API reference, `ResponseHeader`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Which cluster it is: one that was restored by `polder agreement restore` is another one for each snapshot, and so is one that was made
    /// anew under another token.
    pub cluster: u64,
    /// The term of its leader. It begins anew in a cluster that was restored by hand under the token that it had.
    pub term: u64,
    /// How many changes there had been.
    pub revision: i64,
}

impl Mark {
    /// Whether it is the same store, and has forgotten nothing since.
    pub fn follows(&self, before: &Mark) -> bool {
        self.cluster == before.cluster && self.term >= before.term && self.revision >= before.revision
    }
}
