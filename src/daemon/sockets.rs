//! Listening sockets: inherited ones first, then bound anew.
//!
//! Owns every listening socket of a daemon from start to end, so that start and reload ask for sockets the same way and
//! a takeover or the FD store can be given all of them. Must never: accept or read. Called by the daemons' control loops.

mod bind;
mod identity;
mod live;
#[cfg(test)]
mod tests;

use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::path::Path;

use socket2::{SockRef, Socket};

use identity::Identity;

pub use bind::{BindError, listen_anew};
pub use live::{Listing, try_all};

/// Every listening socket of this daemon: those that came from a running daemon (takeover) or from systemd's FD store,
/// told apart by asking the kernel for their type and address, and those bound since. Start and reload ask it alike;
/// what it hands out are copies of the descriptors, so a socket stops listening only when both the copy and this one
/// are closed: by [`Sockets::settle`], or when this is dropped.
#[derive(Debug, Default)]
pub struct Sockets {
    held: Vec<Held>,
    sharing: Sharing,
}

/// Whether another process serves the same sockets.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Sharing {
    /// None does.
    #[default]
    Alone,
    /// One does. A socket that joined one of its groups would get a share of the visitors to which that process is blind.
    Shared,
    /// The same, and fewer sockets were given than were asked for.
    Short,
}

#[derive(Debug)]
struct Held {
    socket: Socket,
    /// Where it listens, in the kernel's words.
    actual: Identity,
    /// What it was bound for; differs from `actual` for port 0.
    requested: Identity,
    /// Somebody asked for it since the last `settle` or `revert`.
    asked: bool,
    /// It was there before the last `settle` or `revert`.
    settled: bool,
    /// It was there before the last [`Sockets::news`].
    told: bool,
}

impl Sockets {
    /// Sorts what was inherited. Descriptors that are not listening TCP, bound UDP or listening Unix sockets are closed
    /// with a log line.
    pub fn adopt(inherited: Vec<OwnedFd>) -> Sockets {
        let mut held = Vec::new();
        for descriptor in inherited {
            let identity = Identity::of(&SockRef::from(&descriptor));
            match identity {
                Ok(identity) => held.push(Held {
                    socket: descriptor.into(),
                    actual: identity.clone(),
                    requested: identity,
                    asked: false,
                    settled: true,
                    told: true,
                }),
                Err(why) => tracing::warn!("closing a descriptor that was passed to us: {why}"),
            }
        }
        Sockets { held, sharing: Sharing::Alone }
    }

    /// From here to [`Sockets::own`] another process serves what was inherited: no socket joins its groups.
    pub fn share(&mut self) {
        self.sharing = Sharing::Shared;
    }

    /// No other process serves them any more. Whether fewer were given than were asked for: to be asked for again.
    pub fn own(&mut self) -> bool {
        std::mem::take(&mut self.sharing) == Sharing::Short
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.held.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// At least `count` non-blocking listeners on `address`: every one that is there already (there may be more than
    /// `count`, and each has its own queue, so all of them must be accepted from), then new ones with SO_REUSEPORT. An
    /// address in use by anybody else is an error that names it, even where SO_REUSEPORT would have shared it.
    pub fn tcp(&mut self, address: SocketAddr, count: usize) -> Result<Vec<TcpListener>, BindError> {
        let sockets = self.group(Identity::Tcp(address), address, count, bind::Transport::Tcp)?;
        Ok(sockets.into_iter().map(TcpListener::from).collect())
    }

    /// The same for UDP. Wildcard sockets get IP_PKTINFO / IPV6_RECVPKTINFO. Blocking, with a receive time-out of half
    /// a second so that their thread ticks.
    pub fn udp(&mut self, address: SocketAddr, count: usize) -> Result<Vec<UdpSocket>, BindError> {
        let sockets = self.group(Identity::Udp(address), address, count, bind::Transport::Udp)?;
        Ok(sockets.into_iter().map(UdpSocket::from).collect())
    }

    /// One non-blocking socket of UDP for QUIC. There may be more of its address; nobody reads those.
    pub fn quic(&mut self, address: SocketAddr) -> Result<Option<UdpSocket>, BindError> {
        let sockets = self.group(Identity::Udp(address), address, 1, bind::Transport::Quic)?;
        Ok(sockets.into_iter().next().map(UdpSocket::from))
    }

    /// A listening Unix socket, non-blocking, mode 0660. A leftover file that nobody listens on is replaced; a daemon
    /// that answers there is an error naming `--takeover`.
    pub fn unix(&mut self, path: &Path) -> Result<UnixListener, BindError> {
        let identity = Identity::Unix(path.to_owned());
        if !self.held.iter().any(|held| held.actual == identity) {
            self.hold(bind::unix(path)?, identity.clone(), identity.clone());
        }
        let copies = self.ask(&identity)?;
        let listener = copies.into_iter().next().ok_or_else(|| BindError::new(&identity, "it is gone"))?;
        listener.set_nonblocking(true).map_err(|error| BindError::new(&identity, error))?;
        Ok(listener.into())
    }

    /// What the operator is to know of the sockets bound since it was asked last: the addresses, each once however many sockets share it.
    pub fn news(&mut self) -> Option<String> {
        let new = self.held.iter().filter(|held| !held.told);
        let words = in_words(new.map(|held| &held.actual)).map(|addresses| format!("listens on {addresses}"));
        self.held.iter_mut().for_each(|held| held.told = true);
        words
    }

    /// Closes every socket nobody has asked for since the last `settle` or `revert`: the new document is in force.
    pub fn settle(&mut self) {
        let gone = self.held.iter().filter(|held| !held.asked);
        if let Some(addresses) = in_words(gone.map(|held| &held.actual)) {
            tracing::info!("listens no longer on {addresses}");
        }
        self.held.retain_mut(|held| {
            held.settled = true;
            std::mem::take(&mut held.asked)
        });
    }

    /// Closes every socket bound since the last `settle` or `revert`: the new document is not to be.
    pub fn revert(&mut self) {
        self.held.retain_mut(|held| {
            held.asked = false;
            held.settled
        });
    }

    /// Where this daemon listens, each address once.
    pub fn listing(&self) -> Listing {
        let mut listing = Listing::default();
        for held in &self.held {
            let (addresses, address) = match &held.actual {
                Identity::Tcp(address) => (&mut listing.tcp, address),
                Identity::Udp(address) => (&mut listing.udp, address),
                Identity::Unix(_) => continue,
            };
            if !addresses.contains(address) {
                addresses.push(*address);
            }
        }
        listing
    }

    /// All of them, for the FD store.
    pub fn as_fds(&self) -> Vec<BorrowedFd<'_>> {
        self.held.iter().map(|held| held.socket.as_fd()).collect()
    }

