//! `cookie` of a stateful service.

use std::collections::HashMap;
use std::path::PathBuf;

use crate::config::host_pattern::HostPattern;
use crate::config::names;
use crate::config::reader::{Keys, Location, Object, Read, Value};

/// `cookie`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CookieConfig {
    /// The cookie's name. Default `polder-SERVICE`.
    pub name: String,
    /// Its value.
    pub value: CookieValue,
}

/// The value of a cookie. Sealed unless the document says otherwise: an address tells visitors about the inside, and
/// lets them choose their backend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CookieValue {
    /// The backend's address and port.
    Address,
    /// The same, sealed with a key from this file (one a line, 32 bytes in base64: the first seals, all open).
    Sealed {
        /// The file of keys.
        key_file: PathBuf,
    },
}

/// The keys of `cookie`.
pub(super) const KEYS: Keys = Keys { object: "services.NAME.cookie", names: &["key_file", "name", "value"] };

/// What to do about a key that is missing.
const HOW: &str = "cookies are sealed by default, with a key that every proxy has: write \"cookie\": { \"key_file\": \
                   \"/var/lib/polder-keys/cookies\" } and put 32 random bytes in base64 into that file (`openssl rand \
                   -base64 32`), or write \"cookie\": { \"value\": \"address\" } to show visitors the backend's address";

/// The cookies of the services read so far, by name: one name on hosts that overlap would be two services' at once.
#[derive(Debug, Default)]
pub(super) struct CookieNames<'a>(HashMap<String, Vec<(Vec<HostPattern>, Location<'a>)>>);

/// Reads the cookie of the service `name`, whose key stands at `service_location`; `hosts` as far as they could be read.
pub(super) fn read<'a>(
    name: &str,
    service_location: &Location<'a>,
    service: &Object<'a>,
    hosts: Option<&[HostPattern]>,
    met: &mut CookieNames<'a>,
) -> Read<CookieConfig> {
    let Some(value) = service.get("cookie") else {
        return Err(service_location.fault(format!("a stateful service needs a cookie; {HOW}")));
    };
    let (config, location) = read_cookie(&value, format!("polder-{name}"))?;
    met.add(&config.name, hosts.unwrap_or_default(), location)?;
    Ok(config)
}

/// The cookie and the location that names it.
fn read_cookie<'a>(value: &Value<'a>, default_name: String) -> Read<(CookieConfig, Location<'a>)> {
    let cookie = value.object(&KEYS)?;
    let name = cookie.with_default("name", default_name, |value| value.parsed("a cookie's name", names::cookie_name));
    let location = cookie.get("name").map_or(value.location.clone(), |value| value.location);
    let value = read_value(&cookie);
    Ok((CookieConfig { name: name?, value: value? }, location))
}

#[derive(Clone, Copy)]
enum Form {
    Address,
    Sealed,
}

fn read_value(cookie: &Object<'_>) -> Read<CookieValue> {
    let form = cookie.with_default("value", Form::Sealed, |value| {
        value.one_of(&[("address", Form::Address), ("sealed", Form::Sealed)])
    });
    match form? {
        Form::Sealed => match cookie.optional("key_file", Value::file)? {
            Some(key_file) => Ok(CookieValue::Sealed { key_file }),
            None => Err(cookie.location.fault(format!("the key \"key_file\" is missing; {HOW}"))),
        },
        Form::Address => {
            cookie.refuse(&["key_file"], "where the value is \"address\"")?;
            Ok(CookieValue::Address)
        }
    }
}

impl<'a> CookieNames<'a> {
    fn add(&mut self, name: &str, hosts: &[HostPattern], location: Location<'a>) -> Read<()> {
        let namesakes = self.0.entry(name.to_owned()).or_default();
        let clash = namesakes.iter().find_map(|(others, other)| {
            let overlap = |host: &&HostPattern| others.iter().any(|theirs| theirs.overlaps(host));
            hosts.iter().find(overlap).map(|host| (host, other))
        });
        let clear = match clash {
            Some((host, other)) => Err(location.fault(format!(
                "the cookie {name:?} is also the one at {}, and both services are reached under {host}: give one of them \
                 another cookie name",
                other.reference()
            ))),
            None => Ok(()),
        };
        namesakes.push((hosts.to_vec(), location));
        clear
    }
}
