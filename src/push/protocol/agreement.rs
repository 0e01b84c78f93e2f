//! What a host has for the agreement of the proxies (modules/agreement.nix): the authorities that it trusts, and its certificate.

use serde::{Deserialize, Serialize};

use super::secret::Secret;

/// What a host has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgreementFiles {
    /// The authorities that it trusts, in order.
    pub authorities: Vec<TrustedAuthority>,
    /// Its certificate, if it has one.
    pub certificate: Option<HostCertificate>,
}

impl AgreementFiles {
    /// Whether it trusts an authority.
    pub fn trusts(&self, name: &str) -> bool {
        self.authorities.iter().any(|authority| authority.name == name)
    }
}

/// An authority that a host trusts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustedAuthority {
    /// Its subject: every authority has a name of its own.
    pub name: String,
    /// When it runs out, in seconds since the epoch.
    pub ends: u64,
}

/// A host's certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostCertificate {
    /// The name of the authority that has issued it.
    pub authority: String,
    /// The names and addresses that it is for, in order.
    pub names: Vec<String>,
    /// When it runs out, in seconds since the epoch.
    pub ends: u64,
}

/// One change of what a host has.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "kebab-case", deny_unknown_fields)]
pub enum AgreementChange {
    /// Trust an authority besides those that it trusts. Done even if it does already.
    Trust {
        /// The authority's certificate, PEM.
        authority: String,
    },
    /// Use another certificate.
    Use {
        /// The certificate and its key, PEM. Never logged.
        certificate: Secret,
    },
    /// Trust one authority only: that of its own certificate.
    Retire {
        /// The name of that authority.
        keep: String,
    },
}
