//! How a request comes to the proxy, and what the proxy answers before any service is asked: which listener takes it, which certificate
//! is shown, in sentences.

use std::net::IpAddr;
use std::time::Duration;

use super::visit::{Refusal, Visit, usual_port};
use crate::acme::challenges::is_challenge;
use crate::api::proxy::Explanation;
use crate::config::proxy::{ListenerConfig, Protocol};
use crate::proxy::control::State;
use crate::proxy::path_prefix::is_reserved;
use crate::proxy::snapshot::Front;
use crate::proxy::target::redirect::{host_of, over_https};
use crate::proxy::tls::acceptor::Acceptor;
use crate::tls::certificate::Certificate;
use crate::tls::certificates::{Origin, Slot};
use crate::unix_time::unix_ms;

fn scheme(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Http => "http",
        Protocol::Https => "https",
    }
}

/// Tells what happens until a service is looked for.
pub(super) fn explain(state: &State, visit: &Visit<'_>, told: &mut Explanation) -> Result<(), Refusal> {
    let snapshot = state.snapshot();
    told.route = "it does not come as far as a service".into();
    let (words, taken) = listener(&state.prepared.document.listeners, visit);
    told.because.push(words);
    taken?;
    if visit.protocol == Protocol::Https {
        let tls = snapshot.settings.tls.as_deref();
        handshake(tls, state.prepared.document.tls_default.as_deref(), visit.host, told)?;
    }
    let path = visit.path.as_bytes();
    if is_challenge(path) {
        if snapshot.challenges.answer(path).is_some() {
            let words =
                "the proxy itself answers 200: a CA asks there whether the host is ours, and the order is under way";
            return Err(by_proxy(told, words, None));
        }
        told.because.push(
            "a CA asks there whether a host is ours; no order under way has this token: it goes on as any other path"
                .into(),
        );
    }
    if is_reserved(path) {
        return Err(match (path, snapshot.ready) {
            (b"/.polder/ready", true) => by_proxy(told, "the proxy itself answers 200: it is ready", None),
            (b"/.polder/ready", false) => by_proxy(told, "the proxy itself answers 503: it is not ready", Some("503")),
            _ => by_proxy(told, "paths below /.polder/ are the proxy's own: it answers 404", Some("404")),
        });
    }
    Ok(())
}

fn by_proxy(told: &mut Explanation, words: &str, refusal: Option<&'static str>) -> Refusal {
    told.route = "no service is asked".into();
    told.target = Some("proxy".into());
    told.because.push(words.into());
    Refusal(refusal)
}

/// Tells who takes the connection.
fn listener(listeners: &[ListenerConfig], visit: &Visit<'_>) -> (String, Result<(), Refusal>) {
    let (protocol, port) = (visit.protocol, visit.port.unwrap_or(usual_port(visit.protocol)));
    let speaking = scheme(protocol);
    let at_port = |listener: &&ListenerConfig| listener.address.port() == port;
    let speaks = |listener: &&ListenerConfig| listener.protocol == protocol;
    let nobody = || Err(Refusal::with("no connection"));
    let here = named(listeners.iter().filter(speaks).filter(at_port));
    let others = named(listeners.iter().filter(at_port));
    let elsewhere = named(listeners.iter().filter(speaks));
    if !here.is_empty() {
        return (format!("it comes in by {here}"), Ok(()));
    }
    if !others.is_empty() {
        return (format!("port {port} is that of {others}, which does not speak {speaking}"), nobody());
    }
    if elsewhere.is_empty() {
        return (format!("no listener of this proxy speaks {speaking}"), nobody());
    }
    match visit.port {
        Some(_) => {
            (format!("no listener of this proxy has port {port}; {speaking} is spoken by {elsewhere}"), nobody())
        }
        // Whatever stands before the proxy, it has not been said that the visitor comes by this very port.
        None => (format!("no listener of this proxy has port {port}: this is what {elsewhere} answers"), Ok(())),
    }
}

fn named<'l>(listeners: impl Iterator<Item = &'l ListenerConfig>) -> String {
    let named: Vec<_> = listeners.map(|one| format!("the listener {} ({})", one.name, one.address)).collect();
    named.join(", or ")
}

