//! The thread that writes, where the machine has none to give.

use std::io::Read;
use std::os::unix::net::UnixListener;
use std::time::Duration;

use super::*;

#[test]
fn a_thread_that_cannot_be_started_leaves_all_as_it_was_and_can_be_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let wanted = Wanted { socket: folder.path().join("dnstap.sock"), terms: Terms::default() };
    let listener = UnixListener::bind(&wanted.socket).unwrap();
    socket2::SockRef::from(&listener).set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut dnstap = Dnstap::new();
    // More memory than there is address space.
    assert!(dnstap.start_as(Builder::new().stack_size(1 << 60)).is_err());
    assert!(dnstap.has_ended() && dnstap.in_force().is_none());

    dnstap.want(Some(wanted.clone())).unwrap();
    assert_eq!((dnstap.in_force(), dnstap.is_missing()), (Some(&wanted), false));
    let (mut receiver, _) = listener.accept().expect("the thread that writes has its orders");
    receiver.read_exact(&mut [0; 8]).unwrap();
    dnstap.end();
    dnstap.thread.take().unwrap().join().unwrap();
}
