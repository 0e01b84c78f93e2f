//! The status of one GET: all that a health check, the proof after a push and a rehearsal want to know of an HTTP server.
//!
//! Owns nothing: the connection is the caller's, and so are its time limits. Must never: follow a redirect, or read a body.

use std::fmt;
use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// How much of a response is read in search of its final status line, in bytes. Interim responses count too.
const MAX_RESPONSE: usize = 4 * 1024;

/// How much of something that is not HTTP is shown to the operator, in bytes.
const SHOWN: usize = 40;

/// A GET whose connection is closed after the response.
#[derive(Debug, Clone, Copy)]
pub struct Get<'a> {
    /// The Host field.
    pub host: &'a str,
    /// The request target, with its query.
    pub path: &'a str,
    /// The User-Agent field.
    pub user_agent: &'a str,
}

/// Why there is no status.
#[derive(Debug)]
pub enum StatusError {
    /// The request could not be sent.
    Send(io::Error),
    /// The response could not be read.
    Receive(io::Error),
    /// The server closed the connection before a response.
    Closed,
    /// The server closed the connection within the first response.
    ClosedEarly,
    /// What came is no HTTP/1 response: its first bytes.
    NotHttp(Vec<u8>),
}

impl fmt::Display for StatusError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StatusError::Send(error) => write!(f, "{error} while sending the request"),
            StatusError::Receive(error) => write!(f, "{error} before a response"),
            StatusError::Closed => f.write_str("connection closed before a response"),
            StatusError::ClosedEarly => f.write_str("connection closed before a whole status line"),
            StatusError::NotHttp(bytes) => write!(f, "no HTTP response: {}", bytes.escape_ascii()),
        }
    }
}

impl std::error::Error for StatusError {}

/// Sends the request and reads as far as the final status (RFC 9110 section 15: interim responses are passed over).
///
/// # Errors
///
/// There is none.
pub async fn status(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), get: &Get<'_>) -> Result<u16, StatusError> {
    stream.write_all(get.to_string().as_bytes()).await.map_err(StatusError::Send)?;
    stream.flush().await.map_err(StatusError::Send)?;
    // On the heap: a task that probes has the size of all that it may come to hold.
    let mut response = vec![0; MAX_RESPONSE];
    let mut filled = 0;
    loop {
        match stream.read(&mut response[filled..]).await {
            Ok(0) if filled == 0 => return Err(StatusError::Closed),
            Ok(0) => return Err(StatusError::ClosedEarly),
            Ok(count) => filled += count,
            Err(error) => return Err(StatusError::Receive(error)),
        }
        match final_status(&response[..filled]) {
            Head::Status(status) => return Ok(status),
            Head::Partial if filled < MAX_RESPONSE => {}
            Head::Partial | Head::NotHttp => {
                return Err(StatusError::NotHttp(response[..filled.min(SHOWN)].to_vec()));
            }
        }
    }
}

/// The request, whole.
impl fmt::Display for Get<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Get { host, path, user_agent } = self;
        write!(f, "GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {user_agent}\r\n")?;
        f.write_str("Accept: */*\r\nConnection: close\r\n\r\n")
    }
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

#[cfg(test)]
mod tests;
