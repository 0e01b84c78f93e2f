use super::*;
use crate::api::dns::{
    DnssecStatus, GivenBy, ZoneKeyChange, ZoneKeyRole, ZoneKeySchedule, ZoneKeyStatus, ZoneKeyStep, ZoneStatus,
};
use crate::verbs::status::tests::examples::{NOW, nameserver, reply, signed_zone, zone_key};

const DAY: u64 = 86_400_000;

/// A nameserver with these zones.
fn with(name: &str, zones: Vec<ZoneStatus>) -> DaemonReply {
    let mut status = nameserver();
    status.daemon.name = name.to_owned();
    status.zones = zones;
    reply(name, Ok(crate::api::status::Status::Nameserver(Box::new(status))))
}

fn changed(mut zone: ZoneStatus, change: impl FnOnce(&mut DnssecStatus)) -> ZoneStatus {
    change(zone.dnssec.as_mut().unwrap());
    zone
}

fn at_step(days: u64, to: ZoneKeyStep) -> Option<ZoneKeyChange> {
    Some(ZoneKeyChange { at_ms: NOW + days * DAY, to })
}

fn shown(replies: &[DaemonReply], width: usize) -> String {
    let text = text::shown(&Seen::of(replies, None, NOW), width);
    let text = anstream::adapter::strip_str(&text).to_string();
    let is_record = |line: &str| line.contains(" IN DS ");
    assert!(text.lines().all(|line| is_record(line) || line.chars().count() <= width), "{width}:\n{text}");
    text
}

fn found(replies: &[DaemonReply]) -> Vec<String> {
    Seen::of(replies, None, NOW).zones.into_iter().flat_map(|zone| zone.findings).collect()
}

/// A KSK, and a ZSK that another one replaces in two days.
fn in_a_roll() -> ZoneStatus {
    let old = ZoneKeyStatus { next: at_step(2, ZoneKeyStep::Inactive), ..zone_key(59013, ZoneKeyRole::Zsk) };
    let next = at_step(2, ZoneKeyStep::Active);
    let new = ZoneKeyStatus { signs: false, next, ..zone_key(7413, ZoneKeyRole::Zsk) };
    signed_zone(vec![new, old, zone_key(40212, ZoneKeyRole::Ksk)])
}

#[test]
fn a_zone_is_shown_with_its_keys_what_comes_next_and_what_the_parent_is_to_have() {
    let replies = [with("ns-1", vec![in_a_roll()]), with("ns-2", vec![in_a_roll()])];
    assert_eq!(
        shown(&replies, 80),
        "\
zone example.net: signed on ns-1 and ns-2; the first signature runs out at
  2023-11-23 22:13:20Z (in 9d)
KEY    ROLE  ALGORITHM        STATE      NEXT
40212  KSK   ECDSAP256SHA256  signs      stays
7413   ZSK   ECDSAP256SHA256  published  signs from 2023-11-16 22:13:20Z
59013  ZSK   ECDSAP256SHA256  signs      signs until 2023-11-16 22:13:20Z
next: key 7413 signs from 2023-11-16 22:13:20Z
next: key 59013 signs until 2023-11-16 22:13:20Z
the parent is to have, once every nameserver signs:
  example.net. IN DS 40212 13 2 0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a
"
    );
    assert!(Seen::of(&replies, None, NOW).is_well());
}

#[test]
fn no_line_but_a_record_is_wider_than_the_terminal() {
    let unsigned = changed(in_a_roll(), |status| status.expires_ms = None);
    let replies =
        [with("ns-1", vec![in_a_roll()]), with("ns-2", vec![unsigned]), reply("ns-3", Err(Error::new("refused")))];
    for width in [20, 40, 79, 80, 120] {
        shown(&replies, width);
    }
}

#[test]
fn a_nameserver_that_does_not_sign_is_told_loudly_with_what_to_do() {
    let unsigned = changed(in_a_roll(), |status| (status.expires_ms, status.keys) = (None, Vec::new()));
    let plain = ZoneStatus { signed: String::new(), dnssec: None, ..in_a_roll() };
    let replies = [with("ns-1", vec![in_a_roll()]), with("ns-2", vec![unsigned]), with("ns-3", vec![plain])];
    let said = found(&replies);
    assert!(said[0].starts_with("zone example.net is NOT signed on ns-2, whose document says so: "), "{said:?}");
    assert!(
        said[0].ends_with("bring the zone's key files into /var/lib/dnssec there, then `polder reload`"),
        "{said:?}"
    );
    assert!(
        said[1].starts_with("zone example.net is NOT signed by the document of ns-3, and is by that of ns-1 and ns-2")
    );
    assert_eq!(said.len(), 2, "its keys are told apart among those who sign: {said:?}");
    let seen = Seen::of(&replies, None, NOW);
    assert!(!seen.is_well() && shown(&replies, 80).contains("\n! zone example.net is NOT signed on ns-2"));
}

