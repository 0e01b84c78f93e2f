//! The tables of the screen (pure).

use std::collections::BTreeMap;

use crate::api::operator::{OperatorNote, OperatorState};
use crate::api::proxy::{BackendStatus, CertificateStatus, LatchStatus, OrderStatus, ServiceStatus};
use crate::api::status::Status;
use crate::counted::counted;
use crate::health::Verdict;
use crate::verbs::output::{Cell, Table, Tone, cell, toned};
use crate::verbs::replies::DaemonReply;
use crate::verbs::times::{ago, span, time_of_day};

/// One line a daemon.
pub fn daemons(replies: &[DaemonReply]) -> String {
    let mut table =
        Table::new(&["DAEMON", "ROLE", "VERSION", "STATE", "UPTIME", "GENERATION", "SERVED", "LAST RELOAD"]);
    for one in replies {
        let Ok(status) = &one.answer else {
            // Why is among the findings, below.
            table.row(vec![cell(one.name()), cell("?"), cell("?"), toned("no answer", Tone::Bad), cell("-")]);
            continue;
        };
        let daemon = status.daemon();
        table.row(vec![
            cell(&daemon.name),
            cell(daemon.role.name()),
            cell(&daemon.version),
            state(daemon.ready, daemon.draining),
            cell(span(daemon.uptime_s)),
            cell(daemon.generation.to_string()),
            cell(match status {
                Status::Proxy(status) => counted(status.requests, "request"),
                Status::Nameserver(status) => counted(status.queries, "query"),
            }),
            cell(daemon.last_reload.as_deref().unwrap_or("-")),
        ]);
    }
    table.render()
}

fn state(ready: bool, draining: bool) -> Cell {
    match (draining, ready) {
        (true, _) => toned("stopping", Tone::Notable),
        (false, true) => toned("ready", Tone::Good),
        (false, false) => toned("not ready", Tone::Bad),
    }
}

/// One line a backend, as all proxies see it; a proxy that sees it otherwise has a line of its own.
pub fn services(replies: &[DaemonReply]) -> String {
    let mut table =
        Table::new(&["SERVICE", "BACKEND", "ADDRESS", "CHECK", "OPERATOR", "USE", "RUNNING", "SEEN BY", "WHY"]);
    for (key, views) in backends(replies) {
        let running: u64 = views.iter().map(|view| view.backend.running).sum();
        for (check, seen) in by_verdict(&views) {
            let first = seen[0];
            table.row(vec![
                cell(key.0),
                cell(key.1),
                cell(&first.backend.address),
                verdict(check),
                operator(first.backend.operator),
                usage(first.service, first.backend),
                cell(running.to_string()),
                cell(seen.iter().map(|view| view.proxy).collect::<Vec<_>>().join(" ")),
                cell(why(&first.backend.check_reason, first.backend.check_since, first.backend.note.as_ref())),
            ]);
        }
    }
    table.render()
}

/// One line a service that the proxies answer by themselves; those that answer it otherwise have lines of their own.
pub fn without_backends(replies: &[DaemonReply]) -> String {
    let mut seen: BTreeMap<(&str, &str, &str), Vec<&str>> = BTreeMap::new();
    for status in replies.iter().filter_map(DaemonReply::proxy) {
        for service in &status.services {
            if let Some(target) = &service.target {
                seen.entry((&service.name, &service.mode, target)).or_default().push(&status.daemon.name);
            }
        }
    }
    let mut table = Table::new(&["SERVICE", "ANSWERED BY", "SEEN BY"]);
    for ((name, _, target), proxies) in seen {
        table.row(vec![cell(name), cell(target), cell(proxies.join(" "))]);
    }
    table.render()
}

/// One line a certificate; proxies on which its file holds another one have lines of their own.
pub fn certificates(replies: &[DaemonReply], now: u64) -> String {
    const DAY: u64 = 86_400_000;
    let mut seen: BTreeMap<&CertificateStatus, Vec<&str>> = BTreeMap::new();
    for status in replies.iter().filter_map(DaemonReply::proxy) {
        for certificate in &status.certificates {
            seen.entry(certificate).or_default().push(&status.daemon.name);
        }
    }
    let mut table = Table::new(&["CERTIFICATE", "HOSTS", "ENDS", "RENEWED", "SEEN BY", "TROUBLE"]);
    for (CertificateStatus { file, hosts, ends, error, acme }, proxies) in seen {
        let left = ends.map(|ends| ends.saturating_sub(now) / DAY);
        let trouble = error.as_deref().or_else(|| acme.as_ref()?.error.as_deref());
        // Of some CAs a certificate is valid for days only, and renewed in time all the same.
        let is_in_hand = acme.as_ref().is_some_and(|order| order.renewal.is_some_and(|at| at > now));
        let is_near = left.is_none_or(|days| days < 14 && !is_in_hand);
        let tone = if is_near { Tone::Bad } else { Tone::Good };
        table.row(vec![
            cell(file),
            cell(hosts.join(" ")),
            toned(left.map_or_else(|| "none".to_owned(), |days| format!("in {}", counted(days, "day"))), tone),
            cell(acme.as_ref().map_or_else(String::new, |order| renewal(order, now))),
            cell(proxies.join(" ")),
            toned(trouble.unwrap_or_default(), Tone::Bad),
        ]);
    }
    table.render()
}

