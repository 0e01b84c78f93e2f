//! `client_certificates` of a service's `tls`: visitors show who they are in the handshake.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::config::host_pattern::HostPattern;
use crate::config::reader::{Keys, Location, Read, Value};

/// Whose certificates visitors show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificatesConfig {
    /// Requests of visitors who have shown none are refused. Default true.
    pub required: bool,
    /// By whom they may be issued.
    pub authority: ClientAuthorityConfig,
}

/// An authority of visitors' certificates in files, which are read again when they change.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClientAuthorityConfig {
    /// Its certificates in PEM.
    pub ca_file: PathBuf,
    /// The certificates that it has revoked, in PEM: a list of each authority in a visitor's chain. None: all count.
    pub crl_file: Option<PathBuf>,
}

/// The keys of `client_certificates`.
pub(super) const KEYS: Keys =
    Keys { object: "services.NAME.tls.client_certificates", names: &["ca_file", "crl_file", "mode"] };

/// Reads them.
pub(super) fn read(value: &Value<'_>) -> Read<ClientCertificatesConfig> {
    let object = value.object(&KEYS)?;
    let required = object.with_default("mode", true, |value| value.one_of(&[("optional", false), ("required", true)]));
    let ca_file = object.required("ca_file", Value::file);
    let crl_file = object.optional("crl_file", Value::file);
    let authority = ClientAuthorityConfig { ca_file: ca_file?, crl_file: crl_file? };
    Ok(ClientCertificatesConfig { required: required?, authority })
}

/// The authorities of the hosts met so far: a handshake knows the host alone, and asks by one.
#[derive(Debug, Default)]
pub(super) struct Authorities<'a>(BTreeMap<HostPattern, (ClientAuthorityConfig, Location<'a>)>);

impl<'a> Authorities<'a> {
    /// Takes the authority of a service at this location for its hosts.
    pub(super) fn claim(
        &mut self,
        authority: &ClientAuthorityConfig,
        hosts: &[HostPattern],
        location: &Location<'a>,
    ) -> Read<()> {
        for host in hosts {
            match self.0.get(host) {
                Some((known, first)) if known != authority => {
                    return Err(location.fault(format!(
                        "visitors of {host} are asked for certificates of another authority at {}, and a handshake, which knows the \
                         host and no path, asks by one: give both services the same \"ca_file\" and \"crl_file\"",
                        first.reference()
                    )));
                }
                Some(_) => {}
                None => {
                    self.0.insert(host.clone(), (authority.clone(), location.clone()));
                }
            }
        }
        Ok(())
    }
}
