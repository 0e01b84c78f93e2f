//! One HTTP or TCP probe of one target.
//!
//! Owns one connection for the time of one probe. Must never: decide whether a target is up (that is the automaton's),
//! follow a redirect, read a body, or keep a connection. Called by the checker.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use nix::libc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout_at;

use super::target::Target;
use crate::config::ProbeKind;

/// How much of a response is read in search of its final status line. Interim responses count too.
const MAX_RESPONSE: usize = 4 * 1024;

/// How much of something that is not HTTP is shown to the operator.
const SHOWN: usize = 40;

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
    /// It did not; says how.
    Failure(String),
    /// Trouble of our own machine, which says nothing of the target. Says why.
    LocalError(String),
}

impl Outcome {
    /// In words, for logs and status: `200 in 3 ms`, `connection refused`.
    pub fn reason(&self) -> String {
        match self {
            Outcome::Success { answer, took } => format!("{answer} in {} ms", took.as_millis()),
            Outcome::Failure(reason) => reason.clone(),
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

/// Probes once. The whole of it, from the first SYN to the status line, takes at most the check's `timeout`.
pub async fn probe(target: &Target) -> Outcome {
    let start = Instant::now();
    let limit = target.check.timeout;
    let deadline = tokio::time::Instant::from_std(start) + limit;

    let mut stream = match timeout_at(deadline, TcpStream::connect(target.address)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) if error.raw_os_error() == Some(libc::EADDRNOTAVAIL) && has_no_address_for(target.address) => {
            return Outcome::Failure("this machine has no address to reach it from".to_owned());
        }
        Ok(Err(error)) => return failed(&error, ""),
        Err(_) => return Outcome::Failure(format!("timed out after {limit:?} connecting")),
    };
    // We are the side that closes, so TIME_WAIT would be ours: at hundreds of probes a second a minute of it eats the
    // local ports. Closing with RST leaves none on either side, and all we asked for has been read by then. Where the
    // option cannot be set, closing costs a port for a minute: no reason to fail.
    let _ = stream.set_zero_linger();

    let answer = match &target.check.kind {
        ProbeKind::Tcp => "connected".to_owned(),
        ProbeKind::Http { path, host, expect } => {
            let request = request(path, host.as_deref(), target.address);
            let status = match timeout_at(deadline, exchange(&mut stream, &request)).await {
                Ok(Ok(status)) => status,
                Ok(Err(outcome)) => return outcome,
                Err(_) => return Outcome::Failure(format!("timed out after {limit:?} waiting for the response")),
            };
            if !expect.contains(status) {
                return Outcome::Failure(format!("status {status}, expected {}", expect));
            }
            status.to_string()
        }
    };
    Outcome::Success { answer, took: start.elapsed() }
}

/// Sends the request and reads as far as the final status.
async fn exchange(stream: &mut TcpStream, request: &[u8]) -> Result<u16, Outcome> {
    stream.write_all(request).await.map_err(|error| failed(&error, " while sending the request"))?;
    let mut response = [0; MAX_RESPONSE];
    let mut filled = 0;
    loop {
        match stream.read(&mut response[filled..]).await {
            Ok(0) if filled == 0 => return Err(Outcome::Failure("connection closed before a response".to_owned())),
            Ok(0) => return Err(Outcome::Failure("connection closed before a whole status line".to_owned())),
            Ok(count) => filled += count,
            Err(error) => return Err(failed(&error, " before a response")),
        }
        match final_status(&response[..filled]) {
            Head::Status(status) => return Ok(status),
            Head::NotHttp => return Err(not_http(&response[..filled])),
            Head::Partial if filled == MAX_RESPONSE => return Err(not_http(&response)),
            Head::Partial => {}
        }
    }
}

/// The request, whole.
fn request(path: &str, host: Option<&str>, address: SocketAddr) -> Vec<u8> {
    let host = host.map_or_else(|| address.to_string(), str::to_owned);
    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: polder\r\nAccept: */*\r\nConnection: close\r\n\r\n")
        .into_bytes()
}

/// What the bytes read so far tell.
#[derive(Debug, PartialEq, Eq)]
enum Head {
    /// The final status.
    Status(u16),
    /// Nothing yet.
    Partial,
    /// This is no HTTP/1 response, whatever follows.
    NotHttp,
}

/// Finds the final status line, passing over interim responses (RFC 9110 section 15.2; 101 is final: nobody asked for
/// an upgrade).
fn final_status(mut response: &[u8]) -> Head {
    loop {
        match status_line(response) {
            Head::Status(100 | 102..=199) => match end_of_head(response) {
                Some(end) => response = &response[end..],
                None => return Head::Partial,
            },
            other => return other,
        }
    }
}

/// Reads one status line, `HTTP/1.x NNN`, with any reason phrase or none (RFC 9112 section 4).
fn status_line(response: &[u8]) -> Head {
    const VERSION: &[u8] = b"HTTP/1.";
    let common = response.len().min(VERSION.len());
    if response[..common] != VERSION[..common] {
        return Head::NotHttp;
    }
    let Some(end) = memchr::memchr(b'\n', response) else { return Head::Partial };
    let line = response[..end].strip_suffix(b"\r").unwrap_or(&response[..end]);
    match line[VERSION.len()..] {
        [b'0'..=b'9', b' ', a @ b'1'..=b'5', b @ b'0'..=b'9', c @ b'0'..=b'9', ref rest @ ..]
            if rest.first().is_none_or(|byte| *byte == b' ') =>
        {
            Head::Status([a, b, c].iter().fold(0, |status, digit| status * 10 + u16::from(digit - b'0')))
        }
        _ => Head::NotHttp,
    }
}

/// Where the empty line that ends a head ends.
fn end_of_head(response: &[u8]) -> Option<usize> {
    let crlf = memchr::memmem::find(response, b"\r\n\r\n").map(|at| at + 4);
    let bare = memchr::memmem::find(response, b"\n\n").map(|at| at + 2);
    crlf.into_iter().chain(bare).min()
}

fn not_http(response: &[u8]) -> Outcome {
    let shown = &response[..response.len().min(SHOWN)];
    Outcome::Failure(format!("no HTTP response: {}", shown.escape_ascii()))
}

/// Whether no address of this machine can be the source (IPv6 turned off, for one), as the kernel chooses it for UDP too.
/// A connection's EADDRNOTAVAIL says so, and says the same when all local ports are in use: that alone is trouble of our own.
fn has_no_address_for(target: SocketAddr) -> bool {
    let any: IpAddr = if target.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let connected = UdpSocket::bind((any, 0)).and_then(|socket| socket.connect(target));
    connected.is_err_and(|error| error.raw_os_error() == Some(libc::EADDRNOTAVAIL))
}

/// Sorts an I/O error: the target's failure, or a trouble of our own that counts for nothing.
fn failed(error: &io::Error, when: &str) -> Outcome {
    let words = words_of_error(error);
    match error.raw_os_error() {
        Some(libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM | libc::EADDRNOTAVAIL) => {
            Outcome::LocalError(words)
        }
        _ => Outcome::Failure(format!("{words}{when}")),
    }
}

/// `connection refused`, not `Connection refused (os error 111)`.
fn words_of_error(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_lowercase()
}

#[cfg(test)]
mod tests;
