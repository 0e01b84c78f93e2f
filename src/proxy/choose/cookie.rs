//! The cookie that names a backend: reading, sealing, stripping (pure but for the random nonce).
//!
//! Owns both encodings, in clear and sealed. Must never: yield a backend that is not one of the service's, nor reveal
//! anything of a key. Called by the workers (find, open, strip, set) and by `explain`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use aws_lc_rs::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The longest text of an address and port: an IPv6 one with a scope.
const LONGEST_ADDRESS: usize = 64;
/// Family, address, port: of one length, so that the length of a sealed cookie says nothing.
const PLAIN: usize = 1 + 16 + 2;
/// Nonce, sealed address, tag.
const SEALED: usize = NONCE_LEN + PLAIN + 16;
/// [`SEALED`] in base64 without padding.
const SEALED_TEXT: usize = (SEALED * 4).div_ceil(3);

/// How one service's cookie is read and written.
#[derive(Debug)]
pub struct Cookie {
    name: String,
    encoding: Encoding,
}

#[derive(Debug)]
enum Encoding {
    Address,
    Sealed(Box<Seal>),
}

/// Authenticated encryption of an address, bound to the service's name.
#[derive(Debug)]
struct Seal {
    first: LessSafeKey,
    others: Vec<LessSafeKey>,
    bound_to: String,
}

impl Cookie {
    /// A cookie whose value is the backend's address and port. The text of both families is made of cookie-octets
    /// (RFC 6265, 4.1.1): digits, letters, `.`, `:`, `[`, `]`.
    pub fn address(name: &str) -> Cookie {
        Cookie { name: name.into(), encoding: Encoding::Address }
    }

    /// A sealed cookie of this service: the first key seals, all open. None without a key.
    pub fn sealed(name: &str, service: &str, keys: &[[u8; 32]]) -> Option<Cookie> {
        let mut keys =
            keys.iter().filter_map(|key| UnboundKey::new(&CHACHA20_POLY1305, key).ok()).map(LessSafeKey::new);
        let seal = Seal { first: keys.next()?, others: keys.collect(), bound_to: format!("polder cookie 1 {service}") };
        Some(Cookie { name: name.into(), encoding: Encoding::Sealed(Box::new(seal)) })
    }

    /// The cookie's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The backend a cookie value names: an index into the service's backends, of which `addresses` are given in their
    /// order, or none for a stale, forged or malformed value. The work is bounded: a value of another length than we
    /// write is refused before it is looked at.
    pub fn open(&self, value: &[u8], mut addresses: impl Iterator<Item = SocketAddr>) -> Option<usize> {
        let address = match &self.encoding {
            Encoding::Address if value.len() <= LONGEST_ADDRESS => std::str::from_utf8(value).ok()?.parse().ok()?,
            Encoding::Address => return None,
            Encoding::Sealed(seal) => seal.open(value)?,
        };
        addresses.position(|known| known == address)
    }

    /// The whole value of a `Set-Cookie` field naming this backend: `NAME=VALUE; path=/; HttpOnly` (`; Secure` on TLS).
    pub fn set(&self, address: SocketAddr, secure: bool) -> String {
        let value = match &self.encoding {
            Encoding::Address => address.to_string(),
            Encoding::Sealed(seal) => seal.seal(address),
        };
        let secure = if secure { "; Secure" } else { "" };
        format!("{}={value}; path=/; HttpOnly{secure}", self.name)
    }

