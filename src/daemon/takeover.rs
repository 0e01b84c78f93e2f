//! A new process takes sockets and state from the running one over its admin socket (SCM_RIGHTS).
//!
//! ```text
//! new                                   old (the daemon)
//!  | POST /takeover                      |
//!  |------------------------------------>|
//!  |                                 101 |  from here on frames (wire)
//!  |<------------------------------------|
//!  | hello: program, protocol, version,  |  another program, protocol, user, unit, or a relay
//!  | and its own pidfd                   |  between the two: refused ([`successor`])
//!  |------------------------------------>|
//!  |            offer: state and sockets |  goes on serving
//!  |<------------------------------------|
//!  | receipt: how many sockets came      |  sockets that did not arrive: withdrawn
//!  |------------------------------------>|
//!  | builds, checks                      |
//!  | ready                               |
//!  |------------------------------------>|  decides nothing more, goes on serving
//!  |                  final: final state |
//!  |<------------------------------------|
//!  | serves too, and asks itself         |
//!  | until each thread has answered      |
//!  | taken                               |
//!  |------------------------------------>|  stops accepting, drains, exits
//!  decides: now this one is the daemon
//! ```
//!
//! At every moment exactly one of them is the daemon: the old one until it has "taken", the new one from then on. If the
//! new one goes away before, or freezes, the old one goes on as if nothing had been: it never stopped serving, and since both
//! hold the same sockets it takes whoever waits there. If the old one dies before, the new one, who
//! holds every socket, goes on in its place; it believes in that death only when the kernel confirms it (the offer brings
//! the old process's pidfd), since a stream can end for other reasons. The receipt goes over a socket that came with the
//! others: who can say how many there are has them. Each step has a time limit. Called by the daemons' control loops (old
//! side) and `startup` (new side).

mod error;
mod listener;
mod process;
mod successor;
#[cfg(test)]
mod tests;
mod wire;

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use nix::unistd::geteuid;
use rustix::net::{RecvFlags, recv};
use rustix::process::{PidfdFlags, getpid, pidfd_open};
use serde_json::Value;
use tokio::io::AsyncReadExt;
use tokio::io::Interest;
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::admin::TAKEOVER_UPGRADE;
use super::notify;
use crate::api::client::Client;
use crate::log_line::{Kind, LogLine};
pub use error::{NewSideError, TakeoverError};
use listener::Listener;
use process::end_of;
pub use successor::NotOurs;
use successor::Successor;
use wire::{Frame, Hello, Wire};

/// The version of the frames. Raised when the two sides of different builds could not understand each other; `hello` and
/// `refused` keep their form for ever. 2: the new side's pidfd follows its hello, and it gives a receipt for the sockets.
const PROTOCOL: u32 = 2;

/// How long each step may take.
#[derive(Debug, Clone)]
struct Limits {
    /// The new side's `hello`.
    hello: Duration,
    /// The offer with its sockets on its way.
    offer: Duration,
    /// The new side's loading, building and checking.
    ready: Duration,
    /// The old side's final state.
    last: Duration,
    /// The final state on its way, the new side's proof that it answers ([`PROOF_LIMIT`]), and its `taken`.
    taken: Duration,
    /// From the end of the stream to the old process's end, if that is why.
    death: Duration,
}

const LIMITS: Limits = Limits {
    hello: Duration::from_secs(5),
    offer: Duration::from_secs(30),
    ready: READY_LIMIT,
    last: Duration::from_secs(30),
    taken: PROOF_LIMIT.saturating_add(Duration::from_secs(2)),
    death: Duration::from_secs(2),
};

/// How long the new side may take from the offer to its "ready".
pub const READY_LIMIT: Duration = Duration::from_secs(120);

/// How long it may then take to answer on the sockets. Meanwhile the old one decides nothing, so this is short.
pub const PROOF_LIMIT: Duration = Duration::from_secs(4);

/// What is handed over.
#[derive(Debug)]
pub struct Handover {
    /// Listening sockets, the admin socket's listener too ([`super::sockets::Sockets::handover`]), and the locked state
    /// directory.
    pub sockets: Vec<OwnedFd>,
    /// The daemon's state (health, operator states, latches), with a `"version"` of its own.
    pub state: Value,
}

/// A takeover under way, on the new side. Dropping it cancels the takeover, and the old daemon goes on.
#[derive(Debug)]
pub struct Takeover {
    /// The old one's state at the time of its offer.
    pub state: Value,
    wire: Wire,
    /// The old process's pidfd.
    old: OwnedFd,
    limits: Limits,
}

/// The old process decides nothing more, and has handed over its final state, or it has died.
#[derive(Debug)]
pub struct Succession {
    /// The state to go on with: that of the offer, if the old process died before it sent a later one.
    pub state: Value,
    /// None if it died: this process has all its sockets, and nobody is to be told.
    predecessor: Option<Predecessor>,
}

