//! One HTTP or TCP probe of one target.
//!
//! Owns one connection for the time of one probe. Must never: decide whether a target is up (that is the automaton's),
//! follow a redirect, read a body, or keep a connection. Called by the checker.

mod sockets;

use std::borrow::Cow;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use nix::libc;
use socket2::Socket;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use super::http_status::{Get, StatusError, status};
use super::http2_status;
use super::proof::LATENESS;
use super::target::Target;
use crate::config::{HttpVersion, ProbeKind};
use crate::proxy_protocol;
use crate::running_time::running;
use crate::tls::client::{Connector, HandshakeError, Proof};
pub use sockets::Sockets;

/// How a probe ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The target answered as expected.
    Success {
        /// What it answered: `200`, `connected`.
        answer: String,
        /// How long the whole probe took.
        took: Duration,
    },
    /// It did not, and how.
    Failure(Cow<'static, str>),
    /// A failure of our own machine, which is no result about the target; and why.
    LocalError(String),
}

impl Outcome {
    /// As a text for logs and status: `200 in 3 ms`, `connection refused`.
    pub fn reason(&self) -> String {
        match self {
            Outcome::Success { answer, took } => format!("{answer} in {} ms", took.as_millis()),
            Outcome::Failure(reason) => reason.clone().into_owned(),
            Outcome::LocalError(reason) => format!("not probed: {reason}"),
        }
    }

    /// Whether the two differ at most in how long they took.
    pub fn same_kind(&self, other: &Outcome) -> bool {
        match (self, other) {
            (Outcome::Success { answer, .. }, Outcome::Success { answer: others, .. }) => answer == others,
            _ => self == other,
        }
    }
}

/// A probe that has ended.
#[derive(Debug)]
pub struct Probed {
    /// How.
    pub outcome: Outcome,
    /// When it began, by [`running`].
    pub began: Duration,
    /// And when it ended.
    pub ended: Duration,
}

/// A probe that has begun.
pub enum Begun {
    /// It has ended already: nothing can be sent, or the target is on this machine and has refused.
    Ended(Probed),
    /// It goes on.
    Connecting(Connecting),
}

/// A connection whose first SYN is sent.
pub struct Connecting {
    socket: Socket,
    began: Duration,
}

/// Begins to probe. What has failed by then takes no task and no registration with the event loop: where thousands of targets
/// are dead, that is most of what they cost.
pub fn begin(sockets: &mut Sockets, target: &Target) -> Begun {
    let began = running();
    match sockets.connect(target.address) {
        Ok(socket) => Begun::Connecting(Connecting { socket, began }),
        Err(error) => Begun::Ended(Probed { outcome: not_connected(&error, target), began, ended: began }),
    }
}

impl Connecting {
    /// Goes on. What ends much later than it may shows that this process was stopped meanwhile: it says nothing of the target.
    pub async fn finish(self, target: &Target) -> Probed {
        let began = self.began;
        let outcome = self.outcome(target).await;
        let ended = running();
        let took = ended.saturating_sub(began);
        let is_late = took > target.check.timeout + LATENESS;
        let stopped = || Outcome::LocalError(format!("this process was stopped for {took:.1?}"));
        Probed { outcome: if is_late { stopped() } else { outcome }, began, ended }
    }

    /// The whole of it, from the first SYN to the status line, takes at most the check's `timeout`.
    async fn outcome(self, target: &Target) -> Outcome {
        let limit = target.check.timeout;
        let deadline = Instant::now() + (self.began + limit).saturating_sub(running());
        match timeout_at(deadline, connected(self.socket)).await {
            Ok(Ok(stream)) => ask(stream, target, self.began, deadline).await,
            Ok(Err(error)) => not_connected(&error, target),
            Err(_) => Outcome::Failure(format!("timed out after {limit:?} connecting").into()),
        }
    }
}

async fn connected(socket: Socket) -> io::Result<TcpStream> {
    let stream = TcpStream::from_std(socket.into())?;
    stream.writable().await?;
    match stream.take_error()? {
        Some(error) => Err(error),
        None => Ok(stream),
    }
}

fn not_connected(error: &io::Error, target: &Target) -> Outcome {
    if error.raw_os_error() == Some(libc::EADDRNOTAVAIL) && has_no_address_for(target.address) {
        return Outcome::Failure("this machine has no address to reach it from".into());
    }
    failed(error, "")
}

