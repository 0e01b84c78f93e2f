//! What a pool may be answered with next (pure): what members, operators and `when_all_down` can make of the present answer, in few steps first.

use std::collections::{BTreeSet, VecDeque};
use std::net::IpAddr;

use super::{By, Choice, Family, near};
use crate::config::dns::{PoolConfig, WhenAllDown};

/// Answers that a pool may come to, A, then AAAA, each in the order of the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answers {
    /// The present ones first.
    pub all: Vec<Vec<IpAddr>>,
    /// There are no others, whatever happens.
    pub are_all: bool,
}

/// The addresses of the members, and which of them are answered.
type Chosen = Box<[bool]>;

/// The answers that are nearest to the `present` ones, which clients of several locations may get: `most` of them, and with each a few that have
/// addresses of no member.
pub fn answers(pool: &PoolConfig, present: &[Vec<IpAddr>], most: usize) -> Answers {
    let addresses = |family: Family| {
        let addresses = pool.members.values().flat_map(|member| &member.addresses);
        addresses.copied().filter(move |address| family.has(address))
    };
    let all: Vec<IpAddr> = Family::BOTH.into_iter().flat_map(addresses).collect();
    let moves = moves(pool, &all);
    let chosen = |answer: &Vec<IpAddr>| -> Chosen { all.iter().map(|address| answer.contains(address)).collect() };
    let mut seen: BTreeSet<Chosen> = BTreeSet::new();
    let mut waiting: VecDeque<Chosen> = present.iter().map(chosen).collect();
    waiting.extend([vec![true; all.len()].into(), vec![false; all.len()].into()]);
    let mut found = Vec::new();
    while let Some(one) = waiting.pop_front() {
        if found.len() == most {
            break;
        }
        if !seen.insert(one.clone()) {
            continue;
        }
        let next = moves.iter().flat_map(|of_move| [true, false].map(|is_up| moved(&one, of_move, is_up)));
        waiting.extend(next.filter(|next| !seen.contains(next)));
        let answer = all.iter().zip(&one).filter(|(_, is_answered)| **is_answered).map(|(address, _)| *address);
        found.push(answer.collect());
    }
    waiting.retain(|one| !seen.contains(one));
    let fallbacks = fallbacks(pool, &found);
    found.extend(fallbacks);
    Answers { all: found, are_all: waiting.is_empty() }
}

/// The answers that a pool is likely to have when its document comes into force, everywhere and in the locations of its members: those that are `expected`, the
/// one with everybody up, and those with nobody.
pub fn likely(pool: &PoolConfig, expected: &[Vec<IpAddr>]) -> Vec<Vec<IpAddr>> {
    let everybody: Vec<IpAddr> = pool.members.values().flat_map(|member| &member.addresses).copied().collect();
    let mut all: Vec<Vec<IpAddr>> = Vec::new();
    let mut add = |answer: Vec<IpAddr>| {
        if !all.contains(&answer) {
            all.push(answer);
        }
    };
    for answered in expected.iter().chain([&everybody]) {
        let choices = Family::BOTH.map(|family| {
            let is_answered = |address: &&IpAddr| family.has(address) && answered.contains(address);
            Choice { addresses: everybody.iter().filter(is_answered).copied().collect(), by: By::Checks }
        });
        add(choices.iter().flat_map(|choice| &choice.addresses).copied().collect());
        for location in near::locations(pool) {
            let near = Family::BOTH.into_iter().zip(&choices);
            let near = near.flat_map(|(family, choice)| near::addresses(pool, location, (choice, &[]), family));
            add(near.copied().collect());
        }
    }
    add(Vec::new());
    if let WhenAllDown::Fallback(fallback) = &pool.when_all_down {
        let of = |family: Family| fallback.iter().filter(move |address| family.has(address));
        add(Family::BOTH.into_iter().flat_map(of).copied().collect());
    }
    all
}

/// What comes and goes at a time, as places in the addresses: a member, or one address of it.
fn moves(pool: &PoolConfig, all: &[IpAddr]) -> Vec<Vec<usize>> {
    let places = |addresses: &[IpAddr]| -> Vec<usize> {
        all.iter().enumerate().filter(|(_, address)| addresses.contains(address)).map(|(place, _)| place).collect()
    };
    let members = pool.members.values().map(|member| places(&member.addresses));
    let single = (0..all.len()).map(|place| vec![place]);
    members.chain(single).collect()
}

fn moved(one: &Chosen, places: &[usize], is_up: bool) -> Chosen {
    let mut next = one.clone();
    places.iter().for_each(|place| next[*place] = is_up);
    next
}

