pub mod examples;

use super::*;
use crate::api::operator::{OperatorNote, OperatorState};
use crate::api::status::Status;
use crate::health::Verdict;
use crate::push::error::Error;
use crate::verbs::endpoint::Endpoint;
use crate::verbs::replies::DaemonReply;

fn reply(answer: Result<Status, Error>) -> DaemonReply {
    DaemonReply {
        endpoint: Endpoint { name: Some("ns-2".to_owned()), ..Endpoint::at(std::path::Path::new("/nowhere")) },
        answer,
    }
}

fn seen(proxies: &[crate::api::proxy::Status]) -> Seen {
    let nameserver = reply(Ok(Status::Nameserver(Box::new(examples::nameserver()))));
    let proxies = proxies.iter().map(|one| reply(Ok(Status::Proxy(Box::new(one.clone())))));
    Seen::of(proxies.chain([nameserver]).collect(), None)
}

fn shown(seen: &Seen, name: Option<&str>, width: usize) -> String {
    let Ok(view) = View::of(name, seen) else { panic!("{name:?} is known") };
    let text = anstream::adapter::strip_str(&view.text(seen, Columns::of(width))).to_string();
    assert!(text.lines().all(|line| line.chars().count() <= width), "{width}:\n{text}");
    text
}

/// A proxy on which `www` is answered 503, with names and reasons as long as they come.
fn broken(name: &str) -> crate::api::proxy::Status {
    let mut proxy = examples::proxy();
    proxy.daemon.name = name.to_owned();
    proxy.services[1].usable = false;
    for backend in &mut proxy.services[1].backends {
        (backend.check, backend.check_reason) = (Verdict::Down, "connection refused".to_owned());
    }
    proxy
}

#[test]
fn what_is_not_well_comes_first_and_what_is_well_is_counted() {
    let text = shown(&seen(&[broken("px-1"), broken("px-2")]), None, 80);
    assert_eq!(
        text,
        "\
! www: 503 at px-1, px-2: web1, web2 down: connection refused
! www/web2 is in drain since 2023-11-14 22:13:20Z, by alice@admin-nl: new disk;
  `polder ready www/web2` puts it back

BACKEND   CHECKS  OPERATOR  PART
www/web1  down    ready     primary
www/web2  down    drain     primary

2 proxies ready (0.1.0): px-1, px-2
1 nameserver ready (0.1.0): ns-1
1 other service, 2 backends: all up and ready
1 pool, 2 members: all in the answers

`polder status www` shows all of it, `polder events` what has happened.
"
    );
}

#[test]
fn a_fleet_that_is_well_takes_a_few_lines() {
    let mut well = examples::proxy();
    (well.services[1].backends[1].operator, well.services[1].backends[1].note) = (OperatorState::Ready, None);
    assert_eq!(
        shown(&seen(&[well]), None, 80),
        "\
All is well.

1 proxy ready (0.1.0): px-1
1 nameserver ready (0.1.0): ns-1
2 services, 4 backends: all up and ready
1 pool, 2 members: all in the answers
"
    );
}

#[test]
fn no_line_is_wider_than_a_telephone_whatever_names_and_reasons_are() {
    let mut proxy = broken("a-proxy-with-a-very-long-name-that-no-table-was-made-for");
    proxy.services[1].name = "a-service-with-a-very-long-name-that-no-table-was-made-for".to_owned();
    proxy.services[1].backends[0].check_reason = "x".repeat(300);
    let seen = seen(&[proxy]);
    for width in [20, 40, 79, 80, 120] {
        for name in
            [None, Some("a-service-with-a-very-long-name-that-no-table-was-made-for"), Some("web1"), Some("ns-1")]
        {
            shown(&seen, name, width);
        }
    }
}

#[test]
fn one_thing_is_shown_in_full_with_who_when_and_why() {
    let mut proxy = examples::proxy();
    let latch = proxy.services[0].latch.as_mut().unwrap();
    (latch.active, latch.epoch, latch.spent) = (Some("web3".to_owned()), 3, vec!["web2".to_owned()]);
    let seen = seen(&[proxy]);
    let shop = shown(&seen, Some("shop"), 200);
    for told in [
        "service shop: stateful, one active backend (latched); hosts shop.example.net",
        "  latch: web3 is active, epoch 3, since 2023-11-14 22:13:20Z by px-1: start; failed away from web2",
        "  the latch is on disk on every proxy",
        "shop/web2: 192.0.2.21:80, primary, left",
        "  checks: up since 2023-11-14 22:13:20Z (",
        "shop/web3: 192.0.2.21:80, backup, active",
    ] {
        assert!(shop.contains(told), "{told}\n{shop}");
    }
    assert!(!shop.contains("www/"), "{shop}");
    // A backend by its own name: wherever it is used.
    let web2 = shown(&seen, Some("web2"), 200);
    assert!(web2.contains("shop/web2: ") && web2.contains("www/web2: "), "{web2}");
    let drained = "  operator: drain since 2023-11-14 22:13:20Z, by alice@admin-nl at px-1: new disk; until somebody says otherwise";
    assert!(web2.contains(drained), "{web2}");
    assert!(web2.starts_with("! "), "what is not well with it comes first: {web2}");
    let one = shown(&seen, Some("www/web2"), 200);
    assert!(!one.contains("shop/web2: "), "{one}");
}