#[test]
fn keys_that_only_one_nameserver_has_stand_beside_its_name() {
    let one = signed_zone(vec![zone_key(40212, ZoneKeyRole::Csk)]);
    let other = signed_zone(vec![zone_key(40212, ZoneKeyRole::Csk), zone_key(5, ZoneKeyRole::Csk)]);
    let replies = [with("ns-1", vec![one]), with("ns-2", vec![other])];
    assert!(found(&replies)[0].starts_with("zone example.net: not the same keys: key 5 is on ns-2 and not on ns-1: "));
    let text = shown(&replies, 120);
    assert!(text.contains("\n5      CSK   ECDSAP256SHA256  signs  stays  ns-2\n"), "{text}");
}

#[test]
fn an_overdue_key_is_a_finding_with_the_command_that_makes_the_next_one() {
    for (role, command) in [
        (
            ZoneKeyRole::Csk,
            "polder dnssec keygen example.net --folder /var/lib/dnssec --activate 7d, copy its files to every nameserver, and give the \
             parent its DS within a day",
        ),
        (
            ZoneKeyRole::Zsk,
            "polder dnssec keygen example.net --folder /var/lib/dnssec --zsk --activate 2d, copy its files to every nameserver",
        ),
    ] {
        let key = ZoneKeyStatus { overdue: true, next: at_step(3, ZoneKeyStep::Deleted), ..zone_key(7, role) };
        let replies = [with("ns-1", vec![signed_zone(vec![key])])];
        assert_eq!(
            found(&replies),
            [format!(
                "key 7 of zone example.net is overdue: it was to sign no more, and goes on as there is no other: make the next one: {command}"
            )]
        );
        let text = shown(&replies, 100);
        assert!(text.contains("OVERDUE  signs until another one does") && !text.contains("next:"), "{text}");
    }
}

#[test]
fn a_key_that_ends_without_a_successor_is_told_with_the_command_that_makes_one() {
    let ends = ZoneKeyStatus { next: at_step(5, ZoneKeyStep::Inactive), ..zone_key(59013, ZoneKeyRole::Zsk) };
    let zone =
        changed(signed_zone(vec![zone_key(40212, ZoneKeyRole::Ksk), ends]), |status| status.lifetime_s = 30 * 86_400);
    let replies = [with("ns-1", vec![zone])];
    let seen = Seen::of(&replies, None, NOW);
    assert_eq!(
        seen.zones[0].next,
        [
            "key 59013 signs until 2023-11-19 22:13:20Z, and no other one follows it: make the next one: polder dnssec roll-zsk example.net \
             --folder /var/lib/dnssec --lifetime 30d"
        ]
    );
}

#[test]
fn signatures_that_are_not_renewed_are_a_finding_before_they_run_out() {
    let left = |ms: u64| {
        let zone = changed(in_a_roll(), |status| status.expires_ms = Some(NOW + ms));
        found(&[with("ns-1", vec![zone])])
    };
    assert_eq!(left(5 * DAY), Vec::<String>::new(), "a third is left");
    assert!(left(4 * DAY)[0].contains("on ns-1 runs out at 2023-11-18 22:13:20Z, and was to be renewed before"));
    assert!(left(0)[0].contains("has run out at 2023-11-14 22:13:20Z"));
}

#[test]
fn signatures_that_are_not_good_yet_are_a_finding_with_from_when_on_they_are() {
    let from = |ms: u64| {
        let zone = changed(in_a_roll(), |status| status.good_from_ms = Some(ms));
        found(&[with("ns-1", vec![zone])])
    };
    assert_eq!(from(NOW), Vec::<String>::new());
    assert!(from(NOW + 4 * DAY)[0].contains("on ns-1 is not good before 2023-11-18 22:13:20Z: until then"));
}