/// Answers with the addresses of `when_all_down` for one family or both: beside each answer of the other family.
fn fallbacks(pool: &PoolConfig, found: &[Vec<IpAddr>]) -> Vec<Vec<IpAddr>> {
    let WhenAllDown::Fallback(fallback) = &pool.when_all_down else { return Vec::new() };
    let of = |addresses: &[IpAddr], family: Family| -> Vec<IpAddr> {
        addresses.iter().copied().filter(|address| family.has(address)).collect()
    };
    let [v4, v6] = Family::BOTH.map(|family| of(fallback, family));
    let beside = found.iter().flat_map(|answer| {
        let [a, aaaa] = Family::BOTH.map(|family| of(answer, family));
        [[v4.clone(), aaaa].concat(), [a, v6.clone()].concat()]
    });
    let distinct: BTreeSet<Vec<IpAddr>> = beside.chain([[v4.clone(), v6.clone()].concat()]).collect();
    distinct.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::path::Path;

    use super::*;
    use crate::config::dns::{DnsConfig, parse};

    fn pool(members: usize, of_each: &[&str], rest: &str) -> PoolConfig {
        let addresses = |n: usize| {
            let all: Vec<String> = of_each.iter().map(|prefix| format!("\"{prefix}{n}\"")).collect();
            all.join(", ")
        };
        let members: Vec<String> =
            (1..=members).map(|n| format!(r#""m{n:02}": {{ "addresses": [{}] }}"#, addresses(n))).collect();
        let text = format!(
            r#"{{ "version": 1, "name": "ns", "admin": {{ "socket": "/s" }}, "state_dir": "/s", "listeners": ["127.0.0.1:53"],
                "zones": {{ "example.net": {{ "file": "z" }} }},
                "pools": {{ "pool.example.net": {{ "members": {{ {} }}, "check": {{ "type": "tcp", "port": 80 }}{rest} }} }} }}"#,
            members.join(", ")
        );
        let mut config: DnsConfig = parse(Path::new("dns.json"), &text).expect("the document is right");
        config.pools.pop_first().expect("there is a pool").1
    }

    fn v4(last: &[u8]) -> Vec<IpAddr> {
        last.iter().map(|last| IpAddr::V4(Ipv4Addr::new(192, 0, 2, *last))).collect()
    }

    #[test]
    fn of_a_small_pool_every_answer_is_known() {
        let pool = pool(4, &["192.0.2.", "2001:db8::"], "");
        let Answers { all, are_all } = answers(&pool, &[v4(&[1, 2])], 256);
        assert!(are_all);
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 256);
        assert_eq!(all[0], v4(&[1, 2]), "the present one comes first");
        assert!(!answers(&pool, &[v4(&[1, 2])], 255).are_all);
    }

    #[test]
    fn of_a_large_pool_whatever_one_or_two_members_make_of_the_present_answer_is_known_first() {
        let pool = pool(20, &["192.0.2."], "");
        let present: Vec<u8> = (1..=18).collect();
        let Answers { all, are_all } = answers(&pool, &[v4(&present)], 256);
        assert!(!are_all && all.len() == 256);
        let changed = |one: u8, other: u8| -> Vec<IpAddr> {
            let is_up = |n: &u8| (*n <= 18) != (*n == one || *n == other);
            v4(&(1..=20).filter(is_up).collect::<Vec<_>>())
        };
        for one in 1..=20 {
            for other in 1..=20 {
                assert!(all.contains(&changed(one, other)), "{one} and {other}");
            }
        }
        assert!(all.contains(&Vec::new()) && all.contains(&v4(&(1..=20).collect::<Vec<_>>())));
    }

    #[test]
    fn likely_at_first_is_what_is_expected_of_present_members_everybody_and_nobody() {
        let pool = pool(3, &["192.0.2.", "2001:db8::"], r#", "when_all_down": { "fallback": ["192.0.2.99"] }"#);
        let v6 = |last: &[u16]| -> Vec<IpAddr> {
            last.iter().map(|last| IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, *last])).collect()
        };
        let with = |last: &[u8], last_v6: &[u16]| [v4(last), v6(last_v6)].concat();
        // In another order, with an address of nobody's.
        let expected = [v6(&[2]), v4(&[77, 2, 1])].concat();
        let all = with(&[1, 2, 3], &[1, 2, 3]);
        assert_eq!(likely(&pool, &[expected]), [with(&[1, 2], &[2]), all.clone(), Vec::new(), v4(&[99])]);
        assert_eq!(likely(&pool, std::slice::from_ref(&all)), [all, Vec::new(), v4(&[99])]);
    }

    #[test]
    fn what_clients_of_locations_are_likely_to_get_is_known_too() {
        let mut pool = pool(3, &["192.0.2."], r#", "nearby_at_least": 1"#);
        for (member, location) in pool.members.values_mut().zip(["here", "there", "there"]) {
            member.location = Some(location.to_owned());
        }
        let (all, there) = (v4(&[1, 2, 3]), v4(&[2, 3]));
        assert_eq!(likely(&pool, &[v4(&[1, 2])]), [v4(&[1, 2]), v4(&[1]), v4(&[2]), all, there, Vec::new()]);
    }

    #[test]
    fn what_is_answered_when_all_are_down_is_known_too() {
        let pool = pool(2, &["192.0.2.", "2001:db8::"], r#", "when_all_down": { "fallback": ["192.0.2.99"] }"#);
        let Answers { all, .. } = answers(&pool, &[v4(&[1, 2])], 256);
        let aaaa: IpAddr = "2001:db8::2".parse().expect("it is an address");
        assert!(all.contains(&v4(&[99])) && all.contains(&[v4(&[99]), vec![aaaa]].concat()));
    }
}
