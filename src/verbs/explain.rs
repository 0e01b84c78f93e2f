//! `explain`: where a visitor of a URL would end up, and why: the nameservers' addresses, each proxy's choice.

use serde::Serialize;

use super::args::FleetArg;
use super::endpoint::Located;
use super::exit::Exit;
use super::output::{Output, Tone, complain, printable};
use super::replies::{Asked, ask_all};
use crate::api;
use crate::api::client::ClientError;
use crate::api::daemon::Daemon;

/// What `explain` takes.
#[derive(Debug, Clone, clap::Args)]
pub struct ExplainArgs {
    /// What a visitor opens: `http://www.example.net/cart`
    pub url: String,
    /// The visitor's Cookie field, whole: `polder-shop=192.0.2.22:8080`
    #[arg(long, value_name = "FIELD")]
    pub cookie: Option<String>,
    #[command(flatten)]
    /// Which fleet, on an admin machine.
    pub fleet: FleetArg,
}

/// What every daemon says of one URL.
#[derive(Debug, Serialize)]
struct Explained {
    url: String,
    nameservers: Vec<Said<api::dns::Explanation>>,
    proxies: Vec<Said<api::proxy::Explanation>>,
}

#[derive(Debug, Serialize)]
struct Said<T> {
    daemon: String,
    #[serde(flatten)]
    answer: SaidOr<T>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum SaidOr<T> {
    Explanation(T),
    Error(String),
}

/// Asks every nameserver for the host and every proxy for host, path and cookie.
pub async fn run(args: &ExplainArgs, daemons: &[Located], output: &Output) -> Exit {
    let Some((host, path)) = host_and_path(&args.url) else {
        complain(&format!("expected a URL like http://www.example.net/ or a host name, found {:?}", args.url));
        return Exit::Usage;
    };
    let asked = ask_all(daemons).await;
    let for_dns = format!("/explain?name={}", encode(&host));
    let cookie = args.cookie.as_ref().map_or_else(String::new, |cookie| format!("&cookie={}", encode(cookie)));
    let for_proxy = format!("/explain?host={}&path={}{cookie}", encode(&host), encode(&path));
    let explained = Explained {
        url: args.url.clone(),
        nameservers: ask_role(&asked, Daemon::Nameserver, &for_dns).await,
        proxies: ask_role(&asked, Daemon::Proxy, &for_proxy).await,
    };
    output.answer(&explained, &text(&explained));
    verdict(&explained)
}

/// The authority without user and port, and the path with its query left out.
fn host_and_path(url: &str) -> Option<(String, String)> {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://")).unwrap_or(url);
    if rest.contains("://") {
        return None;
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let path = path.split(['?', '#']).next().filter(|path| !path.is_empty()).unwrap_or("/");
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_*".contains(&byte);
    (!host.is_empty() && host.bytes().all(plain)).then(|| (host.to_ascii_lowercase(), path.to_owned()))
}

/// Percent-encoding of everything but RFC 3986's unreserved characters (2.3).
fn encode(text: &str) -> String {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|byte| if unreserved(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

async fn ask_role<T: serde::de::DeserializeOwned>(asked: &[Asked], role: Daemon, path: &str) -> Vec<Said<T>> {
    let mut said = Vec::new();
    for one in asked.iter().filter(|one| one.role() == Some(role)) {
        let answer = match one.located.get(path).await {
            Ok(value) => serde_json::from_value(value).map_or_else(
                |error| SaidOr::Error(format!("its answer is of another version of polder: {error}")),
                SaidOr::Explanation,
            ),
            Err(ClientError::Unreachable(why)) => SaidOr::Error(why),
            Err(ClientError::Refused { message, .. }) => SaidOr::Error(message),
        };
        said.push(Said { daemon: one.name(), answer });
    }
    said
}

fn text(explained: &Explained) -> String {
    let mut lines = Vec::new();
    for said in &explained.nameservers {
        match &said.answer {
            SaidOr::Error(why) => lines.push(silent(&said.daemon, why)),
            SaidOr::Explanation(answer) => {
                lines.push(format!("nameserver {}: {}", printable(&said.daemon), addresses(answer)));
                lines.extend(because(&answer.because));
            }
        }
    }
    for said in &explained.proxies {
        match &said.answer {
            SaidOr::Error(why) => lines.push(silent(&said.daemon, why)),
            SaidOr::Explanation(answer) => {
                lines.push(format!("proxy {}: {}", printable(&said.daemon), destination(answer)));
                lines.push(format!("    {}", printable(&answer.route)));
                lines.extend(because(&answer.because));
            }
        }
    }
    lines.into_iter().map(|line| line + "\n").collect()
}

fn silent(daemon: &str, why: &str) -> String {
    format!("{}: {}", printable(daemon), Tone::Bad.paint(why))
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
    match (&answer.service, &answer.backend) {
        (None, _) => Tone::Bad.paint("knows no service for it: 404"),
        (Some(service), None) => format!("service {}, {}", printable(service), Tone::Bad.paint("no backend")),
        (Some(service), Some(backend)) => {
            format!("service {}, backend {}", printable(service), Tone::Good.paint(backend))
        }
    }
}

/// Yes if every daemon answered, with an address or a backend.
fn verdict(explained: &Explained) -> Exit {
    if explained.nameservers.is_empty() && explained.proxies.is_empty() {
        return Exit::CouldNot;
    }
    let addressed = explained
        .nameservers
        .iter()
        .all(|said| matches!(&said.answer, SaidOr::Explanation(answer) if !answer.addresses.is_empty()));
    let served = explained
        .proxies
        .iter()
        .all(|said| matches!(&said.answer, SaidOr::Explanation(answer) if answer.backend.is_some()));
    if addressed && served { Exit::Done } else { Exit::No }
}

#[cfg(test)]
mod tests;
