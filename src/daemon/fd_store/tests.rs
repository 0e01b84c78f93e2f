#![allow(clippy::unwrap_used)]

use std::env;
use std::net::TcpListener;
use std::os::fd::AsFd;
use std::os::unix::net::UnixDatagram;
use std::process::Command;

use command_fds::{CommandFdExt, FdMapping};

use super::*;
use crate::daemon::sockets::Sockets;

/// Tells the receiving process where its socket listens.
const PORT: &str = "POLDER_TEST_PORT";

fn received(manager: &UnixDatagram) -> (String, Vec<OwnedFd>) {
    let mut bytes = [0; 512];
    let (length, descriptors) = passed_fds::receive(manager, &mut bytes).unwrap();
    (String::from_utf8_lossy(&bytes[..length]).into_owned(), descriptors)
}

#[test]
fn kept_sockets_replace_the_old_ones_and_serve_again_after_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let manager = UnixDatagram::bind(folder.path().join("notify")).unwrap();
    let channel = Channel::at(folder.path().join("notify"));
    let mut sockets = Sockets::default();
    let address = sockets.tcp("127.0.0.1:0".parse().unwrap(), 2).unwrap()[0].local_addr().unwrap();

    keep_at(&channel, &sockets.as_fds()).unwrap();
    drop(sockets);

    let (words, none) = received(&manager);
    assert_eq!((words.as_str(), none.len()), ("FDSTOREREMOVE=1\nFDNAME=listen\n", 0));
    let (words, kept) = received(&manager);
    assert_eq!((words.as_str(), kept.len()), ("FDSTORE=1\nFDNAME=listen\nFDPOLL=0\n", 2));
    let _visitor = std::net::TcpStream::connect(address).unwrap();
    assert_eq!(Sockets::adopt(kept).tcp(address, 2).unwrap().len(), 2);
}

#[test]
fn a_process_receives_the_sockets_announced_to_it_and_only_once() {
    announce("LISTEN_PID=$$ LISTEN_FDS=1", "receiving_process");
}

#[test]
fn what_is_announced_to_another_process_or_in_nonsense_is_not_taken() {
    for announcement in
        ["LISTEN_PID=1 LISTEN_FDS=1", "LISTEN_PID=$$", "LISTEN_PID=me LISTEN_FDS=1", "LISTEN_PID=$$ LISTEN_FDS=-1"]
    {
        announce(announcement, "process_without_sockets");
    }
}

#[test]
fn an_announced_number_that_is_not_open_is_not_taken() {
    announce("LISTEN_PID=$$ LISTEN_FDS=4000", "process_without_sockets");
}

/// Announces descriptor 3 to a process of its own, which runs one of the ignored tests below.
fn announce(announcement: &str, test: &str) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut child = Command::new("sh");
    child.args(["-c", &format!(r#"{announcement} exec "$0" --ignored --exact "$1""#)]);
    child.arg(env::current_exe().unwrap()).arg(format!("{}::{test}", module_path!().split_once("::").unwrap().1));
    child.env(PORT, port.to_string()).env_remove("NOTIFY_SOCKET");
    child.fd_mappings(vec![FdMapping { parent_fd: listener.into(), child_fd: 3 }]).unwrap();
    let output = child.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

#[test]
#[ignore = "a process of the test above: needs descriptor 3"]
fn receiving_process() {
    // Run by hand, there is nothing to receive.
    let Ok(port) = env::var(PORT) else { return };
    let port: u16 = port.parse().unwrap();
    let mut sockets = Sockets::adopt(receive());
    let address = (std::net::Ipv4Addr::LOCALHOST, port).into();
    assert_eq!(sockets.len(), 1);
    assert_eq!(sockets.tcp(address, 1).unwrap()[0].local_addr().unwrap(), address);
    assert!(receive().is_empty());
}

#[test]
#[ignore = "a process of the tests above"]
fn process_without_sockets() {
    assert!(receive().is_empty());
}

#[test]
fn more_sockets_than_one_message_holds_go_in_several() {
    let folder = tempfile::tempdir().unwrap();
    let manager = UnixDatagram::bind(folder.path().join("notify")).unwrap();
    let channel = Channel::at(folder.path().join("notify"));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();

    keep_at(&channel, &vec![listener.as_fd(); 260]).unwrap();

    received(&manager);
    assert_eq!((received(&manager).1.len(), received(&manager).1.len()), (250, 10));
}
