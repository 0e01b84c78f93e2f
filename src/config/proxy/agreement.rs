//! `agreement`: where proxies agree on the latches of their services, so that no two of them ever serve different backends.

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use http::uri::Authority;

use crate::config::distinct::Distinct;
use crate::config::invalid::Invalid;
use crate::config::reader::{Keys, Object, Read, Value};

/// The store by which proxies agree, and how long one of them may serve without word from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgreementConfig {
    /// The members of the etcd cluster, as URLs; never empty. Any of them will do.
    pub endpoints: Vec<String>,
    /// How they are reached over TLS; none: in clear text, and then all of them are on this machine.
    pub tls: Option<AgreementTlsConfig>,
    /// How long a proxy may serve a stateful service after its last word with the store. Others wait as long for one that has fallen
    /// silent. Whole seconds, 2 to 60; default 5.
    pub lease: Duration,
}

/// TLS to the members of the cluster: both sides show a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgreementTlsConfig {
    /// The authorities that the members' certificates come from, in PEM.
    pub ca: PathBuf,
    /// This proxy's certificate, in PEM.
    pub certificate: PathBuf,
    /// Its private key, in PEM.
    pub key: PathBuf,
}

/// The keys of `agreement`.
pub(super) const KEYS: Keys = Keys { object: "agreement", names: &["endpoints", "engine", "lease", "tls"] };

/// The keys of `agreement.tls`.
pub(in crate::config) const TLS: Keys = Keys { object: "agreement.tls", names: &["ca", "certificate", "key"] };

const LEASE: RangeInclusive<Duration> = Duration::from_secs(2)..=Duration::from_secs(60);
const DEFAULT_LEASE: Duration = Duration::from_secs(5);

/// Reads `agreement`.
pub(super) fn read(root: &Object<'_>) -> Read<Option<AgreementConfig>> {
    root.optional("agreement", |value| {
        let agreement = value.object(&KEYS)?;
        let engine = agreement.required("engine", |value| value.one_of(&[("etcd", ())]));
        let endpoints = agreement.required("endpoints", read_endpoints);
        let tls = agreement.optional("tls", read_tls);
        let lease = agreement.with_default("lease", DEFAULT_LEASE, read_lease);
        let (endpoints, tls) = (endpoints?, tls?);
        if let Some(value) = agreement.get("endpoints") {
            let of_other_kind = |endpoint: &&Endpoint| endpoint.is_https != tls.is_some();
            match endpoints.iter().find(of_other_kind) {
                Some(Endpoint { url, is_https: true, .. }) => {
                    return Err(value.fault(format!("{url} needs \"tls\" beside it, with ca, certificate and key")));
                }
                Some(Endpoint { url, .. }) => {
                    return Err(value.fault(format!("{url} is in clear text beside \"tls\": write https://")));
                }
                None => {}
            }
        }
        engine?;
        let endpoints = endpoints.into_iter().map(|endpoint| endpoint.url).collect();
        Ok(AgreementConfig { endpoints, tls, lease: lease? })
    })
}

/// A member's URL, as far as it was read.
pub(in crate::config) struct Endpoint {
    pub(in crate::config) url: String,
    is_https: bool,
}

fn read_endpoints(value: &Value<'_>) -> Read<Vec<Endpoint>> {
    let mut urls = Distinct::<String>::default();
    let endpoints = value.list("URLs", |value| {
        let endpoint = value.parsed("a member's URL, like \"https://10.0.0.5:2379\"", endpoint)?;
        urls.claim(endpoint.url.clone(), &value.location, &endpoint.url)?;
        Ok(endpoint)
    })?;
    value.at_least_one("member's URL")?;
    Ok(endpoints)
}

/// Reads `agreement.tls`.
pub(in crate::config) fn read_tls(value: &Value<'_>) -> Read<AgreementTlsConfig> {
    let tls = value.object(&TLS)?;
    let ca = tls.required("ca", Value::file);
    let certificate = tls.required("certificate", Value::file);
    let key = tls.required("key", Value::file);
    Ok(AgreementTlsConfig { ca: ca?, certificate: certificate?, key: key? })
}

/// etcd counts the time of a lease in seconds.
fn read_lease(value: &Value<'_>) -> Read<Duration> {
    let lease = value.duration(LEASE)?;
    if lease.subsec_nanos() > 0 {
        return Err(value.fault("is no number of whole seconds, in which etcd counts"));
    }
    Ok(lease)
}

/// Reads the URL of a member.
pub(in crate::config) fn endpoint(text: &str) -> Result<Endpoint, Invalid> {
    let invalid = |why: &str| Invalid::new(text, format!("{why}: expected a URL like \"https://10.0.0.5:2379\""));
    let (is_https, rest) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
        (Some(rest), _) => (true, rest),
        (None, Some(rest)) => (false, rest),
        (None, None) => return Err(invalid("is not the URL of a member of etcd")),
    };
    let authority = rest.strip_suffix('/').unwrap_or(rest);
    let parsed: Authority = authority.parse().map_err(|_| invalid("is not the URL of a member of etcd"))?;
    let host = parsed.host();
    if host == authority {
        return Err(invalid("has no port"));
    }
    if host.is_empty() || authority.contains('@') || parsed.port_u16().is_none_or(|port| port == 0) {
        return Err(invalid("is not the URL of a member of etcd"));
    }
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>().ok();
    if !is_https && host != "localhost" && !address.is_some_and(|address| address.is_loopback()) {
        return Err(invalid(
            "is in clear text and not on this machine: whoever is on the way could move every service",
        ));
    }
    Ok(Endpoint { url: format!("{}://{authority}", if is_https { "https" } else { "http" }), is_https })
}
