#![allow(clippy::unwrap_used)]
use std::os::fd::{AsRawFd, RawFd};

use nix::sys::socket::{AddressFamily, ControlMessage, MsgFlags, SockFlag, SockType, UnixAddr, sendmsg, socket};

use super::*;

fn send(path: &Path, text: &str, descriptors: &[RawFd]) {
    let sender = socket(AddressFamily::Unix, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None).unwrap();
    let rights = [ControlMessage::ScmRights(descriptors)];
    let rights = if descriptors.is_empty() { &rights[..0] } else { &rights[..] };
    let address = UnixAddr::new(path).unwrap();
    let text = [io::IoSlice::new(text.as_bytes())];
    sendmsg(sender.as_raw_fd(), &text, rights, MsgFlags::empty(), Some(&address)).unwrap();
}

#[test]
fn a_message_is_read_line_by_line_and_unknown_words_are_passed_over() {
    let notification = Notification::parse("READY=1\nMAINPID=17\nSTATUS=serves 2 services = well\nX=1\nnonsense");
    assert_eq!(notification, Notification { ready: true, main_pid: Some(17), ..Notification::default() });
}

#[tokio::test]
async fn sockets_are_kept_once_copied_and_removed_by_name() {
    let directory = super::super::directory::Directory::make().unwrap();
    let path = directory.path().join("notify.sock");
    let notify = NotifySocket::bind(&path).unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let raw = listener.as_raw_fd();

    let mut store = Store::default();
    send(&path, "FDSTORE=1\nFDNAME=polder", &[raw]);
    store.apply(notify.receive().await.unwrap());
    send(&path, "FDSTORE=1\nFDNAME=polder", &[raw, raw]);
    store.apply(notify.receive().await.unwrap());
    assert_eq!(store.copies().unwrap().len(), 1);

    let copies = store.copies().unwrap();
    let copy = std::net::TcpListener::from(copies.into_iter().next().unwrap().1);
    assert_eq!(copy.local_addr().unwrap(), listener.local_addr().unwrap());

    send(&path, "FDSTOREREMOVE=1\nFDNAME=polder", &[]);
    store.apply(notify.receive().await.unwrap());
    assert!(store.copies().unwrap().is_empty());
}