/// The old process, which serves until it is told that this one does.
#[derive(Debug)]
struct Predecessor {
    wire: Wire,
    process: OwnedFd,
    limits: Limits,
}

/// Asks the daemon at this admin socket, which keeps its state there, for its sockets and state.
///
/// # Errors
///
/// No daemon answers, it runs another program or speaks another version of the protocol, or the offer fails.
pub async fn request(
    admin_socket: &Path,
    state_dir: &Path,
    program: &str,
) -> Result<(Vec<OwnedFd>, Takeover), TakeoverError> {
    let client = Client::new(admin_socket);
    let stream = client.connect().await.map_err(TakeoverError::Nobody)?;
    let listener = Listener::of(&stream);
    let stream = tokio::select! {
        biased;
        stream = client.upgrade(stream, "/takeover", TAKEOVER_UPGRADE) => stream.map_err(TakeoverError::Nobody)?,
        process = Listener::gone(listener, state_dir) => return Err(TakeoverError::Left(process)),
    };
    accept_offer(stream, program, LIMITS).await
}

async fn accept_offer(
    stream: UnixStream,
    program: &str,
    limits: Limits,
) -> Result<(Vec<OwnedFd>, Takeover), TakeoverError> {
    let mut wire = Wire::new(stream);
    let offer = timeout(limits.offer, receive_offer(&mut wire, program));
    let Offer { old, sockets, state } = offer.await.map_err(|_| TakeoverError::NoOffer(limits.offer))??;
    Ok((sockets, Takeover { state, wire, old, limits }))
}

struct Offer {
    old: OwnedFd,
    sockets: Vec<OwnedFd>,
    state: Value,
}

async fn receive_offer(wire: &mut Wire, program: &str) -> Result<Offer, TakeoverError> {
    let broken = TakeoverError::BrokenOffer;
    let hello = Hello { program: program.into(), protocol: PROTOCOL, version: super::VERSION.into() };
    let ourselves = pidfd_open(getpid(), PidfdFlags::empty()).map_err(|error| broken(error.into()))?;
    wire.send(&Frame::Hello(hello)).await.map_err(broken)?;
    // If it cannot be sent, the old daemon's last message before it closed says why.
    let _ = wire.send_descriptors(&[ourselves.as_fd()]).await;
    match wire.receive().await.map_err(broken)? {
        Frame::Offer { sockets, state } => {
            let own = wire.receive_descriptors(2).await.map_err(broken)?;
            let [old, receipt] = <[OwnedFd; 2]>::try_from(own).map_err(|_| broken(wire::gone()))?;
            let sockets = wire.receive_descriptors(sockets).await.map_err(broken)?;
            // A fresh socket has room for four bytes.
            rustix::io::write(&receipt, &receipt_for(sockets.len())).map_err(|error| broken(error.into()))?;
            Ok(Offer { old, sockets, state })
        }
        other => Err(unexpected(other, "an offer")),
    }
}

impl Takeover {
    /// Ends when the old process has died, or takes its offer back: nothing else is worth waiting for then, since nobody serves, or
    /// nothing will come of it. [`Takeover::ready`] tells which.
    pub async fn interrupted(&self) {
        let stream = &self.wire.stream;
        // Only the kernel knows: what was read last may have left the runtime's own mark that there is more. An error is an end too.
        let peek = || Ok(recv(stream, &mut [0; 1][..], RecvFlags::PEEK | RecvFlags::DONTWAIT)?);
        let _ = stream.async_io(Interest::READABLE, peek).await;
    }

    /// Sends `ready`, and waits for the old daemon's final state. After `Ok` this process serves, and then says
    /// [`Succession::taken`]. After an error the old one goes on, and this process must exit.
    pub async fn ready(self) -> Result<Succession, TakeoverError> {
        let Takeover { state: offered, mut wire, old, limits } = self;
        // If it cannot be sent, the old daemon's last message before it closed says why.
        let _ = timeout(limits.last, wire.send(&Frame::Ready)).await;
        let state = match timeout(limits.last, wire.receive()).await {
            Ok(Ok(Frame::Final(state))) => state,
            Ok(Ok(other)) => return Err(unexpected(other, "its final state")),
            Ok(Err(error)) => {
                confirm_death(old, limits.death, error).await?;
                tracing::warn!(
                    "the old daemon died before it sent its final state; going on with the state of its offer"
                );
                return Ok(Succession { state: offered, predecessor: None });
            }
            Err(_) => return Err(silent("sent its final state", limits.last)),
        };
        Ok(Succession { state, predecessor: Some(Predecessor { wire, process: old, limits }) })
    }
}