#[test]
fn a_zone_is_shown_with_what_each_nameserver_counted_of_it() {
    use crate::api::dns::{LimitedResponses, OtherZones, ZoneQueries, ZoneStatus};
    let zone = |name: &str, queries| ZoneStatus {
        name: name.to_owned(),
        serial: 7,
        records: 9,
        copy_because: None,
        catalog: None,
        signed: String::new(),
        dnssec: None,
        queries,
    };
    let limited = LimitedResponses { dropped: 4, ..LimitedResponses::default() };
    let queries = ZoneQueries { answered: 30, nxdomain: 20, rate_limited: limited, ..ZoneQueries::default() };
    let mut nameserver = examples::nameserver();
    nameserver.zones = vec![zone("example.net", Some(queries)), zone("late.example", None)];
    nameserver.other_zones = Some(OtherZones { zones: 12, queries });
    nameserver.no_zone = Some(queries);
    let seen = Seen::of(vec![reply(Ok(Status::Nameserver(Box::new(nameserver))))], None);
    let words = "30 answered (20 NXDOMAIN); beyond the rate limit: 4 dropped";
    for (name, told) in [
        ("example.net", format!("zone example.net: serial 7, 9 records; on ns-1\n  ns-1: {words}\n")),
        ("late.example", "  ns-1: queries are counted together with those of others, 12 zones in all\n".to_owned()),
        ("ns-1", format!("  of 12 zones that are counted together: {words}\n")),
        ("ns-1", format!("  of names in no zone here: {words}\n")),
    ] {
        let text = shown(&seen, Some(name), 200);
        assert!(text.contains(&told), "{told}\n{text}");
    }
}

#[test]
fn a_signed_zone_is_shown_with_its_signatures_and_keys_as_each_nameserver_has_them() {
    use crate::api::dns::{ZoneKeyChange, ZoneKeyRole, ZoneKeyStep};
    let next = Some(ZoneKeyChange { at_ms: examples::NOW, to: ZoneKeyStep::Inactive });
    let key = crate::api::dns::ZoneKeyStatus { next, ..examples::zone_key(7413, ZoneKeyRole::Csk) };
    let with = |name: &str, change: fn(&mut crate::api::dns::DnssecStatus)| {
        let mut nameserver = examples::nameserver();
        nameserver.daemon.name = name.to_owned();
        let mut zone = examples::signed_zone(vec![key.clone()]);
        zone.dnssec.iter_mut().for_each(change);
        nameserver.zones = vec![zone];
        examples::reply(name, Ok(Status::Nameserver(Box::new(nameserver))))
    };
    let over = "signed here; the first signature runs out at 2023-11-23 22:13:20Z (over)";
    let does = "key 7413 (CSK, ECDSAP256SHA256): signs until 2023-11-14 22:13:20Z\n";
    let seen = Seen::of(vec![with("ns-1", |_| ()), with("ns-2", |_| ())], None);
    let text = shown(&seen, Some("example.net"), 200);
    assert!(text.contains(&format!("\n  {over}\n  {does}")), "{text}");
    let unsigned = with("ns-2", |dnssec| (dnssec.expires_ms, dnssec.keys) = (None, Vec::new()));
    let seen = Seen::of(vec![with("ns-1", |_| ()), unsigned], None);
    let text = shown(&seen, Some("example.net"), 200);
    assert!(text.contains(&format!("  {over} (so on ns-1)\n  {does}")), "{text}");
    assert!(text.contains("  NOT signed: its keys could not be used at the start (so on ns-2)\n"), "{text}");
}

#[test]
fn a_name_that_nothing_has_is_answered_with_the_one_that_was_meant() {
    let seen = seen(&[examples::proxy()]);
    for (said, meant) in
        [("px1", "px-1"), ("web9", "web1"), ("shopp", "shop"), ("htp0.l.example.net", "http0.l.example.net")]
    {
        let Err(unknown) = View::of(Some(said), &seen) else { panic!("{said} is unknown") };
        assert!(unknown.words().ends_with(&format!("did you mean {meant}?")), "{}", unknown.words());
    }
    let Err(unknown) = View::of(Some("mail"), &seen) else { panic!("mail is unknown") };
    assert!(unknown.words().contains("`polder status` shows what there is"), "{}", unknown.words());
}

