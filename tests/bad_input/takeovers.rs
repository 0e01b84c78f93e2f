//! Takeovers of nobody, of another program, and between versions.

use std::fs;
use std::io::{IoSlice, Read, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
use rustix::process::{PidfdFlags, getpid, pidfd_open};
use serde_json::{Value, json};

use crate::ports::free_address;
use crate::site::{LIMIT, Site};

/// Both sides of a takeover speak so once the admin API has answered 101.
fn send(stream: &mut UnixStream, frame: &Value) {
    let text = frame.to_string();
    stream.write_all(&(text.len() as u32).to_be_bytes()).unwrap();
    stream.write_all(text.as_bytes()).unwrap();
}

fn receive(stream: &mut UnixStream) -> Value {
    let mut length = [0; 4];
    stream.read_exact(&mut length).unwrap();
    let mut text = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut text).unwrap();
    serde_json::from_slice(&text).unwrap()
}

pub fn read_head(stream: &mut UnixStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

/// The running side of another version: says this after `hello`, and hands over no socket.
fn old_side(path: &Path, answer: Value) -> std::thread::JoinHandle<Value> {
    let listener = UnixListener::bind(path).unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        assert!(read_head(&mut stream).starts_with("POST /takeover "));
        let switching = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: polder-takeover\r\n\r\n";
        stream.write_all(switching.as_bytes()).unwrap();
        let hello = receive(&mut stream);
        send(&mut stream, &answer);
        let (_receipt, theirs) = UnixStream::pair().unwrap();
        if answer["offer"].is_object() {
            let ourselves = pidfd_open(getpid(), PidfdFlags::empty()).unwrap();
            let descriptors = [ourselves.as_fd().as_raw_fd(), theirs.as_raw_fd()];
            let rights = [ControlMessage::ScmRights(&descriptors)];
            sendmsg::<()>(stream.as_raw_fd(), &[IoSlice::new(b"F")], &rights, MsgFlags::empty(), None).unwrap();
        }
        // Until the new side has gone.
        let _ = stream.read_to_end(&mut Vec::new());
        hello
    })
}

#[test]
fn a_takeover_of_nobody_says_so_and_what_to_do() {
    let site = Site::new();
    for daemon in [site.proxy(0, &[]), site.nameserver()] {
        let words = format!(
            "nothing to take over: no daemon listens at {}: it is not running",
            daemon.admin_socket().display()
        );
        daemon.ends(&["--takeover"]).assert(3, &[&words, "Start it"]);
        // Somebody was there and has died.
        drop(UnixListener::bind(daemon.admin_socket()).unwrap());
        daemon.ends(&["--takeover"]).assert(3, &[&words]);
    }
}

#[test]
fn a_takeover_of_another_program_is_refused_and_that_program_goes_on() {
    let site = Site::new();
    let mut proxy = site.proxy(0, &[]);
    let mut nameserver = site.nameserver();
    proxy.run();
    nameserver.run();
    let mut stranger = site.proxy(1, &[]);
    stranger.document["admin"]["socket"] = json!(nameserver.admin_socket());
    stranger.write();
    let words = "polder-proxy wants to take over, but polder-dns runs here: its document names the wrong admin socket";
    stranger.ends(&["--takeover"]).assert(3, &[words]);
    nameserver.assert_serves();

    let mut stranger = site.nameserver();
    stranger.document["admin"]["socket"] = json!(proxy.admin_socket());
    stranger.document["listeners"] = json!([site.addresses.nameserver(1)]);
    stranger.write();
    let words = "polder-dns wants to take over, but polder-proxy runs here: its document names the wrong admin socket";
    stranger.ends(&["--takeover"]).assert(3, &[words]);
    proxy.assert_serves();
}

/// Passes bytes on between whoever connects and a daemon, as the gate's relay does: descriptors do not come along.
fn relay(path: &Path, daemon: &Path) {
    let (listener, daemon) = (UnixListener::bind(path).unwrap(), daemon.to_owned());
    std::thread::spawn(move || {
        for near in listener.incoming() {
            let (near, far) = (near.unwrap(), UnixStream::connect(&daemon).unwrap());
            for (mut from, mut to) in [
                (near.try_clone().unwrap(), far.try_clone().unwrap()),
                (far.try_clone().unwrap(), near.try_clone().unwrap()),
            ] {
                std::thread::spawn(move || {
                    let _ = std::io::copy(&mut from, &mut to);
                    let _ = to.shutdown(std::net::Shutdown::Write);
                });
            }
        }
    });
}

