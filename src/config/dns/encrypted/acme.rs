//! `encrypted.acme`: the CA from which the nameserver's certificate is ordered by itself (RFC 8555), by dns-01.

use crate::config::acme::{self, CaConfig};
use crate::config::distinct::Distinct;
use crate::config::host_pattern::HostPattern;
use crate::config::invalid::Invalid;
use crate::config::reader::{Keys, Read, Value};

/// The most names of a certificate: what CAs take.
const MOST_NAMES: usize = 100;

/// The CA, the account there, and what is ordered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncryptedAcmeConfig {
    /// The CA, and the account there.
    pub ca: CaConfig,
    /// The names that the certificate is for, distinct; never empty.
    pub names: Vec<HostPattern>,
}

/// The keys of `encrypted.acme`.
pub(in crate::config::dns) const KEYS: Keys = Keys {
    object: "encrypted.acme",
    names: &["ca_file", "contact", "directory", "eab", "names", "profile", "terms_of_service_agreed"],
};

/// The keys of `encrypted.acme.eab`.
pub(in crate::config::dns) const EAB: Keys = acme::eab_keys("encrypted.acme.eab");

pub(super) fn read(value: &Value<'_>) -> Read<EncryptedAcmeConfig> {
    let acme = value.object(&KEYS)?;
    let names =
        acme.required("names", |value| {
            let mut names = Distinct::default();
            let read = value.list("names", |value| names.claim_parsed(value, "a name", name))?;
            value.at_least_one("name")?;
            match read.len() {
                0..=MOST_NAMES => Ok(read),
                more => Err(value
                    .fault(format!("{more} names: expected at most {MOST_NAMES}, of which CAs make one certificate"))),
            }
        });
    let ca = acme::read(value, &acme, &EAB);
    Ok(EncryptedAcmeConfig { ca: ca?, names: names? })
}

fn name(text: &str) -> Result<HostPattern, Invalid> {
    let name = HostPattern::parse(text)?;
    match name.is_of_names() {
        true => Ok(name),
        false => Err(Invalid::new(
            text,
            "is not a name that nameservers can show to be theirs: expected one like \"dns.example.net\"",
        )),
    }
}
