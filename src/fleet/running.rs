//! What a host runs with, as text: one side of a comparison. What runs now comes from its gate, what is to run from evaluation.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What the daemons and units of a host run with, as text: the old side of a plan.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    /// The system these are of.
    pub system: PathBuf,
    /// The documents by file name: `dns.json`, `proxy.json`.
    pub documents: BTreeMap<String, String>,
    /// The zone files that `dns.json` names, by apex.
    pub zones: BTreeMap<String, String>,
    /// The text of each unit, drop-ins appended, by name.
    pub units: BTreeMap<String, String>,
}
