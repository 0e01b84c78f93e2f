//! `--wait`: until nobody is there any more, and ways to end it before.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use polder::demo::documents::POOL;
use serde_json::Value;

use crate::site::{Daemon, Site, assert_says, polder};

/// A proxy, and the nameserver that answers with it.
fn fleet(site: &Site) -> [Daemon<'_>; 2] {
    let mut fleet = [site.proxy(0, &[]), site.nameserver()];
    fleet.iter_mut().for_each(Daemon::run);
    fleet
}

/// The state of the proxy at the nameserver.
fn state(nameserver: &Daemon<'_>) -> Value {
    nameserver.status()["pools"][0]["members"][0]["operator"].clone()
}

#[test]
fn a_drained_proxy_is_watched_until_no_resolver_has_it_and_it_is_safe_to_power_off() {
    let site = Site::new();
    let [proxy, nameserver] = fleet(&site);
    let other = nameserver.admin_socket();
    let words = ["drain", "px-1", "--force", "--wait", "--idle", "1s", "--json", "--socket", other.to_str().unwrap()];
    let ended = polder(&proxy, &words);
    ended.assert(0, &[]);
    let lines: Vec<Value> = ended.said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["told"][0]["outcome"], "done", "{}", ended.said);
    assert!(lines[1]["cached_s"].as_u64().unwrap() > 0, "{}", ended.said);
    let last = lines.last().unwrap();
    assert_eq!(
        (&last["safe"], last["ended"].as_str()),
        (&true.into(), Some("px-1: safe to power off.")),
        "{}",
        ended.said
    );
    assert_eq!(state(&nameserver), "drain");
}

#[test]
fn a_wait_that_is_over_before_its_time_leaves_the_operators_word_in_force_and_says_so() {
    let site = Site::new();
    let [proxy, nameserver] = fleet(&site);
    let other = nameserver.admin_socket();
    let words = ["maint", "px-1", "--force", "--wait", "--socket", other.to_str().unwrap()];

    let limited = polder(&proxy, &[&words[..], &["--wait-limit", "100ms"]].concat());
    limited.assert(4, &["Not known to be free after 100ms", "px-1 stays in maint, and `polder ready px-1` ends that"]);
    assert_eq!(state(&nameserver), "maint");
    let subject = format!("{POOL}/px-1");
    polder(&nameserver, &["ready", &subject]).assert(0, &[]);

    let mut child: Child = Command::new(env!("CARGO_BIN_EXE_polder"))
        .args(words)
        .arg("--socket")
        .arg(proxy.admin_socket())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    // It waits once it says what is left.
    let waits = lines.by_ref().find(|line| line.contains("resolvers may have it"));
    assert!(waits.is_some());
    kill(Pid::from_raw(child.id() as i32), Signal::SIGINT).unwrap();
    let rest: Vec<String> = lines.collect();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{rest:?}");
    assert_says(&rest.join("\n"), &["No longer waiting", "px-1 stays in maint"]);
    assert_eq!(state(&nameserver), "maint");
}

#[test]
fn a_failover_that_waits_ends_when_nobody_is_left_on_the_backend_before() {
    let site = Site::new();
    let mut proxy = site.proxy(0, &[]);
    proxy.run();
    polder(&proxy, &["failover", "shop", "--wait"]).assert(0, &["shop/shop1: safe to power off."]);
    polder(&proxy, &["failback", "shop", "--wait"]).assert(0, &["shop/shop2: safe to power off."]);
    polder(&proxy, &["failback", "shop", "--wait"]).assert(1, &["there is nothing to wait for"]);
}