/// What a connected target answers.
async fn ask(stream: TcpStream, target: &Target, began: Duration, deadline: Instant) -> Outcome {
    // We are the side that closes, so TIME_WAIT would be ours: at hundreds of probes a second a minute of it eats the
    // local ports. Closing with RST leaves none on either side, and all we asked for has been read by then. Where the
    // option cannot be set, closing costs a port for a minute: no reason to fail.
    let _ = stream.set_zero_linger();

    if let Some(version) = target.check.protocol.send_proxy
        && let Err(error) = introduce_ourselves(&stream, version).await
    {
        return failed(&error, " while sending the header of the PROXY protocol");
    }
    let Some(connector) = Connector::of(&target.check.protocol) else {
        return ask_over(stream, target, began, deadline).await;
    };
    // On the heap: checks in clear text have no room for it.
    match timeout_at(deadline, Box::pin(connector.connect(stream, target.address, Proof::Anew))).await {
        Ok(Ok(mut stream)) => {
            let outcome = Box::pin(ask_over(&mut stream, target, began, deadline)).await;
            match (&outcome, stream.alert_at_end()) {
                (Outcome::Failure(_), Some(alert)) => {
                    Outcome::Failure(connector.refused_by(alert, target.address).to_string().into())
                }
                _ => outcome,
            }
        }
        Ok(Err(HandshakeError::OutOfResources(kind))) => Outcome::LocalError(kind.to_string()),
        Ok(Err(error)) => Outcome::Failure(error.to_string().into()),
        Err(_) => {
            let limit = target.check.timeout;
            Outcome::Failure(format!("timed out after {limit:?} in the handshake of TLS").into())
        }
    }
}

/// Sends a header of the PROXY protocol by which the connection is our own. A new socket takes it at once.
async fn introduce_ourselves(stream: &TcpStream, version: proxy_protocol::Version) -> io::Result<()> {
    let mut header = Vec::new();
    proxy_protocol::write(version, None, &mut header);
    stream.writable().await?;
    match stream.try_write(&header)? {
        all if all == header.len() => Ok(()),
        _ => Err(io::ErrorKind::WriteZero.into()),
    }
}

/// The same over what carries the answer.
async fn ask_over(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    target: &Target,
    began: Duration,
    deadline: Instant,
) -> Outcome {
    let answer = match &target.check.kind {
        ProbeKind::Tcp if target.check.protocol.tls.is_some() => "connected over TLS".to_owned(),
        ProbeKind::Tcp => "connected".to_owned(),
        ProbeKind::Http { path, host, expect } => {
            let own_name = target.address.to_string();
            let get = Get { host: host.as_deref().unwrap_or(&own_name), path, user_agent: "polder" };
            let asked = async {
                match target.check.protocol.version {
                    HttpVersion::Http1 => status(&mut stream, &get).await.map_err(|error| no_status(&error)),
                    // On the heap: checks over HTTP/1.1 have no room for it.
                    HttpVersion::Http2 => {
                        let scheme = if target.check.protocol.tls.is_some() { "https" } else { "http" };
                        let asked = Box::pin(http2_status::status(&mut stream, &get, scheme)).await;
                        asked.map_err(|error| Outcome::Failure(error.to_string().into()))
                    }
                }
            };
            let status = match timeout_at(deadline, asked).await {
                Ok(Ok(status)) => status,
                Ok(Err(outcome)) => return outcome,
                Err(_) => {
                    let limit = target.check.timeout;
                    return Outcome::Failure(format!("timed out after {limit:?} waiting for the response").into());
                }
            };
            if !expect.contains(status) {
                return Outcome::Failure(format!("status {status}, expected {}", expect).into());
            }
            status.to_string()
        }
    };
    Outcome::Success { answer, took: running().saturating_sub(began) }
}

/// A check's failure to get a status.
fn no_status(error: &StatusError) -> Outcome {
    match error {
        StatusError::Send(error) => failed(error, " while sending the request"),
        StatusError::Receive(error) => failed(error, " before a response"),
        other => Outcome::Failure(other.to_string().into()),
    }
}

/// Whether no address of this machine can be the source (IPv6 turned off, for one), as the kernel chooses it for UDP too.
/// A connection's EADDRNOTAVAIL says so, and says the same when all local ports are in use: that alone is trouble of our own.
fn has_no_address_for(target: SocketAddr) -> bool {
    let any: IpAddr = if target.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let connected = UdpSocket::bind((any, 0)).and_then(|socket| socket.connect(target));
    connected.is_err_and(|error| error.raw_os_error() == Some(libc::EADDRNOTAVAIL))
}

/// Sorts an I/O error: the target's failure, or one of our own machine, which is ignored.
fn failed(error: &io::Error, when: &str) -> Outcome {
    if error.kind() == io::ErrorKind::ConnectionRefused && when.is_empty() {
        // By far the most where many targets are dead.
        return Outcome::Failure("connection refused".into());
    }
    let words = words_of_error(error);
    match error.raw_os_error() {
        Some(libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM | libc::EADDRNOTAVAIL) => {
            Outcome::LocalError(words)
        }
        _ => Outcome::Failure(format!("{words}{when}").into()),
    }
}

/// `connection refused`, not `Connection refused (os error 111)`.
pub fn words_of_error(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_lowercase()
}

#[cfg(test)]
mod tests;
