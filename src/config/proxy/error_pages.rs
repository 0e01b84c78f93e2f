//! `error_pages` of a service: what its visitors see instead of the proxy's own words.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use crate::config::reader::{Keys, Object, Read, Value};

/// The pages of a service, each a file of HTML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorPagesConfig {
    /// By the status of the proxy's own answer.
    pub by_status: BTreeMap<u16, PathBuf>,
    /// While all backends are in maint by the operator. Default: the one of 503.
    pub maintenance: Option<PathBuf>,
    /// What Retry-After says then. Default 5 min.
    pub maintenance_retry_after: Duration,
}

impl Default for ErrorPagesConfig {
    fn default() -> ErrorPagesConfig {
        let maintenance_retry_after = Duration::from_secs(5 * 60);
        ErrorPagesConfig { by_status: BTreeMap::new(), maintenance: None, maintenance_retry_after }
    }
}

/// The keys of `error_pages`.
pub(super) const KEYS: Keys = Keys {
    object: "services.NAME.error_pages",
    names: &["403", "404", "413", "429", "500", "502", "503", "504", "maintenance", "maintenance_retry_after"],
};

/// The keys that are statuses.
const STATUSES: [u16; 8] = [403, 404, 413, 429, 500, 502, 503, 504];

/// Retry-After is in seconds.
const RETRY_AFTER: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(86_400);

/// Reads those of a service; `has_backends`: it can be in maintenance.
pub(super) fn read(service: &Object<'_>, has_backends: bool) -> Read<ErrorPagesConfig> {
    service.with_default("error_pages", ErrorPagesConfig::default(), |value| read_pages(value, has_backends))
}

fn read_pages(value: &Value<'_>, has_backends: bool) -> Read<ErrorPagesConfig> {
    let pages = value.object(&KEYS)?;
    let by_status: Vec<Read<Option<(u16, PathBuf)>>> = STATUSES
        .iter()
        .map(|status| Ok(pages.optional(&status.to_string(), Value::file)?.map(|file| (*status, file))))
        .collect();
    let maintenance = pages.optional("maintenance", Value::file);
    let default = ErrorPagesConfig::default().maintenance_retry_after;
    let retry_after = pages.with_default("maintenance_retry_after", default, |value| value.duration(RETRY_AFTER));
    if !has_backends {
        pages.refuse(&["maintenance", "maintenance_retry_after"], "where there are no backends to be in maint")?;
    }
    Ok(ErrorPagesConfig {
        by_status: by_status.into_iter().filter_map(Result::transpose).collect::<Read<_>>()?,
        maintenance: maintenance?,
        maintenance_retry_after: retry_after?,
    })
}