#[test]
fn what_is_down_is_not_said_to_be_well_by_any_of_its_names() {
    let seen = seen(&[broken("px-1")]);
    for name in ["www", "www/web1", "web1", "www.example.net"] {
        let Ok(view) = View::of(Some(name), &seen) else { panic!("{name} is known") };
        assert_eq!((view.verdict(&seen), &view.json(&seen)["well"]), (Exit::No, &serde_json::json!(false)), "{name}");
    }
}

#[test]
fn services_that_need_no_backend_are_told_with_what_answers() {
    let mut proxy = examples::proxy();
    let target = Some("redirect 302 to https://www.example.net/…".to_owned());
    let service = crate::api::proxy::ServiceStatus {
        name: "old".to_owned(),
        fingerprint: String::new(),
        target,
        mode: "redirect".to_owned(),
        latch: None,
        backends: Vec::new(),
        ..proxy.services[0].clone()
    };
    proxy.services.push(service);
    let seen = seen(&[proxy]);
    assert!(shown(&seen, None, 80).contains("1 service that the proxies answer by themselves: old (redirect)\n"));
    assert!(shown(&seen, Some("old"), 80).contains("service old: redirect 302 to https://www.example.net/…; hosts"));
}

#[test]
fn a_service_is_shown_with_its_own_findings_and_with_alarms_that_name_it_and_with_no_others() {
    let mut proxy = broken("px-1");
    proxy.services[0].backends[1].operator = OperatorState::Drain;
    proxy.services[0].backends[1].note = Some(OperatorNote {
        why: "www moves".to_owned(),
        ..examples::proxy().services[1].backends[1].note.clone().unwrap()
    });
    proxy.daemon.alarms = vec!["www: its page is not read".to_owned(), "shop: a slot is damaged".to_owned()];
    let text = shown(&seen(&[proxy]), Some("www"), 200);
    let findings: Vec<&str> = text.lines().filter(|line| line.starts_with('!')).collect();
    assert!(
        findings.iter().any(|one| one.contains("www: 503")) && findings.iter().any(|one| one.contains("its page")),
        "{text}"
    );
    assert!(!findings.iter().any(|one| one.contains("shop")), "the note of another one mentions it: {text}");
}

#[test]
fn beside_a_silent_proxy_nothing_of_a_service_is_said_to_be_well_on_every_proxy() {
    let silent = |name| examples::reply(name, Err(Error::new("nothing came")));
    let mut replies = examples::replies();
    replies.push(silent("px-2"));
    let seen = Seen::of(replies, None);
    for name in ["shop", "shop.example.net", "web3"] {
        let Ok(view) = View::of(Some(name), &seen) else { panic!("{name} is known") };
        assert_eq!((view.verdict(&seen), &view.json(&seen)["well"]), (Exit::No, &json!(false)), "{name}");
        let text = shown(&seen, Some(name), 200);
        assert!(text.starts_with("! px-2 does not answer: nothing came\n"), "{text}");
        assert!(!text.contains("on every proxy"), "{text}");
    }
    assert!(shown(&seen, Some("shop"), 200).contains("the latch is on disk on px-1; of who does not answer"));
    let Ok(other) = View::of(Some("ns-1"), &seen) else { panic!("ns-1 is known") };
    assert_eq!(other.verdict(&seen), Exit::Done, "it is well, whoever else is silent");
}

#[test]
fn of_many_findings_the_rest_is_counted_and_machines_get_all() {
    let mut proxy = examples::proxy();
    proxy.daemon.alarms = (0..200).map(|number| format!("service-{number:03} fails")).collect();
    let seen = seen(&[proxy]);
    let text = shown(&seen, None, 80);
    let findings = text.lines().filter(|line| line.starts_with('!')).count();
    assert_eq!(findings, 24, "{text}");
    let more = seen.findings.len() - 24;
    assert!(text.contains(&format!("\n  and {more} more: `polder status --json`\n")), "{text}");
    let Ok(view) = View::of(None, &seen) else { panic!("all is known") };
    assert_eq!(view.json(&seen)["findings"].as_array().unwrap().len(), seen.findings.len());
}

#[test]
fn in_a_pipe_each_finding_is_one_line() {
    let seen = seen(&[broken("px-1")]);
    let text = View::All.text(&seen, Columns { all: 40, finding: usize::MAX });
    let text = anstream::adapter::strip_str(&text).to_string();
    assert!(text.contains("! www: 503 at px-1: web1, web2 down: connection refused\n"), "{text}");
    assert!(text.lines().any(|line| line.ends_with("`polder ready www/web2` puts it back")), "{text}");
}
