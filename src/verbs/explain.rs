//! `explain`: the addresses that the nameservers give a visitor of a URL, the backend that each proxy chooses, and why; now, or at a
//! moment of the past.

mod asked;
mod merged;
mod past_text;

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::Serialize;

use super::args::{DaemonsArg, parse_address};
use super::endpoint::Endpoint;
use super::exit::Exit;
use super::layout::{self, wrapped};
use super::output::{Output, Tone, complain, printable};
use super::past;
use super::replies::{DaemonReply, ask_all};
use super::times::{Moment, parse_moment};
use super::waiting;
use crate::api;
use crate::api::daemon::Daemon;
use crate::api::query::with_query;
use crate::unix_time::unix_ms;
use asked::Asked;
use merged::Said;

/// What `explain` takes.
#[derive(Debug, Clone, clap::Args)]
pub struct ExplainArgs {
    /// What a visitor opens: `https://www.example.net/cart`; without a scheme it is http
    pub url: String,
    /// The visitor's Cookie field, whole, as the browser sends it: `polder-shop=VALUE`
    #[arg(long, value_name = "FIELD")]
    pub cookie: Option<String>,
    /// The visitor's address: for services that serve some networks only, and pools that prefer members near to him
    #[arg(long, value_name = "ADDRESS", value_parser = parse_address)]
    pub from: Option<IpAddr>,
    /// How its service and pool stood then, whoever came; from the daemons' histories: how long ago (`90m`, `3h`), or a time in UTC (`04:10`, `2026-11-28 04:10`)
    #[arg(long, value_name = "TIME", value_parser = parse_moment, allow_hyphen_values = true, conflicts_with_all = ["cookie", "from"])]
    pub at: Option<Moment>,
    #[command(flatten)]
    /// Which daemons are asked.
    pub daemons: DaemonsArg,
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
    let Asked { scheme, host, port, path, query } = match Asked::of(&args.url) {
        Ok(asked) => asked,
        Err(why) => return output.refuse(&format!("{:?}: {why}", args.url), Exit::Usage),
    };
    let at = args.at.map(|at| at.before(unix_ms()));
    if at.is_some_and(|at| at > unix_ms()) {
        return output
            .refuse(&"--at is in the future: nothing is known of it; expected a time that has passed", Exit::Usage);
    }
    let replies = ask_all(daemons).await;
    if replies.iter().all(|one| one.answer.is_err()) {
        let reasons = replies.iter().filter_map(|one| one.answer.as_ref().err());
        reasons.for_each(|why| complain(&why.to_string()));
        return output.could_not("no daemon answered; `polder status` tells why");
    }
    // No nameserver is asked for an address.
    let is_name = host.trim_matches(['[', ']']).parse::<IpAddr>().is_err();
    let cookie = args.cookie.as_deref().map(|cookie| ("cookie", cookie));
    let address = args.from.map(|address| address.to_string());
    let from = address.as_deref().map(|address| ("from", address));
    let for_dns: Vec<_> = [("name", &*host)].into_iter().chain(from).collect();
    let for_dns = with_query("/explain", &for_dns);
    let given = [("scheme", scheme), ("host", &host), ("path", path), ("query", query)];
    let port = port.map(|port| port.to_string());
    let port = port.as_deref().map(|port| ("port", port));
    let parameters: Vec<_> = given.into_iter().chain(port).chain(cookie).chain(from).collect();
    let for_proxy = with_query("/explain", &parameters);
    let target = |role: Daemon| match role {
        Daemon::Proxy => Some(&*for_proxy),
        Daemon::Nameserver => Some(&*for_dns).filter(|_| is_name),
    };
    let explained = ask(&args.url, &replies, target).await;
    match at {
        Some(at) => tell_past(&explained, &replies, at, output).await,
        None => {
            output.answer(&explained, &text(&explained, layout::width()));
            verdict(&explained)
        }
    }
}

