//! `explain`: the addresses that the nameservers give a visitor of a URL, the backend that each proxy chooses, and why.

use std::net::{IpAddr, Ipv6Addr};

use serde::Serialize;

use super::args::FleetArg;
use super::endpoint::Endpoint;
use super::exit::Exit;
use super::output::{Output, Tone, complain, printable};
use super::replies::{DaemonReply, ask_all};
use crate::api;
use crate::api::client::ClientError;
use crate::api::daemon::Daemon;
use crate::api::query::with_query;

/// What `explain` takes.
#[derive(Debug, Clone, clap::Args)]
pub struct ExplainArgs {
    /// What a visitor opens: `https://www.example.net/cart`; without a scheme it is http
    pub url: String,
    /// The visitor's Cookie field, whole: `polder-shop=192.0.2.22:8080`
    #[arg(long, value_name = "FIELD")]
    pub cookie: Option<String>,
    /// The visitor's address, for services that serve some networks only
    #[arg(long, value_name = "ADDRESS")]
    pub from: Option<IpAddr>,
    #[command(flatten)]
    /// Which fleet, on an admin machine.
    pub fleet: FleetArg,
}

/// Every daemon's explanation of one URL.
#[derive(Debug, Serialize)]
struct Explained {
    url: String,
    nameservers: Vec<Reply<api::dns::Explanation>>,
    proxies: Vec<Reply<api::proxy::Explanation>>,
}

#[derive(Debug, Serialize)]
struct Reply<T> {
    daemon: String,
    #[serde(flatten)]
    result: ExplainResult<T>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum ExplainResult<T> {
    Explanation(T),
    Error(String),
}

/// Asks every nameserver for the host and every proxy for host, path and cookie.
pub async fn run(args: &ExplainArgs, daemons: &[Endpoint], output: &Output) -> Exit {
    let Some(Asked { scheme, host, port, path, query }) = Asked::of(&args.url) else {
        complain(&format!("expected a URL like https://www.example.net/ or a host name, found {:?}", args.url));
        return Exit::Usage;
    };
    let replies = ask_all(daemons).await;
    // No nameserver is asked for an address.
    let is_name = host.trim_matches(['[', ']']).parse::<IpAddr>().is_err();
    let for_dns = with_query("/explain", &[("name", &host)]);
    let cookie = args.cookie.as_deref().map(|cookie| ("cookie", cookie));
    let address = args.from.map(|address| address.to_string());
    let from = address.as_deref().map(|address| ("from", address));
    let given = [("scheme", scheme), ("host", &host), ("path", path), ("query", query)];
    let port = port.map(|port| port.to_string());
    let port = port.as_deref().map(|port| ("port", port));
    let parameters: Vec<_> = given.into_iter().chain(port).chain(cookie).chain(from).collect();
    let for_proxy = with_query("/explain", &parameters);
    let explained = Explained {
        url: args.url.clone(),
        nameservers: if is_name { ask_role(&replies, Daemon::Nameserver, &for_dns).await } else { Vec::new() },
        proxies: ask_role(&replies, Daemon::Proxy, &for_proxy).await,
    };
    output.answer(&explained, &text(&explained));
    verdict(&explained)
}

/// What a URL asks for.
#[derive(Debug, PartialEq, Eq)]
struct Asked<'u> {
    /// `http` where it has none.
    scheme: &'static str,
    /// In lower case.
    host: String,
    port: Option<u16>,
    path: &'u str,
    /// With its question mark; empty: it has none.
    query: &'u str,
}

