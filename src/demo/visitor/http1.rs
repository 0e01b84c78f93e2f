//! A visitor's side of one HTTP/1.1 connection: sends a request, reads a response.
//!
//! Written out rather than taken from a library because the drill must know exactly whether a byte of the response had
//! come when a connection broke: that decides what a browser may send again.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::record::Failure;

/// The longest response head a visitor reads.
const LONGEST_HEAD: usize = 32 * 1024;
/// The most header fields.
const MOST_FIELDS: usize = 64;

/// An open connection.
pub struct Connection {
    stream: Box<dyn Stream>,
    /// The address it leads to.
    pub address: IpAddr,
    /// A response has been read on it before.
    pub used: bool,
    buffer: Vec<u8>,
}

/// A response, its body read and thrown away.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Response {
    /// Its status.
    pub status: u16,
    /// The fields the visitor looks at, names in lower case.
    pub fields: Vec<(String, String)>,
    /// The connection may be used again.
    pub keep: bool,
}

/// What a connection runs over.
pub trait Stream: AsyncRead + AsyncWrite + Unpin {
    /// Below TLS, if there is that.
    fn tcp(&self) -> &TcpStream;
}

impl Stream for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Stream for TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}

impl Response {
    /// The first field of this name.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }
}

/// How the length of a body is known (RFC 9112, 6.3).
enum Body {
    Length(usize),
    Chunked,
    UntilClose,
}

struct Head {
    response: Response,
    length: usize,
    body: Body,
}

impl Connection {
    /// Wraps a stream that has just connected.
    pub fn new(stream: impl Stream + 'static, address: IpAddr) -> Connection {
        let _ = stream.tcp().set_nodelay(true);
        Connection { stream: Box::new(stream), address, used: false, buffer: Vec::with_capacity(1024) }
    }

    /// Whether the other side has closed it, or sent something unasked, while it was idle.
    pub fn is_stale(&self) -> bool {
        let mut byte = [0];
        !matches!(self.stream.tcp().try_read(&mut byte), Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }

    /// Sends a request and reads the response, `limit` in all.
    pub async fn exchange(&mut self, request: &[u8], limit: Duration) -> Result<Response, Failure> {
        self.buffer.clear();
        match tokio::time::timeout(limit, self.send_and_read(request)).await {
            Ok(outcome) => outcome,
            Err(_) if self.buffer.is_empty() => Err(Failure::TimedOut),
            Err(_) => Err(Failure::CutShort),
        }
    }

    async fn send_and_read(&mut self, request: &[u8]) -> Result<Response, Failure> {
        // A response may have been sent before the other side closed its reading end: look for it even then.
        let sent = async {
            self.stream.write_all(request).await?;
            self.stream.flush().await
        };
        let sent = sent.await;
        let head = loop {
            if let Some(head) = parse_head(&self.buffer)? {
                if head.response.status >= 200 {
                    break head;
                }
                self.buffer.drain(..head.length);
                continue;
            }
            if self.buffer.len() > LONGEST_HEAD {
                return Err(Failure::Garbled);
            }
            self.read_more().await?;
        };
        if sent.is_err() && head.response.status < 400 {
            return Err(Failure::CutShort);
        }
        self.read_body(head.length, &head.body).await?;
        self.used = true;
        Ok(head.response)
    }

    async fn read_more(&mut self) -> Result<(), Failure> {
        let broken = if self.buffer.is_empty() { Failure::Closed } else { Failure::CutShort };
        match self.stream.read_buf(&mut self.buffer).await {
            Ok(0) | Err(_) => Err(broken),
            Ok(_) => Ok(()),
        }
    }

    async fn read_body(&mut self, head: usize, body: &Body) -> Result<(), Failure> {
        match body {
            Body::Length(length) => {
                while self.buffer.len() < head + length {
                    self.read_more().await?;
                }
            }
            Body::Chunked => self.read_chunks(head).await?,
            Body::UntilClose => {
                while self.stream.read_buf(&mut self.buffer).await.map_err(|_| Failure::CutShort)? > 0 {
                    self.buffer.truncate(head);
                }
            }
        }
        Ok(())
    }

    async fn read_chunks(&mut self, mut at: usize) -> Result<(), Failure> {
        loop {
            match httparse::parse_chunk_size(&self.buffer[at..]) {
                Ok(httparse::Status::Complete((line, 0))) => {
                    // The last chunk; trailers, if any, end with an empty line.
                    at += line - 2;
                    while !self.buffer[at..].windows(4).any(|end| end == b"\r\n\r\n") {
                        self.read_more().await?;
                    }
                    return Ok(());
                }
                Ok(httparse::Status::Complete((line, size))) => {
                    at += line + usize::try_from(size).map_err(|_| Failure::Garbled)? + 2;
                    while self.buffer.len() < at {
                        self.read_more().await?;
                    }
                }
                Ok(httparse::Status::Partial) => self.read_more().await?,
                Err(_) => return Err(Failure::Garbled),
            }
        }
    }
}

fn parse_head(buffer: &[u8]) -> Result<Option<Head>, Failure> {
    let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
    let mut parsed = httparse::Response::new(&mut fields);
    let length = match parsed.parse(buffer) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(_) => return Err(Failure::Garbled),
    };
    let status = parsed.code.unwrap_or(0);
    let fields: Vec<(String, String)> = parsed
        .headers
        .iter()
        .map(|field| (field.name.to_ascii_lowercase(), String::from_utf8_lossy(field.value).into_owned()))
        .collect();
    let mut response = Response { status, fields, keep: parsed.version == Some(1) };
    if response.field("connection").is_some_and(|value| value.eq_ignore_ascii_case("close")) {
        response.keep = false;
    }
    let body = if status == 204 || status == 304 || status < 200 {
        Body::Length(0)
    } else if response.field("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
        Body::Chunked
    } else if let Some(length) = response.field("content-length") {
        Body::Length(length.parse().map_err(|_| Failure::Garbled)?)
    } else {
        response.keep = false;
        Body::UntilClose
    };
    Ok(Some(Head { response, length, body }))
}
