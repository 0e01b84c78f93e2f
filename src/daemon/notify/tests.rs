#![allow(clippy::unwrap_used)]

use super::*;

fn received(socket: &UnixDatagram) -> String {
    let mut bytes = [0; 512];
    let length = socket.recv(&mut bytes).unwrap();
    String::from_utf8_lossy(&bytes[..length]).into_owned()
}

#[test]
fn a_status_is_one_line_whatever_its_text_holds() {
    assert_eq!(one_line("serving\nMAINPID=1"), "serving MAINPID=1");
}

#[test]
fn messages_reach_a_socket_with_a_path_and_one_with_an_abstract_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    Channel::at(&path).send(&[NotifyState::Ready, NotifyState::Status("up")], &[]).unwrap();
    assert_eq!(received(&manager), "READY=1\nSTATUS=up\n");

    let name = format!("polder-notify-test-{}", std::process::id());
    let manager = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
    Channel::at(format!("@{name}")).send(&[NotifyState::Stopping], &[]).unwrap();
    assert_eq!(received(&manager), "STOPPING=1\n");
}

#[test]
fn a_manager_that_does_not_read_does_not_block_us() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let _manager = UnixDatagram::bind(&path).unwrap();
    let channel = Channel::at(&path);
    let refused = (0..100_000).find_map(|_| channel.send(&[NotifyState::Watchdog], &[]).err());
    assert_eq!(refused.map(|error| error.kind()), Some(io::ErrorKind::WouldBlock));
}
