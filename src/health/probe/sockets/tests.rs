#![allow(clippy::unwrap_used, clippy::panic)]

use std::net::{Ipv4Addr, Ipv6Addr, TcpListener};
use std::os::fd::AsRawFd;

use super::*;

/// An address where nobody listens: the port is this socket's, which only has it.
fn nobody(ip: impl Into<std::net::IpAddr>) -> (Socket, SocketAddr) {
    let ip = ip.into();
    let holder = Socket::new(Domain::for_address((ip, 0).into()), Type::STREAM, None).unwrap();
    holder.bind(&SocketAddr::from((ip, 0)).into()).unwrap();
    let address = holder.local_addr().unwrap().as_socket().unwrap();
    (holder, address)
}

#[test]
fn one_socket_asks_any_number_of_targets_that_refuse_and_then_one_that_does_not() {
    let (_holder, dead) = nobody(Ipv4Addr::LOCALHOST);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let mut sockets = Sockets::default();
    let mut used = None;
    for _ in 0..100 {
        let error = sockets.connect(dead).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ECONNREFUSED), "{error}");
        let kept = sockets.refused.as_ref().map(|(_, socket)| socket.as_raw_fd());
        assert!(kept.is_some() && used.is_none_or(|used| kept == Some(used)));
        used = kept;
    }
    let alive = sockets.connect(listener.local_addr().unwrap()).unwrap();
    assert_eq!(Some(alive.as_raw_fd()), used);
    let (accepted, from) = listener.accept().unwrap();
    assert_eq!(alive.local_addr().unwrap().as_socket(), Some(from));
    assert_eq!(alive.take_error().unwrap().map(|error| error.to_string()), None);
    // It is the other's now.
    drop(accepted);
    assert!(sockets.refused.is_none());
}

#[test]
fn targets_of_both_families_are_asked_by_turns() {
    let (_holder, dead) = nobody(Ipv4Addr::LOCALHOST);
    let Ok(listener) = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)) else { return };
    let mut sockets = Sockets::default();
    for _ in 0..3 {
        sockets.connect(dead).unwrap_err();
        sockets.connect(listener.local_addr().unwrap()).unwrap();
        listener.accept().unwrap();
    }
}

#[test]
fn what_is_wrong_with_the_socket_that_was_refused_is_not_the_next_targets_failure() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    // As where a kernel does not connect it again: this one listens, and cannot.
    let listening = Socket::from(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
    let mut sockets = Sockets { refused: Some((Domain::IPV4, listening)) };
    sockets.connect(listener.local_addr().unwrap()).unwrap();
    listener.accept().unwrap();
}
