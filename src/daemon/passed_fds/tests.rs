#![allow(clippy::unwrap_used)]

use std::net::TcpListener;
use std::os::fd::IntoRawFd;
use std::os::unix::net::{UnixDatagram, UnixStream};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};

use super::*;

fn close_on_exec(descriptor: &OwnedFd) -> bool {
    FdFlag::from_bits_truncate(fcntl(descriptor, FcntlArg::F_GETFD).unwrap()).contains(FdFlag::FD_CLOEXEC)
}

#[test]
fn a_descriptor_is_owned_by_its_number() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let owned = own(listener.into_raw_fd());
    assert_eq!(TcpListener::from(owned).local_addr().unwrap(), address);
}

#[test]
fn descriptors_arrive_with_their_bytes_and_close_on_exec() {
    let (left, right) = UnixStream::pair().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let sent = vec![listener.as_fd(); MOST_PER_MESSAGE];

    assert_eq!(send(&left, b"x", &sent).unwrap(), 1);
    let mut bytes = [0; 8];
    let (length, received) = receive(&right, &mut bytes).unwrap();

    assert_eq!((length, bytes[0]), (1, b'x'));
    assert_eq!(received.len(), MOST_PER_MESSAGE);
    assert!(received.iter().all(close_on_exec));
}

#[test]
fn more_descriptors_than_one_message_holds_are_an_error() {
    let (left, _right) = UnixDatagram::pair().unwrap();
    let sent = vec![left.as_fd(); MOST_PER_MESSAGE + 20];
    assert!(send(&left, b"x", &sent).is_err());
}
