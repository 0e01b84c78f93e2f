//! What a pool answers with.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::*;
use crate::config::{CheckConfig, ProbeKind};

/// Two members with both families, a third with IPv4 alone.
fn pool(when_all_down: WhenAllDown) -> PoolConfig {
    let second = Duration::from_secs(1);
    let check = CheckConfig {
        protocol: Default::default(),
        kind: ProbeKind::Tcp,
        port: Some(80),
        interval: second,
        fast_interval: second,
        timeout: second,
        rise: 2,
        fall: 3,
    };
    let member = |addresses: &[&str]| MemberConfig { addresses: addresses.iter().map(|text| ip(text)).collect() };
    let members = BTreeMap::from([
        ("a".to_owned(), member(&["192.0.2.1", "2001:db8::1"])),
        ("b".to_owned(), member(&["192.0.2.2", "2001:db8::2"])),
        ("c".to_owned(), member(&["192.0.2.3"])),
    ]);
    PoolConfig { ttl: 300, aliases: vec![], when_all_down, members, check }
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

#[derive(Default)]
struct Told {
    up: BTreeSet<IpAddr>,
    unchecked: BTreeSet<IpAddr>,
    drained: BTreeSet<&'static str>,
}

impl Members for Told {
    fn verdict(&self, address: IpAddr) -> Verdict {
        match (self.up.contains(&address), self.unchecked.contains(&address)) {
            (true, _) => Verdict::Up,
            (_, true) => Verdict::Unchecked,
            _ => Verdict::Down,
        }
    }

    fn operator(&self, member: &str) -> OperatorState {
        if self.drained.contains(member) { OperatorState::Drain } else { OperatorState::Ready }
    }
}

fn up(addresses: &[&str]) -> Told {
    Told { up: addresses.iter().map(|text| ip(text)).collect(), ..Told::default() }
}

fn chosen(pool: &PoolConfig, family: Family, members: &Told, last: &[&str]) -> (Vec<String>, Option<&'static str>) {
    let last: Vec<IpAddr> = last.iter().map(|text| ip(text)).collect();
    let choice = choose(pool, family, members, &last);
    (choice.addresses.iter().map(ToString::to_string).collect(), choice.all_down)
}

fn answer(addresses: &[&str], all_down: Option<&'static str>) -> (Vec<String>, Option<&'static str>) {
    (addresses.iter().map(|text| (*text).to_owned()).collect(), all_down)
}

#[test]
fn members_that_are_up_and_ready_are_answered() {
    let pool = pool(WhenAllDown::All);
    let mut members = up(&["192.0.2.1", "192.0.2.3", "2001:db8::1"]);
    assert_eq!(chosen(&pool, Family::V4, &members, &[]), answer(&["192.0.2.1", "192.0.2.3"], None));
    members.drained.insert("a");
    assert_eq!(chosen(&pool, Family::V4, &members, &[]), answer(&["192.0.2.3"], None));
}

#[test]
fn each_family_is_judged_alone() {
    let pool = pool(WhenAllDown::All);
    let members = up(&["192.0.2.1"]);
    assert_eq!(chosen(&pool, Family::V4, &members, &[]), answer(&["192.0.2.1"], None));
    assert_eq!(chosen(&pool, Family::V6, &members, &[]), answer(&["2001:db8::1", "2001:db8::2"], Some("all")));
}

#[test]
fn all_answers_every_member_but_those_the_operator_took_away() {
    let pool = pool(WhenAllDown::All);
    let mut members = up(&[]);
    members.drained.insert("b");
    assert_eq!(chosen(&pool, Family::V4, &members, &[]), answer(&["192.0.2.1", "192.0.2.3"], Some("all")));
}

#[test]
fn what_was_never_checked_is_never_answered() {
    let pool = pool(WhenAllDown::All);
    let mut members = up(&[]);
    members.unchecked.insert(ip("192.0.2.2"));
    assert_eq!(chosen(&pool, Family::V4, &members, &["192.0.2.2"]), answer(&["192.0.2.1", "192.0.2.3"], Some("all")));
}

#[test]
fn last_answers_the_last_that_were_up_or_all_if_none_of_them_is_left() {
    let pool = pool(WhenAllDown::Last);
    let mut members = up(&[]);
    assert_eq!(chosen(&pool, Family::V4, &members, &["192.0.2.2"]), answer(&["192.0.2.2"], Some("last")));
    members.drained.insert("b");
    assert_eq!(chosen(&pool, Family::V4, &members, &["192.0.2.2"]), answer(&["192.0.2.1", "192.0.2.3"], Some("last")));
    assert_eq!(chosen(&pool, Family::V6, &members, &[]), answer(&["2001:db8::1"], Some("last")));
}

#[test]
fn empty_answers_nothing() {
    assert_eq!(chosen(&pool(WhenAllDown::Empty), Family::V4, &up(&[]), &[]), answer(&[], Some("empty")));
}

#[test]
fn a_fallback_is_answered_in_its_family_without_members_the_operator_took_away() {
    let fallback = ["198.51.100.1", "192.0.2.2", "2001:db8::ffff"].map(ip).to_vec();
    let pool = pool(WhenAllDown::Fallback(fallback));
    let mut members = up(&[]);
    assert_eq!(chosen(&pool, Family::V4, &members, &[]), answer(&["198.51.100.1", "192.0.2.2"], Some("fallback")));
    members.drained.insert("b");
    assert_eq!(chosen(&pool, Family::V4, &members, &[]), answer(&["198.51.100.1"], Some("fallback")));
    assert_eq!(chosen(&pool, Family::V6, &members, &[]), answer(&["2001:db8::ffff"], Some("fallback")));
}

#[test]
fn a_family_that_no_member_has_is_empty_whatever_the_policy() {
    let mut pool = pool(WhenAllDown::All);
    pool.members.retain(|name, _| name == "c");
    assert_eq!(chosen(&pool, Family::V6, &up(&[]), &[]), answer(&[], None));
}

#[test]
fn the_last_usable_and_the_last_ready_member_are_named() {
    let pool = pool(WhenAllDown::All);
    let mut members = up(&["192.0.2.1", "192.0.2.2"]);
    assert_eq!(last_one(&pool, "a", &members, 0), None);
    members.drained.insert("b");
    assert!(last_one(&pool, "a", &members, 0).is_some_and(|why| why.contains("up and ready")));
    assert_eq!(last_one(&pool, "b", &members, 0), None, "it is drained already");
    assert_eq!(last_one(&pool, "c", &members, 0), None, "it is down: nobody misses it");
    members.drained.insert("a");
    assert!(last_one(&pool, "c", &members, 0).is_some_and(|why| why.contains("ready")));
}
