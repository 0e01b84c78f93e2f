//! The encrypted channel between two daemons: Noise_IK_25519_ChaChaPoly_BLAKE2s over TCP.
//!
//! Each daemon has a key pair of its own. The initiator knows the public key of whom it calls, and its first message proves
//! its own: a responder answers only those whom its document lists (sections 7.5 and 7.7 of the Noise specification).
//! What the two talk about is their [`Protocol`]: a handshake for another one does not open. Owns the handshake and the frames. Must never: know what the messages say, or allocate what a stranger asks for. No
//! time limits here; the callers have them.
//!
//! On the wire every frame is a length (two bytes, big-endian) and as many bytes. The handshake is one frame each way.
//! A responder that refuses sends a frame that is shorter than any handshake in place of its own, so that the operator at the
//! other end learns why. After the handshake a message is one or more frames, each a Noise message whose first plain byte
//! says whether more follow.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};

use snow::{Builder, HandshakeState, TransportState};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use super::identity::Identity;
use crate::config::PublicKey;
use crate::health::probe::words_of_error;

/// See <https://noiseprotocol.org/noise.html>, sections 7.5 and 12.
const PATTERN: &str = "Noise_IK_25519_ChaChaPoly_BLAKE2s";

/// The longest Noise message (section 3 of its specification).
const MAX_FRAME: usize = 65535;

/// Plain bytes in a frame: what a Noise message holds beside its tag.
const MAX_PLAIN: usize = MAX_FRAME - TAG;

/// A tag of ChaCha20-Poly1305.
const TAG: usize = 16;

/// The initiator's message: its ephemeral and its sealed static public key, and the seal of nothing.
const FIRST_HANDSHAKE: usize = 32 + 32 + TAG + TAG;

/// The responder's message: its ephemeral public key, and the seal of nothing.
const SECOND_HANDSHAKE: usize = 32 + TAG;

/// In place of the responder's message: it does not hold the key that was called.
const NOT_THE_KEY: &[u8] = &[];

/// In place of the responder's message: it does not list the initiator's key.
const NOT_LISTED: &[u8] = &[1];

/// The first plain byte of a message's last frame, and of every other one.
const LAST: u8 = 0;
const MORE: u8 = 1;

/// What two daemons have a channel for.
#[derive(Debug, PartialEq, Eq)]
pub struct Protocol {
    /// Binds the handshake to it.
    pub prologue: &'static [u8],
    /// The most bytes of a message.
    pub longest: usize,
    /// The key of the initiator's document that names the file of its private key.
    pub key_file: &'static str,
    /// The part of the responder's document that lists the keys of those whom it answers.
    pub listed_in: &'static str,
}

/// Why a channel did not come about, or ended.
#[derive(Debug)]
pub enum ChannelError {
    /// The responder does not hold the key that was called.
    NotTheKey,
    /// The responder does not list the initiator's key; seen from the responder, which key that is.
    NotListed(&'static Protocol, Option<PublicKey>),
    /// Not this protocol, or tampered with; says what.
    Garbage(&'static str),
    /// The message has more bytes than this, the most that the protocol has.
    TooLarge(usize),
    /// The connection failed.
    Io(io::Error),
}

impl fmt::Display for ChannelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ChannelError::NotTheKey => f.write_str("key mismatch: its private key is none of those listed for it"),
            ChannelError::NotListed(Protocol { key_file, .. }, None) => {
                write!(f, "key mismatch: it does not list the public half of our key (`{key_file}`)")
            }
            ChannelError::NotListed(Protocol { listed_in, .. }, Some(key)) => {
                write!(f, "key mismatch: the key {key} is none of those listed in `{listed_in}`")
            }
            ChannelError::Garbage(what) => write!(f, "not a peer's protocol: {what}"),
            ChannelError::TooLarge(longest) => write!(f, "a message of more than {longest} bytes"),
            ChannelError::Io(error) => match error.kind() {
                io::ErrorKind::UnexpectedEof => f.write_str("it closed the connection"),
                _ => f.write_str(&words_of_error(error)),
            },
        }
    }
}

impl From<io::Error> for ChannelError {
    fn from(error: io::Error) -> ChannelError {
        ChannelError::Io(error)
    }
}

/// Connects from an address of this host, if it is one of the other side's kind: connections from addresses that a document does
/// not have are closed at once.
pub(super) async fn connect(from: IpAddr, to: SocketAddr) -> io::Result<TcpStream> {
    let socket = if to.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if !from.is_unspecified() && from.is_ipv4() == to.is_ipv4() {
        socket.bind(SocketAddr::new(from, 0))?;
    }
    socket.connect(to).await
}

/// A channel after its handshake.
pub(super) struct Channel {
    stream: TcpStream,
    noise: TransportState,
    protocol: &'static Protocol,
}

impl Channel {
    /// The handshake of the side that connects, with the peer that has this key.
    pub(super) async fn initiate(
        mut stream: TcpStream,
        protocol: &'static Protocol,
        identity: &Identity,
        peer: &PublicKey,
    ) -> Result<Channel, ChannelError> {
        let builder = builder(protocol, identity).and_then(|builder| builder.remote_public_key(&peer.0));
        let mut noise = builder.and_then(Builder::build_initiator).map_err(own_failure)?;
        let mut handshake = [0; FIRST_HANDSHAKE];
        let length = noise.write_message(&[], &mut handshake).map_err(own_failure)?;
        write_frame(&mut stream, &handshake[..length]).await?;
        let answer = read_frame(&mut stream, SECOND_HANDSHAKE).await?;
        match answer.as_slice() {
            NOT_THE_KEY => return Err(ChannelError::NotTheKey),
            NOT_LISTED => return Err(ChannelError::NotListed(protocol, None)),
            answer => noise
                .read_message(answer, &mut [])
                .map_err(|_| ChannelError::Garbage("a handshake that does not open"))?,
        };
        Channel::after(noise, stream, protocol)
    }

