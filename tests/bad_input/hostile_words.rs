//! Words of an operator that would steer another operator's terminal: each verb shows them, and none obeys them.

use polder::printable::is_hidden;
use serde_json::Value;

use crate::site::{Daemon, Site, polder, request};

/// A line of its own, a cleared screen, a title, C1's CSI: the daemons take no such reason.
const REFUSED: &str = "tea\r\nAll is well.\u{1b}[2J\u{1b}]0;t\u{7}\u{9b}31m";

/// Text turned round, text without width, a line's end of another kind, markup.
const HOSTILE: &str = "tea \u{202e}desrever\u{2066}\u{200b}\u{2028}<b>";

/// How it is shown.
const SHOWN: &str = r"tea \u{202e}desrever\u{2066}\u{200b}\u{2028}<b>";

#[track_caller]
fn assert_fit(said: &str) {
    let hidden: String = said.chars().filter(|letter| *letter != '\n' && is_hidden(*letter)).collect();
    assert!(hidden.is_empty(), "{hidden:?} in {said:?}");
}

/// Some string of the answer is exactly this.
fn has(answer: &Value, text: &str) -> bool {
    match answer {
        Value::String(string) => string == text,
        Value::Array(array) => array.iter().any(|value| has(value, text)),
        Value::Object(object) => object.values().any(|value| has(value, text)),
        _ => false,
    }
}

fn page(daemon: &Daemon<'_>) -> String {
    request(daemon.document["admin"]["address"].as_str().unwrap().parse().unwrap(), "localhost", "/").1
}

#[test]
fn a_hostile_why_is_shown_by_every_verb_and_obeyed_by_none() {
    let site = Site::new();
    let mut daemon = site.proxy(0, &[]);
    daemon.run();
    let refused = polder(&daemon, &["maint", "shop1", "--why", REFUSED]);
    refused.assert(1, &["control character"]);
    assert_fit(&refused.said);
    // The latch keeps the one, the backend that is out the other.
    polder(&daemon, &["failover", "shop", "--why", HOSTILE]).assert(0, &[]);
    polder(&daemon, &["maint", "shop1", "--why", HOSTILE]).assert(0, &[]);

    let status = polder(&daemon, &["status"]);
    assert_fit(&status.said);
    crate::site::assert_says(&status.said, &[SHOWN]);

    let json = polder(&daemon, &["status", "--json"]);
    assert_fit(&json.said);
    let answer: Value = serde_json::from_str(&json.said).unwrap();
    assert!(has(&answer, HOSTILE), "the data is exact: {answer:#}");

    for verb in [
        &["explain", "http://shop.polder.test/"][..],
        &["explain", "http://shop.polder.test/", "--json"],
        &["ready", "shop1"],
    ] {
        assert_fit(&polder(&daemon, verb).said);
    }
    assert_fit(&daemon.said());
    let page = page(&daemon);
    assert_fit(&page);
    assert!(page.contains(&SHOWN.replace("<b>", "&lt;b&gt;")), "{page}");
}

#[test]
fn a_hostile_name_on_the_command_line_is_answered_and_obeyed_by_no_verb() {
    let site = Site::new();
    let mut daemon = site.nameserver();
    daemon.run();
    for verb in
        [&["drain", HOSTILE][..], &["explain", HOSTILE], &["failover", HOSTILE], &["explain", HOSTILE, "--json"]]
    {
        let said = polder(&daemon, verb).said;
        assert_fit(&said);
    }
    assert_fit(&daemon.said());
}
