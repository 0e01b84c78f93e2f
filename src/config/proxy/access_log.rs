//! `access_log` of `proxy.json`.

use std::path::PathBuf;

use crate::config::reader::{Keys, Read, Value};

/// `access_log`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessLogConfig {
    /// A file, by its absolute path, appended to (reopened at SIGHUP and reload), or standard output for `"-"`.
    pub path: AccessLogPath,
    /// How a line looks.
    pub format: AccessLogFormat,
}

/// Where the access log goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccessLogPath {
    /// `"-"`.
    StandardOutput,
    /// A file.
    File(PathBuf),
}

/// `json` (the default) or `haproxy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessLogFormat {
    /// One JSON object a line.
    Json,
    /// A line like HAProxy's `option httplog` (configuration manual, 8.2.3).
    Haproxy,
}

/// The keys of `access_log`.
pub(super) const KEYS: Keys = Keys { object: "access_log", names: &["format", "path"] };

pub(super) fn read(value: &Value<'_>) -> Read<AccessLogConfig> {
    let log = value.object(&KEYS)?;
    let path = log.required("path", |value| match value.text("an absolute path or \"-\"")? {
        "-" => Ok(AccessLogPath::StandardOutput),
        _ => value.absolute_path().map(AccessLogPath::File),
    });
    let format = log.with_default("format", AccessLogFormat::Json, |value| {
        value.one_of(&[("json", AccessLogFormat::Json), ("haproxy", AccessLogFormat::Haproxy)])
    });
    Ok(AccessLogConfig { path: path?, format: format? })
}
