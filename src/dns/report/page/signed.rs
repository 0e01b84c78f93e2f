//! Signed zones on the page: for how long their signatures are good, their keys, and what is to be done.

use maud::{Markup, html};

use crate::api::dns::{DnssecStatus, Status, ZoneKeyStatus};
use crate::daemon::page::pieces::{moment, span, text};

/// Those that are signed here or come signed, first what is not well; none: there is none. `now` in milliseconds since the epoch.
pub(super) fn signed_zones(status: &Status, now: u64) -> Option<Markup> {
    let zones = status.zones.iter().filter_map(|zone| Some((&*zone.name, zone.dnssec.as_ref()?)));
    let mut zones: Vec<(&str, &DnssecStatus)> = zones.collect();
    zones.sort_by_key(|(_, dnssec)| dnssec.is_well(now));
    (!zones.is_empty()).then(|| {
        html! {
            section {
                h2 { "Signed zones" }
                ul.rows { @for (name, dnssec) in zones { (of_zone(name, dnssec, now)) } }
            }
        }
    })
}

fn of_zone(name: &str, dnssec: &DnssecStatus, now: u64) -> Markup {
    html! {
        li {
            b { (text(name)) }
            @if dnssec.expires_ms.is_none() { span.bad { "✖ " (dnssec.origin()) } }
            @else { span { (dnssec.origin()) } }
            (signatures(dnssec, now))
            @if let Some(why) = &dnssec.bogus { span.bad { "✖ resolvers that validate refuse it: " (text(why)) } }
            @for key in dnssec.present_keys() { (of_key(key)) }
            @if let Some(schedule) = &dnssec.schedule {
                @if schedule.warns_ms <= now { span.off { "▲ " (schedule.in_words()) ": make more of them" } }
                @else { span.dim { (schedule.in_words()) } }
            }
        }
    }
}

/// For how long the one that runs out first is good.
fn signatures(dnssec: &DnssecStatus, now: u64) -> Markup {
    let Some(expires) = dnssec.expires_ms else { return html! {} };
    let left = expires.saturating_sub(now) / 1000;
    html! {
        @if let Some(from) = dnssec.is_early(now) { span.bad { "✖ signatures not good before " (moment(from)) } }
        @else if expires <= now { span.bad { "✖ a signature has run out at " (moment(expires)) } }
        @else if dnssec.is_late(now) {
            span.bad { "✖ signatures good until " (moment(expires)) ", for " (span(left)) ": they should have been renewed" }
        }
        @else { span.good { "● signatures good until " (moment(expires)) ", for " (span(left)) } }
    }
}

fn of_key(key: &ZoneKeyStatus) -> Markup {
    html! {
        @if key.overdue { span.off { "▲ " (text(&key.name())) " goes on as there is no other: it was to sign no more" } }
        @else { span.dim { (text(&key.name())) " " (key.in_words()) } }
    }
}
