//! TLS: which services are reached over it, and with which certificates.

use std::path::PathBuf;

use crate::config::names;
use crate::config::reader::{Keys, Location, Object, Read, Value};

/// `tls` of a service: it is reached at the listeners that speak https, too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsConfig {
    /// Never empty. Of those that cover a name, clients get the first one that they can use.
    pub certificates: Vec<CertificateConfig>,
}

/// A certificate in files, which are read again when they change.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CertificateConfig {
    /// The certificate in PEM, and behind it those that lead to the CA's, each signed by the next.
    pub chain_file: PathBuf,
    /// Its private key in PEM.
    pub key_file: PathBuf,
}

/// The keys of `tls` of the document.
pub(super) const ROOT: Keys = Keys { object: "tls", names: &["default", "tickets"] };

/// The keys of `tls.tickets`.
pub(super) const TICKETS: Keys = Keys { object: "tls.tickets", names: &["key_file"] };

/// The keys of `tls` of a service.
pub(super) const SERVICE: Keys = Keys { object: "services.NAME.tls", names: &["certificates"] };

/// The keys of a certificate.
pub(super) const CERTIFICATE: Keys =
    Keys { object: "services.NAME.tls.certificates[]", names: &["chain_file", "key_file"] };

/// Reads `tls` of a service, and where it stands.
pub(super) fn read<'a>(service: &Object<'a>) -> Read<Option<(TlsConfig, Location<'a>)>> {
    service.optional("tls", |value| {
        let tls = value.object(&SERVICE)?;
        let certificates = tls.required("certificates", |value| {
            let certificates = value.list("certificates", read_certificate)?;
            value.at_least_one("certificate")?;
            Ok(certificates)
        });
        Ok((TlsConfig { certificates: certificates? }, value.location.clone()))
    })
}

fn read_certificate(value: &Value<'_>) -> Read<CertificateConfig> {
    let certificate = value.object(&CERTIFICATE)?;
    let chain_file = certificate.required("chain_file", Value::file);
    let key_file = certificate.required("key_file", Value::file);
    Ok(CertificateConfig { chain_file: chain_file?, key_file: key_file? })
}

/// `tls` of the document: what all services with TLS have in common.
#[derive(Debug, Default)]
pub(super) struct CommonTls {
    /// The service whose certificate is shown to whoever names no host, or one that nobody has.
    pub(super) default: Option<String>,
    /// The keys that tickets are made of.
    pub(super) ticket_key_file: Option<PathBuf>,
}

/// Reads `tls` of the document. `has_tls` says of a service whether it has TLS, if there is one of this name.
pub(super) fn read_common(root: &Object<'_>, has_tls: impl Fn(&str) -> Option<bool>) -> Read<CommonTls> {
    root.with_default("tls", CommonTls::default(), |value| {
        let tls = value.object(&ROOT)?;
        let default = tls.optional("default", |value| {
            let name = value.parsed("a service's name", names::name)?;
            match has_tls(&name) {
                None => Err(value.fault(format!("there is no service {name:?}"))),
                Some(false) => Err(value.fault(format!("the service {name:?} has no \"tls\""))),
                Some(true) => Ok(name),
            }
        });
        let ticket_key_file =
            tls.optional("tickets", |value| value.object(&TICKETS)?.required("key_file", Value::file));
        Ok(CommonTls { default: default?, ticket_key_file: ticket_key_file? })
    })
}

/// A listener that speaks https and a service with TLS need each other; `first_service` is where the first such service says so.
pub(super) fn vet(listeners: &Value<'_>, any_speaks_https: bool, first_service: Option<&Location<'_>>) -> Read<()> {
    match (any_speaks_https, first_service) {
        (true, None) => Err(listeners.fault(
            "a listener speaks https, and no service has \"tls\": every connection there would be refused; give a service its \
             certificates, or take the listener out",
        )),
        (false, Some(service)) => Err(service.fault(
            "no listener speaks https, so nobody could reach it over TLS: add a listener with \"protocol\": \"https\", or take \
             this out",
        )),
        _ => Ok(()),
    }
}