#[test]
fn a_takeover_through_a_relay_is_refused_and_the_running_one_goes_on() {
    let site = Site::new();
    for (n, mut daemon) in [site.proxy(0, &[]), site.nameserver()].into_iter().enumerate() {
        daemon.run();
        let between = site.path(&format!("relay-{n}"));
        relay(&between, &daemon.admin_socket());
        let own = daemon.document["admin"]["socket"].clone();
        daemon.write_changed(|document| document["admin"]["socket"] = json!(between));
        daemon.ends(&["--takeover"]).assert(3, &["the running daemon refuses: ", "relays only bytes"]);
        daemon.write_changed(|document| document["admin"]["socket"] = own);
        daemon.assert_serves();
    }
}

/// The gate's relay once let this through: every frame right, and every descriptor lost on the way.
#[test]
fn whoever_says_ready_and_taken_behind_a_relay_gets_no_socket_and_ends_no_daemon() {
    let site = Site::new();
    for (program, mut daemon) in [("polder-proxy", site.proxy(0, &[])), ("polder-dns", site.nameserver())] {
        daemon.run();
        let mut new = ask_for_takeover(&daemon.admin_socket());
        send(&mut new, &json!({ "hello": { "program": program, "protocol": 2, "version": "x" } }));
        // The byte that would carry the pidfd.
        new.write_all(b"F").unwrap();
        let said = receive(&mut new);
        for word in ["ready", "taken"] {
            // The daemon may have closed its end: then it has not heard it.
            let _ = new.write_all(&[&[0, 0, 0, 7][..], format!("{word:?}").as_bytes()].concat());
        }
        crate::site::assert_says(&said["refused"].to_string(), &["no pidfd of its own", "this daemon goes on"]);
        daemon.assert_serves();
    }
}

fn ask_for_takeover(admin_socket: &Path) -> UnixStream {
    let mut new = UnixStream::connect(admin_socket).unwrap();
    new.set_read_timeout(Some(LIMIT)).unwrap();
    let ask = "POST /takeover HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: polder-takeover\r\n\r\n";
    new.write_all(ask.as_bytes()).unwrap();
    assert!(read_head(&mut new).starts_with("HTTP/1.1 101 "));
    new
}

