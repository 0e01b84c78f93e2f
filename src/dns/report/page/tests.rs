use super::*;
use crate::api::daemon::{Daemon, DaemonStatus};
use crate::api::dns::{
    DecidedBy, DnssecStatus, GivenBy, ZoneKeyChange, ZoneKeyRole, ZoneKeySchedule, ZoneKeyStatus, ZoneKeyStep,
};

fn status(pools: Vec<PoolStatus>) -> Status {
    Status {
        daemon: DaemonStatus {
            role: Daemon::Nameserver,
            name: "<script>alert('x')</script>".into(),
            version: "1".into(),
            pid: 1,
            uptime_s: 1,
            generation: 1,
            ready: true,
            draining: false,
            listeners: vec![],
            settings: Default::default(),
            peers: vec![],
            alarms: vec!["a <b> & \"c\"".into()],
            last_reload: None,
        },
        queries: 0,
        no_ipv6: false,
        zones: vec![],
        failed_zones: vec![],
        certificates: vec![],
        challenges: vec![],
        other_zones: None,
        no_zone: None,
        dnstap: None,
        pools,
    }
}

#[test]
fn names_cannot_bring_markup_into_the_page() {
    let status = status(vec![]);
    let page = page(&status, &Trends::default(), &[], &PagesConfig::default()).document();
    assert!(!page.contains("<script>alert"), "{page}");
    assert!(page.contains("a &lt;b&gt; &amp; &quot;c&quot;"), "{page}");
}

#[test]
fn a_pool_says_how_many_of_its_addresses_are_answered_and_each_other_one_why_it_is_not() {
    let member = |name: &str, check, operator, answered| MemberStatus {
        name: name.into(),
        operator,
        note: None,
        addresses: vec![AddressStatus {
            address: "192.0.2.1".into(),
            check,
            check_reason: String::new(),
            check_since: 0,
            answered,
            unjudged: false,
        }],
    };
    let pool = |name: &str, members| PoolStatus {
        near: Default::default(),
        name: name.into(),
        fingerprint: String::new(),
        ttl: 5,
        answers: vec![],
        all_down: None,
        decided_by: DecidedBy::default(),
        isolated: None,
        kept_until: None,
        members,
    };
    let members = vec![
        member("px-1", Verdict::Up, OperatorState::Ready, true),
        member("px-2", Verdict::Down, OperatorState::Ready, false),
        member("px-3", Verdict::Up, OperatorState::Drain, false),
        member("px-4", Verdict::Down, OperatorState::Maint, false),
        member("px-5", Verdict::Up, OperatorState::Ready, false),
    ];
    let status = status(vec![pool("well", vec![members[0].clone()]), pool("poor", members)]);
    let page = page(&status, &Trends::default(), &[], &PagesConfig::default()).document();
    let at = |part: &str| page.find(part).unwrap_or_else(|| panic!("{part}: {page}"));
    assert!(at("▲ 1 of 5 answered") < at("● 1 of 1 answered"), "what is not well stands first: {page}");
    for part in ["down", "drain", "down, maint", "by what peers see"] {
        at(&format!("left out: {part}</span>"));
    }
    at("<title>1 alarm, 1 pool not well, nameserver ");
}

const DAY: u64 = 86_400_000;

fn signed(name: &str, left_ms: u64, change: impl FnOnce(&mut DnssecStatus)) -> ZoneStatus {
    let key = |tag, role, next| ZoneKeyStatus {
        tag,
        algorithm: "ECDSAP256SHA256".into(),
        role,
        published: true,
        published_ms: None,
        signs: true,
        overdue: false,
        next,
        ds: None,
    };
    let replaced = ZoneKeyChange { at_ms: 1_796_227_200_000, to: ZoneKeyStep::Inactive };
    let mut dnssec = DnssecStatus {
        good_from_ms: None,
        expires_ms: Some(unix_ms() + left_ms),
        lifetime_s: 14 * 86_400,
        key_ttl_s: 3600,
        folder: String::new(),
        keys: vec![key(40212, ZoneKeyRole::Ksk, None), key(59013, ZoneKeyRole::Zsk, Some(replaced))],
        given_by: None,
        bogus: None,
        schedule: None,
    };
    change(&mut dnssec);
    ZoneStatus {
        name: name.into(),
        serial: 1,
        records: 1,
        copy_because: None,
        catalog: None,
        signed: String::new(),
        dnssec: Some(dnssec),
        queries: None,
    }
}

