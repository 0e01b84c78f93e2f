//! Tables of what is not well, with what stands beside it: the other backends of a service, the other members of a pool.

use std::collections::BTreeMap;

use super::super::services::{self, Views, part, tone};
use crate::api::dns::{AddressStatus, MemberStatus, PoolStatus};
use crate::api::operator::OperatorState;
use crate::counted::counted;
use crate::health::Verdict;
use crate::verbs::layout::wrapped;
use crate::verbs::output::{Cell, Table, Tone, cell, toned};
use crate::verbs::replies::DaemonReply;

/// How many rows a table has at most: what comes after them is counted.
const MOST: usize = 24;

/// The first service or pool that is not well.
pub(super) fn first(replies: &[DaemonReply]) -> Option<&str> {
    let service = services::all(replies).into_iter().find(|views| !views.is_well()).map(|views| views.name);
    service.or_else(|| troubled(replies).into_iter().next().map(|(name, _)| name))
}

/// The backends of services that are not well, as all proxies see them; one that they see differently has several lines.
pub(super) fn services(replies: &[DaemonReply], width: usize) -> String {
    let views = services::all(replies);
    let rows = views.iter().filter(|views| !views.is_well()).flat_map(|views| {
        views.backends().into_iter().map(|seen| Row {
            name: format!("{}/{}", views.name, seen.backend.name),
            check: seen.backend.check,
            operator: seen.backend.operator,
            part: of_part(seen.service.latch.is_some() && seen.backend.backup, part(seen.service, seen.backend)),
            seen_by: views.whose(&seen.by),
        })
    });
    render("BACKEND", "PART", rows.collect(), width)
}

fn of_part(is_notable: bool, part: String) -> Cell {
    let is_active = part.ends_with("active");
    toned(part, if is_notable && is_active { Tone::Notable } else { Tone::Plain })
}

/// The members of pools that are not well, as all nameservers see them.
pub(super) fn pools(replies: &[DaemonReply], width: usize) -> String {
    let rows = troubled(replies).into_iter().flat_map(|(name, views)| {
        let mut ways: BTreeMap<Key<'_>, Vec<&str>> = BTreeMap::new();
        for (nameserver, pool) in &views {
            for (member, address) in addresses(pool) {
                ways.entry(Key::of(member, address)).or_default().push(nameserver);
            }
        }
        let all = views.len();
        ways.into_iter().map(move |(key, by)| Row {
            name: match key.is_one_of_several {
                true => format!("{name}/{} {}", key.member, key.address),
                false => format!("{name}/{}", key.member),
            },
            check: key.check,
            operator: key.operator,
            part: if key.answered { cell("answered") } else { toned("left out", Tone::Notable) },
            seen_by: if by.len() == all { String::new() } else { by.join(" ") },
        })
    });
    render("MEMBER", "IN ANSWERS", rows.collect(), width)
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Key<'a> {
    member: &'a str,
    address: &'a str,
    is_one_of_several: bool,
    check: Verdict,
    operator: OperatorState,
    answered: bool,
}

impl<'a> Key<'a> {
    fn of(member: &'a MemberStatus, address: &'a AddressStatus) -> Key<'a> {
        Key {
            member: &member.name,
            address: &address.address,
            is_one_of_several: member.addresses.len() > 1,
            check: address.check,
            operator: member.operator,
            answered: address.answered,
        }
    }
}

/// Pools that are not well, as each nameserver sees them.
fn troubled(replies: &[DaemonReply]) -> BTreeMap<&str, Vec<(&str, &PoolStatus)>> {
    let mut pools: BTreeMap<&str, Vec<(&str, &PoolStatus)>> = BTreeMap::new();
    for status in replies.iter().filter_map(DaemonReply::nameserver) {
        for pool in &status.pools {
            pools.entry(&pool.name).or_default().push((&status.daemon.name, pool));
        }
    }
    pools.retain(|_, views| views.iter().any(|(_, pool)| !pool.is_well()));
    pools
}

fn addresses(pool: &PoolStatus) -> impl Iterator<Item = (&MemberStatus, &AddressStatus)> {
    pool.members.iter().flat_map(|member| member.addresses.iter().map(move |address| (member, address)))
}

struct Row {
    name: String,
    check: Verdict,
    operator: OperatorState,
    part: Cell,
    /// Empty: by all.
    seen_by: String,
}

/// Columns that say nothing are left out.
fn render(named: &'static str, part: &'static str, rows: Vec<Row>, width: usize) -> String {
    let has_words = rows.iter().any(|row| row.operator != OperatorState::Ready);
    let has_views = rows.iter().any(|row| !row.seen_by.is_empty());
    let mut heading = vec![named, "CHECKS"];
    heading.extend(has_words.then_some("OPERATOR"));
    heading.push(part);
    heading.extend(has_views.then_some("SEEN BY"));
    let (mut table, more) = (Table::new(&heading), rows.len().saturating_sub(MOST));
    for row in rows.into_iter().take(MOST) {
        let mut cells = vec![cell(row.name), toned(row.check.to_string(), tone(row.check))];
        cells.extend(has_words.then(|| operator(row.operator)));
        cells.push(row.part);
        cells.extend(has_views.then(|| cell(row.seen_by)));
        table.row(cells);
    }
    let mut text = table.render_within(width);
    if more > 0 {
        text += &wrapped("", &format!("... and {} more", counted(more, "row")), 2, width);
    }
    text
}

fn operator(state: OperatorState) -> Cell {
    let tone = if state == OperatorState::Ready { Tone::Plain } else { Tone::Notable };
    toned(state.to_string(), tone)
}

/// Whether a service is among those that have backends.
pub(super) fn has_backends(views: &Views<'_>) -> bool {
    views.by_proxy.iter().any(|(_, service)| service.target.is_none())
}
