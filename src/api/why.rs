//! `GET /why?id=ID` of the proxy: what became of the requests that were called so, among those that it has kept.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::query::with_query;

/// What a proxy answers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Why {
    /// The proxy's name.
    pub daemon: String,
    /// Lines of its access log, as docs/logs.md has them, oldest first.
    pub requests: Vec<Map<String, Value>>,
    /// When the oldest failure began that it still knows (RFC 3339); none: it knows of none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// It has known older ones.
    pub is_full: bool,
    /// Requests that failed are on its disk, too, and so over a restart.
    pub is_on_disk: bool,
}

/// As the proxy is asked for an id.
pub fn target(id: &str) -> String {
    with_query("/why", &[("id", id)])
}

/// Whether it can be one: 1 to 64 letters, digits and `-_.:=+/@`.
pub fn is_id(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:=+/@".contains(&byte);
    (1..=64).contains(&text.len()) && text.bytes().all(is_plain)
}
