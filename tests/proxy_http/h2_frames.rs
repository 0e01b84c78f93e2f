//! A client of HTTP/2 that sends whatever frames it likes.

use std::io::{ErrorKind, Read, Write};

use crate::authority::{Authority, TlsClient};
use crate::h2_client::offering_h2;
use crate::harness::Proxy;

pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const PRIORITY: u8 = 2;
pub const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const PUSH_PROMISE: u8 = 5;
pub const PING: u8 = 6;
pub const GOAWAY: u8 = 7;
pub const WINDOW_UPDATE: u8 = 8;
pub const CONTINUATION: u8 = 9;

pub const END_STREAM: u8 = 1;
pub const ACK: u8 = 1;
pub const END_HEADERS: u8 = 4;
pub const PADDED: u8 = 8;

/// A frame that has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    pub kind: u8,
    pub flags: u8,
    pub stream: u32,
    pub payload: Vec<u8>,
}

impl Frame {
    /// The error code of RST_STREAM and GOAWAY.
    pub fn code(&self) -> u32 {
        let at = if self.kind == GOAWAY { 4 } else { 0 };
        u32::from_be_bytes(self.payload[at..at + 4].try_into().unwrap())
    }

    /// The status of a response's head; none of a trailer section.
    pub fn status(&self) -> Option<u16> {
        let mut block = self.payload.as_slice();
        // Changes of the table's size.
        while block.first().is_some_and(|byte| byte & 0xe0 == 0x20) {
            let long = block[0] & 0x1f == 0x1f;
            let rest = block[1..].iter().position(|byte| byte & 0x80 == 0).filter(|_| long).map_or(0, |at| at + 1);
            block = &block[1 + rest..];
        }
        const INDEXED: [u16; 7] = [200, 204, 206, 304, 400, 404, 500];
        match block {
            [first @ 0x88..=0x8e, ..] => Some(INDEXED[usize::from(first - 0x88)]),
            [first, 3, text @ ..] if names_status(*first) => std::str::from_utf8(&text[..3]).unwrap().parse().ok(),
            [first, length, coded @ ..] if names_status(*first) && length & 0x80 != 0 => {
                Some(digits(&coded[..usize::from(length & 0x7f)]))
            }
            _ => None,
        }
    }
}

/// A field whose name is that of one of the entries for `:status` of the static table (RFC 7541, A).
fn names_status(first: u8) -> bool {
    matches!(first, 0x48..=0x4e | 0x08..=0x0e)
}

/// Three digits in the code of RFC 7541, B.
fn digits(coded: &[u8]) -> u16 {
    let bits = coded.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte)) << (64 - 8 * coded.len());
    let (mut left, mut number) = (bits, 0);
    for _ in 0..3 {
        let short = (left >> 59) as u16;
        if short < 3 {
            (number, left) = (number * 10 + short, left << 5);
        } else {
            (number, left) = (number * 10 + (left >> 58) as u16 - 0x19 + 3, left << 6);
        }
    }
    number
}

/// A frame to be sent.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = (payload.len() as u32).to_be_bytes()[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// Fields without compression (RFC 7541, 6.2.2).
pub fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name, value] {
            match u8::try_from(text.len()) {
                Ok(length) if length < 127 => block.push(length),
                _ => {
                    block.push(127);
                    let mut rest = text.len() - 127;
                    while rest >= 128 {
                        block.push(rest as u8 | 128);
                        rest >>= 7;
                    }
                    block.push(rest as u8);
                }
            }
            block.extend(text.bytes());
        }
    }
    block
}

/// The pseudo-header fields of a GET.
pub const GET: [(&str, &str); 4] =
    [(":method", "GET"), (":scheme", "https"), (":authority", "www.test"), (":path", "/")];

/// A request of these fields on a stream.
pub fn request(stream: u32, fields: &[(&str, &str)]) -> Vec<u8> {
    frame(HEADERS, END_HEADERS | END_STREAM, stream, &block(fields))
}

/// A GET with further fields.
pub fn get_with(stream: u32, fields: &[(&str, &str)]) -> Vec<u8> {
    request(stream, &[&GET[..], fields].concat())
}

/// The head of a request whose body is to come.
pub fn post(stream: u32, fields: &[(&str, &str)]) -> Vec<u8> {
    let pseudo = [(":method", "POST"), GET[1], GET[2], GET[3]];
    frame(HEADERS, END_HEADERS, stream, &block(&[&pseudo[..], fields].concat()))
}

/// One setting.
pub fn setting(identifier: u16, value: u32) -> Vec<u8> {
    let payload = [&identifier.to_be_bytes()[..], &value.to_be_bytes()[..]].concat();
    frame(SETTINGS, 0, 0, &payload)
}

/// A connection.
pub struct Frames {
    pub client: TlsClient,
}

impl Frames {
    /// After the handshake of TLS, before the first byte of HTTP/2.
    pub fn silent(proxy: &Proxy, authority: &Authority) -> Frames {
        let mut client = TlsClient::over_tls(proxy.address, offering_h2(authority), "www.test");
        client.handshake().unwrap();
        Frames { client }
    }

    /// After the preface.
    pub fn connect(proxy: &Proxy, authority: &Authority) -> Frames {
        let mut frames = Frames::silent(proxy, authority);
        frames.send(&[PREFACE, &frame(SETTINGS, 0, 0, &[])].concat());
        frames
    }

    /// Sends; false: the proxy takes no more.
    pub fn send(&mut self, bytes: &[u8]) -> bool {
        self.client.stream.write_all(bytes).and_then(|()| self.client.stream.flush()).is_ok()
    }

    /// The next frame; none: the connection is over.
    pub fn next(&mut self) -> Option<Frame> {
        let mut head = [0; 9];
        self.fill(&mut head)?;
        let [a, b, c, kind, flags, stream @ ..] = head;
        let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
        self.fill(&mut payload)?;
        Some(Frame { kind, flags, stream: u32::from_be_bytes(stream), payload })
    }

    /// The next frame that is not about the connection's settings or windows.
    pub fn event(&mut self) -> Option<Frame> {
        loop {
            let next = self.next()?;
            if next.kind != SETTINGS && next.kind != WINDOW_UPDATE {
                return Some(next);
            }
        }
    }

    /// Reads until the connection is over, and gives the last GOAWAY's code.
    pub fn farewell(&mut self) -> Option<u32> {
        let mut code = None;
        while let Some(next) = self.next() {
            if next.kind == GOAWAY {
                code = Some(next.code());
            }
        }
        code
    }

    fn fill(&mut self, room: &mut [u8]) -> Option<()> {
        match self.client.stream.read_exact(room) {
            Ok(()) => Some(()),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                panic!("the proxy neither answers nor closes")
            }
            Err(_) => None,
        }
    }
}