/// How the service that it is routed to, and the pool that leads there, stood at a moment.
async fn tell_past(explained: &Explained, replies: &[DaemonReply], at: u64, output: &Output) -> Exit {
    let named = |daemon: &str| replies.iter().find(|one| one.name() == daemon);
    let services = explained.proxies.iter().filter_map(|one| match &one.result {
        ExplainResult::Explanation(answer) => {
            Some(past::Asked { reply: named(&one.daemon)?, role: Daemon::Proxy, about: answer.service.clone()? })
        }
        ExplainResult::Error(_) => None,
    });
    let pools = explained.nameservers.iter().filter_map(|one| match &one.result {
        ExplainResult::Explanation(answer) => {
            Some(past::Asked { reply: named(&one.daemon)?, role: Daemon::Nameserver, about: answer.pool.clone()? })
        }
        ExplainResult::Error(_) => None,
    });
    let asked: Vec<past::Asked<'_>> = services.chain(pools).collect();
    if asked.is_empty() {
        output.answer(explained, &text(explained, layout::width()));
        complain("no daemon that answered has a service or a pool for it: there is no past to tell");
        return Exit::No;
    }
    let told = past::ask(&asked, at).await;
    let silent = silent(explained);
    let answer = serde_json::json!({ "url": explained.url, "at": at, "daemons": told, "silent": silent });
    let missing = silent.iter().map(|(daemon, why)| no_answer(daemon, why, layout::width()));
    output.answer(&answer, &(past_text::text(&told, at, layout::width()) + &missing.collect::<String>()));
    if silent.is_empty() && past_text::is_whole(&told, at) { Exit::Done } else { Exit::No }
}

fn silent(explained: &Explained) -> BTreeMap<&str, &str> {
    let nameservers = explained.nameservers.iter().filter_map(Reply::error);
    nameservers.chain(explained.proxies.iter().filter_map(Reply::error)).collect()
}

fn no_answer(daemon: &str, why: &str, width: usize) -> String {
    wrapped(&format!("{} ", Tone::Bad.paint("!")), &printable(&format!("{daemon} does not answer: {why}")), 2, width)
}

impl<T> Reply<T> {
    fn error(&self) -> Option<(&str, &str)> {
        match &self.result {
            ExplainResult::Error(why) => Some((&self.daemon, why)),
            ExplainResult::Explanation(_) => None,
        }
    }
}

/// Asks all daemons side by side, each for what `target` says; one that has not said how it is in time is not asked again.
async fn ask<'t>(url: &str, replies: &[DaemonReply], target: impl Fn(Daemon) -> Option<&'t str>) -> Explained {
    let of_role = |one: &DaemonReply| Some((one.role()?, target(one.role()?)?.to_owned()));
    let asked: Vec<_> = replies.iter().filter_map(|one| Some((one, of_role(one)?))).collect();
    let questions = asked.iter().map(|(one, (_, path))| {
        let (endpoint, path) = (one.endpoint.clone(), path.clone());
        let silent = one.answer.as_ref().err().map(ToString::to_string);
        (one.name(), async move {
            match silent {
                Some(why) => Err(why),
                None => endpoint.get(&path).await.map_err(|error| error.to_string()),
            }
        })
    });
    let mut explained = Explained { url: url.to_owned(), nameservers: Vec::new(), proxies: Vec::new() };
    for ((one, (role, _)), answer) in asked.iter().zip(waiting::all(questions).await) {
        match role {
            Daemon::Proxy => explained.proxies.push(Reply { daemon: one.name(), result: read(answer) }),
            Daemon::Nameserver => explained.nameservers.push(Reply { daemon: one.name(), result: read(answer) }),
        }
    }
    explained
}

fn read<T: serde::de::DeserializeOwned>(answer: Result<serde_json::Value, String>) -> ExplainResult<T> {
    let of_another = |error| format!("its answer is of another version of polder: {error}");
    match answer.and_then(|value| serde_json::from_value(value).map_err(of_another)) {
        Ok(explanation) => ExplainResult::Explanation(explanation),
        Err(why) => ExplainResult::Error(why),
    }
}

fn text(explained: &Explained, width: usize) -> String {
    let nameservers = explained.nameservers.iter().filter_map(|reply| match &reply.result {
        ExplainResult::Explanation(answer) => {
            Some(Said { daemon: &reply.daemon, headline: addresses(answer), sentences: answer.because.clone() })
        }
        ExplainResult::Error(_) => None,
    });
    let proxies = explained.proxies.iter().filter_map(|reply| match &reply.result {
        ExplainResult::Explanation(answer) => {
            let sentences = [answer.route.clone()].into_iter().chain(answer.because.clone()).collect();
            Some(Said { daemon: &reply.daemon, headline: destination(answer), sentences })
        }
        ExplainResult::Error(_) => None,
    });
    let text = merged::text(Daemon::Nameserver.name(), nameservers.collect(), width)
        + &merged::text(Daemon::Proxy.name(), proxies.collect(), width);
    silent(explained).into_iter().fold(text, |text, (daemon, why)| text + &no_answer(daemon, why, width))
}

fn addresses(answer: &api::dns::Explanation) -> String {
    if answer.addresses.is_empty() {
        return Tone::Bad.paint("no address");
    }
    let ttl = answer.ttl.map_or_else(String::new, |ttl| format!(" for {ttl} s"));
    format!("{}{ttl}", Tone::Good.paint(&answer.addresses.join(", ")))
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
