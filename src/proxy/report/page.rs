//! The proxy's page for a browser: services with their backends, certificates.

mod agreement;
mod standing;

use maud::{Markup, html};

use crate::acme::report::certificates_section;
use crate::api::events::Event;
use crate::api::proxy::{BackendStatus, LatchStatus, ServiceStatus, Status};
use crate::api::quantile::Quantile;
use crate::config::pages::PagesConfig;
use crate::counted::counted;
use crate::daemon::metrics::histogram::Measured;
use crate::daemon::page::pieces::{curve, moment, operator, rate, strip, text, verdict};
use crate::daemon::page::{Page, facts_of};
use crate::daemon::trends::{Reading, Trend, Trends};
use crate::proxy::report::status::by_cookie;
use crate::proxy::service_counters::CLASSES;
use crate::proxy::snapshot::Snapshot;
use standing::Standing;

/// With more services than this, those that are as they should be are folded.
const UNFOLDED: usize = 12;

/// The page of this status.
pub fn page<'a>(status: &'a Status, trends: &'a Trends, events: &'a [Event], pages: &'a PagesConfig) -> Page<'a> {
    let mut facts = facts_of(&status.daemon);
    facts.push(("connections", status.connections.to_string()));
    facts.push(("requests", status.requests.to_string()));
    let mut services: Vec<&ServiceStatus> = status.services.iter().collect();
    services.sort_by_key(|service| Standing::of(service).rank());
    let unwell = services.iter().filter(|service| !service.is_well()).count();
    let unwell = (unwell > 0).then(|| format!("{} not well", counted(unwell, "service")));
    let unwell = unwell.into_iter().chain(status.agreement.as_ref().and_then(agreement::unwell));
    let folds = services.len() > UNFOLDED;
    let services = html! {
        div.cards { @for service in services { (of_service(service, trends, folds && service.is_well())) } }
    };
    let mut sections = vec![services];
    if !status.certificates.is_empty() {
        sections.push(certificates_section(&status.certificates));
    }
    sections.extend(status.agreement.as_ref().map(agreement::section));
    Page { daemon: &status.daemon, trends, events, pages, facts, unwell: unwell.collect(), sections }
}

/// What the curves, strips and times of the page are made of: visitors' requests in all (under an empty name), those of each service, and
/// those of each backend.
pub fn readings(requests: u64, snapshot: &Snapshot) -> Vec<(String, Reading)> {
    let of_services = snapshot.fronts.iter().zip(snapshot.counted.iter()).map(|(front, counted)| {
        let mut measured = Measured::default();
        counted.iter().for_each(|worker| measured += worker.requests.read());
        let count = counted.iter().flat_map(|worker| (0..CLASSES.len()).map(|class| worker.responses(class))).sum();
        (front.name.to_string(), Reading { count, verdict: None, times: Some(measured.buckets) })
    });
    let of_backends = snapshot.services.iter().flat_map(|service| {
        service.backends.iter().map(|backend| {
            let reading = Reading { count: backend.requests(), verdict: Some(backend.verdict), times: None };
            (format!("{}/{}", service.name, backend.name), reading)
        })
    });
    let sticky = snapshot.services.iter().filter(|service| service.is_sticky());
    let of_cookies = sticky.flat_map(|service| {
        service.backends.iter().map(|backend| {
            let reading = Reading { count: backend.requests_by_cookie(), ..Reading::default() };
            (by_cookie(&service.name, &backend.name), reading)
        })
    });
    let all = (String::new(), Reading { count: requests, ..Reading::default() });
    std::iter::once(all).chain(of_services).chain(of_backends).chain(of_cookies).collect()
}

fn of_service(service: &ServiceStatus, trends: &Trends, is_folded: bool) -> Markup {
    let hosts = service.hosts.join(", ");
    let inside = html! {
        p.dim { (text(&hosts)) " · " (text(mode(&service.mode))) }
        @if let Some(trend) = trends.of(&service.name) { (lately(trend, trends.reach())) }
        @if let Some(latch) = &service.latch { (of_latch(latch)) }
        @if let Some(target) = &service.target { p { (text(target)) } }
        ul.rows {
            @for backend in &service.backends { (of_backend(service, backend, trends)) }
        }
    };
    html! {
        section.service {
            @if is_folded {
                details id={ "service-" (text(&service.name)) } {
                    summary { b { (text(&service.name)) } " " (state(service)) }
                    (inside)
                }
            } @else {
                h2 { (text(&service.name)) " " (state(service)) }
                (inside)
            }
        }
    }
}

/// How often a service is asked, and how long its visitors wait.
fn lately(trend: &Trend, reach: usize) -> Markup {
    let time = |share| trend.quantile(share).map_or_else(|| "-".to_owned(), Quantile::short);
    html! {
        p.numbers.times {
            (curve(trend, reach)) span.rate { (rate(trend)) }
            span title="from a request's first byte to its response's last, of those that were over in the last minute" {
                "last minute: p50 " b { (time(0.5)) } " · p99 " b { (time(0.99)) }
            }
        }
    }
}

fn state(service: &ServiceStatus) -> Markup {
    match Standing::of(service) {
        Standing::Nobody => html! {
            span.bad { "✖ 503 to every visitor" @if let Some(why) = &service.why_unusable { ": " (text(why)) } }
        },
        Standing::Impaired(how) => html! { span.off { "▲ " (text(&how)) } },
        Standing::Well => html! { span.good { "● as it should be" } },
    }
}

/// In the document's words.
fn mode(mode: &str) -> &str {
    match mode {
        "latched" => "stateful",
        "sticky" => "stateful, automatic failover",
        other => other,
    }
}

fn of_latch(latch: &LatchStatus) -> Markup {
    html! {
        p {
            @match &latch.active {
                Some(active) => {
                    "served by " b.word { (text(active)) }
                    @if latch.at > 0 { " since " (moment(latch.at)) }
                    @if !latch.by.is_empty() { ", by " span.word { (text(&latch.by)) } }
                    ": " (text(&latch.reason))
                },
                None => span.bad { "✖ undecided: " (text(&latch.reason)) },
            }
            span.dim { " · epoch " (latch.epoch) }
            @if !latch.stored { " " span.bad { "✖ not on disk" } }
        }
    }
}

fn of_backend(service: &ServiceStatus, backend: &BackendStatus, trends: &Trends) -> Markup {
    let is_active = service.latch.as_ref().is_some_and(|latch| latch.active.as_ref() == Some(&backend.name));
    let trend = trends.of(&format!("{}/{}", service.name, backend.name));
    html! {
        li.checked {
            div.name {
                b { (text(&backend.name)) }
                @if backend.backup { " " span.dim { "backup" } }
                @if is_active { " " span.active { "active" } }
            }
            div.said {
                p { (verdict(backend.check)) " since " (moment(backend.check_since)) ": " (text(&backend.check_reason)) }
                (operator(backend.operator, backend.note.as_ref()))
            }
            div.address { (text(&backend.address)) }
            @if let Some(trend) = trend {
                (strip(trend, trends.reach())) (curve(trend, trends.reach())) div.rate { (rate(trend)) }
            }
            div.running { (backend.running) " running" }
        }
    }
}
