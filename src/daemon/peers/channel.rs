//! The encrypted channel between two peers: Noise_NNpsk0_25519_ChaChaPoly_BLAKE2s over TCP.
//!
//! Owns the handshake and the frames. Must never: know what the letters say, or allocate what a stranger asks for. No
//! time limits here; the callers have them.
//!
//! On the wire every frame is a length (two bytes, big-endian) and as many bytes. The handshake is one frame each way;
//! an empty frame in place of the responder's says that none of its keys opens the initiator's. After it, a letter is
//! one or more frames, each a Noise message whose first plain byte tells whether more follow.

use std::fmt;
use std::io;

use snow::{Builder, HandshakeState, TransportState};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Keys;

/// The most a letter may hold, in bytes.
pub(super) const MAX_LETTER: usize = 1024 * 1024;

/// See <https://noiseprotocol.org/noise.html>, sections 7.4 and 9.
const PATTERN: &str = "Noise_NNpsk0_25519_ChaChaPoly_BLAKE2s";

/// Binds the handshake to this protocol.
const PROLOGUE: &[u8] = b"polder peers 1";

/// The longest Noise message (section 3 of its specification).
const MAX_FRAME: usize = 65535;

/// Plain bytes in a frame: what a Noise message holds beside its tag.
const MAX_PLAIN: usize = MAX_FRAME - 16;

/// The longest frame of a handshake: an ephemeral public key and a tag, and room to see that something is no handshake.
const MAX_HANDSHAKE: usize = 64;

/// The first plain byte of a letter's last frame, and of every other one.
const LAST: u8 = 0;
const MORE: u8 = 1;

/// Why a channel did not come about, or ended.
#[derive(Debug)]
pub(super) enum ChannelError {
    /// The two sides hold different keys.
    KeyMismatch,
    /// Not this protocol, or tampered with; says what.
    Garbage(&'static str),
    /// The letter is larger than [`MAX_LETTER`].
    TooLarge,
    /// The connection failed.
    Io(io::Error),
}

impl fmt::Display for ChannelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ChannelError::KeyMismatch => f.write_str("key mismatch: the two key files have no key in common"),
            ChannelError::Garbage(what) => write!(f, "not a peer's protocol: {what}"),
            ChannelError::TooLarge => write!(f, "a letter of more than {MAX_LETTER} bytes"),
            ChannelError::Io(error) => match error.kind() {
                io::ErrorKind::UnexpectedEof => f.write_str("it closed the connection"),
                _ => write!(f, "{error}"),
            },
        }
    }
}

impl From<io::Error> for ChannelError {
    fn from(error: io::Error) -> ChannelError {
        ChannelError::Io(error)
    }
}

/// A channel after its handshake.
pub(super) struct Channel {
    stream: TcpStream,
    noise: TransportState,
}

impl Channel {
    /// The side that connected. Uses the first key.
    pub(super) async fn initiate(mut stream: TcpStream, keys: &Keys) -> Result<Channel, ChannelError> {
        let mut noise = builder(keys.first()).and_then(|builder| builder.build_initiator()).map_err(ours)?;
        let mut message = [0; MAX_HANDSHAKE];
        let length = noise.write_message(&[], &mut message).map_err(ours)?;
        write_frame(&mut stream, &message[..length]).await?;
        let answer = read_frame(&mut stream, MAX_HANDSHAKE).await?;
        if answer.is_empty() {
            return Err(ChannelError::KeyMismatch);
        }
        noise.read_message(&answer, &mut []).map_err(|_| ChannelError::Garbage("a handshake that does not open"))?;
        Channel::after(noise, stream)
    }

    /// The side that was connected to. Tries every key.
    pub(super) async fn respond(mut stream: TcpStream, keys: &Keys) -> Result<Channel, ChannelError> {
        let first = read_frame(&mut stream, MAX_HANDSHAKE).await?;
        let Some(mut noise) = keys.as_slice().iter().find_map(|key| opened_by(key, &first)) else {
            write_frame(&mut stream, &[]).await?;
            return Err(ChannelError::KeyMismatch);
        };
        let mut message = [0; MAX_HANDSHAKE];
        let length = noise.write_message(&[], &mut message).map_err(ours)?;
        write_frame(&mut stream, &message[..length]).await?;
        Channel::after(noise, stream)
    }

    fn after(noise: HandshakeState, stream: TcpStream) -> Result<Channel, ChannelError> {
        let noise = noise.into_transport_mode().map_err(ours)?;
        Ok(Channel { stream, noise })
    }

    /// Sends one letter.
    pub(super) async fn send(&mut self, letter: &[u8]) -> Result<(), ChannelError> {
        if letter.len() > MAX_LETTER {
            return Err(ChannelError::TooLarge);
        }
        let mut plain = Vec::with_capacity(letter.len().min(MAX_PLAIN - 1) + 1);
        let mut sealed = vec![0; plain.capacity() + 16];
        let mut rest = letter;
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

    /// Receives one letter. Grows only by what arrives and opens.
    pub(super) async fn receive(&mut self) -> Result<Vec<u8>, ChannelError> {
        let mut letter = Vec::new();
        let mut plain = Vec::new();
        loop {
            let sealed = read_frame(&mut self.stream, MAX_FRAME).await?;
            plain.resize(sealed.len(), 0);
            let length = self
                .noise
                .read_message(&sealed, &mut plain)
                .map_err(|_| ChannelError::Garbage("a frame that does not open"))?;
            let (kind, part) = plain[..length].split_first().ok_or(ChannelError::Garbage("an empty frame"))?;
            if letter.len() + part.len() > MAX_LETTER {
                return Err(ChannelError::TooLarge);
            }
            letter.extend_from_slice(part);
            match *kind {
                LAST => return Ok(letter),
                MORE => {}
                _ => return Err(ChannelError::Garbage("an unknown kind of frame")),
            }
        }
    }
}

/// A responder's handshake that this key opens the first message of.
fn opened_by(key: &[u8; 32], first: &[u8]) -> Option<HandshakeState> {
    let mut noise = builder(key).and_then(|builder| builder.build_responder()).ok()?;
    noise.read_message(first, &mut []).ok()?;
    Some(noise)
}

fn builder(key: &[u8; 32]) -> Result<Builder<'_>, snow::Error> {
    Builder::new(PATTERN.parse()?).psk(0, key)?.prologue(PROLOGUE)
}

/// The handshake failed on our own side: nothing the other one sent can do that.
fn ours(_: snow::Error) -> ChannelError {
    ChannelError::Garbage("our own handshake failed")
}

async fn write_frame(stream: &mut TcpStream, frame: &[u8]) -> Result<(), ChannelError> {
    let length = u16::try_from(frame.len()).map_err(|_| ChannelError::TooLarge)?;
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