#[test]
fn a_takeover_of_something_that_is_no_daemon_of_ours_says_what_it_answered() {
    let site = Site::new();
    let proxy = site.proxy(0, &[]);
    let listener = UnixListener::bind(proxy.admin_socket()).unwrap();
    let answers = std::thread::spawn(move || {
        for answer in ["", "HTTP/1.1 404 Not Found\r\ncontent-length: 9\r\n\r\nno such x"] {
            let (mut stream, _) = listener.accept().unwrap();
            read_head(&mut stream);
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    proxy.ends(&["--takeover"]).assert(3, &["nothing to take over: ", "ended the connection without an answer"]);
    proxy.ends(&["--takeover"]).assert(3, &["nothing to take over: ", "no such x"]);
    answers.join().unwrap();
}

#[test]
fn a_running_daemon_of_another_version_refuses_in_its_own_words() {
    let site = Site::new();
    let proxy = site.proxy(0, &[]);
    let why = "polder-proxy 0.1.0 speaks takeover protocol 2, the running one (9.0.0) speaks 9: stop the running one";
    let old = old_side(&proxy.admin_socket(), json!({ "refused": why }));
    proxy.ends(&["--takeover"]).assert(3, &["the running daemon refuses: ", why]);
    let hello = old.join().unwrap();
    assert_eq!((&hello["hello"]["program"], &hello["hello"]["protocol"]), (&json!("polder-proxy"), &json!(2)));
}

#[test]
fn a_state_of_another_version_is_not_taken_over() {
    let site = Site::new();
    for daemon in [site.proxy(0, &[]), site.nameserver()] {
        let state = json!({ "version": 2, "health": { "version": 2 }, "words": { "version": 2 } });
        let old = old_side(&daemon.admin_socket(), json!({ "offer": { "sockets": 0, "state": state } }));
        let words = ["the running daemon's state cannot be read", "version 2", "it goes on. Stop it and start this"];
        daemon.ends(&["--takeover"]).assert(3, &words);
        old.join().unwrap();
        fs::remove_file(daemon.admin_socket()).unwrap();
    }
}

#[test]
fn a_reload_by_another_build_brings_that_builds_findings_back_and_the_running_one_goes_on() {
    let site = Site::new();
    for (program, mut daemon) in [
        (env!("CARGO_BIN_EXE_polder-proxy"), site.proxy(0, &[])),
        (env!("CARGO_BIN_EXE_polder-dns"), site.nameserver()),
    ] {
        // The same program elsewhere counts as another build.
        let other = site.path("other-build");
        let _ = fs::remove_file(&other);
        if fs::hard_link(program, &other).is_err() {
            fs::copy(program, &other).unwrap();
        }
        let process = daemon.spawn(&["--successor", other.to_str().unwrap()]);
        daemon.become_daemon(process);
        daemon.write_changed(|document| document["colour"] = json!("red"));
        let refused = daemon.reload().unwrap_err();
        let unknown = format!("document.json:{}: colour: unknown key", daemon.line_of("colour"));
        crate::site::assert_says(&refused, &["other-build refuses ", "exit status: 1", &unknown]);
        crate::site::assert_says(&daemon.alarms(), &["the last reload was refused", &unknown]);
        daemon.assert_serves();

        daemon.write();
        // Removed first: it may be another name of the program under test.
        fs::remove_file(&other).unwrap();
        fs::write(&other, "no program").unwrap();
        let refused = daemon.reload().unwrap_err();
        crate::site::assert_says(&refused, &["cannot start ", "other-build: Permission denied"]);
        daemon.assert_serves();
    }
}

#[test]
fn an_answer_of_a_version_unknown_here_is_an_error_and_not_a_takeover() {
    let site = Site::new();
    let proxy = site.proxy(0, &[]);
    let old = old_side(&proxy.admin_socket(), json!({ "welcome": { "sockets": 0 } }));
    proxy.ends(&["--takeover"]).assert(3, &["the running daemon's offer did not arrive", "welcome"]);
    old.join().unwrap();
}

#[test]
fn a_new_process_of_another_version_is_refused_and_the_running_one_goes_on() {
    let site = Site::new();
    for (program, mut daemon) in [("polder-proxy", site.proxy(0, &[])), ("polder-dns", site.nameserver())] {
        daemon.run();
        let mut new = ask_for_takeover(&daemon.admin_socket());
        send(
            &mut new,
            &json!({ "hello": { "program": program, "protocol": 99, "version": "9.0.0", "colour": "red" } }),
        );
        let why = receive(&mut new)["refused"].to_string();
        crate::site::assert_says(
            &why,
            &[
                &format!("{program} 9.0.0 speaks takeover protocol 99, the running one"),
                "speaks 2: stop the running one and start the new one",
            ],
        );
        daemon.assert_serves();
        let next = daemon.spawn(&["--takeover"]);
        let old = daemon.process.take();
        daemon.become_daemon(next);
        drop(old);
        daemon.assert_serves();
    }
}

/// The successor asks its own sockets whether it answers: as each of them wants it, or not at all.
#[test]
fn a_takeover_logs_no_refusal_at_listeners_of_the_proxy_protocol() {
    let site = Site::new();
    let mut proxy = site.proxy(0, &[]);
    for (name, trusted) in [("ours", "127.0.0.0/8"), ("theirs", "192.0.2.0/24")] {
        let address = free_address();
        let listener =
            json!({ "name": name, "address": address, "proxy_protocol": true, "trusted_proxies": [trusted] });
        proxy.document["listeners"].as_array_mut().unwrap().push(listener);
    }
    proxy.write();
    proxy.run();
    let next = proxy.spawn(&["--takeover"]);
    let old = proxy.process.take().unwrap();
    proxy.become_daemon(next);
    let ended = old.end();
    ended.assert(0, &[]);
    for said in [ended.said, proxy.said()] {
        assert!(!said.contains("listener ours: ") && !said.contains("listener theirs: "), "{said}");
    }
    proxy.assert_serves();
}
