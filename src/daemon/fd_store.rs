//! systemd's file descriptor store: listening sockets outlive a kill -9 (`sd_pid_notify_with_fds(3)`).
//!
//! Called by the daemons' control loops: [`receive`] at the start, [`keep`] whenever the listening sockets changed. The
//! unit needs `FileDescriptorStoreMax=` of at least the number of sockets.

use std::env;
use std::io;
use std::ops::Range;
use std::os::fd::{BorrowedFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};

use super::notify::Channel;
use super::passed_fds;

/// The first number passed (SD_LISTEN_FDS_START).
const FIRST: RawFd = 3;

/// The one name under which sockets are kept. The kernel tells what each of them is.
const NAME: &str = "listen";

/// What systemd (or whoever set LISTEN_FDS for this process id) kept for us, whatever its names (LISTEN_FDNAMES): the
/// kernel tells what each is. To be called at the start of the process, before anything is opened; later calls give
/// nothing.
pub fn receive() -> Vec<OwnedFd> {
    static RECEIVED: AtomicBool = AtomicBool::new(false);
    if RECEIVED.swap(true, Ordering::Relaxed) {
        return Vec::new();
    }
    let variable = |name| env::var(name).ok();
    match announced(variable("LISTEN_PID").as_deref(), variable("LISTEN_FDS").as_deref(), std::process::id()) {
        Ok(numbers) => passed_fds::take(numbers),
        Err(why) => {
            tracing::warn!("taking no passed sockets: {why}");
            Vec::new()
        }
    }
}

/// The numbers announced to this process (`sd_listen_fds(3)`); none if the words are for another process.
fn announced(for_process: Option<&str>, count: Option<&str>, this_process: u32) -> Result<Range<RawFd>, String> {
    let (Some(for_process), Some(count)) = (for_process, count) else { return Ok(FIRST..FIRST) };
    let for_process: u32 =
        for_process.parse().map_err(|_| format!("LISTEN_PID: {for_process:?} is not a process id"))?;
    if for_process != this_process {
        return Ok(FIRST..FIRST);
    }
    let count: u16 = count.parse().map_err(|_| format!("LISTEN_FDS: {count:?} is not a number of descriptors"))?;
    Ok(FIRST..FIRST + RawFd::from(count))
}

/// Asks the service manager to keep these (`FDSTORE=1`), replacing what it kept before. Without NOTIFY_SOCKET: nothing.
pub fn keep(sockets: &[BorrowedFd<'_>]) {
    let Some(channel) = Channel::from_env() else { return };
    if let Err(error) = keep_at(&channel, sockets) {
        tracing::warn!(%error, "the service manager does not keep our sockets; a crash would close them");
    }
}

fn keep_at(channel: &Channel, sockets: &[BorrowedFd<'_>]) -> io::Result<()> {
    channel.send(&format!("FDSTOREREMOVE=1\nFDNAME={NAME}\n"), &[])?;
    // FDPOLL=0: a listening socket with an error pending is still the one to keep.
    let words = format!("FDSTORE=1\nFDNAME={NAME}\nFDPOLL=0\n");
    sockets.chunks(passed_fds::MOST_PER_MESSAGE).try_for_each(|chunk| channel.send(&words, chunk))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::net::TcpListener;
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixDatagram;
    use std::process::Command;

    use command_fds::{CommandFdExt, FdMapping};

    use super::*;
    use crate::daemon::sockets::Sockets;

    /// Tells the receiving process where its socket listens.
    const PORT: &str = "POLDER_TEST_PORT";

    fn heard(manager: &UnixDatagram) -> (String, Vec<OwnedFd>) {
        let mut bytes = [0; 512];
        let (length, descriptors) = passed_fds::receive(manager, &mut bytes).unwrap();
        (String::from_utf8_lossy(&bytes[..length]).into_owned(), descriptors)
    }

    #[test]
    fn only_what_is_announced_to_this_process_is_taken() {
        assert_eq!(announced(Some("42"), Some("2"), 42), Ok(3..5));
        assert_eq!(announced(Some("41"), Some("2"), 42), Ok(3..3));
        assert_eq!(announced(None, Some("2"), 42), Ok(3..3));
        assert_eq!(announced(Some("42"), None, 42), Ok(3..3));
    }

    #[test]
    fn nonsense_in_the_announcement_is_an_error_that_quotes_it() {
        assert!(announced(Some("me"), Some("2"), 42).unwrap_err().contains("LISTEN_PID: \"me\""));
        assert!(announced(Some("42"), Some("-1"), 42).unwrap_err().contains("LISTEN_FDS: \"-1\""));
        assert!(announced(Some("42"), Some("4000000000"), 42).is_err());
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

        let (words, none) = heard(&manager);
        assert_eq!((words.as_str(), none.len()), ("FDSTOREREMOVE=1\nFDNAME=listen\n", 0));
        let (words, kept) = heard(&manager);
        assert_eq!((words.as_str(), kept.len()), ("FDSTORE=1\nFDNAME=listen\nFDPOLL=0\n", 2));
        let _visitor = std::net::TcpStream::connect(address).unwrap();
        assert_eq!(Sockets::adopt(kept).tcp(address, 2).unwrap().len(), 2);
    }

    /// Announces descriptor 3 to a process of its own, which runs the ignored test below.
    #[test]
    fn a_process_receives_the_sockets_announced_to_it_and_only_once() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut child = Command::new("sh");
        child.args(["-c", r#"LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" --ignored --exact "$1""#]);
        child
            .arg(env::current_exe().unwrap())
            .arg(concat!(module_path!(), "::receiving_process").split_once("::").unwrap().1);
        child.env(PORT, port.to_string()).env_remove("NOTIFY_SOCKET");
        child.fd_mappings(vec![FdMapping { parent_fd: listener.into(), child_fd: FIRST }]).unwrap();
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
    fn more_sockets_than_one_message_holds_go_in_several() {
        let folder = tempfile::tempdir().unwrap();
        let manager = UnixDatagram::bind(folder.path().join("notify")).unwrap();
        let channel = Channel::at(folder.path().join("notify"));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();

        keep_at(&channel, &vec![listener.as_fd(); 260]).unwrap();

        heard(&manager);
        assert_eq!((heard(&manager).1.len(), heard(&manager).1.len()), (250, 10));
    }
}
