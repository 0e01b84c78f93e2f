//! One exchange: a message each way over a fresh channel, bounded in time.
//!
//! Owns the form of a message. The initiator writes first; the responder answers with its own state, or with a refusal that
//! tells the operator at the other end what to mend. The writer is known by its key: the name in a message must be the name
//! for which that key is listed.

use std::fmt;
use std::io;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::channel::{Channel, ChannelError};
use super::shared::Shared;
use crate::config::{PeerConfig, PublicKey};
use crate::unix_time::unix_ms;

/// The version of the messages.
const VERSION: u32 = 2;

/// What one side sends the other.
#[derive(Debug, Serialize, Deserialize)]
struct PeerMessage {
    version: u32,
    /// The writer.
    name: String,
    /// The writer's clock as it writes, in milliseconds since the epoch; an older build does not say.
    #[serde(default)]
    at: Option<u64>,
    #[serde(flatten)]
    body: Body,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Body {
    /// The writer's whole state.
    Value(Value),
    /// Why the writer sends no state.
    Refused(String),
}

/// The part of a message that is read before its version is known.
#[derive(Deserialize)]
struct Head {
    version: u32,
}

/// Why an exchange failed, worded to follow the peer's name.
#[derive(Debug)]
pub enum ExchangeError {
    /// The document lists no key for this peer.
    NoKey {
        /// The peer.
        peer: String,
    },
    /// The channel did not come about, or ended.
    Channel(ChannelError),
    /// The time limit was over while this was being done.
    TimedOut(&'static str),
    /// Another daemon than the one called has answered.
    OtherName(String),
    /// The peer has answered with a refusal.
    Refused(String),
    /// The peer has begun with a refusal.
    BeganWithRefusal,
    /// The key of `peer` was used for a message in another name.
    Impersonation {
        /// For whom the key is listed.
        peer: String,
        /// The name in the message.
        name: String,
    },
    /// The message has another version.
    Version(u32),
    /// The message is not JSON of the right form.
    Malformed(serde_json::Error),
    /// Our own message could not be written.
    Unwritable(serde_json::Error),
}

impl fmt::Display for ExchangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ExchangeError::NoKey { peer } => write!(
                f,
                "no key is listed for it: put what `polder keys identity` prints there into peers.members.{peer}.keys"
            ),
            ExchangeError::Channel(error) => write!(f, "{error}"),
            ExchangeError::TimedOut(doing) => write!(f, "timed out {doing}"),
            ExchangeError::OtherName(name) => {
                write!(f, "the daemon at this address is {name:?}; check `peers.members`")
            }
            ExchangeError::Refused(why) => write!(f, "it refuses us: {}", shortened(why)),
            ExchangeError::BeganWithRefusal => f.write_str("it opened with a refusal"),
            ExchangeError::Impersonation { peer, name } => write!(
                f,
                "the key of {peer} was used in the name of {:?}; each daemon has a key of its own",
                shortened(name)
            ),
            ExchangeError::Version(version) => {
                write!(f, "speaks version {version} of the peers' messages, expected {VERSION}; upgrade both")
            }
            ExchangeError::Malformed(error) => write!(f, "a malformed message: {error}"),
            ExchangeError::Unwritable(error) => write!(f, "cannot write a message: {error}"),
        }
    }
}

impl std::error::Error for ExchangeError {}

/// What a peer sent.
#[derive(Debug)]
pub(super) struct Received {
    /// Its state.
    pub(super) value: Value,
    /// How far its clock is ahead of ours, in milliseconds, if it says what its clock shows.
    pub(super) ahead_ms: Option<i64>,
}

/// How far a clock that shows `at` is ahead of one that shows `now`, in milliseconds.
fn ahead_ms(at: u64, now: u64) -> i64 {
    let ahead = i128::from(at) - i128::from(now);
    ahead.clamp(i64::MIN.into(), i64::MAX.into()) as i64
}

/// Connects to a peer, sends it `value` and returns its state.
pub(super) async fn initiate(
    shared: &Shared,
    name: &str,
    peer: &PeerConfig,
    value: Value,
    deadline: Instant,
) -> Result<Received, ExchangeError> {
    let message = write(shared, Body::Value(value))?;
    let mut channel = call(shared, name, peer, deadline).await?;
    let sent = unix_ms();
    within(deadline, "sending", channel.send(&message)).await?;
    let answer = within(deadline, "waiting for its answer", channel.receive()).await?;
    let PeerMessage { name: writer, body, at, .. } = read(&answer)?;
    // It wrote somewhere between the two moments.
    let meanwhile = sent / 2 + unix_ms() / 2;
    if writer != name {
        return Err(ExchangeError::OtherName(writer));
    }
    match body {
        Body::Value(value) => Ok(Received { value, ahead_ms: at.map(|at| ahead_ms(at, meanwhile)) }),
        Body::Refused(why) => Err(ExchangeError::Refused(why)),
    }
}

