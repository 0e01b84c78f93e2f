//! The nameserver's page for a browser: pools with their members, zones, challenges.

use maud::{Markup, html};

use crate::api::dns::{PoolStatus, Status};
use crate::api::events::Event;
use crate::config::dns::MemberConfig;
use crate::config::pages::PagesConfig;
use crate::daemon::page::pieces::{moment, operator, strip, text, verdict};
use crate::daemon::page::{Page, facts_of};
use crate::daemon::trends::{Reading, Trends};
use crate::dns::control::State;

/// The page of this status.
pub fn page<'a>(status: &'a Status, trends: &'a Trends, events: &'a [Event], pages: &'a PagesConfig) -> Page<'a> {
    let mut facts = facts_of(&status.daemon);
    facts.push(("queries", status.queries.to_string()));
    if status.no_ipv6 {
        facts.push(("IPv6", "none of its own".to_owned()));
    }
    let pools = html! { div.cards { @for pool in &status.pools { (of_pool(pool, trends)) } } };
    let mut sections = vec![pools, zones(status)];
    if !status.challenges.is_empty() {
        sections.push(challenges(status));
    }
    Page { daemon: &status.daemon, trends, events, pages, facts, sections }
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

fn of_pool(pool: &PoolStatus, trends: &Trends) -> Markup {
    html! {
        section {
            h2 { (text(&pool.name)) }
            p.dim { "TTL " (pool.ttl) " · answered: " (text(&pool.answers.join(", "))) }
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
                        li {
                            b { (text(&member.name)) }
                            @if address.answered { span.active { "answered" } }
                            span {
                                (verdict(address.check)) " since " (moment(address.check_since)) ": " (text(&address.check_reason))
                            }
                            (operator(member.operator, member.note.as_ref()))
                            span.dim { (text(&address.address)) }
                            @if let Some(trend) = trends.of(&name_of(&pool.name, &member.name, &address.address)) {
                                span.numbers { (strip(trend)) }
                            }
                        }
                    }
                }
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
                    }
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
