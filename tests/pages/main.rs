//! The pages of both daemons in a real browser. Needs `chromium`; run with `-- --ignored`. With PICTURES=FOLDER each page that was looked at is
//! written there.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a blocking client of processes")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod browser;
mod daemons;
#[path = "../common/ports.rs"]
mod ports;
mod relay;

use browser::Browser;
use daemons::Fleet;
use relay::Relay;

/// A phone, a tablet, a desk, a large one.
const WIDTHS: [u32; 4] = [390, 768, 1200, 1600];

/// Elements that reach beyond the window, but for those that are cut by what they lie in.
const OVERFLOW: &str = "[...document.querySelectorAll('body *')]
    .filter(element => element.getBoundingClientRect().right > document.documentElement.clientWidth + 0.5)
    .map(element => element.outerHTML.slice(0, 120))
    .concat(document.documentElement.scrollWidth > document.documentElement.clientWidth ? ['the page scrolls sideways'] : [])";

/// Cards in which a strip begins elsewhere than the one above it.
const RAGGED: &str = "[...document.querySelectorAll('.cards > section')]
    .filter(card => new Set([...card.querySelectorAll('.strip')].map(strip => strip.getBoundingClientRect().left)).size > 1)
    .map(card => card.querySelector('h2').textContent)";

/// Texts whose contrast with what is behind them is under 4.5 (WCAG 2.2, 1.4.3).
const PALE: &str = "(() => {
    const parts = colour => colour.match(/[\\d.]+/g).map(Number);
    const linear = value => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
    const behind = element => {
        for (; element; element = element.parentElement) {
            const colour = parts(getComputedStyle(element).backgroundColor);
            if (colour.length < 4 || colour[3] > 0) return colour;
        }
        return [255, 255, 255];
    };
    const pale = [];
    for (const element of document.querySelectorAll('body *')) {
        const own = [...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
        if (!own || element.closest('svg')) continue;
        const [one, other] = [light(parts(getComputedStyle(element).color)), light(behind(element))].sort((a, b) => b - a);
        const contrast = (one + 0.05) / (other + 0.05);
        if (contrast < 4.5) pale.push(contrast.toFixed(2) + ' ' + element.outerHTML.slice(0, 120));
    }
    return pale;
})()";

fn keep(browser: &mut Browser, name: &str) {
    if let Some(folder) = std::env::var_os("PICTURES") {
        std::fs::write(std::path::Path::new(&folder).join(format!("{name}.png")), browser.picture()).unwrap();
    }
}

#[test]
#[ignore = "needs chromium"]
fn pages_fit_every_width_and_can_be_read_in_the_light_and_in_the_dark() {
    let fleet = Fleet::start();
    let mut browser = Browser::start();
    for (daemon, url) in fleet.pages() {
        let mut narrower = 0.0;
        for width in WIDTHS {
            for is_dark in [false, true] {
                let scheme = if is_dark { "dark" } else { "light" };
                browser.open(&url, width, is_dark, true);
                browser.wait_for("document.getElementById('link').textContent === 'live'");
                let seen = format!("{daemon} at {width} in the {scheme}");
                assert_eq!(browser.value(OVERFLOW), serde_json::json!([]), "{seen}");
                assert_eq!(browser.value(PALE), serde_json::json!([]), "{seen}");
                assert_eq!(browser.value(RAGGED), serde_json::json!([]), "{seen}");
                let ground =
                    browser.value("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)");
                let ground: Vec<u64> = serde_json::from_value(ground).unwrap();
                assert_eq!(ground.iter().all(|part| *part < 64), is_dark, "{seen}: {ground:?}");
                keep(&mut browser, &format!("{daemon}-{width}-{scheme}"));
            }
            let card = browser.value("document.querySelector('.cards > section').clientWidth").as_f64().unwrap();
            // From two columns on, more room is more room for each of them.
            assert!(
                width < 1600 || card > narrower,
                "{daemon}: cards of {card} px at {width} px, and of {narrower} before"
            );
            narrower = card;
        }
    }
}

#[test]
#[ignore = "needs chromium"]
fn a_state_that_changes_shows_by_itself_and_nothing_is_loaded_anew() {
    let fleet = Fleet::start();
    let mut browser = Browser::start();
    for (daemon, url) in fleet.pages() {
        browser.open(&url, 1600, false, true);
        browser.wait_for("document.getElementById('link').textContent === 'live'");
        browser.value("window.mark = 1; 1");
        // From the moment at which the daemon's status has it to the moment at which the page has it, both seen from within the page.
        browser.value(
            "window.shown = (async () => {
                const down = () => document.querySelector('.rows span.bad') !== null;
                let known = null;
                for (;;) {
                    if (known === null && (await (await fetch('status')).text()).includes('\"down\"')) known = performance.now();
                    if (down()) return known === null ? 0 : performance.now() - known;
                    await new Promise(resolve => setTimeout(resolve, 20));
                }
            })(); 1",
        );
        fleet.set_well(false);
        let late = browser.value("window.shown").as_f64().unwrap();
        // A figure to read, and no verdict: the machine may be busy.
        println!("{daemon}: shown {late:.0} ms after the status had it");
        fleet.set_well(true);
        browser.wait_for("document.querySelector('.rows span.bad') === null");
        assert_eq!(browser.value("window.mark"), serde_json::json!(1), "{daemon}: it was loaded anew");
    }
}