/// A channel to a peer that holds one of its listed keys. While a key is replaced there are two.
async fn call(shared: &Shared, name: &str, peer: &PeerConfig, deadline: Instant) -> Result<Channel, ExchangeError> {
    let mut failed = ExchangeError::NoKey { peer: name.to_owned() };
    for key in &peer.keys {
        let stream = within(deadline, "connecting", connect(shared.listen, peer.address)).await?;
        match within(deadline, "in the handshake", Channel::initiate(stream, &shared.identity, key)).await {
            Err(error @ ExchangeError::Channel(ChannelError::NotTheKey)) => failed = error,
            result => return result,
        }
    }
    Err(failed)
}

/// Connects from the address at which this daemon listens, if that is one: peers close connections from addresses that are
/// no member's.
async fn connect(listen: SocketAddr, to: SocketAddr) -> io::Result<TcpStream> {
    let socket = if to.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if !listen.ip().is_unspecified() && listen.is_ipv4() == to.is_ipv4() {
        socket.bind(SocketAddr::new(listen.ip(), 0))?;
    }
    socket.connect(to).await
}

/// The handshake of a connection that was accepted. Gives the peer for which the document lists the other side's key.
pub(super) async fn accept(
    shared: &Shared,
    stream: TcpStream,
    deadline: Instant,
) -> Result<(Channel, String), ExchangeError> {
    let listed = |key: &PublicKey| shared.member_with(key);
    within(deadline, "in the handshake", Channel::respond(stream, &shared.identity, listed)).await
}

/// Receives the state of a peer that has proved its name, and sends it ours.
pub(super) async fn answer(
    shared: &Shared,
    peer: &str,
    mut channel: Channel,
    state: watch::Receiver<Value>,
    deadline: Instant,
) -> Result<Received, ExchangeError> {
    let message = within(deadline, "waiting for its message", channel.receive()).await?;
    let received = read(&message).and_then(|message| admit(peer, message));
    let body = match &received {
        Ok(_) => Body::Value(state.borrow().clone()),
        Err(error) => Body::Refused(error.to_string()),
    };
    let answer = write(shared, body)?;
    within(deadline, "answering", channel.send(&answer)).await?;
    received
}

/// Takes a message in the name of the key's owner, and in no other.
fn admit(peer: &str, message: PeerMessage) -> Result<Received, ExchangeError> {
    let PeerMessage { name, body, at, .. } = message;
    if name != peer {
        return Err(ExchangeError::Impersonation { peer: peer.to_owned(), name });
    }
    match body {
        Body::Value(value) => Ok(Received { value, ahead_ms: at.map(|at| ahead_ms(at, unix_ms())) }),
        Body::Refused(_) => Err(ExchangeError::BeganWithRefusal),
    }
}

/// As much of a peer's text as may stand in a log line.
fn shortened(text: &str) -> String {
    const MOST: usize = 300;
    text.chars().take(MOST).filter(|c| !c.is_control()).collect()
}

fn write(shared: &Shared, body: Body) -> Result<Vec<u8>, ExchangeError> {
    let message = PeerMessage { version: VERSION, name: shared.name.clone(), at: Some(unix_ms()), body };
    serde_json::to_vec(&message).map_err(ExchangeError::Unwritable)
}

fn read(message: &[u8]) -> Result<PeerMessage, ExchangeError> {
    let Head { version } = serde_json::from_slice(message).map_err(ExchangeError::Malformed)?;
    if version != VERSION {
        return Err(ExchangeError::Version(version));
    }
    serde_json::from_slice(message).map_err(ExchangeError::Malformed)
}

/// The value of a message, whoever has written it.
pub(super) fn value_of(message: &[u8]) -> Result<Value, ExchangeError> {
    match read(message)?.body {
        Body::Value(value) => Ok(value),
        Body::Refused(why) => Err(ExchangeError::Refused(why)),
    }
}

async fn within<T, E: Into<ChannelError>>(
    deadline: Instant,
    doing: &'static str,
    step: impl Future<Output = Result<T, E>>,
) -> Result<T, ExchangeError> {
    match timeout_at(deadline, step).await {
        Ok(result) => result.map_err(|error| ExchangeError::Channel(error.into())),
        Err(_) => Err(ExchangeError::TimedOut(doing)),
    }
}