    /// The handshake of the side that accepts. `listed` finds the peer that a key belongs to; any other key is refused. Gives
    /// the peer too, which has proved that it holds the key.
    pub(super) async fn respond<P>(
        mut stream: TcpStream,
        protocol: &'static Protocol,
        identity: &Identity,
        listed: impl FnOnce(&PublicKey) -> Option<P>,
    ) -> Result<(Channel, P), ChannelError> {
        let first = read_frame(&mut stream, FIRST_HANDSHAKE).await?;
        if first.len() != FIRST_HANDSHAKE {
            return Err(ChannelError::Garbage("a handshake of another length"));
        }
        let mut noise = builder(protocol, identity).and_then(Builder::build_responder).map_err(own_failure)?;
        if noise.read_message(&first, &mut []).is_err() {
            write_frame(&mut stream, NOT_THE_KEY).await?;
            return Err(ChannelError::NotTheKey);
        }
        let key = noise.get_remote_static().and_then(|key| key.try_into().ok()).map(PublicKey);
        let Some(peer) = key.as_ref().and_then(listed) else {
            write_frame(&mut stream, NOT_LISTED).await?;
            return Err(ChannelError::NotListed(protocol, key));
        };
        let mut handshake = [0; SECOND_HANDSHAKE];
        let length = noise.write_message(&[], &mut handshake).map_err(own_failure)?;
        write_frame(&mut stream, &handshake[..length]).await?;
        Ok((Channel::after(noise, stream, protocol)?, peer))
    }

    fn after(noise: HandshakeState, stream: TcpStream, protocol: &'static Protocol) -> Result<Channel, ChannelError> {
        let noise = noise.into_transport_mode().map_err(own_failure)?;
        Ok(Channel { stream, noise, protocol })
    }

    /// Sends one message.
    pub(super) async fn send(&mut self, message: &[u8]) -> Result<(), ChannelError> {
        if message.len() > self.protocol.longest {
            return Err(ChannelError::TooLarge(self.protocol.longest));
        }
        let mut plain = Vec::with_capacity(message.len().min(MAX_PLAIN - 1) + 1);
        let mut sealed = vec![0; plain.capacity() + TAG];
        let mut rest = message;
        loop {
            let (part, after) = rest.split_at(rest.len().min(MAX_PLAIN - 1));
            rest = after;
            plain.clear();
            plain.push(if rest.is_empty() { LAST } else { MORE });
            plain.extend_from_slice(part);
            let length =
                self.noise.write_message(&plain, &mut sealed).map_err(|_| ChannelError::Garbage("cannot seal"))?;
            write_frame(&mut self.stream, &sealed[..length]).await?;
            if rest.is_empty() {
                return Ok(());
            }
        }
    }

    /// Receives one message. Grows only by what arrives and opens.
    pub(super) async fn receive(&mut self) -> Result<Vec<u8>, ChannelError> {
        let mut message = Vec::new();
        let mut plain = Vec::new();
        loop {
            let sealed = read_frame(&mut self.stream, MAX_FRAME).await?;
            plain.resize(sealed.len(), 0);
            let length = self
                .noise
                .read_message(&sealed, &mut plain)
                .map_err(|_| ChannelError::Garbage("a frame that does not open"))?;
            let (kind, part) = plain[..length].split_first().ok_or(ChannelError::Garbage("an empty frame"))?;
            if message.len() + part.len() > self.protocol.longest {
                return Err(ChannelError::TooLarge(self.protocol.longest));
            }
            message.extend_from_slice(part);
            match *kind {
                LAST => return Ok(message),
                MORE => {}
                _ => return Err(ChannelError::Garbage("an unknown kind of frame")),
            }
        }
    }
}

fn builder<'i>(protocol: &'static Protocol, identity: &'i Identity) -> Result<Builder<'i>, snow::Error> {
    Builder::new(PATTERN.parse()?).local_private_key(identity.private())?.prologue(protocol.prologue)
}

/// The handshake failed on this side, which nothing that the other side sends can cause.
fn own_failure(_: snow::Error) -> ChannelError {
    ChannelError::Garbage("our own handshake failed")
}

async fn write_frame(stream: &mut TcpStream, frame: &[u8]) -> Result<(), ChannelError> {
    let length = u16::try_from(frame.len()).map_err(|_| ChannelError::TooLarge(MAX_FRAME))?;
    let mut bytes = Vec::with_capacity(2 + frame.len());
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(frame);
    Ok(stream.write_all(&bytes).await?)
}

async fn read_frame(stream: &mut TcpStream, longest: usize) -> Result<Vec<u8>, ChannelError> {
    let length = usize::from(stream.read_u16().await?);
    if length > longest {
        return Err(ChannelError::Garbage("a frame of an impossible length"));
    }
    let mut frame = Vec::new();
    stream.take(length as u64).read_to_end(&mut frame).await?;
    if frame.len() < length {
        return Err(ChannelError::Io(io::ErrorKind::UnexpectedEof.into()));
    }
    Ok(frame)
}
