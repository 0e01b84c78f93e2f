//! What belongs to a host name (pure): an exact name first, else the longest `*.suffix`, else `*`.
//!
//! The rule of routes and of certificates alike. Must never: allocate for a request.

use std::collections::HashMap;
use std::io::Write;
use std::net::Ipv6Addr;

use crate::config::proxy::HostPattern;

/// The longest host name that can match: RFC 1035, 2.3.4 (255 octets on the wire are at most 253 of text).
const LONGEST_HOST: usize = 253;

/// Room for a host name in the form that the table has.
pub struct Room([u8; LONGEST_HOST]);

impl Default for Room {
    fn default() -> Room {
        Room([0; LONGEST_HOST])
    }
}

/// A value for each host pattern.
#[derive(Debug)]
pub struct HostTable<T> {
    exact: HashMap<Box<[u8]>, T>,
    suffix: HashMap<Box<[u8]>, T>,
    any: Option<T>,
}

impl<T> Default for HostTable<T> {
    fn default() -> HostTable<T> {
        HostTable { exact: HashMap::new(), suffix: HashMap::new(), any: None }
    }
}

/// Which pattern a host matched.
pub enum Key<'a> {
    /// Its name.
    Exact(&'a [u8]),
    /// What is behind the `*.`.
    Suffix(&'a [u8]),
    /// `*`.
    Any,
}

impl Key<'_> {
    /// As documents have it.
    pub fn pattern(&self) -> HostPattern {
        match self {
            Key::Exact(name) => HostPattern::Exact(String::from_utf8_lossy(name).into_owned()),
            Key::Suffix(name) => HostPattern::Suffix(String::from_utf8_lossy(name).into_owned()),
            Key::Any => HostPattern::Any,
        }
    }
}

impl<T: Default> HostTable<T> {
    /// The value of a pattern, made if it has none yet.
    pub fn entry(&mut self, pattern: HostPattern) -> &mut T {
        let key = |name: String| name.to_ascii_lowercase().into_bytes().into();
        match pattern {
            HostPattern::Exact(name) => self.exact.entry(key(name)).or_default(),
            HostPattern::Suffix(name) => self.suffix.entry(key(name)).or_default(),
            HostPattern::Any => self.any.get_or_insert_default(),
        }
    }
}

impl<T> HostTable<T> {
    /// Every value.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.exact.values_mut().chain(self.suffix.values_mut()).chain(&mut self.any)
    }

    /// The value of the pattern that has this host (any case, with or without port and final dot).
    pub fn find<'r>(&self, host: &[u8], room: &'r mut Room) -> Option<(Key<'r>, &T)> {
        let any = self.any.as_ref().map(|value| (Key::Any, value));
        normal(host, &mut room.0).and_then(|name| self.named(name)).or(any)
    }

    fn named<'r>(&self, name: &'r [u8]) -> Option<(Key<'r>, &T)> {
        if let Some(value) = self.exact.get(name) {
            return Some((Key::Exact(name), value));
        }
        if self.suffix.is_empty() {
            return None;
        }
        // From the left: the first dot leaves the longest suffix. `*.example.net` wants a label in front of it.
        memchr::memchr_iter(b'.', name).filter(|dot| *dot > 0).find_map(|dot| {
            let suffix = &name[dot + 1..];
            self.suffix.get(suffix).map(|value| (Key::Suffix(suffix), value))
        })
    }
}

/// The host in lower case, without port and final dot, an address in its shortest form; `None` if no pattern but `*` can match it.
fn normal<'a>(host: &[u8], buffer: &'a mut [u8; LONGEST_HOST]) -> Option<&'a [u8]> {
    if host.first()? == &b'[' {
        // Its colons are not a port's.
        let address = &host[1..memchr::memchr(b']', host)?];
        let address: Ipv6Addr = std::str::from_utf8(address).ok()?.parse().ok()?;
        let mut left = &mut buffer[..];
        write!(left, "[{address}]").ok()?;
        let length = LONGEST_HOST - left.len();
        return Some(&buffer[..length]);
    }
    let name = memchr::memchr(b':', host).map_or(host, |colon| &host[..colon]);
    let name = name.strip_suffix(b".").unwrap_or(name);
    let out = buffer.get_mut(..name.len())?;
    out.copy_from_slice(name);
    out.make_ascii_lowercase();
    (!out.is_empty()).then_some(out)
}
