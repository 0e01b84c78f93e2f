//! Which of the addresses that a pool is answered with are near to a location's clients (pure).

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::{Choice, Family};
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

/// What clients in a location are answered with, of one family: the addresses of members in it, where enough of those are answered; else all.
/// Health goes first: where nobody's checks find a member up, where a member is says nothing.
pub fn addresses<'c>(pool: &PoolConfig, location: &str, choice: &'c Choice, family: Family) -> Vec<&'c IpAddr> {
    let is_there = |address: &&IpAddr, member: &MemberConfig| family.has(address) && member.addresses.contains(address);
    let near = pool.members.values().filter(|member| member.location.as_deref() == Some(location));
    let near: Vec<_> =
        near.filter(|member| choice.addresses.iter().any(|address| is_there(&address, member))).collect();
    let is_enough = choice.by.is_seen() && near.len() >= pool.nearby_at_least;
    let is_near = |address: &&IpAddr| near.iter().any(|member| is_there(address, member));
    choice.addresses.iter().filter(|address| !is_enough || is_near(address)).collect()
}
