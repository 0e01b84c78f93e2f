//! The outcomes of probes.

use std::collections::BTreeMap;

use super::probes::Probe;

/// The outcome of a probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The answer is as the documents say.
    Passed,
    /// The zone, name or site is not known there, with the answer: it may be new.
    Unknown(String),
    /// There is no answer, or an error: why.
    Failed(String),
}

/// The outcome of each probe.
pub type Outcomes = BTreeMap<Probe, Outcome>;
