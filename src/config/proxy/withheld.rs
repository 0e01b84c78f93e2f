//! The request fields that reach no backend unless a service lists them in `pass_fields` (pure).
//!
//! Gateways set them and programs behind believe them, so a visitor who sends one speaks as the gateway: it claims
//! another client, another path than the one that was routed, or another method than the one in the log.
//! `X-Forwarded-*` and `Forwarded` are no part of this: the proxy sets those itself. Called by the reader of services and,
//! for each field of a request, by the HTTP/1 codec.

use crate::config::distinct::Distinct;
use crate::config::reader::{Object, Read};

/// What a withheld field claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Claim {
    /// The client.
    Client,
    /// The path or the method.
    Request,
}

/// In lower case. At most 64, and none longer than 63 bytes.
const FIELDS: [(&str, Claim); 40] = [
    ("cf-connecting-ip", Claim::Client),
    ("cf-connecting-ipv6", Claim::Client),
    ("client-ip", Claim::Client),
    ("fastly-client-ip", Claim::Client),
    ("fly-client-ip", Claim::Client),
    ("forwarded-for", Claim::Client),
    ("remote-addr", Claim::Client),
    ("remote-user", Claim::Client),
    ("true-client-ip", Claim::Client),
    ("x-appengine-user-ip", Claim::Client),
    ("x-auth-request-email", Claim::Client),
    ("x-auth-request-user", Claim::Client),
    ("x-azure-clientip", Claim::Client),
    ("x-azure-socketip", Claim::Client),
    ("x-client-ip", Claim::Client),
    ("x-cluster-client-ip", Claim::Client),
    ("x-envoy-external-address", Claim::Client),
    ("x-forwarded", Claim::Client),
    ("x-original-forwarded-for", Claim::Client),
    ("x-originating-ip", Claim::Client),
    ("x-proxyuser-ip", Claim::Client),
    ("x-real-ip", Claim::Client),
    ("x-remote-addr", Claim::Client),
    ("x-remote-ip", Claim::Client),
    ("x-remote-user", Claim::Client),
    ("x-webauth-user", Claim::Client),
    ("front-end-https", Claim::Request),
    ("x-host", Claim::Request),
    ("x-http-host-override", Claim::Request),
    ("x-http-method", Claim::Request),
    ("x-http-method-override", Claim::Request),
    ("x-method-override", Claim::Request),
    ("x-original-host", Claim::Request),
    ("x-original-method", Claim::Request),
    ("x-original-uri", Claim::Request),
    ("x-original-url", Claim::Request),
    ("x-rewrite-uri", Claim::Request),
    ("x-rewrite-url", Claim::Request),
    ("x-scheme", Claim::Request),
    ("x-url-scheme", Claim::Request),
];

/// The lengths that names of a list have, by first letter (after `x-`, by third): all but a few names of a request are told
/// apart from it by these two alone.
#[derive(Debug, Clone, Copy)]
pub struct Shapes([u64; 64]);

impl Shapes {
    /// Whether a name looks like one of the list.
    #[inline]
    pub fn have(&self, name: &[u8]) -> bool {
        self.0[Shapes::row(name)] >> name.len().min(63) & 1 == 1
    }

    /// With one name more.
    pub const fn with(mut self, name: &str) -> Shapes {
        self.0[Shapes::row(name.as_bytes())] |= 1 << name.len();
        self
    }

    /// With every name that begins like this one more, of whatever length.
    pub const fn with_longer(mut self, front: &str) -> Shapes {
        self.0[Shapes::row(front.as_bytes())] |= u64::MAX << front.len();
        self
    }

    #[inline]
    const fn row(name: &[u8]) -> usize {
        match name {
            [b'x' | b'X', _, third, ..] => 32 + (*third & 31) as usize,
            [first, ..] => (*first & 31) as usize,
            [] => 0,
        }
    }
}

/// One of the fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct WithheldField(u8);

impl WithheldField {
    /// What their names look like.
    pub const SHAPES: Shapes = {
        let mut shapes = Shapes([0; 64]);
        let mut index = 0;
        while index < FIELDS.len() {
            shapes = shapes.with(FIELDS[index].0);
            index += 1;
        }
        shapes
    };

    /// By name, in any case.
    pub fn find(name: &[u8]) -> Option<WithheldField> {
        let index = FIELDS.iter().position(|(known, _)| name.eq_ignore_ascii_case(known.as_bytes()))?;
        Some(WithheldField(index as u8))
    }

    /// It says who asks: believed from `trusted_proxies` only.
    pub fn names_client(self) -> bool {
        FIELDS[usize::from(self.0)].1 == Claim::Client
    }
}

/// The fields that a service's backends get after all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PassedFields(u64);

impl PassedFields {
    /// Whether they get this one, from a client that is one of the `trusted_proxies` or not.
    pub fn pass(self, field: WithheldField, trusted: bool) -> bool {
        self.0 >> field.0 & 1 == 1 && (trusted || !field.names_client())
    }
}

/// Reads `pass_fields` of a service; `any_trusted`: `trusted_proxies` is not empty.
pub(super) fn read(service: &Object<'_>, any_trusted: bool) -> Read<PassedFields> {
    let mut distinct = Distinct::default();
    let listed = service.with_default("pass_fields", Vec::new(), |value| {
        value.list("field names", |value| {
            distinct.claim_parsed(value, "a field's name", |text| parse(text, any_trusted))
        })
    })?;
    Ok(PassedFields(listed.iter().fold(0, |all, field| all | 1 << field.0)))
}

fn parse(text: &str, any_trusted: bool) -> Result<WithheldField, String> {
    match WithheldField::find(text.as_bytes()) {
        None => Err(format!(
            "{text:?} is not among the fields that are withheld from backends (docs/documents.md, pass_fields, has the list): \
             every other one goes on by itself, or never"
        )),
        Some(field) if field.names_client() && !any_trusted => Err(format!(
            "{text:?} says who asks, which is believed from trusted_proxies only, and there are none: list them, or leave \
             this out"
        )),
        Some(field) => Ok(field),
    }
}

#[cfg(test)]
mod tests;
