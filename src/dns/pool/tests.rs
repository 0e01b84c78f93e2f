//! What a pool answers with.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::*;
use crate::config::{CheckConfig, ProbeKind};

const KEEPS: Duration = Duration::from_secs(600);

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
    let member = |addresses: &[&str]| MemberConfig {
        addresses: addresses.iter().map(|text| ip(text)).collect(),
        alpn: None,
        location: None,
    };
    let members = BTreeMap::from([
        ("a".to_owned(), member(&["192.0.2.1", "2001:db8::1"])),
        ("b".to_owned(), member(&["192.0.2.2", "2001:db8::2"])),
        ("c".to_owned(), member(&["192.0.2.3"])),
    ]);
    PoolConfig {
        fingerprint: Default::default(),
        ttl: 300,
        aliases: vec![],
        when_all_down,
        keep_answer: KEEPS,
        members,
        check,
        https: None,
        nearby_at_least: 2,
    }
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

#[derive(Default)]
struct Told {
    up: BTreeSet<IpAddr>,
    unchecked: BTreeSet<IpAddr>,
    drained: BTreeSet<&'static str>,
    /// For each peer that is heard: what it sees up and down.
    peers: Vec<(BTreeSet<IpAddr>, BTreeSet<IpAddr>)>,
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

    fn opinions(&self, addresses: &[IpAddr]) -> Vec<Vec<Option<Verdict>>> {
        let of_peer = |(up, down): &(BTreeSet<IpAddr>, BTreeSet<IpAddr>)| {
            let verdict = |address: &IpAddr| match (up.contains(address), down.contains(address)) {
                (true, _) => Some(Verdict::Up),
                (_, true) => Some(Verdict::Down),
                _ => None,
            };
            addresses.iter().map(verdict).collect()
        };
        self.peers.iter().map(of_peer).collect()
    }
}

fn up(addresses: &[&str]) -> Told {
    Told { up: addresses.iter().map(|text| ip(text)).collect(), ..Told::default() }
}

fn chosen(pool: &PoolConfig, family: Family, members: &Told, last: &[&str]) -> (Vec<String>, Option<&'static str>) {
    let last: Vec<IpAddr> = last.iter().map(|text| ip(text)).collect();
    let ended = Some(Outage::Alone { since: 0 });
    let before = Before { last: &last, falling: &[], follows: None, outage: ended, now: KEEPS.as_millis() as u64 };
    let (choice, _) = choose(pool, family, members, &before);
    (choice.addresses.iter().map(ToString::to_string).collect(), choice.by.policy())
}

/// What is answered of A, and by what that is decided.
fn decided(pool: &PoolConfig, members: &Told) -> (Vec<String>, By) {
    let (choice, _) =
        choose(pool, Family::V4, members, &Before { last: &[], falling: &[], follows: None, outage: None, now: 0 });
    (choice.addresses.iter().map(ToString::to_string).collect(), choice.by)
}

