//! The other side of dnstap, written from the specifications: Frame Streams' receiver, and what `dnstap.proto` says of a message.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::IpAddr;
use std::os::fd::AsRawFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nix::sys::socket::{Shutdown, shutdown};

use crate::fleet::LIMIT;

const CONTENT_TYPE: &[u8] = b"protobuf:dnstap.Dnstap";
const ACCEPT: u32 = 1;
const START: u32 = 2;
const STOP: u32 = 3;
const READY: u32 = 4;
const FINISH: u32 = 5;

/// What a receiver hears.
#[derive(Debug, PartialEq)]
pub enum Heard {
    /// A sender has said what it sends, and that it begins.
    Began,
    Message(Box<Message>),
    /// It has said that this was all.
    Stopped,
    /// It has gone without that.
    Lost,
}

/// A receiver at a Unix socket, until it is dropped.
pub struct Receiver {
    path: PathBuf,
    listener: UnixListener,
    senders: Arc<Mutex<Vec<UnixStream>>>,
    heard: mpsc::Receiver<Heard>,
}

impl Receiver {
    pub fn start(path: &Path) -> Receiver {
        let listener = UnixListener::bind(path).unwrap();
        let senders = Arc::<Mutex<Vec<UnixStream>>>::default();
        let (sender, heard) = mpsc::channel();
        let (accepting, known) = (listener.try_clone().unwrap(), Arc::clone(&senders));
        std::thread::spawn(move || {
            for stream in accepting.incoming().map_while(Result::ok) {
                known.lock().unwrap().push(stream.try_clone().unwrap());
                let sender = sender.clone();
                std::thread::spawn(move || {
                    let end = if receive(stream, &sender).is_ok() { Heard::Stopped } else { Heard::Lost };
                    let _ = sender.send(end);
                });
            }
        });
        Receiver { path: path.to_owned(), listener, senders, heard }
    }

    pub fn next(&self) -> Heard {
        self.heard.recv_timeout(LIMIT).expect("something is heard in time")
    }

    pub fn message(&self) -> Message {
        match self.next() {
            Heard::Message(message) => *message,
            other => panic!("expected a message, heard {other:?}"),
        }
    }

    pub fn began(&self) {
        assert_eq!(self.next(), Heard::Began);
    }

    /// What has been heard and not been looked at.
    pub fn rest(&self) -> Vec<Heard> {
        self.heard.try_iter().collect()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
        let _ = shutdown(self.listener.as_raw_fd(), Shutdown::Both);
        for stream in self.senders.lock().unwrap().iter() {
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
    }
}

/// Shakes hands as the receiver of a bidirectional stream.
pub fn accept(stream: &mut UnixStream) -> std::io::Result<()> {
    assert_eq!(control(stream)?, (READY, Some(CONTENT_TYPE.to_vec())));
    let field = [&1u32.to_be_bytes()[..], &(CONTENT_TYPE.len() as u32).to_be_bytes(), CONTENT_TYPE].concat();
    let length = 4 + field.len() as u32;
    stream.write_all(&[&[0; 4][..], &length.to_be_bytes(), &ACCEPT.to_be_bytes(), &field].concat())?;
    assert_eq!(control(stream)?, (START, Some(CONTENT_TYPE.to_vec())));
    Ok(())
}

/// Until the sender says that this was all.
fn receive(mut stream: UnixStream, heard: &Sender<Heard>) -> std::io::Result<()> {
    accept(&mut stream)?;
    let _ = heard.send(Heard::Began);
    loop {
        let length = word(&mut stream)?;
        if length == 0 {
            assert_eq!(control_body(&mut stream)?, (STOP, None));
            return stream.write_all(&[[0; 4], 4u32.to_be_bytes(), FINISH.to_be_bytes()].concat());
        }
        let mut frame = vec![0; length as usize];
        stream.read_exact(&mut frame)?;
        let _ = heard.send(Heard::Message(Box::new(Message::read(&frame))));
    }
}

fn word(stream: &mut UnixStream) -> std::io::Result<u32> {
    let mut word = [0; 4];
    stream.read_exact(&mut word)?;
    Ok(u32::from_be_bytes(word))
}

fn control(stream: &mut UnixStream) -> std::io::Result<(u32, Option<Vec<u8>>)> {
    assert_eq!(word(stream)?, 0, "an escape");
    control_body(stream)
}

/// Its type, and the content type that it names.
fn control_body(stream: &mut UnixStream) -> std::io::Result<(u32, Option<Vec<u8>>)> {
    let length = word(stream)?;
    assert!((4..=512).contains(&length), "{length}");
    let kind = word(stream)?;
    if length == 4 {
        return Ok((kind, None));
    }
    assert_eq!(word(stream)?, 1, "the field of a content type");
    let mut content_type = vec![0; word(stream)? as usize];
    assert_eq!(length as usize, 12 + content_type.len());
    stream.read_exact(&mut content_type)?;
    Ok((kind, Some(content_type)))
}

/// A message of dnstap, with the numbers that `dnstap.proto` gives.
#[derive(Debug, PartialEq)]
pub struct Message {
    pub identity: String,
    pub version: String,
    /// 1: AUTH_QUERY, 2: AUTH_RESPONSE.
    pub kind: u64,
    /// 1: INET, 2: INET6.
    pub family: u64,
    /// 1: UDP, 2: TCP, 3: DOT, 4: DOH, 7: DOQ.
    pub protocol: u64,
    /// 2: HTTP2.
    pub http: Option<u64>,
    pub client: (IpAddr, u64),
    pub server: (IpAddr, u64),
    pub query_time: Duration,
    pub response_time: Option<Duration>,
    pub query: Option<Vec<u8>>,
    pub response: Option<Vec<u8>>,
}

/// A value on the wire (<https://protobuf.dev/programming-guides/encoding/>).
enum Wire {
    Varint(u64),
    Fixed32(u32),
    Bytes(Vec<u8>),
}

fn fields(mut bytes: &[u8]) -> BTreeMap<u64, Wire> {
    let mut fields = BTreeMap::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes);
        let value = match key & 7 {
            0 => Wire::Varint(varint(&mut bytes)),
            2 => {
                let length = varint(&mut bytes) as usize;
                Wire::Bytes(bytes.split_off(..length).unwrap().to_vec())
            }
            5 => Wire::Fixed32(u32::from_le_bytes(bytes.split_off(..4).unwrap().try_into().unwrap())),
            other => panic!("wire type {other}"),
        };
        assert!(fields.insert(key >> 3, value).is_none(), "field {} stands twice", key >> 3);
    }
    fields
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..).step_by(7) {
        let byte = *bytes.split_off_first().unwrap();
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
    }
    value
}

