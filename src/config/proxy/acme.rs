//! `acme` of `proxy.json`: the CA from which certificates are ordered, and how it is convinced.

mod nameservers;

pub use nameservers::AcmeNameserversConfig;

use crate::config::acme::{self, CaConfig, ChallengeKind};
use crate::config::reader::{Keys, Object, Read, Value};

/// The CA, the account there, and how the CA is convinced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcmeConfig {
    /// The CA, and the account there.
    pub ca: CaConfig,
    /// How the CA is convinced, unless a service says otherwise. Default `http-01`.
    pub challenge: ChallengeKind,
    /// Our own nameservers, which answer the CA by dns-01.
    pub nameservers: Option<AcmeNameserversConfig>,
}

/// The keys of `acme`.
pub(super) const KEYS: Keys = Keys {
    object: "acme",
    names: &[
        "ca_file",
        "challenge",
        "contact",
        "directory",
        "eab",
        "nameservers",
        "profile",
        "terms_of_service_agreed",
    ],
};

/// The keys of `acme.eab`.
pub(super) const EAB: Keys = acme::eab_keys("acme.eab");

pub(super) use nameservers::KEYS as NAMESERVERS;

/// Reads `acme`.
pub(super) fn read(root: &Object<'_>) -> Read<Option<AcmeConfig>> {
    root.optional("acme", |value| {
        let acme = value.object(&KEYS)?;
        let challenge = acme.with_default("challenge", ChallengeKind::Http01, read_challenge);
        let nameservers = acme.optional("nameservers", nameservers::read);
        let ca = acme::read(value, &acme, &EAB);
        Ok(AcmeConfig { ca: ca?, challenge: challenge?, nameservers: nameservers? })
    })
}

/// Reads how the CA is convinced.
pub(super) fn read_challenge(value: &Value<'_>) -> Read<ChallengeKind> {
    value.one_of(&[("http-01", ChallengeKind::Http01), ("dns-01", ChallengeKind::Dns01)])
}
