#![allow(clippy::unwrap_used)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use nix::sys::socket::{getsockopt, sockopt};
use socket2::{Domain, Type};

use super::*;

fn any(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// Accepts from whichever of the non-blocking listeners gets the connection.
fn accept_any(listeners: &[TcpListener]) -> (usize, TcpStream) {
    let limit = Instant::now() + Duration::from_secs(60);
    loop {
        for (index, listener) in listeners.iter().enumerate() {
            if let Ok((stream, _)) = listener.accept() {
                return (index, stream);
            }
        }
        assert!(Instant::now() < limit, "no listener got the connection");
        std::thread::yield_now();
    }
}

#[test]
fn a_group_of_tcp_listeners_shares_one_port_and_spreads_connections() {
    let mut sockets = Sockets::default();
    let listeners = sockets.tcp(any("127.0.0.1:0"), 4).unwrap();
    let address = listeners[0].local_addr().unwrap();
    assert_eq!(listeners.len(), 4);
    assert!(listeners.iter().all(|listener| listener.local_addr().unwrap() == address));

    let mut hit = [0; 4];
    for _ in 0..64 {
        let _client = TcpStream::connect(address).unwrap();
        hit[accept_any(&listeners).0] += 1;
    }
    assert!(hit.iter().all(|&hits| hits > 0), "connections per listener: {hit:?}");
}

#[test]
fn an_address_in_use_is_an_error_even_where_reuseport_would_share_it() {
    let mut first = Sockets::default();
    let address = first.tcp(any("127.0.0.1:0"), 2).unwrap()[0].local_addr().unwrap();
    let udp = first.udp(any("127.0.0.1:0"), 2).unwrap()[0].local_addr().unwrap();

    let mut second = Sockets::default();
    let error = second.tcp(address, 2).unwrap_err().to_string();
    assert!(error.contains(&format!("tcp {address}")) && error.contains("another process"), "{error}");
    assert!(error.contains("ss -Hltnp") && error.contains("--takeover"), "{error}");
    let error = second.udp(udp, 2).unwrap_err().to_string();
    assert!(error.contains(&format!("udp {udp}")) && error.contains("ss -Hlunp"), "{error}");
    assert!(second.is_empty());
}

#[test]
fn an_address_of_another_machine_is_an_error_that_says_so() {
    let error = Sockets::default().tcp(any("192.0.2.77:0"), 1).unwrap_err().to_string();
    assert!(error.contains("does not have the address 192.0.2.77"), "{error}");
}

#[test]
fn permission_denied_names_the_capability() {
    let denied = std::io::Error::from_raw_os_error(nix::libc::EACCES);
    let error = bind::explain(bind::Transport::Tcp, any("0.0.0.0:80"), &denied).to_string();
    assert!(error.contains("CAP_NET_BIND_SERVICE"), "{error}");
}

#[test]
fn asking_again_gives_the_same_sockets_and_more_if_more_are_asked() {
    let mut sockets = Sockets::default();
    let wanted = any("127.0.0.1:0");
    let address = sockets.tcp(wanted, 2).unwrap()[0].local_addr().unwrap();
    sockets.settle();
    assert_eq!(sockets.tcp(address, 2).unwrap().len(), 2);
    sockets.settle();
    assert_eq!(sockets.tcp(wanted, 3).unwrap()[2].local_addr().unwrap(), address);
    assert_eq!(sockets.tcp(address, 1).unwrap().len(), 3, "each has a queue of its own: none may be left alone");
    assert_eq!(sockets.len(), 3);
}

#[test]
fn what_is_new_is_told_once_and_an_address_once_however_many_sockets_share_it() {
    let mut sockets = Sockets::default();
    let tcp = sockets.tcp(any("127.0.0.1:0"), 2).unwrap()[0].local_addr().unwrap();
    let udp = sockets.udp(any("127.0.0.1:0"), 3).unwrap()[0].local_addr().unwrap();
    assert_eq!(sockets.news().unwrap(), format!("listens on tcp {tcp}, udp {udp}"));
    assert_eq!(sockets.news(), None);
    let other = sockets.tcp(any("127.0.0.2:0"), 1).unwrap()[0].local_addr().unwrap();
    assert_eq!(sockets.news().unwrap(), format!("listens on tcp {other}"));
    let inherited = sockets.held.iter().map(|held| held.socket.try_clone().unwrap().into()).collect();
    assert_eq!(Sockets::adopt(inherited).news(), None, "they were told by the process before");
}

#[test]
fn two_wishes_for_any_port_get_two_ports() {
    let mut sockets = Sockets::default();
    let ask = |sockets: &mut Sockets| sockets.tcp(any("127.0.0.1:0"), 2).unwrap()[0].local_addr().unwrap();
    let (one, two) = (ask(&mut sockets), ask(&mut sockets));
    assert_ne!(one, two);
    sockets.settle();
    assert_eq!((ask(&mut sockets), ask(&mut sockets)), (one, two), "a reload keeps them");
}

#[test]
fn settle_closes_what_nobody_asked_for_and_revert_what_was_bound_since() {
    let mut sockets = Sockets::default();
    let kept = sockets.tcp(any("127.0.0.1:0"), 1).unwrap()[0].local_addr().unwrap();
    let dropped = sockets.tcp(any("127.0.0.2:0"), 1).unwrap()[0].local_addr().unwrap();
    sockets.settle();

    let never = sockets.tcp(any("127.0.0.3:0"), 1).unwrap()[0].local_addr().unwrap();
    sockets.revert();
    assert!(TcpStream::connect(never).is_err());
    assert!(TcpStream::connect(dropped).is_ok(), "a reload that failed changes nothing");

    sockets.tcp(kept, 1).unwrap();
    sockets.settle();
    assert!(TcpStream::connect(kept).is_ok());
    assert!(TcpStream::connect(dropped).is_err());
}

#[test]
fn inherited_sockets_are_told_apart_by_the_kernel() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("admin.sock");
    let mut old = Sockets::default();
    let tcp = old.tcp(any("127.0.0.1:0"), 2).unwrap()[0].local_addr().unwrap();
    let tcp6 = old.tcp(any("[::1]:0"), 1).unwrap()[0].local_addr().unwrap();
    let udp = old.udp(any("127.0.0.1:0"), 2).unwrap()[0].local_addr().unwrap();
    old.unix(&path).unwrap();

    let mut new = Sockets::adopt(old.handover().unwrap());
    drop(old);

    assert_eq!(new.len(), 6);
    let listeners = new.tcp(tcp, 2).unwrap();
    new.tcp(tcp6, 1).unwrap();
    assert_eq!(new.udp(udp, 2).unwrap().len(), 2);
    let admin = new.unix(&path).unwrap();
    new.settle();
    assert_eq!(new.len(), 6, "nothing was bound anew and nothing left over");
    let _client = TcpStream::connect(tcp).unwrap();
    accept_any(&listeners);
    let _operator = UnixStream::connect(&path).unwrap();
    admin.accept().unwrap();
}

