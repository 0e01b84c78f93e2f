//! What a proxy that holds a lease says of itself in the store.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::health::Verdict;

/// A proxy that holds a lease. The store takes it away when the lease has run out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Seat {
    /// The lease under which it was written.
    pub lease: i64,
    /// At which epoch the proxy stands, by service: it serves nothing of it that was active before. A service that is not here is not
    /// in its document.
    pub stands_at: BTreeMap<String, u64>,
    /// What its checks say of backends, by `SERVICE/ADDRESS`; nothing of those of which they know nothing.
    #[serde(default)]
    pub verdicts: BTreeMap<String, Verdict>,
}
