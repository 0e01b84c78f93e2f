//! Key files that are missing, of the wrong length, open to everybody, or not the ones that the document lists.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use polder::config::PublicKey;
use polder::daemon::peers::Identity;
use polder::demo::identities;
use serde_json::json;

use crate::site::{Daemon, Site, assert_says};

/// Each way to spoil a key file, with the words that name it; `makes` is what makes another.
fn spoilings(file: &Path, makes: &str) -> [(Option<&'static str>, String); 4] {
    let file = file.display();
    [
        (None, format!("{file}: cannot be read: No such file or directory")),
        (Some("c2hvcnQ=\n"), format!("{file}:1: 5 bytes; expected 32 bytes in base64")),
        (Some("# the key\nsecret!\n"), format!("{file}:2: not base64; expected 32 bytes in base64")),
        (Some("\n"), format!("{file}: holds no key; `{makes}` makes one")),
    ]
}

fn spoil(file: &Path, content: Option<&str>) {
    match content {
        None => fs::remove_file(file).unwrap(),
        Some(content) => put(file, content.as_bytes()),
    }
}

/// A daemon's own key is read-only: another file in its place.
fn put(file: &Path, content: &[u8]) {
    let _ = fs::remove_file(file);
    fs::write(file, content).unwrap();
}

/// Reload, takeover and start refuse a key file spoilt in any way, name it and its place in the document, and tell
/// nothing of what it holds; what was served goes on.
fn assert_refused(mut daemon: Daemon<'_>, file: &Path, place: &str, makes: &str) {
    let key = fs::read(file).unwrap();
    daemon.run_in_doubt();
    for (content, words) in spoilings(file, makes) {
        spoil(file, content);
        let words = format!("{place}: {words}");
        let refused = daemon.reload().unwrap_err();
        assert_says(&refused, &["a file that the document names cannot be used", &words]);
        assert!(!refused.contains("secret!"), "{refused}");
        daemon.assert_serves();
        daemon.ends(&["--takeover"]).assert(3, &[&words]);
        daemon.assert_serves();
        daemon.ends(&["--check-config", "--live"]).assert(1, &[&words]);
        put(file, &key);
    }
    daemon.reload().unwrap();
    daemon.wait_no_alarms("reload");
    daemon.kill();
    for (content, words) in spoilings(file, makes) {
        spoil(file, content);
        daemon.ends(&[]).assert(3, &[&format!("{place}: {words}")]);
        assert!(!daemon.ends(&["--check-config"]).said.contains("key"), "a document is valid without its keys");
    }
}

#[test]
fn a_proxy_refuses_a_spoilt_key_of_its_own() {
    let site = Site::new();
    let file = identities::file(site.folder.path(), "px-1");
    let makes = format!("polder keys identity --make {}", file.display());
    assert_refused(site.proxy(0, &[0, 1]), &file, "peers.key_file", &makes);
}

#[test]
fn a_proxy_refuses_a_spoilt_key_file_of_its_cookies() {
    let site = Site::new();
    let makes = "head -c 32 /dev/urandom | base64";
    assert_refused(site.proxy(0, &[]), &site.path("cookies.key"), "services.shop.cookie.key_file", makes);
}

#[test]
fn a_nameserver_refuses_a_spoilt_key_of_its_own() {
    let site = Site::new();
    let file = identities::file(site.folder.path(), "ns-1");
    let makes = format!("polder keys identity --make {}", file.display());
    assert_refused(site.nameserver_with_peer(), &file, "peers.key_file", &makes);
}

/// With a key of its own that the document does not list for it, or with none listed, a daemon neither starts nor reloads;
/// it says what to put where.
fn assert_needs_its_key_listed(mut daemon: Daemon<'_>, name: &str, file: &Path) {
    let public = Identity::read(file).unwrap().public();
    let expected = format!("; expected \"{public}\", the public half of {}", file.display());
    let another = PublicKey([9; 32]);
    for (listed, found) in
        [(json!([]), "lists none".to_owned()), (json!([another.to_string()]), format!("lists {another}"))]
    {
        let words = format!("peers.members.{name}.keys: {found}{expected}");
        daemon.run_in_doubt();
        daemon.write_changed(|document| document["peers"]["members"][name]["keys"] = listed.clone());
        let refused = daemon.reload().unwrap_err();
        assert_says(&refused, &["a file that the document names cannot be used", &words]);
        daemon.assert_serves();
        daemon.ends(&["--check-config", "--live"]).assert(1, &[&words]);
        daemon.ends(&["--check-config"]).assert(0, &[]);
        daemon.kill();
        daemon.ends(&[]).assert(3, &[&words]);
        daemon.write();
    }
}

#[test]
fn a_proxy_whose_own_key_is_not_listed_does_not_serve_and_says_what_to_list() {
    let site = Site::new();
    assert_needs_its_key_listed(site.proxy(0, &[0, 1]), "px-1", &identities::file(site.folder.path(), "px-1"));
}

#[test]
fn a_nameserver_whose_own_key_is_not_listed_does_not_serve_and_says_what_to_list() {
    let site = Site::new();
    assert_needs_its_key_listed(site.nameserver_with_peer(), "ns-1", &identities::file(site.folder.path(), "ns-1"));
}

#[test]
fn a_new_key_of_a_nameserver_is_in_use_after_a_reload() {
    let site = Site::new();
    let mut nameserver = site.nameserver_with_peer();
    nameserver.run();
    let file = identities::file(site.folder.path(), "ns-1");
    fs::remove_file(&file).unwrap();
    let next = Identity::make(&file).unwrap().public();
    nameserver.document["peers"]["members"]["ns-1"]["keys"].as_array_mut().unwrap().push(json!(next.to_string()));
    nameserver.write();
    let process = nameserver.status()["pid"].clone();
    assert_says(&nameserver.reload().unwrap().to_string(), &["reloaded"]);
    assert_eq!(nameserver.status()["pid"], process, "the exchange with peers begins anew in place");
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
