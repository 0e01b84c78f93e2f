//! A name and a password, as a request has them (RFC 7617, 2; pure).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Who a visitor says that he is.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    name_and_password: Vec<u8>,
    colon: usize,
}

impl Credentials {
    /// Reads the value of an `Authorization` field; none if it is of another scheme, or malformed.
    pub fn parse(value: &[u8]) -> Option<Credentials> {
        let (scheme, encoded) = value.split_at_checked("Basic ".len())?;
        if !scheme.eq_ignore_ascii_case(b"Basic ") {
            return None;
        }
        let name_and_password = STANDARD.decode(encoded.trim_ascii()).ok()?;
        let colon = memchr::memchr(b':', &name_and_password)?;
        Some(Credentials { name_and_password, colon })
    }

    /// The name.
    pub fn name(&self) -> &[u8] {
        &self.name_and_password[..self.colon]
    }

    /// The password.
    pub fn password(&self) -> &[u8] {
        &self.name_and_password[self.colon + 1..]
    }

    /// Both, in one: no two pairs have the same.
    pub fn as_bytes(&self) -> &[u8] {
        &self.name_and_password
    }
}

#[cfg(test)]
mod tests;