impl Succession {
    /// Whether there is an old process that serves until it is told otherwise.
    pub fn is_awaited(&self) -> bool {
        self.predecessor.is_some()
    }

    /// Sends `taken`. After `Ok` this process is the daemon. After an error the old one is, and this process must accept no more and
    /// exit.
    pub async fn taken(self) -> Result<(), TakeoverError> {
        let Some(Predecessor { mut wire, process, limits }) = self.predecessor else { return Ok(()) };
        if let Ok(Ok(())) = timeout(limits.taken, wire.send(&Frame::Taken)).await {
            return Ok(());
        }
        // It reads no more: it has withdrawn its offer, or died after it had sent everything.
        match timeout(limits.taken, wire.receive()).await {
            Ok(Ok(other)) => Err(unexpected(other, "the end")),
            Ok(Err(error)) => confirm_death(process, limits.death, error).await,
            Err(_) => Err(silent("ended", limits.taken)),
        }
    }
}

/// `Ok` if the process has ended, or does within the limit; `end` is how its stream ended.
async fn confirm_death(process: OwnedFd, limit: Duration, end: io::Error) -> Result<(), TakeoverError> {
    match timeout(limit, end_of(process)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(TakeoverError::Withdrawn(end)),
    }
}

/// The old side: checks who asks (`program` must be the same), offers, and waits for "ready". `Ok` only if it came; then
/// the caller decides nothing more, goes on serving, and calls [`Offered::finish`]. After an error, or when this is dropped,
/// it goes on as if nothing had been.
pub async fn offer(stream: UnixStream, program: &str, handover: Handover) -> Result<Offered, TakeoverError> {
    offer_within(stream, program, handover, LIMITS).await
}

async fn offer_within(
    stream: UnixStream,
    program: &str,
    handover: Handover,
    limits: Limits,
) -> Result<Offered, TakeoverError> {
    let mut offered = Offered { wire: Wire::new(stream), successor: None, limits, settled: false };
    match offered.reach_ready(program, handover).await {
        Ok(()) => Ok(offered),
        Err(error) => {
            offered.withdraw(&error.to_string());
            Err(error)
        }
    }
}

/// Refuses a takeover on the old side (another one runs, or the daemon is stopping) and sends the new side the reason.
pub async fn refuse(stream: UnixStream, why: &str) {
    let mut wire = Wire::new(stream);
    // Its hello is read first, or the close would be a reset.
    let _ = timeout(LIMITS.hello, wire.receive()).await;
    let _ = timeout(LIMITS.hello, wire.send(&Frame::Refused(why.to_owned()))).await;
}

/// A takeover whose new side is ready. Dropped without [`Offered::finish`], it is withdrawn.
#[derive(Debug)]
pub struct Offered {
    wire: Wire,
    /// The new side, once it has been identified.
    successor: Option<Successor>,
    limits: Limits,
    /// The new side has been sent the outcome.
    settled: bool,
}

impl Offered {
    async fn reach_ready(&mut self, program: &str, handover: Handover) -> Result<(), TakeoverError> {
        let hello = match timeout(self.limits.hello, self.wire.receive()).await {
            Ok(Ok(Frame::Hello(hello))) => hello,
            Ok(Ok(_)) => return Err(self.failed(NewSideError::NoHello)),
            Ok(Err(error)) => return Err(self.failed(NewSideError::BrokenHello(error))),
            Err(_) => return Err(self.failed(NewSideError::Late("sent no hello", self.limits.hello))),
        };
        check_hello(&hello, program)?;
        self.successor = Some(self.identify().await?);
        LogLine::info(
            Kind::Daemon,
            format!("offering sockets and state to {} (version {})", self.new_side(), hello.version),
        )
        .write();
        match timeout(self.limits.offer, self.pass(handover)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(self.failed(NewSideError::Sockets(error))),
            Err(_) => return Err(self.failed(NewSideError::SocketsLate)),
        }
        match timeout(self.limits.ready, self.wire.receive()).await {
            Ok(Ok(Frame::Ready)) => Ok(()),
            Ok(Ok(_)) => Err(self.failed(NewSideError::OutOfTurn("ready"))),
            Ok(Err(_)) => Err(self.failed(NewSideError::Ended)),
            Err(_) => Err(self.failed(NewSideError::Late("was not ready", self.limits.ready))),
        }
    }

    /// Identifies the process at the other end: only one of our own user and unit, without a relay, gets anything.
    async fn identify(&mut self) -> Result<Successor, TakeoverError> {
        let proof = match timeout(self.limits.hello, self.wire.receive_descriptors(1)).await {
            Ok(Ok(mut descriptors)) => descriptors.pop(),
            Ok(Err(_)) | Err(_) => None,
        };
        let proof = proof.ok_or_else(|| self.failed(NewSideError::NoPidfd))?;
        Successor::prove(&self.wire.stream, proof, geteuid().as_raw())
            .map_err(|why| self.failed(NewSideError::NotOurs(why)))
    }

