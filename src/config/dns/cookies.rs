//! `cookies` of `dns.json`.

use std::path::PathBuf;

use crate::config::reader::{Keys, Read, Value};

/// `cookies`: DNS cookies (RFC 7873, 9018). They are always in use; this part says with which secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CookiesConfig {
    /// The secrets, one a line: the first makes cookies, all of them verify. Without the key `cookies` each process has a
    /// random one of its own.
    pub key_file: PathBuf,
}

/// The keys of `cookies`.
pub(super) const KEYS: Keys = Keys { object: "cookies", names: &["key_file"] };

pub(super) fn read(value: &Value<'_>) -> Read<CookiesConfig> {
    let cookies = value.object(&KEYS)?;
    Ok(CookiesConfig { key_file: cookies.required("key_file", Value::file)? })
}
