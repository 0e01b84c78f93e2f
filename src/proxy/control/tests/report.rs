//! What the operator is told of the state.

use super::*;
use crate::api::agreement::{Cluster, Member, Report};
use crate::config::pages::PagesConfig;
use crate::daemon::trends::Trends;
use crate::unix_time::{since, to_unix_ms};

#[test]
fn metrics_are_named_as_prometheus_wants_them() {
    let machine = Machine::start(StoredLatches::Missing, false);
    let page = metrics(&machine.state, &Live::default(), machine.now, &Scrape::default());
    let mut family = ("", "");
    for line in page.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["#", "HELP", name, ..] => {
                assert!(line.ends_with('.'), "{line}");
                family = (name, "");
            }
            ["#", "TYPE", name, kind] => {
                assert_eq!(name, family.0, "{line}");
                assert_eq!(name.ends_with("_total"), kind == "counter", "{line}");
                assert!(
                    !name.contains("bytes") || name.ends_with("_bytes_total") || name.ends_with("_bytes"),
                    "{line}"
                );
                family.1 = kind;
            }
            _ => assert!(line.starts_with(family.0) && !family.1.is_empty(), "{line}"),
        }
    }
    assert!(page.contains("polder_requests_waiting{daemon=\"proxy\",service=\"shop\"} 0\n"), "{page}");
}

/// Explains a request of nobody in particular.
#[test]
fn explain_tells_the_same_as_the_snapshot_decides() {
    let mut machine = Machine::start(StoredLatches::Missing, false);
    let told = explain(&machine.state, "shop.example.net:80", "/", "polder-shop=192.0.2.3:8080");
    assert_eq!((told.service.as_deref(), told.backend.as_deref()), (Some("shop"), Some("web2")));
    assert!(told.because.contains(&"the cookie polder-shop names web3".to_string()), "{told:?}");
    assert_eq!(told.because.last().unwrap(), "web2: the latch decides; the response sets the cookie");
    let told = explain(&machine.state, "a.www.example.net", "/app/x", "");
    assert_eq!(told.route, "host *.www.example.net and path /app");
    machine.set("www/web1", Verdict::Down);
    let told = explain(&machine.state, "www.example.net", "/", "");
    assert_eq!(told.because.len(), 3, "{told:?}");
    assert_eq!(told.because[0], "it comes in by the listener http (127.0.0.1:80)");
    let health = machine.state.health.get(&machine.service("www").backends[0].target).unwrap();
    let since = since(to_unix_ms(health.since), 1_000_000);
    assert_eq!(told.because[1], format!("web1 is down by its checks since {since}: {}", health.reason));
    assert_eq!(told.because[2], "web2: it is the only usable primary");
    machine.set("www/web2", Verdict::Down);
    let told = explain(&machine.state, "www.example.net", "/", "");
    assert_eq!((told.backend, told.because.last().unwrap().contains("503")), (None, true));
    let told = explain(&machine.state, "example.org", "/", "");
    assert_eq!((told.service, told.refusal.as_deref(), told.because.len()), (None, Some("404"), 2));
    let route = |host| explain(&machine.state, host, "/", "").route;
    assert!(route("shpo.example.net").ends_with("; did you mean shop.example.net?"), "{}", route("shpo.example.net"));
    assert!(route("shop").ends_with("; shop is a service, whose hosts are shop.example.net"), "{}", route("shop"));
}

#[test]
fn explain_tells_who_has_taken_a_backend_out_and_since_when() {
    let mut machine = Machine::start(StoredLatches::Missing, false);
    machine.say("www/web1", OperatorState::Drain, false).unwrap();
    let told = explain(&machine.state, "www.example.net", "/", "");
    assert_eq!(told.because[1], "web1 is in drain since 00:16:40Z by alice", "{told:?}");
}

#[test]
fn what_the_proxy_itself_answers_is_told_and_no_service_is_named() {
    let mut machine = Machine::start(StoredLatches::Missing, false);
    for (path, words, refusal) in [
        ("/.polder/ready", "the proxy itself answers 200: it is ready", None),
        ("/.polder", "paths below /.polder/ are the proxy's own: it answers 404", Some("404")),
    ] {
        let told = explain(&machine.state, "nobody.example", path, "");
        assert_eq!((told.service, told.target.as_deref(), told.refusal.as_deref()), (None, Some("proxy"), refusal));
        assert_eq!(told.because.last().unwrap(), words);
    }
    for backend in ["www/web1", "www/web2", "shop/web2", "shop/web3"] {
        machine.set(backend, Verdict::Down);
    }
    let told = explain(&machine.state, "nobody.example", "/.polder/ready", "");
    assert_eq!(told.refusal.as_deref(), Some("503"));
    let told = explain(&machine.state, "www.example.net", "/.well-known/acme-challenge/token", "");
    assert!(told.because[1].contains("no order under way has this token"), "{told:?}");
    assert_eq!(told.service.as_deref(), Some("www"));
}

