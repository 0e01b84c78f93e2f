//! The state of one connection: rustls's, and the bytes on their way in and out.

use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rustls::client::UnbufferedClientConnection;
use rustls::server::UnbufferedServerConnection;
use rustls::unbuffered::{ConnectionState, EncodeError, EncryptError, UnbufferedStatus};
use rustls::{AlertDescription, HandshakeKind};
use tokio::io::ReadBuf;
use tokio::time::Instant;

use super::buffers::{Queue, SIZE};

/// The most plaintext of one record (RFC 8446, 5.1).
const LARGE_RECORD: usize = 16 * 1024;

/// Plaintext of a record that leaves in one packet: a visitor's browser can read it before the next packet is there.
const SMALL_RECORD: usize = 1_300;

/// How much is sent in small records after a pause, until TCP has found its pace.
const SMALL_FIRST: usize = 8 * SMALL_RECORD;

/// A pause after which TCP begins slowly again.
const PAUSE: Duration = Duration::from_secs(1);

/// The most plaintext that one write takes.
const MOST_TAKEN: usize = 4 * LARGE_RECORD;

/// What a record adds to its plaintext, at most.
const FRAME: usize = 64;

/// rustls's state, which is another type on each side.
pub enum Side {
    /// A visitor is the client.
    Server(UnbufferedServerConnection),
    /// We are.
    Client(UnbufferedClientConnection),
}

/// One connection.
pub struct Session {
    side: Side,
    /// Received, and not yet understood.
    incoming: Queue,
    /// Understood, and not yet taken by the reader.
    plaintext: Queue,
    /// To be sent.
    outgoing: Queue,
    /// The other side has closed its half.
    has_ended: bool,
    /// It did without saying so: something may be missing.
    was_cut: bool,
    /// We have announced the end of ours, or why the connection has failed; or nothing is to be announced.
    has_announced: bool,
    /// The other side has broken the protocol: nothing more is understood, and nothing encrypted.
    has_failed: bool,
    /// None: the other side is a visitor.
    last_alert: Option<LastAlert>,
    /// Plaintext sent since the last pause, and when some was sent last.
    pace: (usize, Instant),
}

/// The alert by which a server has ended a connection, known as soon as it has come, whoever has the connection then. In TLS 1.3 what
/// it thinks of our certificate comes so, behind the handshake (RFC 8446, 4.4.2.4).
#[derive(Debug, Clone, Default)]
pub struct LastAlert(Arc<OnceLock<AlertDescription>>);

impl LastAlert {
    /// It, if one has come.
    pub fn get(&self) -> Option<AlertDescription> {
        self.0.get().copied()
    }
}

/// Where the protocol stands when all that was received is understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Handshake,
    Traffic,
    Ended,
}

impl Session {
    /// Before the first message of the handshake.
    pub fn new(side: Side) -> Session {
        let (incoming, plaintext, outgoing) = Default::default();
        let last_alert = matches!(side, Side::Client(_)).then(LastAlert::default);
        Session {
            side,
            incoming,
            plaintext,
            outgoing,
            has_ended: false,
            was_cut: false,
            has_announced: false,
            has_failed: false,
            last_alert,
            pace: (0, Instant::now()),
        }
    }

    /// The handshake is not over.
    pub fn is_handshaking(&self) -> bool {
        match &self.side {
            Side::Server(connection) => connection.is_handshaking(),
            Side::Client(connection) => connection.is_handshaking(),
        }
    }

    /// The protocol that both sides agreed on (RFC 7301).
    pub fn protocol(&self) -> Option<&[u8]> {
        match &self.side {
            Side::Server(connection) => connection.alpn_protocol(),
            Side::Client(connection) => connection.alpn_protocol(),
        }
    }

    /// The handshake has resumed a session.
    pub fn is_resumed(&self) -> bool {
        let kind = match &self.side {
            Side::Server(connection) => connection.handshake_kind(),
            Side::Client(connection) => connection.handshake_kind(),
        };
        kind == Some(HandshakeKind::Resumed)
    }

    /// The alert by which a server ends the connection, if it does; none: the other side is a visitor.
    pub fn last_alert(&self) -> Option<&LastAlert> {
        self.last_alert.as_ref()
    }

    /// The visitor's connection; none: we are the client.
    pub fn server(&self) -> Option<&UnbufferedServerConnection> {
        match &self.side {
            Side::Server(connection) => Some(connection),
            Side::Client(_) => None,
        }
    }