#[test]
fn a_datagram_that_waits_while_the_socket_is_handed_over_is_read_by_the_new_owner() {
    let mut old = Sockets::default();
    let address = old.udp(any("127.0.0.1:0"), 1).unwrap()[0].local_addr().unwrap();
    let resolver = UdpSocket::bind("127.0.0.1:0").unwrap();
    resolver.send_to(b"query", address).unwrap();

    let mut new = Sockets::adopt(old.handover().unwrap());
    drop(old);

    let mut bytes = [0; 16];
    assert_eq!(new.udp(address, 1).unwrap()[0].recv(&mut bytes).unwrap(), 5);
}

#[test]
fn descriptors_that_are_no_listening_sockets_are_closed() {
    let (stream, other) = UnixStream::pair().unwrap();
    let file = tempfile::tempfile().unwrap();
    let datagrams = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let dual = Socket::new(Domain::IPV6, Type::STREAM, None).unwrap();
    dual.set_only_v6(false).unwrap();
    dual.bind(&any("[::]:0").into()).unwrap();
    dual.listen(1).unwrap();

    let sockets = Sockets::adopt(vec![stream.into(), file.into(), datagrams.into(), dual.into()]);

    assert_eq!(sockets.len(), 1, "only the UDP socket listens: {sockets:?}");
    assert_eq!((&other).read(&mut [0]).unwrap(), 0, "its other end sees the close");
}

#[test]
fn a_listener_passed_in_without_reuseport_is_shared_by_its_readers() {
    let alone = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = alone.local_addr().unwrap();
    let mut sockets = Sockets::adopt(vec![alone.into()]);
    let listeners = sockets.tcp(address, 3).unwrap();
    assert_eq!((listeners.len(), sockets.len()), (3, 1));
    let _client = TcpStream::connect(address).unwrap();
    accept_any(&listeners[2..]);
}