/// Two members of etcd, one of which has fallen silent.
fn members() -> Cluster {
    let report = Report { leads: true, has_leader: true, behind: Some(0), database: 20_480, ..Report::default() };
    let member = |name: &str| Member { name: name.into(), is_asked: true, is_listed: Some(true), ..Member::default() };
    let silent = Member {
        silent_since: Some(1000),
        error: Some("connection <refused>".into()),
        alarms: vec!["NOSPACE".into()],
        ..member("etcd-2")
    };
    Cluster { members: vec![Member { report: Some(report), ..member("etcd-1") }, silent] }
}

#[test]
fn status_page_and_metrics_show_the_same_moment() {
    let mut machine = Machine::start(StoredLatches::Missing, false);
    machine.set("shop/web2", Verdict::Down);
    machine.say("www/web1", OperatorState::Drain, false).unwrap();
    let live = Live {
        workers: vec![Arc::default()],
        connections: 7,
        listeners: vec!["127.0.0.1:80".into()],
        log_lines_dropped: 0,
        log_failure: None,
        nameservers: Default::default(),
        agreement: Some(members()),
        hanging: Vec::new(),
        shell: Figures {
            last_reload: Some(LastReload {
                when: 0,
                words: "the last reload was refused: <why>".into(),
                refused: true,
            }),
            ..Figures::default()
        },
    };
    let status = status(&machine.state, &live, machine.now);
    let shop = &status.services[0];
    assert_eq!((shop.name.as_str(), shop.mode.as_str(), shop.usable), ("shop", "latched", true));
    let latch = shop.latch.as_ref().unwrap();
    assert_eq!((latch.active.as_deref(), latch.epoch, latch.stored), (Some("web3"), 1, true));
    let web1 = &status.services[1].backends[0];
    assert_eq!((web1.operator, web1.note.as_ref().unwrap().who.as_str()), (OperatorState::Drain, "alice"));
    assert_eq!((status.daemon.ready, status.connections, status.daemon.alarms.len()), (true, 7, 1));

    let page = page(&status, &Trends::default(), &[], &PagesConfig::default()).document();
    for told in
        ["● leads", "20 KiB", "✖ no answer since ", "connection &lt;refused&gt;", "✖ alarm NOSPACE", "▲ 1 of 2 answer"]
    {
        assert!(page.contains(told), "no {told}: {page}");
    }
    assert!(page.contains("1 member of etcd not well"), "{page}");
    assert!(page.contains("<b>web3</b>") && page.contains("refused: &lt;why&gt;"), "{page}");

    let text = metrics(&machine.state, &live, machine.now, &Scrape::default());
    for line in [
        "polder_ready{daemon=\"proxy\"} 1",
        "polder_connections{daemon=\"proxy\"} 7",
        "polder_check_up{daemon=\"proxy\",service=\"shop\",backend=\"web2\"} 0",
        "polder_operator_state{daemon=\"proxy\",service=\"www\",backend=\"web1\",state=\"drain\"} 1",
        "polder_latch_epoch{daemon=\"proxy\",service=\"shop\"} 1",
        "polder_latch_active{daemon=\"proxy\",service=\"shop\",backend=\"web3\"} 1",
        "polder_state_unwritten{daemon=\"proxy\"} 0",
        "polder_agreement_voters{daemon=\"proxy\"} 2",
        "polder_agreement_voters_answering{daemon=\"proxy\"} 1",
        "polder_agreement_member_up{daemon=\"proxy\",member=\"etcd-1\"} 1",
        "polder_agreement_member_up{daemon=\"proxy\",member=\"etcd-2\"} 0",
        "polder_agreement_member_leads{daemon=\"proxy\",member=\"etcd-1\"} 1",
        "polder_agreement_member_behind{daemon=\"proxy\",member=\"etcd-1\"} 0",
        "polder_agreement_member_database_bytes{daemon=\"proxy\",member=\"etcd-1\"} 20480",
        "polder_agreement_member_alarm{daemon=\"proxy\",member=\"etcd-2\",alarm=\"NOSPACE\"} 1",
    ] {
        assert!(text.lines().any(|found| found == line), "no {line:?} in:\n{text}");
    }
}