#[test]
#[ignore = "needs chromium"]
fn what_is_not_well_is_counted_in_title_and_header_stands_first_and_says_what_it_is() {
    let fleet = Fleet::start();
    let mut browser = Browser::start();
    let cards = "[...document.querySelectorAll('.cards h2')].map(card => card.textContent)";
    let expected = [
        (
            "proxy px-nl",
            "2 services not well",
            vec!["shop ▲ 1 of 2 backends up", "www ▲ 1 of 2 backends up", "old ● as it should be"],
            "",
        ),
        ("nameserver ns-ch", "1 pool not well", vec!["http0.l.example.net ▲ 2 of 3 answered"], "left out: down"),
    ];
    for ((daemon, url), (name, unwell, states, pill)) in fleet.pages().into_iter().zip(expected) {
        for width in [390, 1200] {
            browser.open(&url, width, false, true);
            let is_titled = |title: &str| format!("document.title === '{title}'");
            browser.wait_for(&is_titled(name));
            fleet.set_well(false);
            browser.wait_for(&is_titled(&format!("{unwell}, {name}")));
            assert_eq!(browser.value(cards), serde_json::json!(states), "{daemon}");
            let words = browser.value("document.querySelector('main').innerText");
            let words = words.as_str().unwrap();
            assert!(words.contains(&format!("▲ {unwell}")) && words.contains(pill), "{daemon}: {words}");
            assert_eq!(browser.value(OVERFLOW), serde_json::json!([]), "{daemon}");
            assert_eq!(browser.value(PALE), serde_json::json!([]), "{daemon}");
            keep(&mut browser, &format!("{daemon}-{width}-unwell"));
            fleet.set_well(true);
            browser.wait_for(&is_titled(name));
        }
    }
}

#[test]
#[ignore = "needs chromium"]
fn from_each_page_one_gets_to_those_of_the_fleet_and_sees_on_which_one_is() {
    let fleet = Fleet::start();
    let mut browser = Browser::start();
    let [(_, proxy), (_, nameserver)] = fleet.pages();
    let here = "document.querySelector('nav [aria-current=page]').textContent";
    for with_scripts in [true, false] {
        browser.open(&proxy, 390, false, with_scripts);
        for (name, to, next) in [("px-nl", "ns-ch", &nameserver), ("ns-ch", "px-nl", &proxy)] {
            assert_eq!(browser.value(here), name);
            let links = browser.value("[...document.querySelectorAll('nav a')].map(link => link.textContent)");
            let links: Vec<String> = serde_json::from_value(links).unwrap();
            assert!(links.len() == 4 && links.iter().all(|link| link != name), "{name}: {links:?}");
            let link = format!("[...document.querySelectorAll('nav a')].find(link => link.textContent === '{to}')");
            browser.value(&format!("{link}.click(); 1"));
            browser.wait_for(&format!("location.href === '{next}' && document.readyState === 'complete'"));
        }
        assert_eq!(browser.value(here), "px-nl");
    }
}

#[test]
#[ignore = "needs chromium"]
fn a_page_tells_everything_without_scripts() {
    let fleet = Fleet::start();
    let mut browser = Browser::start();
    for (daemon, url) in fleet.pages() {
        browser.open(&url, 390, false, false);
        let words = browser.value("document.body.innerText");
        let words = words.as_str().unwrap();
        assert!(words.contains("● up") && words.contains("What happened"), "{daemon}: {words}");
        assert_eq!(browser.value("document.querySelector('noscript meta') !== null"), serde_json::json!(true));
    }
}

#[test]
#[ignore = "needs chromium"]
fn a_signed_zone_shows_its_keys_and_until_when_its_signatures_are_good_on_a_phone_too() {
    let fleet = Fleet::start();
    let mut browser = Browser::start();
    let (_, url) = &fleet.pages()[1];
    browser.open(url, 390, false, true);
    browser.wait_for("document.getElementById('link').textContent === 'live'");
    let row = "[...document.querySelectorAll('section')].find(one => one.querySelector('h2')?.textContent === 'Signed zones').innerText";
    let words = browser.value(row);
    let words = words.as_str().unwrap();
    for part in ["example.net", "signed here", "● signatures good until ", " (CSK, ECDSAP256SHA256) signs"] {
        assert!(words.contains(part), "{part}: {words}");
    }
    assert_eq!(browser.value(OVERFLOW), serde_json::json!([]));
    assert_eq!(browser.value(PALE), serde_json::json!([]));
    keep(&mut browser, "nameserver-390-signed");
}