#[test]
fn a_zone_that_came_signed_in_a_way_that_validators_refuse_is_told_once_with_why_and_what_to_do() {
    let bogus = changed(in_a_roll(), |status| {
        (status.given_by, status.bogus) = (Some(GivenBy::Primaries), Some("example.net. A is not signed".to_owned()));
    });
    let replies = [with("ns-1", vec![bogus.clone()]), with("ns-2", vec![bogus])];
    let [found] = &found(&replies)[..] else { panic!("{:?}", found(&replies)) };
    assert!(
        found.contains("served by ns-1 and ns-2 as it came")
            && found.contains("example.net. A is not signed; have it signed anew"),
        "{found}"
    );
    assert!(!Seen::of(&replies, None, NOW).is_well());
}

#[test]
fn the_parent_gets_the_ds_of_a_key_before_it_signs() {
    let next = at_step(7, ZoneKeyStep::Active);
    let coming = ZoneKeyStatus { signs: false, next, ..zone_key(9, ZoneKeyRole::Ksk) };
    let replies = [with("ns-1", vec![signed_zone(vec![zone_key(40212, ZoneKeyRole::Csk), coming])])];
    let text = shown(&replies, 80);
    assert!(text.contains("next: key 9 signs from 2023-11-21 22:13:20Z; give the parent its DS before\n"), "{text}");
    assert!(
        text.contains("and well before 2023-11-21 22:13:20Z, beside it:\n  example.net. IN DS 9 13 2 0a"),
        "{text}"
    );
}

#[test]
fn machines_get_each_nameserver_s_view_and_who_is_silent() {
    let plain = ZoneStatus { dnssec: None, ..in_a_roll() };
    let replies =
        [with("ns-1", vec![in_a_roll()]), with("ns-2", vec![plain]), reply("ns-3", Err(Error::new("refused")))];
    let report = json!(Seen::of(&replies, None, NOW).report());
    let zone = &report["zones"][0];
    assert_eq!((&report["well"], &zone["zone"], &zone["well"]), (&json!(false), &json!("example.net"), &json!(false)));
    assert_eq!(zone["expires_ms"], json!(NOW + 9 * DAY));
    assert_eq!(zone["nameservers"][0]["dnssec"]["keys"][0]["next"], json!({ "at_ms": NOW + 2 * DAY, "to": "active" }));
    assert_eq!(zone["nameservers"][1], json!({ "name": "ns-2", "dnssec": null }));
    assert_eq!(report["silent"][0]["name"], json!("ns-3"));
}

#[test]
fn a_zone_that_is_not_signed_is_told_apart_from_one_that_is_not_there() {
    let plain = ZoneStatus { name: "example.org".to_owned(), dnssec: None, ..in_a_roll() };
    let replies = [with("ns-1", vec![in_a_roll(), plain])];
    assert_eq!(
        unsigned("example.org", &replies),
        "zone example.org is not signed: no nameserver that answered has `dnssec` of it in its document"
    );
    assert_eq!(unsigned("exmple.net", &replies), "no signed zone is named \"exmple.net\"; did you mean example.net?");
    assert_eq!(
        shown(&[with("ns-1", Vec::new())], 80),
        "No zone is signed: none has `dnssec` in the documents of its nameservers.\n"
    );
}

#[test]
fn keys_that_were_made_ahead_are_one_line_and_a_finding_when_they_come_to_an_end() {
    let waits = |tag, days| {
        let next = at_step(days, ZoneKeyStep::Published);
        ZoneKeyStatus { published: false, signs: false, next, ..zone_key(tag, ZoneKeyRole::Zsk) }
    };
    let signs = ZoneKeyStatus { next: at_step(80, ZoneKeyStep::Inactive), ..zone_key(59013, ZoneKeyRole::Zsk) };
    let gone = ZoneKeyStatus { published: false, signs: false, ..zone_key(8, ZoneKeyRole::Zsk) };
    let keys = vec![zone_key(40212, ZoneKeyRole::Ksk), signs, waits(7413, 78), waits(7414, 168), gone];
    let schedule = |warns: u64| ZoneKeySchedule {
        next: Some((7413, NOW + 80 * DAY)),
        every_s: 90 * 86_400,
        ends_ms: NOW + 260 * DAY,
        warns_ms: NOW + warns * DAY,
    };
    let zone = |warns| changed(signed_zone(keys.clone()), |status| status.schedule = Some(schedule(warns)));
    let text = shown(&[with("ns-1", vec![zone(1)])], 100);
    assert_eq!(
        text.lines().skip(1).take(6).collect::<Vec<_>>().join("\n"),
        "\
KEY    ROLE  ALGORITHM        STATE  NEXT
40212  KSK   ECDSAP256SHA256  signs  stays
59013  ZSK   ECDSAP256SHA256  signs  signs until 2024-02-02 22:13:20Z
schedule: the ZSK rolls by itself until 2024-07-31 22:13:20Z: key 7413 signs from 2024-02-02
  22:13:20Z; 2 keys are not published yet
next: key 59013 signs until 2024-02-02 22:13:20Z"
    );
    assert_eq!(
        found(&[with("ns-1", vec![zone(0)])]),
        [
            "the ZSKs of zone example.net were made ahead until 2024-07-31 22:13:20Z, and the last one goes on then: nothing breaks, and it rolls no \
          more: make more of them: polder dnssec roll-zsk example.net --folder /var/lib/dnssec --every 90d --for 730d"
        ]
    );
}

