use super::*;
use crate::api::daemon::{Daemon, PeerStatus};
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
        peers: vec![],
        alarms: vec![],
        last_reload: None,
    }
}

fn document(daemon: &DaemonStatus, pages: &PagesConfig) -> String {
    Page { daemon, trends: &Trends::default(), events: &[], pages, facts: vec![], sections: vec![] }.document()
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