impl<'u> Asked<'u> {
    fn of(url: &'u str) -> Option<Asked<'u>> {
        let (scheme, rest) = match url.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => ("https", rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => ("http", rest),
            Some(_) => return None,
            None => ("http", url),
        };
        let rest = rest.split('#').next().unwrap_or_default();
        let (authority, target) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let (path, query) = target.split_at(target.find('?').unwrap_or(target.len()));
        let path = if path.is_empty() { "/" } else { path };
        // The colons of an IPv6 address are within brackets (RFC 3986, 3.2.2).
        let end_of_host = authority.rfind(']').map_or(0, |bracket| bracket + 1);
        let (host, port) =
            authority.split_at(authority[end_of_host..].find(':').map_or(authority.len(), |colon| end_of_host + colon));
        let port = match port {
            "" | ":" => None,
            port => Some(port[1..].parse().ok()?),
        };
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_*".contains(&byte);
        let is_host = match host.strip_prefix('[') {
            Some(address) => address.strip_suffix(']').is_some_and(|address| address.parse::<Ipv6Addr>().is_ok()),
            None => !host.is_empty() && host.bytes().all(plain),
        };
        is_host.then(|| Asked { scheme, host: host.to_ascii_lowercase(), port, path, query })
    }
}

async fn ask_role<T: serde::de::DeserializeOwned>(replies: &[DaemonReply], role: Daemon, path: &str) -> Vec<Reply<T>> {
    let mut explained = Vec::new();
    for one in replies.iter().filter(|one| one.role() == Some(role)) {
        let result = match one.endpoint.get(path).await {
            Ok(value) => serde_json::from_value(value).map_or_else(
                |error| ExplainResult::Error(format!("its answer is of another version of polder: {error}")),
                ExplainResult::Explanation,
            ),
            Err(ClientError::Refused { message, .. }) => ExplainResult::Error(message),
            Err(unreached) => ExplainResult::Error(unreached.to_string()),
        };
        explained.push(Reply { daemon: one.name(), result });
    }
    explained
}

fn text(explained: &Explained) -> String {
    let nameservers = lines(&explained.nameservers, |daemon, answer| {
        let first = format!("nameserver {daemon}: {}", addresses(answer));
        [first].into_iter().chain(because(&answer.because)).collect()
    });
    let proxies = lines(&explained.proxies, |daemon, answer| {
        let first = format!("proxy {daemon}: {}", destination(answer));
        let route = format!("    {}", printable(&answer.route));
        [first, route].into_iter().chain(because(&answer.because)).collect()
    });
    nameservers + &proxies
}

fn lines<T>(replies: &[Reply<T>], describe: impl Fn(&str, &T) -> Vec<String>) -> String {
    let lines = replies.iter().flat_map(|reply| match (&reply.result, printable(&reply.daemon)) {
        (ExplainResult::Error(why), daemon) => vec![format!("{daemon}: {}", Tone::Bad.paint(why))],
        (ExplainResult::Explanation(answer), daemon) => describe(&daemon, answer),
    });
    lines.map(|line| line + "\n").collect()
}

fn because(sentences: &[String]) -> impl Iterator<Item = String> + '_ {
    sentences.iter().map(|sentence| format!("    {}", printable(sentence)))
}

fn addresses(answer: &api::dns::Explanation) -> String {
    if answer.addresses.is_empty() {
        return Tone::Bad.paint("answers no address");
    }
    let ttl = answer.ttl.map_or_else(String::new, |ttl| format!(" for {ttl} s"));
    format!("answers {}{ttl}", Tone::Good.paint(&answer.addresses.join(", ")))
}

fn destination(answer: &api::proxy::Explanation) -> String {
    if let Some(refusal) = &answer.refusal {
        let service = answer.service.as_ref().map(|service| format!("service {}, ", printable(service)));
        return service.unwrap_or_default() + &Tone::Bad.paint(&printable(refusal));
    }
    match (&answer.service, &answer.backend) {
        (None, _) if answer.target.is_some() => Tone::Good.paint("answers it itself"),
        (None, _) => Tone::Bad.paint("has no service for it: 404"),
        (Some(service), None) => match &answer.target {
            Some(target) => format!("service {}, {}", printable(service), Tone::Good.paint(target)),
            None => format!("service {}, {}", printable(service), Tone::Bad.paint("no backend")),
        },
        (Some(service), Some(backend)) => {
            format!("service {}, backend {}", printable(service), Tone::Good.paint(backend))
        }
    }
}

/// Yes if every daemon answered, with an address, or with a backend or what needs none.
fn verdict(explained: &Explained) -> Exit {
    if explained.nameservers.is_empty() && explained.proxies.is_empty() {
        return Exit::CouldNot;
    }
    let addressed = explained
        .nameservers
        .iter()
        .all(|reply| matches!(&reply.result, ExplainResult::Explanation(answer) if !answer.addresses.is_empty()));
    let is_served = |answer: &api::proxy::Explanation| {
        answer.refusal.is_none() && (answer.backend.is_some() || answer.target.is_some())
    };
    let served = explained
        .proxies
        .iter()
        .all(|reply| matches!(&reply.result, ExplainResult::Explanation(answer) if is_served(answer)));
    if addressed && served { Exit::Done } else { Exit::No }
}

#[cfg(test)]
mod tests;