    /// The offer: state, our own pidfd, the socket for the receipt, the sockets. Done when the receipt has come.
    async fn pass(&mut self, Handover { sockets, state }: Handover) -> io::Result<()> {
        let ourselves = pidfd_open(getpid(), PidfdFlags::empty())?;
        let (mut ours, theirs) = UnixStream::pair()?;
        self.wire.send(&Frame::Offer { sockets: sockets.len(), state }).await?;
        self.wire.send_descriptors(&[ourselves.as_fd(), theirs.as_fd()]).await?;
        // From here on only the new side holds it: if it never gets there, the read below ends.
        drop(theirs);
        let borrowed: Vec<_> = sockets.iter().map(AsFd::as_fd).collect();
        self.wire.send_descriptors(&borrowed).await?;
        let mut receipt = [0; 4];
        ours.read_exact(&mut receipt).await.map_err(|_| io::Error::other("it gave no receipt for them"))?;
        if receipt != receipt_for(sockets.len()) {
            let got = u32::from_be_bytes(receipt);
            return Err(io::Error::other(format!("it got {got} of {}", sockets.len())));
        }
        Ok(())
    }

    /// Sends the final state, and waits until the new process answers visitors. After `Ok` it is the daemon (and the service
    /// manager's main process): close all sockets and drain. After an error it is gone, frozen, or knows that it must not go on.
    pub async fn finish(mut self, state: Value) -> Result<(), TakeoverError> {
        let exchange = async {
            self.wire.send(&Frame::Final(state)).await?;
            self.wire.receive().await
        };
        let answer = match timeout(self.limits.taken, exchange).await {
            Ok(answer) => answer,
            // From here on it cannot send "taken" any more; a "taken" sent before is still received.
            Err(_) => match self.wire.stop_reading() {
                Ok(()) => match self.wire.receive().await {
                    Err(_) => return Err(self.failed(NewSideError::Late("has not taken over", self.limits.taken))),
                    sent_before => sent_before,
                },
                Err(error) => Err(error),
            },
        };
        match answer {
            Ok(Frame::Taken) if self.successor.as_ref().is_none_or(Successor::has_ended) => {
                Err(self.failed(NewSideError::TakenAndEnded))
            }
            Ok(Frame::Taken) => {
                LogLine::info(Kind::Daemon, format!("{} has taken over", self.new_side())).write();
                if let Some(successor) = &self.successor {
                    notify::main_process(successor.process);
                }
                self.settled = true;
                Ok(())
            }
            Ok(_) => Err(self.failed(NewSideError::OutOfTurn("taken"))),
            Err(error) => Err(self.failed(NewSideError::NotTaken(error))),
        }
    }

    fn failed(&self, why: NewSideError) -> TakeoverError {
        TakeoverError::NewSide { process: self.successor.as_ref().map(|successor| successor.process), why }
    }

    fn new_side(&self) -> String {
        self.successor
            .as_ref()
            .map_or_else(|| "the new process".into(), |successor| format!("the new process {}", successor.process))
    }

    fn withdraw(&mut self, why: &str) {
        self.settled = true;
        self.wire.send_now(&Frame::Refused(why.to_owned()));
    }
}

impl Drop for Offered {
    fn drop(&mut self) {
        if !self.settled {
            self.withdraw("the running daemon withdrew its offer");
        }
    }
}

/// The receipt for so many sockets: four bytes, big endian.
fn receipt_for(sockets: usize) -> [u8; 4] {
    u32::try_from(sockets).unwrap_or(u32::MAX).to_be_bytes()
}

/// Checks that the new side runs this program and speaks this version of the protocol.
fn check_hello(hello: &Hello, program: &str) -> Result<(), TakeoverError> {
    if hello.program != program {
        return Err(TakeoverError::OtherProgram { asks: hello.program.clone(), runs: program.to_owned() });
    }
    if hello.protocol != PROTOCOL {
        let (program, version) = (program.to_owned(), hello.version.clone());
        return Err(TakeoverError::OtherProtocol { program, version, asks: hello.protocol, speaks: PROTOCOL });
    }
    Ok(())
}

fn unexpected(frame: Frame, expected: &'static str) -> TakeoverError {
    match frame {
        Frame::Refused(why) => TakeoverError::Refused(why),
        _ => TakeoverError::OutOfTurn(expected),
    }
}

fn silent(what: &'static str, limit: Duration) -> TakeoverError {
    TakeoverError::Silent(what, limit)
}
