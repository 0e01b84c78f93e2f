#![allow(clippy::unwrap_used)]

use super::*;

fn heard(socket: &UnixDatagram) -> String {
    let mut bytes = [0; 512];
    let length = socket.recv(&mut bytes).unwrap();
    String::from_utf8_lossy(&bytes[..length]).into_owned()
}

#[test]
fn ready_names_the_process_and_a_status_of_one_line() {
    assert_eq!(ready_words(7, "serving\nMAINPID=1"), "READY=1\nMAINPID=7\nSTATUS=serving MAINPID=1\n");
}

#[test]
fn words_reach_a_socket_with_a_path_and_one_with_an_abstract_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    Channel::at(&path).send("READY=1\n", &[]).unwrap();
    assert_eq!(heard(&manager), "READY=1\n");

    let name = format!("polder-notify-test-{}", std::process::id());
    let manager = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
    Channel::at(format!("@{name}")).send("STOPPING=1\n", &[]).unwrap();
    assert_eq!(heard(&manager), "STOPPING=1\n");
}

#[test]
fn a_manager_that_does_not_read_does_not_block_us() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let _manager = UnixDatagram::bind(&path).unwrap();
    let channel = Channel::at(&path);
    let refused = (0..100_000).find_map(|_| channel.send("WATCHDOG=1\n", &[]).err());
    assert_eq!(refused.map(|error| error.kind()), Some(io::ErrorKind::WouldBlock));
}