#[test]
fn a_wildcard_can_replace_one_address_of_ours_within_a_reload() {
    // Another program of this machine may have the port at another address of its own: then with the next port.
    let (mut sockets, one, listeners) = (0..20)
        .find_map(|_| {
            let mut sockets = Sockets::default();
            let one = sockets.tcp(any("127.0.0.1:0"), 2).unwrap()[0].local_addr().unwrap();
            sockets.settle();
            let wildcard = SocketAddr::new(any("0.0.0.0:0").ip(), one.port());
            sockets.tcp(wildcard, 2).ok().map(|listeners| (sockets, one, listeners))
        })
        .unwrap();
    sockets.settle();
    let _client = TcpStream::connect(one).unwrap();
    accept_any(&listeners);
}

#[test]
fn udp_sockets_time_out_and_wildcards_learn_the_address_asked() {
    let mut sockets = Sockets::default();
    let wildcard = &sockets.udp(any("0.0.0.0:0"), 1).unwrap()[0];
    assert!(getsockopt(wildcard, sockopt::Ipv4PacketInfo).unwrap());
    assert_eq!(wildcard.read_timeout().unwrap(), Some(Duration::from_millis(500)));
    assert_eq!(
        rustix::net::sockopt::ip_mtu_discover(wildcard).unwrap(),
        rustix::net::sockopt::Ipv4PathMtuDiscovery::OMIT
    );
    let wildcard6 = &sockets.udp(any("[::]:0"), 1).unwrap()[0];
    assert!(getsockopt(wildcard6, sockopt::Ipv6RecvPacketInfo).unwrap());
    let one = &sockets.udp(any("127.0.0.1:0"), 1).unwrap()[0];
    assert!(!getsockopt(one, sockopt::Ipv4PacketInfo).unwrap());
}

#[test]
fn ipv6_wildcards_leave_ipv4_alone() {
    let mut sockets = Sockets::default();
    let six = sockets.tcp(any("[::]:0"), 1).unwrap()[0].local_addr().unwrap();
    sockets.tcp(SocketAddr::new(any("0.0.0.0:0").ip(), six.port()), 1).unwrap();
}

#[test]
fn a_unix_listener_is_for_owner_and_group_and_replaces_a_leftover_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("admin.sock");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());

    let mut sockets = Sockets::default();
    let listener = sockets.unix(&path).unwrap();

    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);
    let mut operator = UnixStream::connect(&path).unwrap();
    operator.write_all(b"x").unwrap();
    listener.accept().unwrap();
}

#[test]
fn a_unix_path_that_cannot_be_had_says_what_stands_in_the_way() {
    let folder = tempfile::tempdir().unwrap();
    let live = folder.path().join("live.sock");
    let _listener = std::os::unix::net::UnixListener::bind(&live).unwrap();
    let error = Sockets::default().unix(&live).unwrap_err().to_string();
    assert!(error.contains("running daemon") && error.contains("--takeover"), "{error}");

    let file = folder.path().join("file");
    std::fs::write(&file, "precious").unwrap();
    let error = Sockets::default().unix(&file).unwrap_err().to_string();
    assert!(error.contains("not a socket"), "{error}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "precious");

    let error = Sockets::default().unix(&folder.path().join("no/such/admin.sock")).unwrap_err().to_string();
    assert!(error.contains("no/such does not exist"), "{error}");
}

#[test]
fn a_unix_listener_whose_file_is_gone_is_bound_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("admin.sock");
    let orphan = std::os::unix::net::UnixListener::bind(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let mut sockets = Sockets::adopt(vec![orphan.into()]);
    let listener = sockets.unix(&path).unwrap();
    let _operator = UnixStream::connect(&path).unwrap();
    listener.accept().unwrap();
}

#[test]
fn a_socket_of_quic_stays_non_blocking_however_often_it_is_asked_for() {
    let mut sockets = Sockets::default();
    let first = sockets.quic(any("127.0.0.1:0")).unwrap().unwrap();
    let address = first.local_addr().unwrap();
    sockets.settle();
    let mut adopted = Sockets::adopt(sockets.handover().unwrap());
    adopted.quic(address).unwrap().unwrap();
    adopted.settle();
    adopted.quic(address).unwrap().unwrap();
    assert!(SockRef::from(&first).nonblocking().unwrap());
    adopted.udp(address, 1).unwrap();
    assert!(!SockRef::from(&first).nonblocking().unwrap(), "as it would be for a thread of its own");
}
