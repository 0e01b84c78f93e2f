//! The nameserver's page for a browser: pools with their members, zones, how signed ones stand, challenges.

use maud::{Markup, html};

mod signed;

use self::signed::signed_zones;
use crate::acme::report::certificates_section;
use crate::api::dns::{AddressStatus, MemberStatus, OtherZones, PoolStatus, Status, ZoneStatus};
use crate::api::events::Event;
use crate::api::operator::OperatorState;
use crate::config::dns::MemberConfig;
use crate::config::pages::PagesConfig;
use crate::counted::counted;
use crate::daemon::page::pieces::{moment, operator, strip, text, verdict};
use crate::daemon::page::{Page, facts_of};
use crate::daemon::trends::{Reading, Trends};
use crate::dns::control::State;
use crate::health::Verdict;
use crate::unix_time::unix_ms;

/// The page of this status.
pub fn page<'a>(status: &'a Status, trends: &'a Trends, events: &'a [Event], pages: &'a PagesConfig) -> Page<'a> {
    let now = unix_ms();
    let mut facts = facts_of(&status.daemon);
    facts.push(("queries", status.queries.to_string()));
    if status.no_ipv6 {
        facts.push(("IPv6", "none of its own".to_owned()));
    }
    if let Some(dnstap) = &status.dnstap {
        facts.push(("dnstap", dnstap.in_words()));
    }
    let mut pools: Vec<&PoolStatus> = status.pools.iter().collect();
    pools.sort_by_key(|pool| (pool.all_down.is_none(), pool.is_well()));
    let pools = html! { div.cards { @for pool in pools { (of_pool(pool, trends)) } } };
    let mut sections = vec![pools, zones(status)];
    sections.extend(signed_zones(status, now));
    if !status.certificates.is_empty() {
        sections.push(certificates_section(&status.certificates));
    }
    if !status.challenges.is_empty() {
        sections.push(challenges(status));
    }
    let count = |number: usize, what| (number > 0).then(|| format!("{} not well", counted(number, what)));
    let is_unwell = |zone: &&ZoneStatus| {
        zone.copy_because.is_some() || zone.dnssec.as_ref().is_some_and(|dnssec| !dnssec.is_well(now))
    };
    let zones_unwell = status.zones.iter().filter(is_unwell).count();
    let unwell = [
        count(status.pools.iter().filter(|pool| !pool.is_well()).count(), "pool"),
        count(status.failed_zones.len() + zones_unwell, "zone"),
    ];
    Page {
        daemon: &status.daemon,
        trends,
        events,
        pages,
        facts,
        unwell: unwell.into_iter().flatten().collect(),
        sections,
    }
}

/// What the curves and strips of the page are made of: queries in all (under an empty name), and what checks say of each address.
pub fn readings(queries: u64, state: &State) -> Vec<(String, Reading)> {
    let mut readings = vec![(String::new(), Reading { count: queries, ..Reading::default() })];
    for (pool, config) in &state.document.config.pools {
        for (member, MemberConfig { addresses, .. }) in &config.members {
            readings.extend(addresses.iter().map(|address| {
                let reading = Reading { verdict: Some(state.verdict(config, *address)), ..Reading::default() };
                (name_of(pool, member, &address.to_string()), reading)
            }));
        }
    }
    readings
}

fn name_of(pool: &str, member: &str, address: &str) -> String {
    format!("{pool}/{member}/{address}")
}

/// How a pool is, beside its name.
fn state(pool: &PoolStatus) -> Markup {
    let addresses = || pool.members.iter().flat_map(|member| &member.addresses);
    let answered = addresses().filter(|address| address.answered).count();
    let words = format!("{answered} of {} answered", addresses().count());
    html! {
        @if pool.all_down.is_some() { span.bad { "✖ no member is usable" } }
        @else if pool.is_well() { span.good { "● " (words) } }
        @else { span.off { "▲ " (words) } }
    }
}

/// Why an address is not in the answer, in a few words; the whole of it stands beside.
fn cause(member: &MemberStatus, address: &AddressStatus) -> String {
    let check = match address.check {
        _ if address.unjudged => None,
        Verdict::Up => None,
        Verdict::Down => Some("down"),
        Verdict::Unchecked => Some("unchecked"),
    };
    let operator = (member.operator != OperatorState::Ready).then(|| member.operator.name());
    match (check, operator) {
        (None, None) => "by what peers see".to_owned(),
        (check, operator) => check.into_iter().chain(operator).collect::<Vec<_>>().join(", "),
    }
}

fn of_pool(pool: &PoolStatus, trends: &Trends) -> Markup {
    html! {
        section {
            h2 { (text(&pool.name)) " " (state(pool)) }
            p.dim { "TTL " (pool.ttl) " s · answered: " (text(&pool.answers.join(", "))) }
            @if let Some(policy) = &pool.all_down {
                p.bad { "✖ no member is both up and ready: answered by when_all_down: " (text(policy)) }
            }
            @if let Some(isolated) = &pool.isolated {
                p.bad { "✖ isolated from " (text(isolated)) ": answered with what peers see up" }
            }
            @if let Some(until) = pool.kept_until {
                p.bad { "✖ no member is up and no peer is heard: the answer from before is kept until " (moment(until)) }
            }
            ul.rows {
                @for member in &pool.members {
                    @for address in &member.addresses {
                        (of_address(pool, member, address, trends))
                    }
                }
            }
        }
    }
}

fn of_address(pool: &PoolStatus, member: &MemberStatus, address: &AddressStatus, trends: &Trends) -> Markup {
    html! {
        li.checked {
            div.name {
                b { (text(&member.name)) }
                " "
                @if address.answered { span.active { "answered" } }
                @else { span.active.off { "left out: " (cause(member, address)) } }
            }
            div.said {
                p { (verdict(address.check)) " since " (moment(address.check_since)) ": " (text(&address.check_reason)) }
                (operator(member.operator, member.note.as_ref()))
            }
            div.address { (text(&address.address)) }
            @if let Some(trend) = trends.of(&name_of(&pool.name, &member.name, &address.address)) {
                (strip(trend, trends.reach()))
            }
        }
    }
}

fn zones(status: &Status) -> Markup {
    html! {
        section {
            h2 { "Zones" }
            ul.rows {
                @for zone in &status.failed_zones {
                    li { b { (text(&zone.name)) } span.bad { "✖ SERVFAIL: " (text(&zone.because)) } }
                }
                @for zone in &status.zones {
                    li {
                        b { (text(&zone.name)) }
                        @if let Some(because) = &zone.copy_because {
                            span.off { "▲ served from its last good copy: " (text(because)) }
                        }
                        span.numbers { "serial " (zone.serial) ", " (zone.records) " records" }
                        @if let Some(catalog) = &zone.catalog { span { " listed by catalog " (text(catalog)) } }
                        @if let Some(queries) = &zone.queries { span.dim { (queries.in_words()) } }
                    }
                }
                @if let Some(OtherZones { zones, queries }) = &status.other_zones {
                    li { b { (counted(*zones, "other zone")) " together" } span.dim { (queries.in_words()) } }
                }
                @if let Some(queries) = &status.no_zone {
                    li { b { "names in no zone here" } span.dim { (queries.in_words()) } }
                }
            }
        }
    }
}

fn challenges(status: &Status) -> Markup {
    html! {
        section {
            h2 { "Challenges of a certificate authority" }
            ul.rows {
                @for challenge in &status.challenges {
                    li { b { (text(&challenge.name)) } span { (challenge.values) " values, told by " (text(&challenge.proxy)) } }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
