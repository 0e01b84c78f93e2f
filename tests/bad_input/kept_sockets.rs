//! Sockets that a service manager keeps for a daemon: they outlive it, and whoever connects waits for the next one.

use std::fs::{self, File};
use std::io::Write;
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use nix::sys::socket::getsockopt;
use nix::sys::socket::sockopt::PeerCredentials;

use crate::site::{Daemon, LIMIT, Site};
use crate::takeovers::read_head;

/// Both programs, each started on an admin socket that is kept beside it.
fn each_on_a_kept_socket(site: &Site, mut tried: impl FnMut(&mut Daemon<'_>, &UnixListener)) {
    for mut daemon in [site.proxy(0, &[]), site.nameserver()] {
        let kept = UnixListener::bind(daemon.admin_socket()).unwrap();
        daemon.become_daemon(daemon.spawn_with(vec![kept.try_clone().unwrap().into()], &[]));
        tried(&mut daemon, &kept);
        fs::remove_file(daemon.admin_socket()).unwrap();
    }
}

/// The process that the kernel names to whoever connects.
fn who_listens(daemon: &Daemon<'_>) -> u32 {
    let stream = UnixStream::connect(daemon.admin_socket()).unwrap();
    getsockopt(&stream, PeerCredentials).unwrap().pid() as u32
}

/// Waits until somebody waits in the queue of a socket.
fn wait_for_a_caller(kept: &UnixListener) {
    let limit = PollTimeout::try_from(LIMIT).unwrap();
    assert_eq!(poll(&mut [PollFd::new(kept.as_fd(), PollFlags::POLLIN)], limit), Ok(1));
}

#[test]
fn whoever_connects_sees_the_daemon_that_serves_and_not_who_made_the_socket() {
    let site = Site::new();
    each_on_a_kept_socket(&site, |daemon, _| {
        assert_eq!(who_listens(daemon), daemon.id());
        let next = daemon.spawn(&["--takeover"]);
        let old = daemon.process.take();
        daemon.become_daemon(next);
        assert_eq!(who_listens(daemon), daemon.id());
        drop(old);
        daemon.assert_serves();
    });
}

#[test]
fn a_takeover_from_a_daemon_that_died_before_it_answered_ends_by_that_and_not_by_its_patience() {
    let site = Site::new();
    each_on_a_kept_socket(&site, |daemon, kept| {
        let (id, words) = (daemon.id(), "which listened at the admin socket, has ended");
        // A stopped process is one that may answer still.
        daemon.signal(Signal::SIGSTOP);
        let next = daemon.spawn(&["--takeover"]);
        wait_for_a_caller(kept);
        daemon.kill();
        next.end().assert(3, &[&format!("nothing to take over: process {id}, {words}"), "Start it without --takeover"]);
        // One that was dead before is the same.
        daemon.ends(&["--takeover"]).assert(3, &[&format!("nothing to take over: process {id}, {words}")]);
    });
}

#[test]
fn a_takeover_from_a_daemon_that_is_stopped_waits_for_it() {
    let site = Site::new();
    each_on_a_kept_socket(&site, |daemon, kept| {
        daemon.signal(Signal::SIGSTOP);
        let next = daemon.spawn(&["--takeover"]);
        wait_for_a_caller(kept);
        next.end().assert(3, &["nothing to take over: the daemon at ", "did not answer within 5s: it is frozen"]);
        daemon.signal(Signal::SIGCONT);
        daemon.assert_serves();
    });
}

#[test]
fn a_takeover_from_a_daemon_that_died_starts_on_the_sockets_that_were_passed_to_it() {
    let site = Site::new();
    each_on_a_kept_socket(&site, |daemon, kept| {
        daemon.kill();
        let next = daemon.spawn_with(vec![kept.try_clone().unwrap().into()], &["--takeover"]);
        daemon.become_daemon(next);
        daemon.wait_said(&["has ended", "Starting with the sockets that this one was passed: 1"]);
        daemon.assert_serves();
    });
}

/// Earlier builds do not say that they listen: whoever connects sees the process that listened first, or nobody. They hold their state
/// directory.
#[test]
fn a_daemon_of_an_earlier_build_is_not_taken_for_the_dead_one_that_listened_before_it() {
    let site = Site::new();
    each_on_a_kept_socket(&site, |daemon, kept| {
        daemon.kill();
        let held = File::open(daemon.document["state_dir"].as_str().unwrap()).unwrap();
        held.try_lock().unwrap();
        let next = daemon.spawn(&["--takeover"]);
        wait_for_a_caller(kept);
        let (mut stream, _) = kept.accept().unwrap();
        assert!(read_head(&mut stream).starts_with("POST /takeover "));
        stream.write_all(b"HTTP/1.1 409 Conflict\r\ncontent-length: 5\r\n\r\nalive").unwrap();
        next.end().assert(3, &["nothing to take over: alive"]);
    });
}
