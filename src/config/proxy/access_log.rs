//! `access_log` of `proxy.json`.

use std::path::PathBuf;
use std::time::Duration;

use crate::config::distinct::Distinct;
use crate::config::reader::{Keys, Read, Value};

/// `access_log`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessLogConfig {
    /// Where it goes.
    pub path: AccessLogPath,
    /// How a line looks, where it has lines.
    pub format: AccessLogFormat,
    /// What else of a request is written.
    pub fields: AskedFields,
    /// Of so many requests that nothing was wrong with, one is written.
    pub sample: u32,
    /// A request that took this long to be answered is always written.
    pub slow: Duration,
}

/// Where the access log goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccessLogPath {
    /// `"-"`.
    StandardOutput,
    /// `"journal"`: systemd's, with fields of its own for what a line says.
    Journal,
    /// A file, by its absolute path, appended to (reopened at SIGHUP and reload).
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

/// What of a request is written only where the document asks for it: it tells visitors apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AskedFields {
    /// Its `User-Agent`.
    pub user_agent: bool,
    /// Its `Referer`.
    pub referer: bool,
}

/// The keys of `access_log`.
pub(super) const KEYS: Keys = Keys { object: "access_log", names: &["fields", "format", "path", "sample", "slow"] };

/// The most of which one is written.
const MOST_SAMPLED: u32 = 1_000_000;

/// What counts as slow, if the document does not say.
const SLOW: Duration = Duration::from_secs(5);

/// The longest that can count as slow.
const SLOWEST: Duration = Duration::from_hours(1);

impl AccessLogConfig {
    /// To this place, everything else as it is where a document does not say it.
    pub fn to(path: AccessLogPath) -> AccessLogConfig {
        let (format, fields) = (AccessLogFormat::Json, AskedFields::default());
        AccessLogConfig { path, format, fields, sample: 1, slow: SLOW }
    }
}

pub(super) fn read(value: &Value<'_>) -> Read<AccessLogConfig> {
    let log = value.object(&KEYS)?;
    let path = log.required("path", |value| match value.text("an absolute path, \"journal\" or \"-\"")? {
        "-" => Ok(AccessLogPath::StandardOutput),
        "journal" => Ok(AccessLogPath::Journal),
        _ => value.absolute_path().map(AccessLogPath::File),
    });
    let format = log.with_default("format", AccessLogFormat::Json, |value| {
        value.one_of(&[("json", AccessLogFormat::Json), ("haproxy", AccessLogFormat::Haproxy)])
    });
    let fields = log.with_default("fields", AskedFields::default(), read_fields);
    let sample = log.with_default("sample", 1, |value| value.integer(1..=MOST_SAMPLED));
    let slow = log.with_default("slow", SLOW, |value| value.duration(Duration::from_millis(1)..=SLOWEST));
    let (path, format, fields) = (path?, format?, fields?);
    if path == AccessLogPath::Journal {
        log.refuse(&["format"], "in the journal, which has fields and no lines")?;
    }
    if fields != AskedFields::default() && format == AccessLogFormat::Haproxy {
        log.refuse(&["fields"], "in a line like HAProxy's, which has no place for them")?;
    }
    Ok(AccessLogConfig { path, format, fields, sample: sample?, slow: slow? })
}

fn read_fields(value: &Value<'_>) -> Read<AskedFields> {
    let mut distinct = Distinct::default();
    let names = value.list("names of fields", |value| {
        let name = value.one_of(&[("user_agent", "user_agent"), ("referer", "referer")])?;
        distinct.claim(name, &value.location, &format!("the field {name}")).map(|()| name)
    })?;
    Ok(AskedFields { user_agent: names.contains(&"user_agent"), referer: names.contains(&"referer") })
}
