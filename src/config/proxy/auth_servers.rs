//! Services whose backends are asked by others: each `forward_auth` names one that has backends and speaks to them as questions are asked.

use std::collections::BTreeMap;

use super::forward_auth::AuthServer;
use super::services::ServiceConfig;
use crate::config::backend_protocol::HttpVersion;
use crate::config::reader::{Read, Value};

/// Notes a finding for each service that asks the backends of another one which has none that could be asked. `value`: all services.
pub(super) fn vet(value: &Value<'_>, services: &BTreeMap<String, ServiceConfig>) -> Read<()> {
    let mut vetted = Ok(());
    for (name, service) in services {
        let Some(AuthServer::Service(asked)) = service.forward_auth.as_ref().map(|auth| &auth.server) else { continue };
        let place = value.peek(name).and_then(|service| service.peek("forward_auth")?.peek("service"));
        if let (Some(why), Some(place)) = (unaskable(services.get(asked)), place) {
            vetted = Err(place.fault(format!("{asked:?} {why}")));
        }
    }
    vetted
}

/// Why the backends of a service cannot be asked.
fn unaskable(service: Option<&ServiceConfig>) -> Option<&'static str> {
    let Some(service) = service else {
        return Some("is no service of this document: its name in \"services\" is expected");
    };
    let Some(backends) = service.target.backends() else {
        return Some("has no backends, and it is they who are asked");
    };
    match &backends.protocol {
        protocol if protocol.version == HttpVersion::Http2 => {
            Some("speaks HTTP/2 to its backends, and they are asked over HTTP/1.1: name a service without \"protocol\"")
        }
        protocol if protocol.send_proxy.is_some() => Some(
            "names one visitor to each connection of its backends (send_proxy), and connections with questions are for all: name a \
             service without it",
        ),
        _ => None,
    }
}
