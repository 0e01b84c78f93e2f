//! One parameter of an SVCB or HTTPS record: its key, and its value from text (RFC 9460, 2.1, 7, 8 and appendix A;
//! RFC 9461, 5, for dohpath).

use std::collections::BTreeSet;
use std::fmt;

use super::super::escape::{decode, quote};
use super::super::fault::Fault;
use super::value::{base64, ipv4, ipv6, number};

/// The number of a key; its text is the name, or keyNNNNN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key(pub u16);

impl Key {
    /// The keys a client must understand.
    pub const MANDATORY: Key = Key(0);
    /// Protocols.
    pub const ALPN: Key = Key(1);
    /// The scheme's usual protocol is not spoken.
    pub const NO_DEFAULT_ALPN: Key = Key(2);
    /// Another port.
    pub const PORT: Key = Key(3);
    /// Addresses to begin with.
    pub const IPV4HINT: Key = Key(4);
    /// Encrypted ClientHello.
    pub const ECH: Key = Key(5);
    /// Addresses to begin with.
    pub const IPV6HINT: Key = Key(6);
    const DOHPATH: Key = Key(7);
    /// Reserved (RFC 9460, 14.3.2).
    const INVALID: Key = Key(u16::MAX);
}

static NAMES: [(&str, Key); 8] = [
    ("mandatory", Key::MANDATORY),
    ("alpn", Key::ALPN),
    ("no-default-alpn", Key::NO_DEFAULT_ALPN),
    ("port", Key::PORT),
    ("ipv4hint", Key::IPV4HINT),
    ("ech", Key::ECH),
    ("ipv6hint", Key::IPV6HINT),
    ("dohpath", Key::DOHPATH),
];

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMES.iter().find(|(_, key)| key == self) {
            Some((name, _)) => f.write_str(name),
            None => write!(f, "key{}", self.0),
        }
    }
}

/// Reads one parameter: the key by name or as keyNNNNN, and its value. That of keyNNNNN is wire format, as a string with
/// escapes, also for a key that has a name.
pub fn read(key: &[u8], value: Option<&[u8]>) -> Result<(Key, Vec<u8>), Fault> {
    let named = NAMES.iter().find(|(name, _)| name.as_bytes() == key).map(|(_, key)| *key);
    let found = named.or_else(|| numbered(key)).ok_or_else(|| no_key(key))?;
    let raw = decode(value.unwrap_or_default());
    let wire = match named {
        Some(key) => raw.and_then(|raw| from_text(key, raw)),
        None => raw,
    };
    let wire =
        wire.and_then(|wire| check(found, &wire).map(|()| wire)).map_err(|why| why.within(format!("{found}")))?;
    Ok((found, wire))
}

/// Without leading zeros (RFC 9460, 2.1).
fn numbered(word: &[u8]) -> Option<Key> {
    let digits = word.strip_prefix(b"key")?;
    if digits.len() > 1 && digits.starts_with(b"0") {
        return None;
    }
    number(digits, u16::MAX).ok().map(Key).filter(|key| *key != Key::INVALID)
}

fn no_key(word: &[u8]) -> String {
    format!("{} is no parameter known here: any one can be written as keyNNNNN (key0 to key65534)", quote(word))
}

fn from_text(key: Key, raw: Vec<u8>) -> Result<Vec<u8>, Fault> {
    match key {
        Key::MANDATORY => mandatory(&raw),
        Key::ALPN => protocols(&raw),
        Key::PORT => Ok(number(&raw, u16::MAX)?.to_be_bytes().to_vec()),
        Key::IPV4HINT => addresses(&raw, |item| ipv4(item).map(|address| address.octets())),
        Key::IPV6HINT => addresses(&raw, |item| ipv6(item).map(|address| address.octets())),
        Key::ECH => base64(&raw),
        _ => Ok(raw),
    }
}

/// Keys in ascending order, whatever the order of the text (RFC 9460, 8).
fn mandatory(raw: &[u8]) -> Result<Vec<u8>, Fault> {
    let mut keys = BTreeSet::new();
    for item in raw.split(|byte| *byte == b',') {
        let named = NAMES.iter().find(|(name, _)| name.as_bytes() == item).map(|(_, key)| *key);
        let key = named.or_else(|| numbered(item)).ok_or_else(|| no_key(item))?;
        if !keys.insert(key) {
            return Err(format!("{key} is listed twice").into());
        }
    }
    Ok(keys.into_iter().flat_map(|key| key.0.to_be_bytes()).collect())
}

