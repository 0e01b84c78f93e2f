//! A thread's side: messages into a ring of its own.
//!
//! Must never: wait, or allocate for a message once the thread has recorded one of that length.

use std::cell::RefCell;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use prost::Message;
use rtrb::{Producer, RingBuffer};

use super::ends::{Ends, Protocol};
use super::frame::LENGTH;
use super::message::{Dnstap, Exchanged, Kind, MESSAGE, SocketFamily};
use super::switch::{InForce, Order, Taps};
use crate::dns::counters::Counters;

/// Bytes of messages that wait to be written, of each thread: at 100,000 queries a second those of some 30 ms.
pub(super) const ROOM: usize = 1 << 20;

/// A message without a whole header (RFC 1035, 4.1.1) is none.
const SHORTEST: usize = 12;

/// One thread's.
pub struct Tap {
    taps: Taps,
    protocol: Protocol,
    counters: Arc<Counters>,
    /// None until something has been recorded.
    recorder: RefCell<Option<Recorder>>,
}

impl Tap {
    /// Of a thread, or of a transport of it, whose queries come over this protocol, and which counts there.
    pub fn new(taps: Taps, protocol: Protocol, counters: Arc<Counters>) -> Tap {
        Tap { taps, protocol, counters, recorder: RefCell::default() }
    }

    /// Whether messages are recorded: one relaxed load.
    pub fn is_on(&self) -> bool {
        self.taps.is_on()
    }

    /// Records a query that came at this time since the epoch, and its response, if it has got one just now.
    #[cold]
    pub fn record(&self, ends: &Ends, asked: Duration, query: &[u8], response: Option<&[u8]>) {
        // Nobody else has it: a thread answers one query after the other.
        let Ok(mut recorder) = self.recorder.try_borrow_mut() else { return };
        let Some(recorder) = self.in_force(&mut recorder) else { return };
        if !recorder.is_sampled() || query.len() < SHORTEST {
            return;
        }
        if recorder.in_force.terms.queries {
            self.note(recorder.query(ends, asked, query));
        }
        if let Some(response) = response.filter(|_| recorder.in_force.terms.responses) {
            self.note(recorder.response(ends, asked, response));
        }
    }

    /// What records by the terms in force; none: nothing is recorded. For another receiver the thread takes another ring.
    fn in_force<'a>(&self, recorder: &'a mut Option<Recorder>) -> Option<&'a mut Recorder> {
        let number = self.taps.number()?;
        if recorder.as_ref().is_none_or(|recorder| recorder.number != number) {
            let in_force = self.taps.in_force()?;
            match recorder {
                Some(known) if Arc::ptr_eq(&known.in_force.session, &in_force.session) => known.adopt(number, in_force),
                _ => *recorder = Some(Recorder::enlisted(&self.taps, self.protocol, number, in_force)),
            }
        }
        recorder.as_mut()
    }

    fn note(&self, is_recorded: bool) {
        if !is_recorded {
            self.counters.dnstap_dropped.add();
        }
    }
}

/// Now, since the epoch.
pub fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// What a thread records with.
struct Recorder {
    number: u64,
    in_force: Arc<InForce>,
    /// Queries since the last that was recorded.
    passed: u32,
    ring: Producer<u8>,
    /// The messages, filled again and again, and the frame that comes of them.
    query: Dnstap,
    response: Dnstap,
    frame: Vec<u8>,
}

impl Recorder {
    /// With a ring that the writer reads from now on.
    fn enlisted(taps: &Taps, protocol: Protocol, number: u64, in_force: Arc<InForce>) -> Recorder {
        let (ring, other_end) = RingBuffer::new(ROOM);
        taps.order(Order::Ring(Arc::clone(&in_force.session), other_end));
        let mut recorder = Recorder {
            number,
            in_force: Arc::clone(&in_force),
            passed: 0,
            ring,
            query: empty(Kind::AuthQuery, protocol),
            response: empty(Kind::AuthResponse, protocol),
            frame: Vec::new(),
        };
        recorder.adopt(number, in_force);
        recorder
    }

