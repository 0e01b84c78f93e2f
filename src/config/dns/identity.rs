//! `identity` of `dns.json`: what this nameserver says of itself to whoever asks.

use crate::config::reader::{Keys, Read, Value};

/// The longest text, in bytes: it comes with every answer to a query that asks for it.
pub const LONGEST: usize = 64;

/// `identity`. Without a key the question for it is answered as any other about something that is not served.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IdentityConfig {
    /// Which server this is: NSID (RFC 5001), and `id.server` and `hostname.bind` (RFC 4892).
    pub server: Option<String>,
    /// What it runs: `version.server` and `version.bind`.
    pub version: Option<String>,
}

/// The keys of `identity`.
pub(super) const KEYS: Keys = Keys { object: "identity", names: &["server", "version"] };

pub(super) fn read(value: &Value<'_>) -> Read<IdentityConfig> {
    let identity = value.object(&KEYS)?;
    let server = identity.optional("server", text);
    let version = identity.optional("version", text);
    Ok(IdentityConfig { server: server?, version: version? })
}

fn text(value: &Value<'_>) -> Read<String> {
    let text = value.text("a text")?;
    match text.len() {
        1..=LONGEST if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) => Ok(text.to_owned()),
        _ => Err(value.fault(format!("{text:?} is not 1 to {LONGEST} printable ASCII characters"))),
    }
}
