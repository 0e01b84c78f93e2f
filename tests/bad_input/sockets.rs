//! Addresses that somebody else has: visitors', resolvers' and the operator's.

use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::os::unix::net::UnixListener;

use serde_json::json;

use crate::site::{Site, assert_says};

#[test]
fn a_proxy_whose_port_is_in_use_names_it_and_how_to_find_who_has_it() {
    let site = Site::new();
    let proxy = site.proxy(0, &[]);
    let address = site.addresses.proxy(0);
    let _somebody = TcpListener::bind(address).unwrap();
    let port = address.port();
    let words = [
        format!("cannot listen on tcp {address}: another process listens there"),
        format!("`ss -Hltnp 'sport = :{port}'` shows which; stop it, or, if it is this daemon, start with --takeover"),
    ];
    proxy.ends(&[]).assert(3, &[&words[0], &words[1]]);
    proxy.ends(&["--check-config", "--live"]).assert(1, &[&words[0], &words[1]]);
    proxy.ends(&["--check-config"]);
}

#[test]
fn check_config_live_beside_the_proxy_that_runs_passes_over_its_ports_and_leaves_its_admin_socket() {
    let site = Site::new();
    let mut proxy = site.proxy(0, &[]);
    proxy.ends(&["--check-config", "--live"]).assert(0, &[]);
    assert!(!proxy.admin_socket().exists(), "a check leaves nothing behind");
    proxy.run();
    proxy.ends(&["--check-config", "--live"]).assert(0, &[]);
    let somebody = TcpListener::bind(site.addresses.proxy(1)).unwrap();
    let taken = somebody.local_addr().unwrap();
    proxy.write_changed(|document| {
        document["listeners"].as_array_mut().unwrap().push(json!({ "name": "taken", "address": taken }));
    });
    proxy.ends(&["--check-config", "--live"]).assert(1, &[&format!("cannot listen on tcp {taken}")]);
    proxy.write();
    proxy.assert_serves();
}

#[test]
fn a_proxy_told_to_stop_before_it_is_ready_ends_with_0() {
    let site = Site::new();
    let mut proxy = site.proxy(0, &[]);
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let service = &mut proxy.document["services"][polder::demo::documents::STATELESS];
    service["backends"][0]["address"] = json!(silent.local_addr().unwrap());
    service["check"] = json!({ "path": "/", "interval": "30s", "timeout": "30s" });
    proxy.write();
    proxy.process = Some(proxy.spawn(&[]));
    // It has connected to its backend: signals are its own by then.
    let _probe = silent.accept().unwrap();
    proxy.stop();
}

#[test]
fn daemons_raise_their_limit_of_open_files() {
    let site = Site::new();
    let (mut proxy, mut nameserver) = (site.proxy(0, &[]), site.nameserver());
    for daemon in [&mut proxy, &mut nameserver] {
        daemon.run();
        let id = daemon.process.as_ref().unwrap().child.id();
        let limits = fs::read_to_string(format!("/proc/{id}/limits")).unwrap();
        let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
        let words: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(words[3], words[4], "{line}");
    }
}

#[test]
fn a_nameserver_whose_udp_or_tcp_port_is_in_use_names_it() {
    let site = Site::new();
    let nameserver = site.nameserver();
    let address = site.addresses.nameserver(0);
    let somebody = UdpSocket::bind(address).unwrap();
    let words = format!("cannot listen on udp {address}: another process listens there. `ss -Hlunp");
    nameserver.ends(&[]).assert(3, &[&words]);
    drop(somebody);
    // Another address: a process that another test is about to start may have the socket for a moment still.
    let site = Site::new();
    let nameserver = site.nameserver();
    let address = site.addresses.nameserver(0);
    let _somebody = TcpListener::bind(address).unwrap();
    let words = format!("cannot listen on tcp {address}: another process listens there. `ss -Hltnp");
    nameserver.ends(&[]).assert(3, &[&words]);
}