impl Message {
    fn read(frame: &[u8]) -> Message {
        let mut outer = fields(frame);
        assert_eq!(number(&mut outer, 15), Some(1), "MESSAGE");
        let mut inner = fields(&bytes(&mut outer, 14).unwrap());
        let mut address = |address, port| {
            let address = match bytes(&mut inner, address).unwrap()[..] {
                ref four if four.len() == 4 => IpAddr::from(<[u8; 4]>::try_from(four).unwrap()),
                ref sixteen => IpAddr::from(<[u8; 16]>::try_from(sixteen).unwrap()),
            };
            (address, number(&mut inner, port).unwrap())
        };
        let (client, server) = (address(4, 6), address(5, 7));
        let mut time = |seconds, nanoseconds| match (number(&mut inner, seconds), inner.remove(&nanoseconds)) {
            (Some(seconds), Some(Wire::Fixed32(nanoseconds))) => Some(Duration::new(seconds, nanoseconds)),
            _ => None,
        };
        let (query_time, response_time) = (time(8, 9).unwrap(), time(12, 13));
        let text = |bytes: Option<Vec<u8>>| String::from_utf8(bytes.unwrap()).unwrap();
        let message = Message {
            identity: text(bytes(&mut outer, 1)),
            version: text(bytes(&mut outer, 2)),
            kind: number(&mut inner, 1).unwrap(),
            family: number(&mut inner, 2).unwrap(),
            protocol: number(&mut inner, 3).unwrap(),
            http: number(&mut inner, 16),
            client,
            server,
            query_time,
            response_time,
            query: bytes(&mut inner, 10),
            response: bytes(&mut inner, 14),
        };
        assert!(outer.is_empty() && inner.is_empty(), "{:?} {:?}", outer.keys(), inner.keys());
        message
    }
}

fn number(fields: &mut BTreeMap<u64, Wire>, field: u64) -> Option<u64> {
    fields.remove(&field).map(|value| match value {
        Wire::Varint(number) => number,
        Wire::Fixed32(_) | Wire::Bytes(_) => panic!("field {field} is no varint"),
    })
}

fn bytes(fields: &mut BTreeMap<u64, Wire>, field: u64) -> Option<Vec<u8>> {
    fields.remove(&field).map(|value| match value {
        Wire::Bytes(bytes) => bytes,
        Wire::Varint(_) | Wire::Fixed32(_) => panic!("field {field} is no bytes"),
    })
}
