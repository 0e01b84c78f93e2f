//! One exchange: a letter each way over a fresh channel, bounded in time.
//!
//! Owns what a letter says. The initiator writes first; the responder answers with its own value, or with a refusal that
//! tells the operator at the other end what to mend.

use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::channel::{Channel, ChannelError};
use super::{EXCHANGE_LIMIT, Heard, Us};

/// The version of the letters spoken here.
const VERSION: u32 = 1;

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
    peer: &str,
    address: SocketAddr,
    value: Value,
    deadline: Instant,
) -> Result<Value, String> {
    let letter = write(us, Body::Value(value))?;
    let stream = within(deadline, "connecting", TcpStream::connect(address)).await?;
    let mut channel = within(deadline, "in the handshake", Channel::initiate(stream, &us.keys)).await?;
    within(deadline, "sending", channel.send(&letter)).await?;
    let answer = within(deadline, "waiting for its answer", channel.receive()).await?;
    let Letter { name, body, .. } = read(&answer)?;
    if name != peer {
        return Err(format!("at this address answers {name:?}; check `peers.members`"));
    }
    match body {
        Body::Value(value) => Ok(value),
        Body::Refused(why) => Err(format!("it refuses us: {why}")),
    }
}

/// Hears a peer that connected, and tells it what we know.
pub(super) async fn answer(
    us: &Us,
    stream: TcpStream,
    ours: watch::Receiver<Value>,
    deadline: Instant,
) -> Result<Heard, String> {
    let mut channel = within(deadline, "in the handshake", Channel::respond(stream, &us.keys)).await?;
    let letter = within(deadline, "waiting for its letter", channel.receive()).await?;
    let heard = read(&letter).and_then(|letter| admit(us, letter));
    let body = match &heard {
        Ok(_) => Body::Value(ours.borrow().clone()),
        Err(why) => Body::Refused(why.clone()),
    };
    let answer = write(us, body)?;
    within(deadline, "answering", channel.send(&answer)).await?;
    heard
}

/// Takes a letter of a known peer only.
fn admit(us: &Us, letter: Letter) -> Result<Heard, String> {
    let Letter { name: peer, body, .. } = letter;
    if peer == us.name {
        return Err(format!("two daemons are named {peer:?}; give each a name of its own"));
    }
    if !us.members.contains_key(&peer) {
        return Err(format!("unknown peer name {peer:?}; {} has no such entry in `peers.members`", us.name));
    }
    match body {
        Body::Value(value) => Ok(Heard { peer, value }),
        Body::Refused(_) => Err(format!("{peer} opened with a refusal")),
    }
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
    const LIMIT: Duration = EXCHANGE_LIMIT;
    match timeout_at(deadline, step).await {
        Ok(result) => result.map_err(|error| error.into().to_string()),
        Err(_) => Err(format!("timed out after {LIMIT:?} {doing}")),
    }
}
