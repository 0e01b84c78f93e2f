//! What is known of hosts and of the working copy.

use std::path::PathBuf;

use serde::Serialize;

use crate::push::protocol::Report;
use crate::verbs::status::drift::Drift;

/// A host.
#[derive(Debug, Serialize)]
pub(super) struct Host {
    pub(super) host: String,
    pub(super) roles: Vec<&'static str>,
    pub(super) location: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) report: Option<Report>,
    /// Why there is no report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) drift: Option<Drift>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) last_push: Option<Pushed>,
}

/// The last push to a host.
#[derive(Debug, Serialize)]
pub(super) struct Pushed {
    pub(super) at: u64,
    pub(super) push: String,
    pub(super) who: String,
    pub(super) revision: String,
}

/// The working copy.
#[derive(Debug, Default, Serialize)]
pub(super) struct WorkingCopy {
    pub(super) folder: PathBuf,
    pub(super) revision: Option<String>,
    pub(super) local_changes: usize,
    /// How many revisions the server has that this has not.
    pub(super) behind: Option<usize>,
    /// What is not known, and why.
    pub(super) note: Option<String>,
}

/// What was pushed and is not committed.
#[derive(Debug, Serialize)]
pub(super) struct Pending {
    pub(super) push: String,
    pub(super) who: String,
    pub(super) at: u64,
    pub(super) message: String,
    pub(super) files: usize,
}
