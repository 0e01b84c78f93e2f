use super::*;
use crate::api::daemon::{Daemon, DaemonStatus};
use crate::api::dns::DecidedBy;

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
