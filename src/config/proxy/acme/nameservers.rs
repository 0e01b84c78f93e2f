//! `acme.nameservers`: our own nameservers, which answer the CA's challenges by dns-01 (RFC 8555, 8.4).

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::config::distinct::Distinct;
use crate::config::names;
use crate::config::peers::{self, PeerConfig};
use crate::config::reader::{Keys, Read, Value};

/// The nameservers that are told what to answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcmeNameserversConfig {
    /// The file with the private key by which they know this proxy: 32 bytes in base64. It may be that of `peers`.
    pub key_file: PathBuf,
    /// The nameservers by their names; never empty.
    pub members: BTreeMap<String, PeerConfig>,
}

/// The keys of `acme.nameservers`.
pub(in crate::config::proxy) const KEYS: Keys = Keys { object: "acme.nameservers", names: &["key_file", "members"] };

pub(super) fn read(value: &Value<'_>) -> Read<AcmeNameserversConfig> {
    let nameservers = value.object(&KEYS)?;
    let key_file = nameservers.required("key_file", Value::file);
    let members = nameservers.required("members", |value| {
        let (mut addresses, mut keys) = (Distinct::default(), Distinct::default());
        let members = value.table(names::name, |_, _, value| peers::read_member(value, &mut addresses, &mut keys))?;
        value.at_least_one("nameserver")?;
        Ok(members)
    });
    Ok(AcmeNameserversConfig { key_file: key_file?, members: members? })
}