#[test]
fn a_signed_zone_says_until_when_its_signatures_are_good_what_its_keys_do_and_what_is_wrong() {
    let well = signed("well.test", 9 * DAY + 60_000, |_| {});
    let schedule = |warns_ms| ZoneKeySchedule { next: None, every_s: 90 * 86_400, ends_ms: warns_ms + DAY, warns_ms };
    let zones = vec![
        well.clone(),
        signed("late.test", 4 * DAY, |_| {}),
        signed("over.test", 0, |_| {}),
        signed("early.test", 9 * DAY, |dnssec| dnssec.good_from_ms = Some(unix_ms() + DAY)),
        signed("elsewhere.test", 4 * DAY, |dnssec| dnssec.given_by = Some(GivenBy::Primaries)),
        signed("bogus.test", 9 * DAY, |dnssec| {
            dnssec.given_by = Some(GivenBy::Primaries);
            dnssec.bogus = Some("<a> is not signed".into());
        }),
        signed("unsigned.test", 0, |dnssec| (dnssec.expires_ms, dnssec.keys) = (None, vec![])),
        signed("overdue.test", 9 * DAY, |dnssec| dnssec.keys[1].overdue = true),
        signed("ahead.test", 9 * DAY, |dnssec| dnssec.schedule = Some(schedule(unix_ms() + DAY))),
        signed("ending.test", 9 * DAY, |dnssec| dnssec.schedule = Some(schedule(unix_ms() - DAY))),
    ];
    let all = Status { zones, ..status(vec![]) };
    let document = page(&all, &Trends::default(), &[], &PagesConfig::default()).document();
    let (_, section) = document.split_once("<h2>Signed zones</h2>").unwrap();
    let row = |name: &str| {
        let (_, row) = section.split_once(&format!("<b>{name}</b>")).unwrap_or_else(|| panic!("{name}: {section}"));
        row.split_once("</li>").unwrap().0
    };
    let at = |name: &str| section.find(&format!("<b>{name}</b>")).unwrap();
    for (name, said, is_well) in [
        ("well.test", "for 9 d 0 h", true),
        ("well.test", "<span>signed here</span>", true),
        ("well.test", "<span class=\"dim\">key 40212 (KSK, ECDSAP256SHA256) signs</span>", true),
        ("well.test", "key 59013 (ZSK, ECDSAP256SHA256) signs until 2026-12-02 16:00:00Z", true),
        ("late.test", ": they should have been renewed", false),
        ("over.test", "✖ a signature has run out at ", false),
        ("early.test", "✖ signatures not good before ", false),
        ("elsewhere.test", "● signatures good until ", true),
        ("elsewhere.test", "signed elsewhere, from its primaries", true),
        ("bogus.test", "✖ resolvers that validate refuse it: &lt;a&gt; is not signed", false),
        ("unsigned.test", "✖ NOT signed", false),
        ("overdue.test", "▲ key 59013 (ZSK, ECDSAP256SHA256) goes on", false),
        ("ahead.test", "<span class=\"dim\">ZSKs made ahead until ", true),
        ("ending.test", "<span class=\"off\">▲ ZSKs made ahead until ", false),
    ] {
        assert!(row(name).contains(said), "{name}: {said}: {}", row(name));
        assert_eq!(at(name) >= at("well.test"), is_well, "{name}: what is not well stands first: {section}");
    }
    assert!(document.contains("7 zones not well, nameserver "), "{document}");
    let plain = Status { zones: vec![ZoneStatus { dnssec: None, ..well }], ..status(vec![]) };
    let document = page(&plain, &Trends::default(), &[], &PagesConfig::default()).document();
    assert!(!document.contains("Signed zones"), "{document}");
}
