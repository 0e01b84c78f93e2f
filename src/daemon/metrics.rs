//! Metrics for Prometheus and what else reads its text: what they are called, how a page of them is written, and those that
//! both daemons have.
//!
//! Every metric is a [`Family`](family::Family) of a table: [`common::FAMILIES`], the proxy's and the nameserver's. A page writes nothing else, and
//! docs/metrics.md is made from the same tables.

pub mod common;
pub mod exposition;
pub mod family;
pub mod format;
pub mod histogram;
pub mod process;

use format::Format;
use process::Process;

/// One answer to `GET /metrics`: what is asked for, and what the kernel says of the process then.
#[derive(Debug, Default)]
pub struct Scrape {
    /// The form of the text.
    pub format: Format,
    /// The process.
    pub process: Process,
}

impl Scrape {
    /// For whoever accepts this (the field's value; empty: anything), at this moment.
    pub fn begin(accept: &str) -> Scrape {
        Scrape { format: Format::accepted(accept), process: Process::read() }
    }
}