/// A list whose items may hold `\,` and `\\` (RFC 9460, appendix A.1).
fn protocols(raw: &[u8]) -> Result<Vec<u8>, Fault> {
    let mut items = vec![Vec::new()];
    let mut bytes = raw.iter();
    while let Some(byte) = bytes.next() {
        let item = items.last_mut().expect("the list begins with one item and only grows");
        match byte {
            b',' => items.push(Vec::new()),
            b'\\' => match bytes.next() {
                Some(escaped @ (b',' | b'\\')) => item.push(*escaped),
                _ => return Err("in a list a backslash escapes a comma or a backslash, and is itself doubled".into()),
            },
            _ => item.push(*byte),
        }
    }
    let mut wire = Vec::new();
    for item in items {
        match u8::try_from(item.len()) {
            Ok(length @ 1..) => wire.push(length),
            _ => return Err(format!("{} is not a protocol of 1 to 255 bytes", quote(&item)).into()),
        }
        wire.extend(item);
    }
    Ok(wire)
}

fn addresses<const N: usize>(raw: &[u8], read: fn(&[u8]) -> Result<[u8; N], Fault>) -> Result<Vec<u8>, Fault> {
    let mut wire = Vec::new();
    for item in raw.split(|byte| *byte == b',') {
        wire.extend(read(item)?);
    }
    Ok(wire)
}

/// Whether `wire` is what the key may hold. The value of an unknown key is free.
pub fn check(key: Key, wire: &[u8]) -> Result<(), Fault> {
    match key {
        Key::MANDATORY => check_mandatory(wire),
        Key::ALPN => check_protocols(wire),
        Key::NO_DEFAULT_ALPN if wire.is_empty() => Ok(()),
        Key::NO_DEFAULT_ALPN => Err("it takes no value".into()),
        Key::PORT if wire.len() == 2 => Ok(()),
        Key::PORT => Err("it is not two bytes".into()),
        Key::IPV4HINT => check_addresses(wire, 4),
        Key::IPV6HINT => check_addresses(wire, 16),
        Key::ECH if wire.is_empty() => Err("it needs a value".into()),
        Key::DOHPATH => check_template(wire),
        Key::INVALID => Err("the key is reserved".into()),
        _ => Ok(()),
    }
}

fn check_mandatory(wire: &[u8]) -> Result<(), Fault> {
    let listed: Vec<Key> = keys(wire).collect();
    if wire.is_empty() || !wire.len().is_multiple_of(2) || !listed.is_sorted_by(|a, b| a < b) {
        return Err("it is not a list of keys in ascending order".into());
    }
    if listed.contains(&Key::MANDATORY) { Err("it cannot list itself".into()) } else { Ok(()) }
}

fn check_protocols(wire: &[u8]) -> Result<(), Fault> {
    let mut rest = wire;
    while let [length, tail @ ..] = rest
        && *length > 0
        && let Some(tail) = tail.get(usize::from(*length)..)
    {
        rest = tail;
    }
    if wire.is_empty() || !rest.is_empty() {
        return Err("it is not a list of protocols of 1 to 255 bytes".into());
    }
    Ok(())
}

fn check_addresses(wire: &[u8], length: usize) -> Result<(), Fault> {
    if wire.is_empty() || !wire.len().is_multiple_of(length) {
        return Err(format!("it is not a list of addresses of {length} bytes").into());
    }
    Ok(())
}

/// A relative URI template in UTF-8 with the variable `dns` (RFC 9461, 5).
fn check_template(wire: &[u8]) -> Result<(), Fault> {
    let has_variable = |text: &str| text.split('{').skip(1).any(|part| part.contains("dns") && part.contains('}'));
    match std::str::from_utf8(wire) {
        Ok(text) if text.starts_with('/') && has_variable(text) => Ok(()),
        _ => Err(format!("{} is not a path with the variable dns, such as /dns-query{{?dns}}", quote(wire)).into()),
    }
}

/// The keys that a value of `mandatory` lists.
pub fn keys(wire: &[u8]) -> impl Iterator<Item = Key> {
    wire.as_chunks::<2>().0.iter().map(|bytes| Key(u16::from_be_bytes(*bytes)))
}