/// Tells which certificate is shown.
fn handshake(tls: Option<&Acceptor>, default: Option<&str>, host: &str, told: &mut Explanation) -> Result<(), Refusal> {
    let Some(tls) = tls else {
        told.because.push("no service has \"tls\": the handshake is refused".into());
        return Err(Refusal::with("no handshake"));
    };
    let host = text_of(host_of(host.as_bytes()));
    // An address is no name that a visitor may send (RFC 6066, 3).
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let name = Some(host).filter(|_| bare.parse::<IpAddr>().is_err());
    let offered = tls.offered(name);
    let good: Vec<_> = offered.iter().filter(|(_, one)| one.chain.names.cover(host)).collect();
    if !good.is_empty() {
        told.because.push(format!("shown is {}", kinds(good.iter().map(|(slot, one)| about(slot, one)))));
        return Ok(());
    }
    let why = name.map_or_else(|| format!("{host} is an address, and visitors name none"), |name| missing(tls, name));
    match (offered.first(), default) {
        (Some((slot, one)), default) => {
            let of = default.map(|service| format!(", as tls.default says (service {service})")).unwrap_or_default();
            told.because.push(format!("{why}: shown is {}{of}; browsers warn of it", about(slot, one)));
            told.because.push("whoever comes nevertheless is answered 421: the certificate is not for the host".into());
            Err(Refusal::with("421"))
        }
        (None, default) => {
            let none = if default.is_some() { "tls.default has none either" } else { "there is no tls.default" };
            told.because.push(format!("{why}, and {none}: the handshake is refused (unrecognized_name)"));
            Err(Refusal::with("no handshake"))
        }
    }
}

/// Why there is no certificate for a name.
fn missing(tls: &Acceptor, name: &str) -> String {
    let slots = tls.of_host(name);
    if slots.is_empty() {
        return format!("no service with \"tls\" has the host {name}");
    }
    let unusable = slots.iter().filter(|slot| slot.certificate().is_none()).map(|slot| match slot.error() {
        Some(error) => error.to_string(),
        None => format!("{} is still to come from the CA", slot.files.chain_file.display()),
    });
    let others = slots.iter().filter_map(|slot| Some((slot, slot.certificate()?)));
    let others = others.map(|(slot, one)| format!("{} is for {}", slot.files.chain_file.display(), one.chain.names));
    let whys = distinct(unusable.chain(others));
    format!("no certificate is for {name} ({})", whys.join("; "))
}

/// Each once: services of one host may share a certificate.
fn distinct(all: impl Iterator<Item = String>) -> Vec<String> {
    let mut seen = Vec::new();
    all.for_each(|one| {
        if !seen.contains(&one) {
            seen.push(one);
        }
    });
    seen
}

fn kinds(certificates: impl Iterator<Item = String>) -> String {
    let mut certificates = distinct(certificates).into_iter();
    let first = certificates.next().unwrap_or_default();
    certificates.fold(first, |all, next| format!("{all}; to visitors who have no use for it, {next}"))
}

fn about(slot: &Slot, certificate: &Certificate) -> String {
    let now = Duration::from_millis(unix_ms());
    let chain = &certificate.chain;
    let origin = match slot.origin {
        Origin::Files => "from files",
        Origin::Acme => "from the CA of acme",
    };
    let dates = chain.date_fault(now).unwrap_or_else(|| format!("is valid for {} more", chain.time_left(now)));
    format!("the certificate {} ({origin}, for {}), which {dates}", slot.files.chain_file.display(), chain.names)
}

/// Tells that visitors in clear text are sent to https.
pub(super) fn to_https(state: &State, visit: &Visit<'_>, front: &Front, told: &mut Explanation) -> Result<(), Refusal> {
    let Some(port) = front.https.redirect.filter(|_| visit.protocol == Protocol::Http) else { return Ok(()) };
    let settings = &state.snapshot().settings;
    let host = host_of(visit.host.as_bytes());
    if !settings.tls.as_ref().is_some_and(|tls| tls.covers(text_of(host))) {
        let words = "it would be sent to https, but no certificate in force is for the host: it goes on in clear text";
        told.because.push(words.into());
        return Ok(());
    }
    let target = format!("{}{}", visit.path, visit.query);
    let Some(location) = over_https(host, port, target.as_bytes()) else { return Ok(()) };
    let unless = match settings.trusted_proxies.is_empty() {
        true => "",
        false => ", unless one of trusted_proxies says that the visitor came to it over https",
    };
    told.because.push(format!("it is sent to {} (308){unless}", text_of(&location)));
    told.target = Some("redirect".into());
    Err(Refusal::served())
}

/// What was text before it was taken apart at ASCII.
fn text_of(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests;
