//! A pool, or some of its members, as all nameservers see them.

use std::collections::BTreeMap;

use super::super::names::Named;
use super::super::services::tone;
use super::service::{checked, said};
use super::sheet::{Sheet, only_by};
use crate::api::dns::{AddressStatus, MemberStatus, PoolStatus};
use crate::health::Verdict;
use crate::verbs::output::Tone;
use crate::verbs::replies::DaemonReply;

/// A pool as each nameserver sees it.
pub(super) type Views<'a> = (&'a str, Vec<(&'a str, &'a PoolStatus)>);

pub(super) fn all(replies: &[DaemonReply]) -> Vec<Views<'_>> {
    let mut pools: BTreeMap<&str, Vec<(&str, &PoolStatus)>> = BTreeMap::new();
    for status in replies.iter().filter_map(DaemonReply::nameserver) {
        for pool in &status.pools {
            pools.entry(&pool.name).or_default().push((&status.daemon.name, pool));
        }
    }
    pools.into_iter().collect()
}

/// None if neither it nor one of its members is meant.
pub(super) fn text(named: &Named, (name, views): &Views<'_>, width: usize) -> Option<String> {
    let mut sheet = Sheet::new(width);
    let is_whole = named.is(name);
    if is_whole {
        whole(name, views, &mut sheet);
    }
    let mut members: Vec<&str> = Vec::new();
    for member in views.iter().flat_map(|(_, pool)| &pool.members) {
        if !members.contains(&&*member.name) && (is_whole || named.is_use(name, &member.name)) {
            members.push(&member.name);
        }
    }
    if members.is_empty() && !is_whole {
        return None;
    }
    members.into_iter().for_each(|member| of_member(name, member, views, &mut sheet));
    Some(sheet.text())
}

fn whole(name: &str, views: &[(&str, &PoolStatus)], sheet: &mut Sheet) {
    let ttl = views.first().map(|(_, pool)| pool.ttl).unwrap_or_default();
    sheet.heading(&format!("pool {name}"), &format!("TTL {ttl} s"));
    let mut answers: BTreeMap<(Vec<&str>, Option<&str>), Vec<&str>> = BTreeMap::new();
    for (nameserver, pool) in views {
        let mut addresses: Vec<&str> = pool.answers.iter().map(String::as_str).collect();
        addresses.sort_unstable();
        answers.entry((addresses, pool.all_down.as_deref())).or_default().push(nameserver);
    }
    for (nameserver, pool) in views {
        if let Some(words) = &pool.isolated {
            sheet.toned(&format!("{nameserver} is isolated from {words}: it answers what its peers see up"), Tone::Bad);
        }
    }
    for (nameserver, _) in views.iter().filter(|(_, pool)| pool.kept_until.is_some()) {
        sheet.toned(
            &format!("{nameserver} finds no member up and hears no peer: it keeps the answer from before"),
            Tone::Bad,
        );
    }
    for ((addresses, all_down), by) in answers {
        let addresses = if addresses.is_empty() { "no address".to_owned() } else { addresses.join(", ") };
        sheet.line(&format!("{} answer with {addresses}", by.join(", ")));
        if let Some(policy) = all_down {
            sheet.toned(&format!("no member is both up and ready: when_all_down decides, {policy}"), Tone::Bad);
        }
    }
    let mut near: BTreeMap<(&str, Vec<&str>), Vec<&str>> = BTreeMap::new();
    for (nameserver, pool) in views {
        for (location, addresses) in &pool.near {
            let mut addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
            addresses.sort_unstable();
            near.entry((location, addresses)).or_default().push(nameserver);
        }
    }
    for ((location, addresses), by) in near {
        let only = only_by(&by, views.len());
        sheet.line(&format!("clients in {location} get {}{only}", addresses.join(", ")));
    }
}

/// A way in which nameservers see an address of a member.
type Way<'a> = (&'a MemberStatus, &'a AddressStatus, Vec<&'a str>);

fn of_member(pool: &str, name: &str, views: &[(&str, &PoolStatus)], sheet: &mut Sheet) {
    let mut ways: Vec<Way<'_>> = Vec::new();
    for (nameserver, status) in views {
        for member in status.members.iter().filter(|member| member.name == name) {
            for address in &member.addresses {
                let key = |member: &MemberStatus, one: &AddressStatus| {
                    let reason = if one.check == Verdict::Up { String::new() } else { one.check_reason.clone() };
                    (member.operator, one.address.clone(), one.check, one.answered, reason)
                };
                let wanted = key(member, address);
                match ways.iter_mut().find(|(member, address, _)| key(member, address) == wanted) {
                    Some((_, _, by)) => by.push(nameserver),
                    None => ways.push((member, address, vec![nameserver])),
                }
            }
        }
    }
    for (member, address, by) in ways {
        let answered = if address.answered { "in the answers" } else { "left out of the answers" };
        let only = only_by(&by, views.len());
        sheet.heading(&format!("{pool}/{name}"), &format!("{}, {answered}{only}", address.address));
        sheet.toned(&checked(address.check, &address.check_reason, address.check_since), tone(address.check));
        said(member.operator, member.note.as_ref(), sheet);
    }
}
