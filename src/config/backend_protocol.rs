//! How a backend is spoken to, by visitors' requests and by checks: `protocol`, `backend_tls` and `send_proxy` of a service.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::names;
use super::reader::{Keys, Object, Read, Value};
use crate::proxy_protocol;

/// How a backend is spoken to. Default: HTTP/1.1 in clear text.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct BackendProtocol {
    /// The version of HTTP.
    pub version: HttpVersion,
    /// Over TLS, and with whom; none: in clear text.
    pub tls: Option<Arc<BackendTls>>,
    /// Connections begin with a header of the PROXY protocol of this version; a check's says that it is our own. `None`: they do not.
    pub send_proxy: Option<proxy_protocol::Version>,
}

/// The version of HTTP that a backend speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum HttpVersion {
    /// HTTP/1.1.
    #[default]
    Http1,
    /// HTTP/2: over TLS it is negotiated (ALPN `h2`), in clear text it is known before (RFC 9113, 3.3).
    Http2,
}

/// Whom a backend, or the primary of a zone, has to prove to be, and what we show it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackendTls {
    /// The certificates in PEM of the authorities that may have issued a backend's. `None`: whoever answers is believed, which only the
    /// checks of a pool may say.
    #[serde(serialize_with = "path_or_empty", deserialize_with = "path_unless_empty")]
    pub ca_file: Option<PathBuf>,
    /// The name that a backend's certificate must be for, and that we ask for (SNI); none: its address.
    pub server_name: Option<String>,
    /// What we show to a backend that asks for it.
    pub client_certificate: Option<ClientCertificate>,
}

/// Saved health names the file, and builds that know no check without one refuse all of it for a null. They read this as a file that no
/// document can name, and so as a check that is none of theirs.
fn path_or_empty<S: Serializer>(path: &Option<PathBuf>, serializer: S) -> Result<S::Ok, S::Error> {
    path.as_deref().unwrap_or(Path::new("")).serialize(serializer)
}

fn path_unless_empty<'d, D: Deserializer<'d>>(deserializer: D) -> Result<Option<PathBuf>, D::Error> {
    let path = Option::<PathBuf>::deserialize(deserializer)?;
    Ok(path.filter(|path| !path.as_os_str().is_empty()))
}

impl BackendTls {
    /// The name that the certificate of a backend at this address must be for.
    pub fn name_of(&self, address: SocketAddr) -> String {
        self.server_name.clone().unwrap_or_else(|| address.ip().to_string())
    }
}

/// A certificate and its key in files, which are read again when they change.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientCertificate {
    /// The certificate in PEM, and behind it those that lead to the authority's.
    pub chain_file: PathBuf,
    /// Its private key in PEM.
    pub key_file: PathBuf,
}

/// The keys of `backend_tls`.
pub(super) const KEYS: Keys =
    Keys { object: "services.NAME.backend_tls", names: &["ca_file", "client_certificate", "server_name"] };

/// The keys of `client_certificate`.
pub(super) const CLIENT_CERTIFICATE: Keys =
    Keys { object: "services.NAME.backend_tls.client_certificate", names: &["chain_file", "key_file"] };

/// The keys of `tls` of a pool's check.
pub(super) const MEMBER_KEYS: Keys =
    Keys { object: "pools.NAME.check.tls", names: &["ca_file", "client_certificate", "server_name", "verify"] };

/// Reads how a service speaks to its backends.
pub(super) fn read(service: &Object<'_>) -> Read<BackendProtocol> {
    let tls = service.optional("backend_tls", read_tls).map(|tls| tls.map(Arc::new))?;
    let version = service.with_default("protocol", HttpVersion::Http1, |value| {
        let names = [("http1", "http1"), ("h2", "h2"), ("h2c", "h2c")];
        match (value.one_of(&names)?, tls.is_some()) {
            ("h2c", true) => Err(value.fault("\"h2c\" is HTTP/2 in clear text, and the service has \"backend_tls\": say \"h2\"")),
            ("h2", false) => Err(value.fault(
                "\"h2\" is HTTP/2 over TLS, and the service has no \"backend_tls\": add it, or say \"h2c\" for clear text",
            )),
            ("http1", _) => Ok(HttpVersion::Http1),
            _ => Ok(HttpVersion::Http2),
        }
    })?;
    if version == HttpVersion::Http2
        && let Some(reuse) = service.get("reuse")
    {
        return Err(reuse.fault("connections of HTTP/2 carry the requests of all visitors at a time: take this out"));
    }
    let send_proxy = service.with_default("send_proxy", None, read_send_proxy)?;
    if version == HttpVersion::Http2
        && send_proxy.is_some()
        && let Some(value) = service.get("send_proxy")
    {
        let why = "connections of HTTP/2 carry the requests of all visitors at a time, and the header names one: leave it out, or say \
                   \"protocol\": \"http1\"";
        return Err(value.fault(why));
    }
    Ok(BackendProtocol { version, tls, send_proxy })
}

/// Reads `send_proxy`, of a service or of a check.
pub(super) fn read_send_proxy(value: &Value<'_>) -> Read<Option<proxy_protocol::Version>> {
    use proxy_protocol::Version::{V1, V2};
    value.one_of(&[("none", None), ("v1", Some(V1)), ("v2", Some(V2))])
}

fn read_tls(value: &Value<'_>) -> Read<BackendTls> {
    let tls = value.object(&KEYS)?;
    let ca_file = tls.required("ca_file", Value::file).map(Some);
    read_rest(&tls, ca_file)
}

/// Reads `tls` of a pool's check.
pub(super) fn read_member_tls(value: &Value<'_>) -> Read<Option<BackendTls>> {
    if !value.is_object() {
        return match value.boolean()? {
            false => Ok(None),
            true => Err(value.fault(
                "which member is believed has to be said: { \"ca_file\": \"/etc/ssl/certs/ca-certificates.crt\", \"server_name\": \
                 \"www.example.net\" }, or { \"verify\": false } for whoever answers",
            )),
        };
    }
    let tls = value.object(&MEMBER_KEYS)?;
    let verify = tls.with_default("verify", true, |value| value.boolean())?;
    let ca_file = match verify {
        true => tls.required("ca_file", Value::file).map(Some),
        false => tls.refuse(&["ca_file"], "where nothing is verified").map(|()| None),
    };
    read_rest(&tls, ca_file).map(Some)
}

/// The keys of `tls` of a primary.
pub(super) const PRIMARY_KEYS: Keys =
    Keys { object: "zones.NAME.primaries[].tls", names: &["ca_file", "client_certificate", "server_name"] };

/// Reads `tls` of a primary.
pub(super) fn read_primary_tls(value: &Value<'_>) -> Read<BackendTls> {
    let tls = value.object(&PRIMARY_KEYS)?;
    let ca_file = tls.required("ca_file", Value::file).map(Some);
    read_rest(&tls, ca_file)
}

fn read_rest(tls: &Object<'_>, ca_file: Read<Option<PathBuf>>) -> Read<BackendTls> {
    let server_name =
        tls.optional("server_name", |value| value.parsed("a host name or an address", names::host_or_address));
    let client_certificate = tls.optional("client_certificate", |value| {
        let certificate = value.object(&CLIENT_CERTIFICATE)?;
        let chain_file = certificate.required("chain_file", Value::file);
        let key_file = certificate.required("key_file", Value::file);
        Ok(ClientCertificate { chain_file: chain_file?, key_file: key_file? })
    });
    Ok(BackendTls { ca_file: ca_file?, server_name: server_name?, client_certificate: client_certificate? })
}
