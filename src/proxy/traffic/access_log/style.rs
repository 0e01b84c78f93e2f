//! What is written of a request, and how.

use std::time::Duration;

use crate::config::proxy::{AccessLogConfig, AccessLogFormat, AccessLogPath, AskedFields};

/// What is written, and how.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    pub form: Form,
    pub fields: AskedFields,
    pub sample: u32,
    pub slow: Duration,
}

/// How one request is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Not at all.
    Nothing,
    /// A line.
    Line(AccessLogFormat),
    /// An entry of the journal.
    Entry,
}

impl Style {
    pub(super) fn of(config: Option<&AccessLogConfig>) -> Style {
        let silent = AccessLogConfig::to(AccessLogPath::StandardOutput);
        let AccessLogConfig { path, format, fields, sample, slow } = config.unwrap_or(&silent);
        let form = match (config, path) {
            (None, _) => Form::Nothing,
            (Some(_), AccessLogPath::Journal) => Form::Entry,
            (Some(_), AccessLogPath::StandardOutput | AccessLogPath::File(_)) => Form::Line(*format),
        };
        Style { form, fields: *fields, sample: *sample, slow: *slow }
    }
}
