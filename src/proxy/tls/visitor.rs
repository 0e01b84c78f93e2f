//! What is known of a visitor by the handshake: the protocol, the host that was named, and the certificate that was shown.

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::{CipherSuite, ProtocolVersion};
use x509_cert::Certificate;
use x509_cert::der::Decode;

use super::client_authority::ClientAuthority;
use crate::config::proxy::ClientAuthorityConfig;

/// The longest subject that goes to backends: a head has room for it.
const LONGEST_SUBJECT: usize = 4096;

/// A visitor over TLS.
#[derive(Debug)]
pub struct SecureVisitor {
    /// `TLSv1.3` or `TLSv1.2`.
    pub version: &'static str,
    /// The cipher suite, by its registered name.
    pub cipher: &'static str,
    /// The host that was named in the handshake.
    pub server_name: Option<Box<str>>,
    /// By whose certificates the visitor was asked to say who he is; none: he was not asked.
    pub asked: Option<Box<Asked>>,
}

/// That a visitor was asked for a certificate.
#[derive(Debug)]
pub struct Asked {
    authority: Arc<ClientAuthority>,
    shown: Option<Shown>,
}

/// The certificate that a visitor has shown, which was good then.
pub struct Shown {
    /// Whom it is for (RFC 4514), in printable ASCII.
    pub subject: String,
    /// Its SHA-256, in hexadecimal digits.
    pub fingerprint: String,
    chain: Vec<CertificateDer<'static>>,
    judged: Cell<Judged>,
}

/// What was thought of a certificate when it was looked at last.
#[derive(Debug, Clone, Copy)]
struct Judged {
    /// The number of what it was judged by.
    by: u64,
    is_good: bool,
    /// Until when that holds, in seconds since the epoch: then a certificate of the chain ends.
    until: u64,
}

/// What a connection is to a service whose visitors show certificates of this authority.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing<'v> {
    /// A good one was shown.
    Shown(&'v Shown),
    /// None was shown.
    NotShown,
    /// The visitor was not asked, or by another authority's: his handshake was for another host.
    NotAsked,
}

impl SecureVisitor {
    /// By what a handshake has come to.
    pub fn new(
        version: Option<ProtocolVersion>,
        cipher: Option<CipherSuite>,
        server_name: Option<&str>,
        asked: Option<Asked>,
    ) -> SecureVisitor {
        SecureVisitor {
            version: match version {
                Some(ProtocolVersion::TLSv1_3) => "TLSv1.3",
                Some(ProtocolVersion::TLSv1_2) => "TLSv1.2",
                _ => "",
            },
            cipher: match cipher {
                // rustls puts the version into their names.
                Some(CipherSuite::TLS13_AES_128_GCM_SHA256) => "TLS_AES_128_GCM_SHA256",
                Some(CipherSuite::TLS13_AES_256_GCM_SHA384) => "TLS_AES_256_GCM_SHA384",
                Some(CipherSuite::TLS13_CHACHA20_POLY1305_SHA256) => "TLS_CHACHA20_POLY1305_SHA256",
                other => other.and_then(|cipher| cipher.as_str()).unwrap_or_default(),
            },
            server_name: server_name.map(Box::from),
            asked: asked.map(Box::new),
        }
    }

    /// What the connection is to a service that asks for certificates of this authority. A certificate that was shown is looked at again
    /// when the authority's files have changed, and when it has ended: one that is not good any more is as if it had not been shown.
    pub fn standing(&self, authority: &ClientAuthorityConfig) -> Standing<'_> {
        match &self.asked {
            Some(asked) if asked.authority.files == *authority => {
                asked.shown(UnixTime::now()).map_or(Standing::NotShown, Standing::Shown)
            }
            _ => Standing::NotAsked,
        }
    }
}

impl Asked {
    /// By this authority, in a handshake in which this chain was shown and found to be good by what has this number.
    pub fn new(
        authority: Arc<ClientAuthority>,
        chain: Option<&[CertificateDer<'static>]>,
        good_by: Option<u64>,
    ) -> Asked {
        let shown = chain.filter(|chain| !chain.is_empty()).zip(good_by).map(|(chain, by)| Shown {
            subject: subject_of(&chain[0]),
            fingerprint: digest(&SHA256, &chain[0]).as_ref().iter().map(|byte| format!("{byte:02x}")).collect(),
            chain: chain.to_vec(),
            judged: Cell::new(Judged { by, is_good: true, until: next_end(chain, UnixTime::now()) }),
        });
        Asked { authority, shown }
    }

    /// The certificate that was shown, if it is good still.
    fn shown(&self, now: UnixTime) -> Option<&Shown> {
        let shown = self.shown.as_ref()?;
        let by = self.authority.number()?;
        let last = shown.judged.get();
        if last.by != by || now.as_secs() > last.until {
            let is_good = self.authority.verify(&shown.chain, now).is_ok();
            shown.judged.set(Judged { by, is_good, until: next_end(&shown.chain, now) });
        }
        shown.judged.get().is_good.then_some(shown)
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Shown").field(&self.subject).finish()
    }
}

impl PartialEq for Shown {
    fn eq(&self, other: &Shown) -> bool {
        self.chain == other.chain
    }
}

impl Eq for Shown {}

/// When the next certificate of a chain ends (`notAfter`, inclusive), in seconds since the epoch. One that cannot be read has not been
/// found to be good.
fn next_end(chain: &[CertificateDer<'_>], now: UnixTime) -> u64 {
    let parsed = chain.iter().filter_map(|certificate| Certificate::from_der(certificate).ok());
    let ends = parsed.map(|parsed| parsed.tbs_certificate().validity().not_after.to_unix_duration().as_secs());
    ends.filter(|end| *end >= now.as_secs()).min().unwrap_or(u64::MAX)
}

/// The subject of a certificate, what is no printable ASCII in hexadecimal digits (RFC 4514, 2.4). Empty if it is too long for a head.
fn subject_of(certificate: &CertificateDer<'_>) -> String {
    let Ok(certificate) = Certificate::from_der(certificate) else { return String::new() };
    let mut escaped = String::new();
    for byte in certificate.tbs_certificate().subject().to_string().bytes() {
        match byte {
            b' '..=b'~' => escaped.push(char::from(byte)),
            _ => escaped.push_str(&format!("\\{byte:02X}")),
        }
    }
    if escaped.len() > LONGEST_SUBJECT { String::new() } else { escaped }
}

#[cfg(test)]
mod tests;