#[test]
fn a_reload_that_adds_a_port_in_use_changes_nothing_and_keeps_no_other_new_port() {
    let site = Site::new();
    let mut proxy = site.proxy(0, &[]);
    proxy.run();
    // Two addresses of this site that nobody uses; the first could be had.
    let (free, taken) = (site.addresses.proxy(1), site.addresses.proxy(2));
    let _somebody = TcpListener::bind(taken).unwrap();
    proxy.write_changed(|document| {
        let listeners = document["listeners"].as_array_mut().unwrap();
        listeners.push(json!({ "name": "free", "address": free }));
        listeners.push(json!({ "name": "taken", "address": taken }));
    });
    let words = format!("cannot listen on tcp {taken}: another process listens there");
    assert_says(&proxy.reload().unwrap_err(), &["an address cannot be had; nothing was changed", &words]);
    assert_says(&proxy.alarms(), &["the last reload was refused", &words]);
    TcpListener::bind(free).expect("the new port that could be had is free again");
    proxy.assert_serves();

    proxy.ends(&["--takeover"]).assert(3, &[&words]);
    proxy.assert_serves();
}

#[test]
fn a_nameserver_told_to_use_a_port_in_use_goes_on_as_before() {
    let site = Site::new();
    let mut nameserver = site.nameserver();
    nameserver.run();
    let taken = site.addresses.nameserver(1);
    let _somebody = UdpSocket::bind(taken).unwrap();
    nameserver.write_changed(|document| document["listeners"].as_array_mut().unwrap().push(json!(taken)));
    let words = format!("cannot listen on udp {taken}: another process listens there");
    assert_says(&nameserver.reload().unwrap_err(), &["an address cannot be had; nothing was changed", &words]);
    assert_says(&nameserver.alarms(), &["the last reload was refused", &words]);
    nameserver.assert_serves();
    nameserver.ends(&["--takeover"]).assert(3, &[&words]);
    nameserver.assert_serves();
}

#[test]
fn an_admin_socket_that_a_live_daemon_has_is_not_taken_from_it() {
    let site = Site::new();
    let mut proxy = site.proxy(0, &[]);
    let mut nameserver = site.nameserver();
    proxy.run();
    nameserver.run();
    for (at, mut other) in [(proxy.admin_socket(), site.proxy(1, &[])), (nameserver.admin_socket(), site.proxy(1, &[]))]
    {
        other.document["admin"]["socket"] = json!(at);
        other.write();
        let words = format!(
            "{}: a running daemon has it; stop that one first, or start with --takeover to replace it",
            at.display()
        );
        other.ends(&[]).assert(3, &["cannot listen on ", &words]);
    }
    proxy.assert_serves();
    nameserver.assert_serves();
    assert_eq!(proxy.status()["role"], "proxy");
    assert_eq!(nameserver.status()["role"], "nameserver");
}

#[test]
fn a_reload_that_moves_the_admin_socket_is_refused_and_says_what_it_takes() {
    let site = Site::new();
    for mut daemon in [site.proxy(0, &[]), site.nameserver()] {
        daemon.run();
        daemon.write_changed(|document| document["admin"]["socket"] = json!(site.path("other.sock")));
        let refused = daemon.reload().unwrap_err();
        assert_says(&refused, &["document.json: admin.socket: it can change only at a restart"]);
        daemon.assert_serves();
        assert!(!site.path("other.sock").exists());
    }
}

#[test]
fn an_admin_socket_left_over_is_replaced_and_a_file_that_is_no_socket_is_not() {
    let site = Site::new();
    let mut proxy = site.proxy(0, &[]);
    drop(UnixListener::bind(proxy.admin_socket()).unwrap());
    proxy.run();
    proxy.assert_serves();
    proxy.kill();

    fs::remove_file(proxy.admin_socket()).unwrap();
    fs::write(proxy.admin_socket(), "notes").unwrap();
    proxy.ends(&[]).assert(3, &["a file that is not a socket is there; remove it or name another path"]);
    assert_eq!(fs::read_to_string(proxy.admin_socket()).unwrap(), "notes");
}

#[test]
fn a_page_address_or_peers_address_in_use_is_named() {
    let site = Site::new();
    let _pages = TcpListener::bind(site.addresses.proxy_page(0)).unwrap();
    let words = format!("cannot listen on tcp {}", site.addresses.proxy_page(0));
    site.proxy(0, &[]).ends(&[]).assert(3, &[&words]);
    let _peers = TcpListener::bind(site.addresses.proxy_peer(1)).unwrap();
    let words = format!("cannot listen on tcp {}", site.addresses.proxy_peer(1));
    site.proxy(1, &[0, 1]).ends(&[]).assert(3, &[&words]);
}
