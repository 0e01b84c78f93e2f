//! The proxy's page for a browser: services with their backends, certificates.

use maud::{Markup, html};

use crate::api::events::Event;
use crate::api::proxy::{BackendStatus, CertificateStatus, LatchStatus, ServiceStatus, Status};
use crate::daemon::page::pieces::{curve, moment, operator, rate, strip, text, verdict};
use crate::daemon::page::{Page, facts_of};
use crate::daemon::trends::{Reading, Trends};
use crate::proxy::snapshot::Service;

/// With more services than this, those that are as they should be are folded.
const UNFOLDED: usize = 12;

/// The page of this status.
pub fn page<'a>(status: &'a Status, trends: &'a Trends, events: &'a [Event]) -> Page<'a> {
    let mut facts = facts_of(&status.daemon);
    facts.push(("connections", status.connections.to_string()));
    facts.push(("requests", status.requests.to_string()));
    let mut services: Vec<&ServiceStatus> = status.services.iter().collect();
    services.sort_by_key(|service| service.is_well());
    let folds = services.len() > UNFOLDED;
    let services = html! {
        div.cards { @for service in services { (of_service(service, trends, folds && service.is_well())) } }
    };
    let mut sections = vec![services];
    if !status.certificates.is_empty() {
        sections.push(certificates(&status.certificates));
    }
    Page { daemon: &status.daemon, trends, events, facts, sections }
}

/// What the curves and strips of the page are made of: visitors' requests in all (under an empty name), and those of each backend.
pub fn readings(requests: u64, services: &[Service]) -> Vec<(String, Reading)> {
    let of_backends = services.iter().flat_map(|service| {
        service.backends.iter().map(|backend| {
            let reading = Reading { count: backend.requests(), verdict: Some(backend.verdict) };
            (format!("{}/{}", service.name, backend.name), reading)
        })
    });
    let all = (String::new(), Reading { count: requests, verdict: None });
    std::iter::once(all).chain(of_backends).collect()
}

fn of_service(service: &ServiceStatus, trends: &Trends, is_folded: bool) -> Markup {
    let hosts = service.hosts.join(", ");
    let inside = html! {
        p.dim { (text(&hosts)) " · " (text(&service.mode)) }
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

fn state(service: &ServiceStatus) -> Markup {
    html! {
        @if !service.usable { span.bad { "✖ 503 to every visitor" } }
        @else if service.is_well() { span.good { "● as it should be" } }
        @else { span.off { "▲ served" } }
    }
}

fn of_latch(latch: &LatchStatus) -> Markup {
    html! {
        p {
            @match &latch.active {
                Some(active) => {
                    "served by " b { (text(active)) }
                    @if latch.at > 0 { " since " (moment(latch.at)) }
                    @if !latch.by.is_empty() { ", by " (text(&latch.by)) }
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
        li {
            b { (text(&backend.name)) }
            @if is_active { span.active { "active" } }
            @if backend.backup { span.dim { "backup" } }
            span { (verdict(backend.check)) " since " (moment(backend.check_since)) ": " (text(&backend.check_reason)) }
            (operator(backend.operator, backend.note.as_ref()))
            span.dim { (text(&backend.address)) }
            span.numbers {
                @if let Some(trend) = trend { (strip(trend)) (curve(trend)) span { (rate(trend)) } }
                span { (backend.running) " running" }
            }
        }
    }
}

fn certificates(certificates: &[CertificateStatus]) -> Markup {
    html! {
        section {
            h2 { "Certificates" }
            ul.rows {
                @for certificate in certificates {
                    @let order = certificate.acme.as_ref();
                    @let trouble = certificate.error.as_ref().or(order.and_then(|order| order.error.as_ref()));
                    li {
                        b { (text(&certificate.hosts.join(", "))) }
                        @match certificate.ends {
                            Some(ends) => span { "ends " (moment(ends)) },
                            None => span.bad { "✖ none that can be used" },
                        }
                        @if let Some(renewal) = order.and_then(|order| order.renewal) { span.dim { "renewed " (moment(renewal)) } }
                        @if let Some(trouble) = trouble { span.bad { "✖ " (text(trouble)) } }
                        span.dim { (text(&certificate.file)) }
                    }
                }
            }
        }
    }
}