    fn adopt(&mut self, number: u64, in_force: Arc<InForce>) {
        for dnstap in [&mut self.query, &mut self.response] {
            dnstap.identity = Some(in_force.terms.identity.clone().into_bytes());
            dnstap.version = Some(in_force.terms.version.clone().into_bytes());
        }
        (self.number, self.in_force, self.passed) = (number, in_force, 0);
    }

    /// Whether the turn has come to a query.
    fn is_sampled(&mut self) -> bool {
        let is_sampled = self.passed == 0;
        self.passed = (self.passed + 1) % self.in_force.terms.sample.max(1);
        is_sampled
    }

    /// False: there was no room.
    fn query(&mut self, ends: &Ends, asked: Duration, query: &[u8]) -> bool {
        let message = self.query.message.get_or_insert_default();
        stamp(message, ends, asked);
        put(&mut message.query_message, query);
        push(&self.query, &mut self.frame, &mut self.ring)
    }

    /// The same.
    fn response(&mut self, ends: &Ends, asked: Duration, response: &[u8]) -> bool {
        let message = self.response.message.get_or_insert_default();
        stamp(message, ends, asked);
        let sent = since_epoch();
        message.response_time_sec = Some(sent.as_secs());
        message.response_time_nsec = Some(sent.subsec_nanos());
        put(&mut message.response_message, response);
        push(&self.response, &mut self.frame, &mut self.ring)
    }
}

/// A message of this kind with what is the same in all of them.
fn empty(kind: Kind, protocol: Protocol) -> Dnstap {
    let message = Exchanged {
        kind: kind.into(),
        socket_protocol: Some(protocol.socket_protocol().into()),
        http_protocol: protocol.http_version().map(Into::into),
        ..Exchanged::default()
    };
    Dnstap { kind: MESSAGE, message: Some(message), ..Dnstap::default() }
}

/// Who asked whom, and when.
fn stamp(message: &mut Exchanged, ends: &Ends, asked: Duration) {
    let family = if ends.client.is_ipv4() { SocketFamily::Inet } else { SocketFamily::Inet6 };
    message.socket_family = Some(family.into());
    put_address(&mut message.query_address, ends.client);
    message.query_port = Some(ends.client.port().into());
    match ends.server {
        // One family says how both are to be read.
        Some(server) if server.is_ipv4() == ends.client.is_ipv4() => {
            put_address(&mut message.response_address, server);
            message.response_port = Some(server.port().into());
        }
        _ => (message.response_address, message.response_port) = (None, None),
    }
    message.query_time_sec = Some(asked.as_secs());
    message.query_time_nsec = Some(asked.subsec_nanos());
}

fn put_address(field: &mut Option<Vec<u8>>, address: SocketAddr) {
    match address.ip() {
        IpAddr::V4(address) => put(field, &address.octets()),
        IpAddr::V6(address) => put(field, &address.octets()),
    }
}

/// Into the memory that the field has.
fn put(field: &mut Option<Vec<u8>>, bytes: &[u8]) {
    let field = field.get_or_insert_default();
    field.clear();
    field.extend_from_slice(bytes);
}

/// Puts the message into the ring as one frame, or not at all, and says which.
fn push(dnstap: &Dnstap, frame: &mut Vec<u8>, ring: &mut Producer<u8>) -> bool {
    frame.clear();
    frame.extend_from_slice(&[0; LENGTH]);
    if dnstap.encode(frame).is_err() {
        return false;
    }
    let length = (frame.len() - LENGTH) as u32;
    frame[..LENGTH].copy_from_slice(&length.to_be_bytes());
    // Whose receiver is not wanted any more reads nothing.
    !ring.is_abandoned() && ring.push_entire_slice(frame).is_ok()
}