    /// Copies of all of them, for a takeover.
    pub fn handover(&self) -> std::io::Result<Vec<OwnedFd>> {
        self.held.iter().map(|held| held.socket.try_clone().map(OwnedFd::from)).collect()
    }

    /// At least `count` copies of sockets on `address`, binding what is missing.
    fn group(
        &mut self,
        identity: Identity,
        address: SocketAddr,
        count: usize,
        transport: bind::Transport,
    ) -> Result<Vec<Socket>, BindError> {
        let wanted = identity;
        let identity = self.resolve(&wanted);
        let present = self.held.iter().filter(|held| held.actual == identity).count();
        let fresh = match self.held.iter().find(|held| held.actual == identity) {
            Some(held) if present < count && held.socket.reuse_port().unwrap_or(false) => {
                if self.sharing != Sharing::Alone {
                    self.sharing = Sharing::Short;
                    return self.copies(&identity, address, transport);
                }
                bind::join(transport, held.actual.address().unwrap_or(address), count - present)?
            }
            Some(_) => Vec::new(),
            None => {
                let beside_ours = self.held.iter().any(|held| held.actual.overlaps(&identity));
                bind::group(transport, address, count.max(1), beside_ours)?
            }
        };
        let mut identity = identity;
        for socket in fresh {
            identity = Identity::of(&SockRef::from(&socket)).map_err(|why| BindError::new(&wanted, why))?;
            self.hold(socket, identity.clone(), wanted.clone());
        }
        let mut copies = self.copies(&identity, address, transport)?;
        // Passed in without SO_REUSEPORT (socket activation): no second socket can join it, so its readers share it.
        for index in 0..count.saturating_sub(copies.len()) {
            let shared = copies[index].try_clone().map_err(|error| BindError::new(&identity, error))?;
            copies.push(shared);
        }
        Ok(copies)
    }

    /// Copies of all sockets with this identity, ready to be served.
    fn copies(
        &mut self,
        identity: &Identity,
        address: SocketAddr,
        transport: bind::Transport,
    ) -> Result<Vec<Socket>, BindError> {
        let copies = self.ask(identity)?;
        for socket in &copies {
            bind::prepare(transport, socket, address).map_err(|error| BindError::new(identity, error))?;
        }
        Ok(copies)
    }

    /// The identity of the sockets that serve a request: for port 0 those bound for port 0 before, so that a reload keeps them.
    /// Each may be asked for once, since a document can name port 0 several times.
    fn resolve(&self, wanted: &Identity) -> Identity {
        let for_any_port = |held: &&Held| held.requested == *wanted && !held.asked;
        match wanted.address() {
            Some(address) if address.port() == 0 => self.held.iter().find(for_any_port).map(|held| &held.actual),
            _ => None,
        }
        .unwrap_or(wanted)
        .clone()
    }

    fn hold(&mut self, socket: Socket, actual: Identity, wanted: Identity) {
        self.held.push(Held { socket, actual, requested: wanted, asked: false, settled: false, told: false });
    }

    /// Marks the sockets with this identity as asked for, and copies them.
    fn ask(&mut self, identity: &Identity) -> Result<Vec<Socket>, BindError> {
        let copy = |held: &mut Held| {
            held.asked = true;
            held.socket.try_clone().map_err(|error| BindError::new(identity, error))
        };
        self.held.iter_mut().filter(|held| held.actual == *identity).map(copy).collect()
    }
}

/// Each once; none: there are none.
fn in_words<'a>(identities: impl Iterator<Item = &'a Identity>) -> Option<String> {
    let mut words: Vec<String> = Vec::new();
    for identity in identities.map(Identity::to_string) {
        if !words.contains(&identity) {
            words.push(identity);
        }
    }
    (!words.is_empty()).then(|| words.join(", "))
}
