//! `admin.pages`: where the pages of the fleet's daemons are, so that each can link to the others.

use std::collections::BTreeMap;

use super::invalid::Invalid;
use super::names;
use super::reader::{Keys, Read, Value};

/// The `pages` of `admin`: the address of each daemon's page by the daemon's name. This daemon's own may be among them, so that one table
/// serves the whole fleet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PagesConfig {
    /// Those of proxies.
    pub proxies: BTreeMap<String, String>,
    /// Those of nameservers: a host can be both, and has two pages then.
    pub nameservers: BTreeMap<String, String>,
}

/// The keys of `admin.pages`.
pub(super) const KEYS: Keys = Keys { object: "admin.pages", names: &["nameservers", "proxies"] };

/// A longer address is none that anybody types.
const LONGEST: usize = 2048;

pub(super) fn read(value: &Value<'_>) -> Read<PagesConfig> {
    let pages = value.object(&KEYS)?;
    let proxies = pages.with_default("proxies", BTreeMap::new(), addresses);
    let nameservers = pages.with_default("nameservers", BTreeMap::new(), addresses);
    Ok(PagesConfig { proxies: proxies?, nameservers: nameservers? })
}

fn addresses(value: &Value<'_>) -> Read<BTreeMap<String, String>> {
    value.table(names::name, |_, _, value| value.parsed("a URL, like \"http://192.0.2.11:8404/\"", url))
}

/// An address that a browser can be sent to: it becomes a link.
fn url(text: &str) -> Result<String, Invalid> {
    let refused = |why: &str| {
        Err(Invalid::new(text, format!("is not a URL of a page: {why}; expected one like \"http://192.0.2.11:8404/\"")))
    };
    let Some(rest) = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://")) else {
        return refused("it begins neither with \"http://\" nor with \"https://\"");
    };
    if let Some(character) = text.chars().find(|character| !character.is_ascii_graphic()) {
        return refused(&format!("it has {character:?} in it, which is written percent-encoded"));
    }
    if text.len() > LONGEST {
        return refused(&format!("it has {} characters, more than {LONGEST}", text.len()));
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return refused("it has a user in it, and whoever reads the page would learn the password");
    }
    match authority.parse::<http::uri::Authority>().is_ok_and(|authority| leads_somewhere(&authority)) {
        true => Ok(text.to_owned()),
        false => refused(&format!("{authority:?} is neither a host nor a host and a port")),
    }
}

/// Its parser takes any letters for a port.
fn leads_somewhere(authority: &http::uri::Authority) -> bool {
    let host = authority.host();
    !host.is_empty() && (host == authority.as_str() || authority.port_u16().is_some_and(|port| port > 0))
}
