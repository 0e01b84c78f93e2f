//! Key files that are missing, of the wrong length, or open to everybody.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::site::{Daemon, Site, assert_says};

/// Each way to spoil a key file, with the words that name it.
fn spoilings(file: &Path) -> [(Option<&'static str>, String); 4] {
    let file = file.display();
    [
        (None, format!("{file}: cannot be read: No such file or directory")),
        (Some("c2hvcnQ=\n"), format!("{file}:1: 5 bytes; expected 32 bytes in base64")),
        (Some("# the key\nsecret!\n"), format!("{file}:2: not base64; expected 32 bytes in base64")),
        (Some("\n"), format!("{file}: holds no key; `head -c 32 /dev/urandom | base64` makes one")),
    ]
}

fn spoil(file: &Path, content: Option<&str>) {
    match content {
        None => fs::remove_file(file).unwrap(),
        Some(content) => fs::write(file, content).unwrap(),
    }
}

/// Reload, takeover and start refuse a key file spoilt in any way, name it and its place in the document, and tell
/// nothing of what it holds; what was served goes on.
fn assert_refused(mut daemon: Daemon<'_>, file: &Path, place: &str) {
    let key = fs::read(file).unwrap();
    daemon.run();
    for (content, words) in spoilings(file) {
        spoil(file, content);
        let words = format!("{place}: {words}");
        let refused = daemon.reload().unwrap_err();
        assert_says(&refused, &["a key file cannot be used", &words]);
        assert!(!refused.contains("secret!"), "{refused}");
        daemon.assert_serves();
        daemon.ends(&["--takeover"]).assert(3, &[&words]);
        daemon.assert_serves();
        daemon.ends(&["--check-config", "--live"]).assert(1, &[&words]);
        fs::write(file, &key).unwrap();
    }
    daemon.reload().unwrap();
    daemon.wait_no_alarms("reload");
    daemon.kill();
    for (content, words) in spoilings(file) {
        spoil(file, content);
        daemon.ends(&[]).assert(3, &[&format!("{place}: {words}")]);
        assert!(!daemon.ends(&["--check-config"]).said.contains("key"), "a document is valid without its keys");
    }
}

#[test]
fn a_proxy_refuses_a_spoilt_key_file_of_its_peers() {
    let site = Site::new();
    assert_refused(site.proxy(0, &[0, 1]), &site.path("proxy-peers.key"), "peers.key_file");
}

#[test]
fn a_proxy_refuses_a_spoilt_key_file_of_its_cookies() {
    let site = Site::new();
    assert_refused(site.proxy(0, &[]), &site.path("cookies.key"), "services.shop.cookie.key_file");
}

#[test]
fn a_nameserver_refuses_a_spoilt_key_file_of_its_peers() {
    let site = Site::new();
    assert_refused(site.nameserver_with_peer(), &site.path("nameserver-peers.key"), "peers.key_file");
}

#[test]
fn a_new_key_of_the_peers_is_in_use_after_a_reload() {
    let site = Site::new();
    let mut nameserver = site.nameserver_with_peer();
    nameserver.run();
    fs::write(site.path("nameserver-peers.key"), polder::demo::documents::key_file().unwrap()).unwrap();
    let done = nameserver.reload().unwrap();
    let _successor = nameserver.adopt_successor();
    assert_says(&done.to_string(), &["handed over to process"]);
    assert_eq!(nameserver.reload().unwrap()["done"], "reloaded", "the second time there is nothing new");
}

#[test]
fn a_key_file_that_everybody_may_read_is_warned_of_and_used() {
    let site = Site::new();
    let file = site.path("cookies.key");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let mut proxy = site.proxy(0, &[]);
    proxy.run();
    let words = format!("{}: every user of this machine can read these keys; make it mode 0400", file.display());
    proxy.wait_said(&[" warn ", &words]);
    proxy.assert_serves();
}