    /// Has our first message sent, if it is for us to begin.
    ///
    /// # Errors
    ///
    /// There is none.
    pub fn begin(&mut self) -> io::Result<()> {
        self.advance(&[]).map(drop)
    }

    /// There is something for the reader.
    pub fn has_plaintext(&self) -> bool {
        !self.plaintext.is_empty()
    }

    /// The other side has closed its half.
    pub fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// The other side has broken the protocol, or given the connection up: nothing more comes.
    pub fn has_failed(&self) -> bool {
        self.has_failed
    }

    /// The server's side has ended without saying so: what has no other end is not whole (RFC 9112, 9.8).
    pub fn was_cut(&self) -> bool {
        self.was_cut && matches!(self.side, Side::Client(_))
    }

    /// Moves plaintext to the reader; false: there is none.
    pub fn take_plaintext(&mut self, room: &mut ReadBuf<'_>) -> bool {
        let count = self.plaintext.filled().len().min(room.remaining());
        room.put_slice(&self.plaintext.filled()[..count]);
        self.plaintext.remove(count);
        count > 0
    }

    /// Reads what there is and understands it.
    ///
    /// # Errors
    ///
    /// The read's, or that what came is no TLS or an alert; an alert for the other side may then be to be sent. What came before is there
    /// for the reader.
    pub fn receive(&mut self, read: impl FnOnce(&mut [u8]) -> io::Result<usize>) -> io::Result<()> {
        let room = self.incoming.room(SIZE.saturating_sub(self.incoming.filled().len()));
        if room.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a message larger than any of TLS"));
        }
        let read = read(room);
        match read {
            Ok(0) => {
                self.was_cut = !self.has_ended;
                self.has_ended = true;
            }
            Ok(count) => self.incoming.add(count),
            Err(_) => {}
        }
        let understood = self.advance(&[]).map(drop);
        self.incoming.release();
        read.and(understood)
    }

    /// Encrypts plaintext from the front of these parts, and gives how much it took.
    ///
    /// # Errors
    ///
    /// The connection takes none any more.
    pub fn encrypt(&mut self, parts: &[&[u8]]) -> io::Result<usize> {
        let now = Instant::now();
        if now.duration_since(self.pace.1) >= PAUSE {
            self.pace.0 = 0;
        }
        self.pace.1 = now;
        let mut taken = 0;
        for part in parts {
            let mut rest = *part;
            while !rest.is_empty() && taken < MOST_TAKEN {
                let size = if self.pace.0 < SMALL_FIRST { SMALL_RECORD } else { LARGE_RECORD };
                let (record, behind) = rest.split_at(size.min(rest.len()));
                self.encrypt_record(record)?;
                taken += record.len();
                rest = behind;
            }
        }
        Ok(taken)
    }

    fn encrypt_record(&mut self, record: &[u8]) -> io::Result<()> {
        match self.advance(record)? {
            Standing::Traffic => self.pace.0 += record.len(),
            Standing::Handshake | Standing::Ended => return Err(io::ErrorKind::NotConnected.into()),
        }
        Ok(())
    }

    /// Sends what is to be sent.
    ///
    /// # Errors
    ///
    /// The write's; `WouldBlock` if something is left.
    pub fn send(&mut self, mut write: impl FnMut(&[u8]) -> io::Result<usize>) -> io::Result<()> {
        while !self.outgoing.is_empty() {
            match write(self.outgoing.filled())? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                count => self.outgoing.remove(count),
            }
        }
        Ok(())
    }

    /// From now on nothing is announced.
    pub fn announce_nothing(&mut self) {
        self.has_announced = true;
    }

    /// Appends the announcement that nothing more comes from us, once.
    pub fn announce_end(&mut self) {
        if std::mem::replace(&mut self.has_announced, true) {
            return;
        }
        let Session { side, incoming, outgoing, .. } = self;
        match side {
            Side::Server(connection) => append_close(connection.process_tls_records(incoming.filled_mut()), outgoing),
            Side::Client(connection) => append_close(connection.process_tls_records(incoming.filled_mut()), outgoing),
        }
        self.outgoing.release();
    }

    /// Understands what was received: plaintext for the reader, answers of the protocol's own to be sent. Then encrypts a record, if
    /// there is one and the protocol is that far.
    fn advance(&mut self, record: &[u8]) -> io::Result<Standing> {
        if self.has_failed {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut failed = None;
        loop {
            let Session { side, incoming, plaintext, outgoing, has_ended, .. } = self;
            // Nothing is encrypted behind a failure.
            let record = if failed.is_none() { record } else { &[] };
            let mut work = Work { record, plaintext, outgoing, has_ended };
            let (discard, done) = match side {
                Side::Server(connection) => work.step(connection.process_tls_records(incoming.filled_mut())),
                Side::Client(connection) => work.step(connection.process_tls_records(incoming.filled_mut())),
            };
            match done {
                // The alert: nothing after it is to be understood.
                Done::Encoded if let Some(error) = failed.take() => return Err(error),
                Done::Failed(error) if failed.is_none() => {
                    (self.has_failed, self.has_announced) = (true, true);
                    if let (Some(last), rustls::Error::AlertReceived(alert)) = (&self.last_alert, &error) {
                        // There is no second one.
                        let _ = last.0.set(*alert);
                    }
                    failed = Some(io::Error::new(io::ErrorKind::InvalidData, error));
                }
                // Without an alert.
                Done::Failed(_) => return Err(failed.unwrap_or_else(|| io::ErrorKind::InvalidData.into())),
                Done::NotEncrypted(error) => return Err(error),
                Done::Encoded | Done::Step => {}
                Done::All(standing) => {
                    self.incoming.remove(discard);
                    // Without an alert too: that was the other side's, which is not answered.
                    return failed.map_or(Ok(standing), Err);
                }
            }
            self.incoming.remove(discard);
        }
    }
}