#[test]
fn a_key_that_goes_with_its_algorithm_is_followed_by_the_one_of_the_other_algorithm() {
    let keys = |new_signs: bool| {
        let old = ZoneKeyStatus { next: at_step(2, ZoneKeyStep::Deleted), ..zone_key(40212, ZoneKeyRole::Csk) };
        let new = ZoneKeyStatus { algorithm: "ED25519".to_owned(), signs: new_signs, ..zone_key(9, ZoneKeyRole::Csk) };
        vec![old, new]
    };
    let steps = |zones: Vec<DaemonReply>| Seen::of(&zones, None, NOW).zones.remove(0).next;
    assert_eq!(
        steps(vec![with("ns-1", vec![signed_zone(keys(true))])]),
        ["key 40212 is in the zone until 2023-11-16 22:13:20Z"]
    );
    // Without it the command is told, once, whatever the folders are.
    let elsewhere = changed(signed_zone(keys(false)), |status| status.folder = "/srv/keys".to_owned());
    assert_eq!(
        steps(vec![with("ns-1", vec![signed_zone(keys(false))]), with("ns-2", vec![elsewhere])]),
        [
            "key 40212 signs until 2023-11-16 22:13:20Z, and no other one follows it: make the next one: polder dnssec keygen example.net \
             --folder /var/lib/dnssec --activate 7d, copy its files to every nameserver, and give the parent its DS within a day"
        ]
    );
}

#[test]
fn the_table_of_keys_keeps_its_head_where_lines_may_be_as_long_as_they_are() {
    let one = signed_zone(vec![zone_key(40212, ZoneKeyRole::Csk)]);
    let name = "a-nameserver-with-a-name-that-takes-many-columns";
    let replies = [with(name, vec![one]), with("ns-2", vec![signed_zone(vec![zone_key(5, ZoneKeyRole::Csk)])])];
    let text = shown(&replies, usize::MAX);
    assert!(text.contains("\nKEY    ROLE  ALGORITHM        STATE  NEXT   ON\n"), "{text}");
}

#[test]
fn a_roll_that_is_under_way_is_told_with_its_end_and_the_parent_is_to_have_one_key_at_a_time() {
    let roll = |hours_ago: u64, next| {
        let old = ZoneKeyStatus { published_ms: Some(NOW - 90 * DAY), next, ..zone_key(40212, ZoneKeyRole::Csk) };
        let published_ms = Some(NOW - hours_ago * 3_600_000);
        vec![old, ZoneKeyStatus { published_ms, ..zone_key(9, ZoneKeyRole::Csk) }]
    };
    let seen = |keys: Vec<ZoneKeyStatus>| {
        let replies = [with("ns-1", vec![signed_zone(keys.clone())]), with("ns-2", vec![signed_zone(keys)])];
        let zone = Seen::of(&replies, None, NOW).zones.remove(0);
        let tags = zone.parent.records().map(|record| record.split(' ').nth(3).unwrap().to_owned());
        (tags.collect::<Vec<_>>().join(" "), zone.next)
    };
    let finish = "then: polder dnssec roll-ksk example.net --folder /var/lib/dnssec --finish";
    let give = "give the parent the DS of key 9 for that of key 40212,";
    assert_eq!(
        seen(roll(23, None)),
        ("40212".to_owned(), vec![format!("{give} not before 2023-11-14 23:13:20Z, {finish}")])
    );
    assert_eq!(seen(roll(24, None)), ("9".to_owned(), vec![format!("{give} {finish}")]));
    assert_eq!(
        seen(roll(48, at_step(2, ZoneKeyStep::Inactive))),
        ("9".to_owned(), vec!["key 40212 signs until 2023-11-16 22:13:20Z".to_owned()])
    );
}
