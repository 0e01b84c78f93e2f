//! The service manager's end of `sd_notify(3)` and of the file descriptor store, for the daemons of a demo fleet.
//!
//! One datagram socket a daemon. What arrives is parsed by a pure function; the descriptors are kept as systemd keeps
//! them: each once, by name, until they are removed or the part is lost. Called by [`super::supervisor`].

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use tokio::io::Interest;
use tokio::net::UnixDatagram;

use crate::daemon::passed_fds;

/// The longest message (systemd: `NOTIFY_BUFFER_MAX`).
const LONGEST_MESSAGE: usize = 4096;
/// The most descriptors kept for one daemon (systemd: `FileDescriptorStoreMax=` in our units).
const MOST_KEPT: usize = 64;

/// The socket a daemon finds in NOTIFY_SOCKET.
#[derive(Debug)]
pub struct NotifySocket {
    socket: UnixDatagram,
}

/// One message, with the descriptors that came with it.
#[derive(Debug)]
pub struct Message {
    /// What it says.
    pub notification: Notification,
    /// What came with it; closed unless [`Notification::store`] asks for keeping.
    pub descriptors: Vec<OwnedFd>,
}

/// What a message says. Unknown assignments are ignored, as `sd_notify(3)` wants.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Notification {
    /// `READY=1`.
    pub ready: bool,
    /// `MAINPID=`.
    pub main_pid: Option<i32>,
    /// `FDSTORE=1` or `FDSTOREREMOVE=1`.
    pub store: Option<StoreRequest>,
    /// `FDNAME=`; `stored` if it is not given, as systemd names it.
    pub descriptor_name: Option<String>,
}

/// What is asked of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreRequest {
    /// Store what came.
    Keep,
    /// Remove everything of that name.
    Remove,
}

impl Notification {
    /// Reads a message: one `NAME=VALUE` a line.
    pub fn parse(text: &str) -> Notification {
        let mut notification = Notification::default();
        for (name, value) in text.lines().filter_map(|line| line.split_once('=')) {
            match (name, value) {
                ("READY", "1") => notification.ready = true,
                ("MAINPID", pid) => notification.main_pid = pid.parse().ok(),
                ("FDSTORE", "1") => notification.store = Some(StoreRequest::Keep),
                ("FDSTOREREMOVE", "1") => notification.store = Some(StoreRequest::Remove),
                ("FDNAME", name) => notification.descriptor_name = Some(name.to_owned()),
                _ => {}
            }
        }
        notification
    }
}

impl NotifySocket {
    /// Binds it.
    pub fn bind(path: &Path) -> io::Result<NotifySocket> {
        Ok(NotifySocket { socket: UnixDatagram::bind(path)? })
    }

    /// The next message.
    pub async fn receive(&self) -> io::Result<Message> {
        self.socket.async_io(Interest::READABLE, || receive_from(&self.socket)).await
    }
}

fn receive_from(socket: &UnixDatagram) -> io::Result<Message> {
    let mut text = [0_u8; LONGEST_MESSAGE];
    let (length, descriptors) = passed_fds::receive(socket, &mut text)?;
    Ok(Message { notification: Notification::parse(&String::from_utf8_lossy(&text[..length])), descriptors })
}

/// The file descriptor store of one daemon.
#[derive(Debug, Default)]
pub struct Store {
    kept: Vec<StoredFd>,
}

#[derive(Debug)]
struct StoredFd {
    name: String,
    descriptor: OwnedFd,
    /// Device and inode: the same socket sent twice is kept once.
    identity: (u64, u64),
}

impl Store {
    /// Stores or removes what a message asks for.
    pub fn apply(&mut self, message: Message) {
        let name = message.notification.descriptor_name.unwrap_or_else(|| "stored".to_owned());
        match message.notification.store {
            Some(StoreRequest::Keep) => {
                for descriptor in message.descriptors {
                    self.keep(name.clone(), descriptor);
                }
            }
            Some(StoreRequest::Remove) => self.kept.retain(|kept| kept.name != name),
            None => {}
        }
    }

    fn keep(&mut self, name: String, descriptor: OwnedFd) {
        let Ok(stat) = nix::sys::stat::fstat(&descriptor) else { return };
        let identity = (stat.st_dev, stat.st_ino);
        if self.kept.len() < MOST_KEPT && self.kept.iter().all(|kept| kept.identity != identity) {
            self.kept.push(StoredFd { name, descriptor, identity });
        }
    }

    /// Copies of all of them with their names, for a process that is about to start.
    pub fn copies(&self) -> io::Result<Vec<(String, OwnedFd)>> {
        self.kept.iter().map(|kept| Ok((kept.name.clone(), kept.descriptor.try_clone()?))).collect()
    }

    /// Forgets all of them.
    pub fn clear(&mut self) {
        self.kept.clear();
    }
}

#[cfg(test)]
mod tests;
