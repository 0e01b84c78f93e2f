//! One exchange: a letter each way over a fresh channel, bounded in time.
//!
//! Owns what a letter says. The initiator writes first; the responder answers with its own value, or with a refusal that
//! tells the operator at the other end what to mend. Whoever writes is known by its key: the name in a letter must be the
//! name for which that key is listed.

use std::io;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::Us;
use super::channel::{Channel, ChannelError};
use crate::config::{PeerConfig, PublicKey};

/// The version of the letters spoken here.
const VERSION: u32 = 2;

/// What one side tells the other.
#[derive(Debug, Serialize, Deserialize)]
struct Letter {
    version: u32,
    /// Who writes.
    name: String,
    #[serde(flatten)]
    body: Body,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Body {
    /// All that the writer knows.
    Value(Value),
    /// Why the writer says nothing.
    Refused(String),
}

/// All that is read of a letter before its version is known.
#[derive(Deserialize)]
struct Head {
    version: u32,
}

/// Connects to a peer, tells it `value` and returns what it knows.
pub(super) async fn ask(
    us: &Us,
    name: &str,
    peer: &PeerConfig,
    value: Value,
    deadline: Instant,
) -> Result<Value, String> {
    let letter = write(us, Body::Value(value))?;
    let mut channel = call(us, name, peer, deadline).await?;
    within(deadline, "sending", channel.send(&letter)).await?;
    let answer = within(deadline, "waiting for its answer", channel.receive()).await?;
    let Letter { name: writer, body, .. } = read(&answer)?;
    if writer != name {
        return Err(format!("at this address answers {writer:?}; check `peers.members`"));
    }
    match body {
        Body::Value(value) => Ok(value),
        Body::Refused(why) => Err(format!("it refuses us: {}", shortened(&why))),
    }
}

/// A channel to a peer that holds one of its listed keys. While a key is replaced there are two.
async fn call(us: &Us, name: &str, peer: &PeerConfig, deadline: Instant) -> Result<Channel, String> {
    let mut refused =
        format!("no key is listed for it: put what `polder keys identity` prints there into peers.members.{name}.keys");
    for key in &peer.keys {
        let stream = within(deadline, "connecting", connect(us.listen, peer.address)).await?;
        let handshake = timeout_at(deadline, Channel::initiate(stream, &us.identity, key)).await;
        match handshake {
            Ok(Ok(channel)) => return Ok(channel),
            Ok(Err(error @ ChannelError::NotTheKey)) => refused = error.to_string(),
            Ok(Err(error)) => return Err(error.to_string()),
            Err(_) => return Err(timed_out("in the handshake")),
        }
    }
    Err(refused)
}

/// Connects from the address at which we listen, if that is one: peers close connections from addresses of nobody they
/// know.
async fn connect(listen: SocketAddr, to: SocketAddr) -> io::Result<TcpStream> {
    let socket = if to.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if !listen.ip().is_unspecified() && listen.is_ipv4() == to.is_ipv4() {
        socket.bind(SocketAddr::new(listen.ip(), 0))?;
    }
    socket.connect(to).await
}

/// Proves who connected: the peer for whom the document lists its key.
pub(super) async fn welcome(us: &Us, stream: TcpStream, deadline: Instant) -> Result<(Channel, String), String> {
    let whose = |key: &PublicKey| us.whose(key);
    within(deadline, "in the handshake", Channel::respond(stream, &us.identity, whose)).await
}

/// Hears a peer that connected and has proved who it is, and tells it what we know.
pub(super) async fn answer(
    us: &Us,
    peer: &str,
    mut channel: Channel,
    ours: watch::Receiver<Value>,
    deadline: Instant,
) -> Result<Value, String> {
    let letter = within(deadline, "waiting for its letter", channel.receive()).await?;
    let heard = read(&letter).and_then(|letter| admit(peer, letter));
    let body = match &heard {
        Ok(_) => Body::Value(ours.borrow().clone()),
        Err(why) => Body::Refused(why.clone()),
    };
    let answer = write(us, body)?;
    within(deadline, "answering", channel.send(&answer)).await?;
    heard
}

/// Takes a letter in the name of whoever holds the key, and in no other.
fn admit(peer: &str, letter: Letter) -> Result<Value, String> {
    let Letter { name, body, .. } = letter;
    if name != peer {
        return Err(format!(
            "the key of {peer} was used in the name of {:?}; each daemon has a key of its own",
            shortened(&name)
        ));
    }
    match body {
        Body::Value(value) => Ok(value),
        Body::Refused(_) => Err("it opened with a refusal".to_owned()),
    }
}

/// So much of what a peer says stands in a log line.
fn shortened(text: &str) -> String {
    const MOST: usize = 300;
    text.chars().take(MOST).filter(|c| !c.is_control()).collect()
}

fn write(us: &Us, body: Body) -> Result<Vec<u8>, String> {
    let letter = Letter { version: VERSION, name: us.name.clone(), body };
    serde_json::to_vec(&letter).map_err(|error| format!("cannot write a letter: {error}"))
}

fn read(letter: &[u8]) -> Result<Letter, String> {
    let malformed = |error| format!("a malformed letter: {error}");
    let Head { version } = serde_json::from_slice(letter).map_err(malformed)?;
    if version != VERSION {
        return Err(format!("speaks version {version} of the peers' letters, expected {VERSION}; upgrade both"));
    }
    serde_json::from_slice(letter).map_err(malformed)
}

/// The value of a letter, whoever writes.
pub(super) fn value_of(letter: &[u8]) -> Result<Value, String> {
    match read(letter)?.body {
        Body::Value(value) => Ok(value),
        Body::Refused(why) => Err(why),
    }
}

async fn within<T, E: Into<ChannelError>>(
    deadline: Instant,
    doing: &str,
    step: impl Future<Output = Result<T, E>>,
) -> Result<T, String> {
    match timeout_at(deadline, step).await {
        Ok(result) => result.map_err(|error| error.into().to_string()),
        Err(_) => Err(timed_out(doing)),
    }
}

fn timed_out(doing: &str) -> String {
    format!("timed out {doing}")
}
