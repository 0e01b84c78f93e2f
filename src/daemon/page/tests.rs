use super::pieces::strip;
use super::*;
use crate::api::daemon::{Daemon, PeerStatus};
use crate::daemon::trends::Reading;
use crate::health::Verdict;
use crate::log_line::Kind;

fn daemon() -> DaemonStatus {
    DaemonStatus {
        role: Daemon::Proxy,
        name: "px-1".into(),
        version: "1".into(),
        pid: 1,
        uptime_s: 90_061,
        generation: 3,
        ready: true,
        draining: false,
        listeners: vec!["127.0.0.1:80".into()],
        settings: Default::default(),
        peers: vec![],
        alarms: vec![],
        last_reload: None,
    }
}

fn document(daemon: &DaemonStatus, pages: &PagesConfig) -> String {
    Page { daemon, trends: &Trends::default(), events: &[], pages, facts: vec![], unwell: vec![], sections: vec![] }
        .document()
}

fn pages<'p>(of: impl IntoIterator<Item = (&'p str, &'p str)>) -> std::collections::BTreeMap<String, String> {
    of.into_iter().map(|(name, url)| (name.to_owned(), url.to_owned())).collect()
}

#[test]
fn a_page_links_to_those_of_the_fleet_and_marks_its_own_which_a_nameserver_of_the_same_name_does_not_hide() {
    let proxies = pages([("px-1", "http://192.0.2.11:8404/"), ("px-2", "https://px-2.example.net/?a=\"&b")]);
    let nameservers = pages([("px-1", "http://192.0.2.11:8453/")]);
    let page = document(&daemon(), &PagesConfig { proxies, nameservers });
    assert_eq!(page.matches("<b aria-current=\"page\">px-1</b>").count(), 1, "{page}");
    assert!(!page.contains("http://192.0.2.11:8404/"), "{page}");
    for link in [
        "<a class=\"peer\" href=\"https://px-2.example.net/?a=&quot;&amp;b\">px-2</a>",
        "<a href=\"http://192.0.2.11:8453/\">px-1</a>",
    ] {
        assert!(page.contains(link), "{page}");
    }
}

#[test]
fn a_link_to_a_peer_that_is_not_heard_says_so_and_its_row_names_it_once() {
    let mut daemon = daemon();
    let error = Some("px-2 (192.0.2.12:8405): connection refused".into());
    daemon.peers = vec![PeerStatus { name: "px-2".into(), heard: None, error, differs: vec![] }];
    let urls = pages([("px-2", "http://192.0.2.12:8404/"), ("px-3", "http://192.0.2.13:8404/")]);
    let nameservers = pages([("px-2", "http://192.0.2.12:8453/")]);
    let page = document(&daemon, &PagesConfig { proxies: urls, nameservers });
    for part in [
        "<a class=\"peer unheard\" href=\"http://192.0.2.12:8404/\">px-2</a>",
        "<a class=\"peer\" href=\"http://192.0.2.13:8404/\">px-3</a>",
        "<a href=\"http://192.0.2.12:8453/\">px-2</a>",
        "<li class=\"unheard\"><b>px-2</b><span class=\"bad\">✖ not heard (192.0.2.12:8405): connection refused</span>",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
}

#[test]
fn what_is_not_well_is_counted_in_the_title_and_at_the_top() {
    let mut daemon = daemon();
    daemon.alarms = vec!["a".into(), "b".into()];
    let error = Some("px-2 (192.0.2.12:8405): connection refused".into());
    daemon.peers = vec![PeerStatus { name: "px-2".into(), heard: None, error, differs: vec![] }];
    let page = Page {
        daemon: &daemon,
        trends: &Trends::default(),
        events: &[],
        pages: &PagesConfig::default(),
        facts: vec![],
        unwell: vec!["3 services not well".into()],
        sections: vec![],
    }
    .document();
    assert!(page.contains("<title>2 alarms, 3 services not well, 1 peer not heard, proxy px-1</title>"), "{page}");
    assert!(page.contains("<p class=\"off\">▲ 3 services not well, 1 peer not heard</p>"), "{page}");
}

#[test]
fn curves_and_strips_are_as_wide_as_what_is_known_and_a_curve_has_three_points_at_least() {
    let reading = |count| [(String::new(), Reading { count, verdict: Some(Verdict::Up), times: None })];
    let mut trends = Trends::default();
    assert_eq!(trends.reach(), 0);
    for minute in 0..4 {
        trends.take(std::time::Duration::from_secs(60 * minute), reading(minute * minute));
        let trend = trends.of("").unwrap();
        let (reach, known) = (trends.reach(), minute as usize + 1);
        assert_eq!(reach, known);
        let drawn = strip(trend, reach).into_string();
        let whole = format!("<rect class=\"good\" x=\"0\" y=\"4\" width=\"{known}\"");
        assert!(drawn.contains(&format!("viewBox=\"0 0 {known} 10\"")) && drawn.contains(&whole), "{drawn}");
        let drawn = curve(trend, reach).into_string();
        assert_eq!(drawn.contains("viewBox=\"0 0 2 18\""), minute == 3, "{drawn}");
        assert_eq!(drawn.is_empty(), minute < 3, "{drawn}");
    }
    assert_eq!((lately(4), lately(60)), ("the last 4 min".to_owned(), "the last hour".to_owned()));
}

#[test]
fn a_page_that_knows_of_no_other_has_no_links() {
    let alone = PagesConfig { proxies: pages([("px-1", "http://192.0.2.11:8404/")]), ..PagesConfig::default() };
    for pages in [alone, PagesConfig::default()] {
        let page = document(&daemon(), &pages);
        assert!(!page.contains("<nav") && !page.contains("<a "), "{page}");
    }
}

#[test]
fn nothing_that_others_have_written_is_markup() {
    let evil = "<img src=x onerror=alert(1)>\u{202e}\"'&";
    let mut daemon = daemon();
    (daemon.name, daemon.alarms) = (evil.into(), vec![evil.into()]);
    daemon.peers = vec![PeerStatus {
        name: evil.into(),
        heard: None,
        error: Some(format!("of {evil}")),
        differs: vec![evil.into()],
    }];
    let event = Event { at: 0, level: Level::Error, kind: Kind::Check, subjects: vec![], words: evil.into() };
    let facts = vec![("reload", evil.to_owned())];
    let page = Page {
        daemon: &daemon,
        trends: &Trends::default(),
        events: &[event],
        pages: &PagesConfig::default(),
        facts,
        unwell: vec![],
        sections: vec![],
    }
    .document();
    assert!(!page.contains("<img"), "{page}");
    assert!(!page.contains('\u{202e}'), "{page}");
    assert_eq!(page.matches("&lt;img src=x onerror=alert(1)&gt;\\u{202e}&quot;&#39;&amp;").count(), 11, "{page}");
}

#[test]
fn a_time_that_is_none_is_no_end_of_the_daemon() {
    for at in [0, u64::MAX, i64::MAX as u64, u64::MAX - 1] {
        assert!(moment(at).into_string().contains("<time"), "{at}");
    }
}

#[test]
fn a_page_asks_nobody_else_for_anything() {
    let page = document(&daemon(), &PagesConfig::default());
    for part in [page.as_str(), STYLE, SCRIPT] {
        assert!(!part.contains("//www") && !part.contains("http:") && !part.contains("https:"), "{part}");
    }
    // The policy of the admin API allows none.
    assert!(!page.contains("style=") && !page.contains("<style") && !page.contains("onclick"), "{page}");
}