/// No member is up here; of each peer that is heard, by the last number of its address, which members it sees up and which down.
fn all_down_beside(peers: &[(&[u8], &[u8])]) -> Told {
    let addresses = |numbers: &[u8]| numbers.iter().map(|n| IpAddr::from([192, 0, 2, *n])).collect();
    Told { peers: peers.iter().map(|(up, down)| (addresses(up), addresses(down))).collect(), ..Told::default() }
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

#[test]
fn where_no_member_is_up_here_what_most_peers_see_up_is_answered() {
    let pool = pool(WhenAllDown::Empty);
    let by_peers = |peers: &[(&[u8], &[u8])]| decided(&pool, &all_down_beside(peers));
    let seen = |addresses: &[&str]| (addresses.iter().map(|one| (*one).to_owned()).collect(), By::Peers);
    let nobody = (vec![], By::AllDown("empty"));
    assert_eq!(by_peers(&[(&[1, 3], &[2])]), seen(&["192.0.2.1", "192.0.2.3"]), "one peer is most of one");
    assert_eq!(by_peers(&[(&[], &[1, 2, 3])]), nobody, "it sees none up either");
    assert_eq!(by_peers(&[(&[1], &[2, 3]), (&[], &[1, 2, 3])]), nobody, "one of two is not most of them");
    assert_eq!(
        by_peers(&[(&[1], &[2, 3]), (&[], &[])]),
        seen(&["192.0.2.1"]),
        "who has checked nothing does not count"
    );
    assert_eq!(by_peers(&[]), nobody, "nobody is heard");
}

#[test]
fn of_peers_that_differ_at_least_half_decide_which_members_are_up() {
    let pool = pool(WhenAllDown::All);
    let by_peers = |peers: &[(&[u8], &[u8])]| decided(&pool, &all_down_beside(peers)).0;
    assert_eq!(by_peers(&[(&[1, 2], &[3]), (&[2, 3], &[1])]), ["192.0.2.1", "192.0.2.2", "192.0.2.3"]);
    assert_eq!(by_peers(&[(&[1, 2], &[3]), (&[2], &[1, 3]), (&[2, 3], &[1])]), ["192.0.2.2"], "one of three may lie");
    assert_eq!(by_peers(&[(&[1], &[2, 3]), (&[2], &[1, 3]), (&[3], &[1, 2])]), ["192.0.2.1", "192.0.2.2", "192.0.2.3"]);
}

#[test]
fn peers_bring_back_nobody_whom_the_operator_took_away_and_are_not_asked_while_a_member_is_up_here() {
    let pool = pool(WhenAllDown::Empty);
    let mut members = all_down_beside(&[(&[1, 2], &[3])]);
    members.drained.insert("a");
    assert_eq!(decided(&pool, &members), (vec!["192.0.2.2".to_owned()], By::Peers));
    members.drained.insert("b");
    assert_eq!(decided(&pool, &members), (vec![], By::AllDown("empty")));
    members.up.insert(ip("192.0.2.3"));
    assert_eq!(decided(&pool, &members), (vec!["192.0.2.3".to_owned()], By::Checks));
}

/// The rule told once more: count for each peer whether it sees any, then for each address who sees it.
#[test]
fn what_peers_decide_is_what_counting_them_by_hand_gives() {
    let pool = pool(WhenAllDown::Empty);
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| fastrand::u64(..));
    println!("SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    for _ in 0..5_000 {
        let peers: Vec<(Vec<u8>, Vec<u8>)> = (0..random.usize(0..5))
            .map(|_| {
                let verdicts: Vec<u8> = (0..3).map(|_| random.u8(0..3)).collect();
                let of = |wanted| (1..=3).filter(|n: &u8| verdicts[usize::from(*n) - 1] == wanted).collect();
                (of(0), of(1))
            })
            .collect();
        let told: Vec<(&[u8], &[u8])> = peers.iter().map(|(up, down)| (&up[..], &down[..])).collect();
        let (addresses, by) = decided(&pool, &all_down_beside(&told));
        let speak = peers.iter().filter(|(up, down)| up.len() + down.len() > 0).count() as f64;
        let see: Vec<&Vec<u8>> = peers.iter().map(|(up, _)| up).filter(|up| !up.is_empty()).collect();
        let share = |n: u8| see.iter().filter(|up| up.contains(&n)).count() as f64 / see.len() as f64;
        let mut expected: Vec<u8> = (1..=3).filter(|n| share(*n) >= 0.5).collect();
        if expected.is_empty() {
            expected = (1..=3).filter(|n| share(*n) > 0.0).collect();
        }
        let is_theirs = see.len() as f64 > speak / 2.0;
        let expected: Vec<String> = expected.iter().map(|n| format!("192.0.2.{n}")).filter(|_| is_theirs).collect();
        assert_eq!((by == By::Peers, &addresses), (is_theirs, &expected), "SEED={seed}: {peers:?}");
    }
}

/// What is answered of A so many milliseconds after the epoch, and what then is known of the outage.
fn during(pool: &PoolConfig, members: &Told, outage: Option<Outage>, now: u64) -> (Vec<String>, By, Option<Outage>) {
    let last = ["192.0.2.1", "192.0.2.2"].map(ip);
    let (Choice { addresses, by }, outage) =
        choose(pool, Family::V4, members, &Before { last: &last, falling: &[], follows: None, outage, now });
    (addresses.iter().map(ToString::to_string).collect(), by, outage)
}