/// When a certificate is renewed, and by which proxy.
fn renewal(order: &OrderStatus, now: u64) -> String {
    let by = order.orderer.as_deref().map_or_else(|| "nobody".to_owned(), |name| format!("by {name}"));
    let again = order.next_try.filter(|again| *again > now);
    match again.or(order.renewal).filter(|at| *at > now) {
        None => format!("now, {by}"),
        Some(at) => format!("in {}, {by}", span((at - now) / 1000)),
    }
}

struct BackendView<'a> {
    proxy: &'a str,
    service: &'a ServiceStatus,
    backend: &'a BackendStatus,
}

fn backends(replies: &[DaemonReply]) -> BTreeMap<(&str, &str), Vec<BackendView<'_>>> {
    let mut views: BTreeMap<(&str, &str), Vec<BackendView<'_>>> = BTreeMap::new();
    for status in replies.iter().filter_map(DaemonReply::proxy) {
        for service in &status.services {
            for backend in &service.backends {
                let key = (service.name.as_str(), backend.name.as_str());
                views.entry(key).or_default().push(BackendView { proxy: &status.daemon.name, service, backend });
            }
        }
    }
    views
}

fn by_verdict<'a>(views: &'a [BackendView<'a>]) -> Vec<(Verdict, Vec<&'a BackendView<'a>>)> {
    let verdicts = [Verdict::Up, Verdict::Down, Verdict::Unchecked];
    let seen = verdicts.map(|verdict| (verdict, views.iter().filter(|view| view.backend.check == verdict).collect()));
    seen.into_iter().filter(|(_, seen): &(_, Vec<_>)| !seen.is_empty()).collect()
}

fn verdict(verdict: Verdict) -> Cell {
    let tone = match verdict {
        Verdict::Up => Tone::Good,
        Verdict::Down => Tone::Bad,
        Verdict::Unchecked => Tone::Notable,
    };
    toned(verdict.to_string(), tone)
}

fn operator(state: OperatorState) -> Cell {
    let tone = if state == OperatorState::Ready { Tone::Plain } else { Tone::Notable };
    toned(state.to_string(), tone)
}

fn usage(service: &ServiceStatus, backend: &BackendStatus) -> Cell {
    let kind = if backend.backup { "backup" } else { "primary" };
    match &service.latch {
        Some(latch) if latch.active.as_ref() == Some(&backend.name) => {
            let tone = if backend.backup { Tone::Notable } else { Tone::Good };
            toned(format!("{kind}, active ({})", moved(latch)), tone)
        }
        Some(latch) if latch.spent.contains(&backend.name) => toned(format!("{kind}, failed away from"), Tone::Notable),
        _ => cell(format!("{kind}, weight {}", backend.weight)),
    }
}

fn moved(latch: &LatchStatus) -> String {
    let stored = if latch.stored { "" } else { ", NOT on disk" };
    match latch.epoch {
        0 => format!("epoch 0{stored}"),
        epoch => format!("epoch {epoch}, {} ago by {}: {}{stored}", ago(latch.at), latch.by, latch.reason),
    }
}

fn why(check_reason: &str, since: u64, note: Option<&OperatorNote>) -> String {
    let check = format!("{check_reason}, for {}", ago(since));
    match note.filter(|note| note.state != OperatorState::Ready) {
        None => check,
        Some(note) => {
            let until = note.until.map_or_else(String::new, |until| format!(" until {}", time_of_day(until)));
            let because = if note.why.is_empty() { String::new() } else { format!(": {}", note.why) };
            format!("{check}; {} by {} {} ago{until}{because}", note.state, note.who, ago(note.when))
        }
    }
}

/// One line an address of a pool member, as all nameservers see it.
pub fn pools(replies: &[DaemonReply]) -> String {
    let mut table = Table::new(&["POOL", "MEMBER", "ADDRESS", "NAMESERVER", "CHECK", "OPERATOR", "ANSWERED", "WHY"]);
    for status in replies.iter().filter_map(DaemonReply::nameserver) {
        for pool in &status.pools {
            for member in &pool.members {
                for address in &member.addresses {
                    let answered =
                        if address.answered { cell(format!("TTL {}", pool.ttl)) } else { toned("no", Tone::Notable) };
                    table.row(vec![
                        cell(&pool.name),
                        cell(&member.name),
                        cell(&address.address),
                        cell(&status.daemon.name),
                        verdict(address.check),
                        operator(member.operator),
                        answered,
                        cell(why(&address.check_reason, address.check_since, member.note.as_ref())),
                    ]);
                }
            }
        }
    }
    table.render()
}
