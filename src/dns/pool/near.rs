//! Which of the addresses that a pool is answered with are near to a location's clients (pure).

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::{By, Choice, Family};
use crate::config::dns::{MemberConfig, PoolConfig};

/// The locations that members of a pool are in.
pub fn locations(pool: &PoolConfig) -> BTreeSet<&str> {
    pool.members.values().filter_map(|member| member.location.as_deref()).collect()
}

/// The locations whose clients never get their members alone, since there are fewer of them than have to be, with how many there are.
pub fn too_small(pool: &PoolConfig) -> Vec<(&str, usize)> {
    let count = |location| pool.members.values().filter(|member| member.location.as_deref() == Some(location)).count();
    let counted = locations(pool).into_iter().map(|location| (location, count(location)));
    counted.filter(|(_, members)| *members < pool.nearby_at_least).collect()
}

/// What clients in a location are answered with, of one family: the addresses of members in it, where enough of those are up; else all, also those
/// that are `falling`. Health goes first: where nobody's checks find a member up, where a member is says nothing.
pub fn addresses<'c>(
    pool: &PoolConfig,
    location: &str,
    (choice, falling): (&'c Choice, &[IpAddr]),
    family: Family,
) -> Vec<&'c IpAddr> {
    let is_near = |member: &&MemberConfig| member.location.as_deref() == Some(location);
    let near: Vec<&MemberConfig> = pool.members.values().filter(is_near).collect();
    let is_of = |address: &IpAddr, member: &MemberConfig| family.has(address) && member.addresses.contains(address);
    let up = || choice.addresses.iter().filter(|address| !falling.contains(address));
    let is_known = choice.by.is_seen() || choice.by == By::FollowsA;
    let enough =
        near.iter().filter(|member| up().any(|address| is_of(address, member))).count() >= pool.nearby_at_least;
    match is_known && enough {
        true => up().filter(|address| near.iter().any(|member| is_of(address, member))).collect(),
        false => choice.addresses.iter().collect(),
    }
}