#[test]
fn with_nobody_to_ask_the_answer_from_before_is_kept_for_the_stated_time() {
    let pool = pool(WhenAllDown::Empty);
    let members = up(&[]);
    let before = || vec!["192.0.2.1".to_owned(), "192.0.2.2".to_owned()];
    let (began, until) = (Some(Outage::Alone { since: 1_000 }), 601_000);
    assert_eq!(during(&pool, &members, None, 1_000), (before(), By::Kept { until }, began));
    assert_eq!(during(&pool, &members, began, until - 1), (before(), By::Kept { until }, began));
    assert_eq!(during(&pool, &members, began, until), (vec![], By::AllDown("empty"), began));
    assert_eq!(during(&pool, &up(&["192.0.2.3"]), began, 2_000), (vec!["192.0.2.3".into()], By::Checks, None));
}

#[test]
fn a_kept_answer_has_nobody_whom_the_operator_took_away() {
    let pool = pool(WhenAllDown::Empty);
    let mut members = up(&[]);
    members.drained.insert("a");
    assert_eq!(during(&pool, &members, None, 0).0, ["192.0.2.2"]);
    members.drained.insert("b");
    assert_eq!(during(&pool, &members, None, 0).1, By::AllDown("empty"), "nothing is left of it");
    members.drained.insert("c");
    assert_eq!(during(&pool, &members, None, 0).2, None, "an operator's word is no outage");
}

#[test]
fn no_time_switches_keeping_off() {
    let pool = PoolConfig { keep_answer: Duration::ZERO, ..pool(WhenAllDown::Empty) };
    assert_eq!(during(&pool, &up(&[]), None, 7).1, By::AllDown("empty"));
}

#[test]
fn once_peers_have_said_that_all_are_down_nothing_is_kept_though_they_fall_silent() {
    let pool = pool(WhenAllDown::Empty);
    let agreed = during(&pool, &all_down_beside(&[(&[], &[1, 2, 3])]), Some(Outage::Alone { since: 0 }), 1_000);
    assert_eq!(agreed, (vec![], By::AllDown("empty"), Some(Outage::Agreed)));
    assert_eq!(during(&pool, &up(&[]), agreed.2, 2_000), agreed);
}

#[test]
fn peers_that_come_back_decide_and_end_what_was_kept() {
    let pool = pool(WhenAllDown::Empty);
    let (answer, by, outage) =
        during(&pool, &all_down_beside(&[(&[3], &[1, 2])]), Some(Outage::Alone { since: 0 }), 1_000);
    assert_eq!((answer, by, outage), (vec!["192.0.2.3".to_owned()], By::Peers, None));
}

#[test]
fn members_that_are_falling_are_answered_while_another_one_is_up_and_the_operator_wants_them() {
    let pool = pool(WhenAllDown::Empty);
    let falling = ["192.0.2.1", "192.0.2.2"].map(ip);
    let before = Before { last: &[], falling: &falling, follows: None, outage: None, now: 0 };
    let mut members = up(&["192.0.2.3"]);
    members.drained.insert("b");
    let (chosen, _) = choose(&pool, Family::V4, &members, &before);
    assert_eq!(chosen, Choice { addresses: ["192.0.2.1", "192.0.2.3"].map(ip).to_vec(), by: By::Checks });
    let (chosen, _) = choose(&pool, Family::V4, &up(&[]), &before);
    assert_eq!(chosen.by, By::AllDown("empty"));
}

