//! A service, or some of its backends.

use super::super::services::{Seen, Views, part, tone};
use super::sheet::{Sheet, only_by};
use crate::api::operator::{OperatorNote, OperatorState};
use crate::api::proxy::{BackendStatus, ByCookie, LatchStatus};
use crate::health::Verdict;
use crate::unix_time::unix_ms;
use crate::verbs::output::Tone;
use crate::verbs::times::{ago, since};

/// How much of a service is shown, and how much of it is known.
#[derive(Clone, Copy)]
pub(super) struct Extent {
    /// The service itself, and not only some of its backends.
    pub(super) is_whole: bool,
    /// No proxy is silent.
    pub(super) all_answer: bool,
}

/// None if it has none of the backends that are asked for.
pub(super) fn text(views: &Views<'_>, is_asked: impl Fn(&str) -> bool, extent: Extent, width: usize) -> Option<String> {
    let mut sheet = Sheet::new(width);
    let Extent { is_whole, all_answer } = extent;
    if is_whole {
        whole(views, all_answer, &mut sheet);
    }
    let backends = views.backends();
    let asked: Vec<&Seen<'_>> = backends.iter().filter(|seen| is_asked(&seen.backend.name)).collect();
    if asked.is_empty() && !is_whole {
        return None;
    }
    asked.into_iter().for_each(|seen| backend(views, seen, &mut sheet));
    Some(sheet.text())
}

fn whole(views: &Views<'_>, all_answer: bool, sheet: &mut Sheet) {
    let Some((_, first)) = views.by_proxy.first() else { return };
    let answered_by = first.target.clone().unwrap_or_else(|| mode(&first.mode).to_owned());
    sheet.heading(&format!("service {}", views.name), &format!("{answered_by}; hosts {}", first.hosts.join(", ")));
    let (usable, unusable): (Vec<_>, Vec<_>) = views.by_proxy.iter().partition(|(_, service)| service.usable);
    let names = |proxies: &[&(&str, _)]| proxies.iter().map(|(proxy, _)| *proxy).collect::<Vec<_>>().join(", ");
    if !usable.is_empty() {
        sheet.toned(&format!("served by {}", names(&usable)), Tone::Good);
    }
    if !unusable.is_empty() {
        let why = unusable.iter().find_map(|(_, service)| service.why_unusable.as_deref());
        sheet.toned(&format!("503 on {}: {}", names(&unusable), why.unwrap_or("no backend may serve")), Tone::Bad);
    }
    if let Some((_, latch)) = views.latch() {
        sheet.line(&moved(latch));
        let holds: Vec<&str> = views
            .by_proxy
            .iter()
            .filter(|(_, one)| one.latch.as_ref().is_some_and(|own| own.epoch == latch.epoch))
            .map(|(proxy, _)| *proxy)
            .collect();
        if holds.len() < views.by_proxy.len() {
            sheet.toned(&format!("only {} know of epoch {}", holds.join(", "), latch.epoch), Tone::Bad);
        }
        let unstored = views.by_proxy.iter().filter(|(_, one)| one.latch.as_ref().is_some_and(|own| !own.stored));
        let unstored: Vec<&str> = unstored.map(|(proxy, _)| *proxy).collect();
        match unstored.is_empty() {
            true if all_answer => sheet.line("the latch is on disk on every proxy"),
            true => {
                let all: Vec<&str> = views.by_proxy.iter().map(|(proxy, _)| *proxy).collect();
                sheet.line(&format!(
                    "the latch is on disk on {}; of who does not answer it is not known",
                    all.join(", ")
                ));
            }
            false => sheet.toned(&format!("the latch is NOT on disk on {}", unstored.join(", ")), Tone::Bad),
        }
    }
}

fn mode(mode: &str) -> &str {
    match mode {
        "latched" => "stateful, one active backend (latched)",
        "sticky" => "stateful, a cookie keeps a visitor on a backend (sticky)",
        other => other,
    }
}

fn moved(latch: &LatchStatus) -> String {
    let LatchStatus { active, epoch, by, reason, at, spent, .. } = latch;
    let active = active
        .as_deref()
        .map_or_else(|| "which backend is active is not known".to_owned(), |active| format!("{active} is active"));
    let spent = if spent.is_empty() { String::new() } else { format!("; failed away from {}", spent.join(", ")) };
    match epoch {
        0 => format!("latch: {active}, epoch 0{spent}"),
        epoch => format!("latch: {active}, epoch {epoch}, since {} by {by}: {reason}{spent}", since(*at)),
    }
}

fn backend(views: &Views<'_>, seen: &Seen<'_>, sheet: &mut Sheet) {
    let Seen { service, backend, by } = seen;
    let part = part(service, backend);
    let by_document = |one: &BackendStatus| {
        let weight = if service.latch.is_none() { format!(", weight {}", one.weight) } else { String::new() };
        format!("{}, {part}{weight}", one.address)
    };
    let only = only_by(by, views.by_proxy.len());
    let first = by_document(backend);
    sheet.heading(&format!("{}/{}", views.name, backend.name), &format!("{first}{only}"));
    for (proxy, one) in views.of_backend(&backend.name).filter(|(proxy, _)| by.contains(proxy)) {
        let own = by_document(one);
        if own != first {
            sheet.toned(&format!("by the document of {proxy}: {own}"), Tone::Bad);
        }
    }
    sheet.toned(&checked(backend.check, &backend.check_reason, backend.check_since), tone(backend.check));
    said(backend.operator, backend.note.as_ref(), sheet);
    let (running, requests) = views
        .of_backend(&backend.name)
        .filter(|(proxy, _)| by.contains(proxy))
        .fold((0, 0), |(running, requests), (_, one)| (running + one.running, requests + one.requests));
    sheet.toned(&format!("requests: {running} running, {requests} sent since the proxies started"), Tone::Faint);
    let by_cookie = views.of_backend(&backend.name).filter(|(proxy, _)| by.contains(proxy));
    let bound: Vec<ByCookie> = by_cookie.filter_map(|(_, one)| one.by_cookie).collect();
    if !bound.is_empty() {
        let [lately, requests] = [|one: &ByCookie| one.lately, |one: &ByCookie| one.requests]
            .map(|count| bound.iter().map(count).sum::<u64>());
        let words = format!(
            "bound by their cookies: {lately} requests in the last 10 minutes, {requests} since the proxies started"
        );
        sheet.toned(&words, Tone::Faint);
    }
}

/// `checks: down since 04:12:03Z: connection refused`.
pub(super) fn checked(check: Verdict, reason: &str, at: u64) -> String {
    match check {
        Verdict::Unchecked => "checks: none has ended yet".to_owned(),
        verdict => format!("checks: {verdict} since {} ({}): {reason}", since(at), ago(at)),
    }
}

/// `operator: drain since 04:12:05Z, by alice@admin-nl: new disk; until 05:00:00Z`.
pub(super) fn said(state: OperatorState, note: Option<&OperatorNote>, sheet: &mut Sheet) {
    let Some(note) = note else {
        sheet.line(&format!("operator: {state}"));
        return;
    };
    let why = if note.why.is_empty() { String::new() } else { format!(": {}", note.why) };
    let until = if state == OperatorState::Ready { String::new() } else { note.until_in_words(unix_ms()) };
    let words = format!("operator: {state} since {}, by {} at {}{why}{until}", since(note.began()), note.who, note.by);
    sheet.toned(&words, if state == OperatorState::Ready { Tone::Plain } else { Tone::Notable });
}