    /// The value of our cookie in a `Cookie` field, without its quotes; the first if there are several.
    pub fn find<'a>(&self, field: &'a [u8]) -> Option<&'a [u8]> {
        self.values(field).next()
    }

    /// The values of all our cookies in a `Cookie` field, without their quotes.
    pub fn values<'a>(&self, field: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        field.split(|byte| *byte == b';').filter_map(|pair| self.value_of(pair))
    }

    /// Whether a `Set-Cookie` field sets our cookie (RFC 6265, 5.2: its name is what stands before the first `=`).
    pub fn is_set_by(&self, field: &[u8]) -> bool {
        self.values(field.split(|byte| *byte == b';').next().unwrap_or_default()).next().is_some()
    }

    /// Appends the value of a `Cookie` field to `out` without our cookies, and gives whether any was there. The other
    /// cookies keep their bytes and order; nothing is appended when there were none.
    pub fn strip(&self, field: &[u8], out: &mut Vec<u8>) -> bool {
        if self.find(field).is_none() {
            out.extend_from_slice(field);
            return false;
        }
        let start = out.len();
        let others = field.split(|byte| *byte == b';').filter(|pair| self.value_of(pair).is_none());
        for pair in others.map(<[u8]>::trim_ascii).filter(|pair| !pair.is_empty()) {
            if out.len() > start {
                out.extend_from_slice(b"; ");
            }
            out.extend_from_slice(pair);
        }
        true
    }

    /// The value if this pair is ours. Names are compared as they are: they have a case (RFC 6265, 4.1.1).
    fn value_of<'a>(&self, pair: &'a [u8]) -> Option<&'a [u8]> {
        let equals = memchr::memchr(b'=', pair)?;
        if pair[..equals].trim_ascii() != self.name.as_bytes() {
            return None;
        }
        let value = pair[equals + 1..].trim_ascii();
        Some(value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value))
    }
}

impl Seal {
    fn seal(&self, address: SocketAddr) -> String {
        let mut sealed = [0; SEALED];
        let (nonce, rest) = sealed.split_at_mut(NONCE_LEN);
        crate::random::fill(nonce).expect("getrandom(2) does not fail once the machine has booted");
        let (plain, tag) = rest.split_at_mut(PLAIN);
        plain.copy_from_slice(&to_plain(address));
        let once = Nonce::try_assume_unique_for_key(nonce).expect("split at the length of a nonce");
        let made = self
            .first
            .seal_in_place_separate_tag(once, Aad::from(&self.bound_to), plain)
            .expect("19 bytes are far below the cipher's limit");
        tag.copy_from_slice(made.as_ref());
        URL_SAFE_NO_PAD.encode(sealed)
    }

    fn open(&self, value: &[u8]) -> Option<SocketAddr> {
        if value.len() != SEALED_TEXT {
            return None;
        }
        let mut sealed = [0; SEALED];
        URL_SAFE_NO_PAD.decode_slice(value, &mut sealed).ok().filter(|length| *length == SEALED)?;
        let (nonce, rest) = sealed.split_at(NONCE_LEN);
        std::iter::once(&self.first).chain(&self.others).find_map(|key| {
            let mut rest: [u8; SEALED - NONCE_LEN] = rest.try_into().ok()?;
            let once = Nonce::try_assume_unique_for_key(nonce).ok()?;
            let plain = key.open_in_place(once, Aad::from(&self.bound_to), &mut rest).ok()?;
            from_plain(plain)
        })
    }
}

fn to_plain(address: SocketAddr) -> [u8; PLAIN] {
    let mut plain = [0; PLAIN];
    match address.ip() {
        IpAddr::V4(ip) => {
            plain[0] = 4;
            plain[1..5].copy_from_slice(&ip.octets());
        }
        IpAddr::V6(ip) => {
            plain[0] = 6;
            plain[1..17].copy_from_slice(&ip.octets());
        }
    }
    plain[17..].copy_from_slice(&address.port().to_be_bytes());
    plain
}

fn from_plain(plain: &[u8]) -> Option<SocketAddr> {
    let plain: &[u8; PLAIN] = plain.try_into().ok()?;
    let octets: [u8; 16] = plain[1..17].try_into().ok()?;
    let ip: IpAddr = match plain[0] {
        4 => Ipv4Addr::new(octets[0], octets[1], octets[2], octets[3]).into(),
        6 => Ipv6Addr::from(octets).into(),
        _ => return None,
    };
    Some(SocketAddr::new(ip, u16::from_be_bytes([plain[17], plain[18]])))
}

#[cfg(test)]
mod tests;