#[test]
fn without_ipv6_of_its_own_a_nameserver_answers_the_aaaa_of_the_members_whose_a_it_answers() {
    let pool = pool(WhenAllDown::All);
    let aaaa = |members: &Told, a: Choice| {
        let before = Before { last: &["2001:db8::2"].map(ip), falling: &[], follows: Some(&a), outage: None, now: 0 };
        let (Choice { addresses, by }, _) = choose(&pool, Family::V6, members, &before);
        (addresses.iter().map(ToString::to_string).collect::<Vec<_>>(), by)
    };
    let a = |by| Choice { addresses: vec![ip("192.0.2.1"), ip("192.0.2.3")], by };
    let all = vec!["2001:db8::1".to_owned(), "2001:db8::2".to_owned()];
    let one = |by| (vec!["2001:db8::1".to_owned()], by);
    assert_eq!(aaaa(&up(&[]), a(By::Checks)), one(By::FollowsA), "the second one's A is dead");
    assert_eq!(aaaa(&up(&[]), a(By::Kept { until: 1 })), one(By::FollowsA));
    assert_eq!(aaaa(&up(&[]), a(By::AllDown("all"))), (all, By::AllDown("all")), "of A nothing is known either");
    assert_eq!(aaaa(&up(&["2001:db8::2"]), a(By::Checks)), (vec!["2001:db8::2".into()], By::Checks), "it is reached");
    let peer = |up: &[&str], down: &[&str]| {
        let addresses = |texts: &[&str]| texts.iter().map(|text| ip(text)).collect();
        Told { peers: vec![(addresses(up), addresses(down))], ..Told::default() }
    };
    let says = peer(&["2001:db8::2"], &["2001:db8::1"]);
    assert_eq!(aaaa(&says, a(By::Checks)), (vec!["2001:db8::2".into()], By::Peers), "peers know");
    let mut drained = up(&[]);
    drained.drained.insert("a");
    assert_eq!(aaaa(&drained, a(By::Checks)).1, By::AllDown("all"));
}

#[test]
fn clients_of_a_location_get_its_members_where_enough_of_them_are_up_and_else_all() {
    let mut pool = pool(WhenAllDown::All);
    for (member, location) in [("a", "nl"), ("b", "ch"), ("c", "nl")] {
        pool.members.get_mut(member).unwrap().location = Some(location.to_owned());
    }
    assert_eq!(near::locations(&pool), BTreeSet::from(["ch", "nl"]));
    let falling = [ip("192.0.2.3")];
    let near_beside =
        |pool: &PoolConfig, location: &str, by: By, addresses: &[&str], family, falling: &[IpAddr]| -> Vec<String> {
            let choice = Choice { addresses: addresses.iter().map(|text| ip(text)).collect(), by };
            near::addresses(pool, location, (&choice, falling), family).into_iter().map(ToString::to_string).collect()
        };
    let near = |pool: &PoolConfig, location: &str, by, addresses: &[&str], family| {
        near_beside(pool, location, by, addresses, family, &[])
    };
    let v4 = ["192.0.2.1", "192.0.2.2", "192.0.2.3"];
    assert_eq!(near(&pool, "nl", By::Checks, &v4, Family::V4), ["192.0.2.1", "192.0.2.3"]);
    assert_eq!(near(&pool, "nl", By::Peers, &v4, Family::V4), ["192.0.2.1", "192.0.2.3"]);
    assert_eq!(near(&pool, "nl", By::Checks, &v4[1..], Family::V4), v4[1..], "one alone is too few");
    assert_eq!(near(&pool, "ch", By::Checks, &v4, Family::V4), v4);
    assert_eq!(near(&pool, "nl", By::AllDown("all"), &v4, Family::V4), v4, "nobody knows who is well");
    let v6 = ["2001:db8::1", "2001:db8::2"];
    assert_eq!(near(&pool, "nl", By::Checks, &v6, Family::V6), v6, "of IPv6 there is one");
    assert_eq!(
        near_beside(&pool, "nl", By::Checks, &v4, Family::V4, &falling),
        v4,
        "one of them has just been found down"
    );
    pool.nearby_at_least = 1;
    assert_eq!(near_beside(&pool, "nl", By::Checks, &v4, Family::V4, &falling), ["192.0.2.1"], "the other one");
    assert_eq!(near(&pool, "nl", By::Checks, &v6, Family::V6), ["2001:db8::1"]);
    assert_eq!(near(&pool, "ch", By::Checks, &v4, Family::V4), ["192.0.2.2"]);
    assert_eq!(near(&pool, "de", By::Checks, &v4, Family::V4), v4, "nobody is there");
}