#[test]
#[ignore = "needs chromium"]
fn how_long_a_services_visitors_wait_shows_on_a_phone_too() {
    let fleet = Fleet::start();
    let mut browser = Browser::start();
    let (_, url) = &fleet.pages()[0];
    browser.open(url, 390, false, true);
    browser.wait_for("document.getElementById('link').textContent === 'live'");
    let times = |service: &str| {
        format!(
            "[...document.querySelectorAll('.service')].find(card => card.querySelector('h2').textContent.startsWith('{service} ')).querySelector('.times').textContent"
        )
    };
    assert!(browser.value(&times("old")).as_str().unwrap().contains("last minute: p50 - · p99 -"));
    (0..50).for_each(|_| fleet.visit("www.example.net"));
    browser.wait_for(&format!("/p50 >?\\d[\\d.]*m?s · p99 >?\\d[\\d.]*m?s/.test({})", times("www")));
    assert!(browser.value(&times("old")).as_str().unwrap().contains("p50 -"), "nobody has asked for that one");
    assert_eq!(browser.value(OVERFLOW), serde_json::json!([]));
    assert_eq!(browser.value(PALE), serde_json::json!([]));
    keep(&mut browser, "proxy-390-times");
}

#[test]
#[ignore = "needs chromium"]
fn a_stream_that_is_cut_comes_back_by_itself_and_shows_what_has_changed_since() {
    let fleet = Fleet::start();
    let mut browser = Browser::start();
    for (daemon, url) in fleet.pages() {
        let relay = Relay::to(&url);
        browser.open(&relay.url(), 1600, false, true);
        browser.wait_for("document.getElementById('link').textContent === 'live'");
        browser.value("window.mark = 1; 1");
        let before = relay.connections();
        relay.cut();
        fleet.set_well(false);
        browser.wait_for("document.querySelector('.rows span.bad') !== null");
        fleet.set_well(true);
        browser.wait_for("document.querySelector('.rows span.bad') === null");
        browser.wait_for("document.getElementById('link').textContent === 'live'");
        assert!(relay.connections() > before, "{daemon}: over another connection");
        assert_eq!(browser.value("window.mark"), serde_json::json!(1), "{daemon}: it was loaded anew");
    }
}

#[test]
#[ignore = "needs chromium"]
fn the_page_of_a_daemon_that_hangs_or_has_died_says_so_at_its_top_and_since_when() {
    let fleet = Fleet::start();
    let mut browser = Browser::start();
    let is_silent = "!document.getElementById('silence').hidden";
    let is_live = "document.getElementById('link').textContent === 'live'";
    for (daemon, url) in fleet.pages() {
        browser.open(&url, 390, false, true);
        browser.wait_for(is_live);
        browser.value("window.mark = 1; 1");
        let title = browser.value("document.title");
        assert_eq!(browser.value(is_silent), false, "{daemon}");

        fleet.freeze(daemon);
        browser.wait_for(is_silent);
        let banner = browser.value("document.getElementById('silence').innerText");
        let banner = banner.as_str().unwrap();
        let (_, since) = banner.split_once(" since ").unwrap_or_else(|| panic!("{banner}"));
        let shape: String =
            since.chars().take(9).map(|letter| if letter.is_ascii_digit() { '0' } else { letter }).collect();
        assert_eq!(shape, "00:00:00Z", "{banner}");
        assert_eq!(browser.value("document.getElementById('link').textContent"), "✖ not live", "{daemon}");
        let silent_title = browser.value("document.title");
        assert!(silent_title.as_str().unwrap().starts_with("✖ no word from "), "{silent_title}");
        assert_eq!(browser.value("getComputedStyle(document.getElementById('page')).opacity < 1"), true, "{daemon}");
        assert_eq!(browser.value(OVERFLOW), serde_json::json!([]), "{daemon}");
        keep(&mut browser, &format!("{daemon}-390-frozen"));

        fleet.thaw(daemon);
        browser.wait_for(&format!("!({is_silent}) && {is_live}"));
        assert_eq!(browser.value("document.title"), title, "{daemon}");
        assert_eq!(browser.value("window.mark"), 1, "{daemon}: it was loaded anew");

        fleet.kill(daemon);
        browser.wait_for(is_silent);
        assert_eq!(browser.value("document.title"), silent_title, "{daemon}");
    }
}