/// What one step of the protocol works with.
struct Work<'w> {
    record: &'w [u8],
    plaintext: &'w mut Queue,
    outgoing: &'w mut Queue,
    has_ended: &'w mut bool,
}

/// What a step has done.
enum Done {
    /// There is more to do.
    Step,
    /// A message of the protocol's own is to be sent; there may be more to do.
    Encoded,
    /// Nothing is left to do.
    All(Standing),
    /// The record was not encrypted.
    NotEncrypted(io::Error),
    /// What was received is no TLS.
    Failed(rustls::Error),
}

impl Work<'_> {
    /// Does what the state asks for; gives how many received bytes are done with.
    fn step<Data>(&mut self, UnbufferedStatus { mut discard, state }: UnbufferedStatus<'_, '_, Data>) -> (usize, Done) {
        let done = match state {
            Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                while let Some(Ok(record)) = traffic.next_record() {
                    discard += record.discard;
                    self.plaintext.room(record.payload.len())[..record.payload.len()].copy_from_slice(record.payload);
                    self.plaintext.add(record.payload.len());
                }
                Done::Step
            }
            Ok(ConnectionState::EncodeTlsData(mut data)) => {
                let mut wanted = FRAME;
                loop {
                    match data.encode(self.outgoing.room(wanted)) {
                        Ok(count) => break self.outgoing.add(count),
                        Err(EncodeError::InsufficientSize(more)) => wanted = more.required_size,
                        Err(EncodeError::AlreadyEncoded) => break,
                    }
                }
                Done::Encoded
            }
            Ok(ConnectionState::TransmitTlsData(data)) => {
                data.done();
                Done::Step
            }
            Ok(ConnectionState::WriteTraffic(_)) if self.record.is_empty() => Done::All(Standing::Traffic),
            Ok(ConnectionState::WriteTraffic(mut traffic)) => {
                match traffic.encrypt(self.record, self.outgoing.room(self.record.len() + FRAME)) {
                    Ok(count) => {
                        self.outgoing.add(count);
                        Done::All(Standing::Traffic)
                    }
                    Err(error) => Done::NotEncrypted(not_encrypted(error)),
                }
            }
            Ok(ConnectionState::BlockedHandshake) => Done::All(Standing::Handshake),
            Ok(ConnectionState::PeerClosed) => {
                *self.has_ended = true;
                Done::Step
            }
            Ok(_) => {
                *self.has_ended = true;
                Done::All(Standing::Ended)
            }
            Err(error) => Done::Failed(error),
        };
        (discard, done)
    }
}

/// Appends the alert that says so.
fn append_close<Data>(status: UnbufferedStatus<'_, '_, Data>, outgoing: &mut Queue) {
    if let Ok(ConnectionState::WriteTraffic(mut traffic)) = status.state
        && let Ok(count) = traffic.queue_close_notify(outgoing.room(FRAME))
    {
        outgoing.add(count);
    }
}

fn not_encrypted(error: EncryptError) -> io::Error {
    match error {
        EncryptError::EncryptExhausted => io::Error::other("the keys of the connection are used up"),
        EncryptError::InsufficientSize(_) => io::ErrorKind::OutOfMemory.into(),
    }
}

#[cfg(test)]
mod tests;
