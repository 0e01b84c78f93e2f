//! One exchange over a fresh channel, bounded in time: a message each way, or several while one side lacks more than a message holds.
//!
//! Owns the form of a message. The initiator writes first; the responder answers with what changed of its own state, or with a refusal that
//! tells the operator at the other end what to mend. The writer is known by its key: the name in a message must be the name
//! for which that key is listed.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use super::super::channel::{Channel, ChannelError, Protocol, connect};
use super::changes::{Exchanged, Inbox, MAX_MESSAGE, MAX_STATE, Position, StateTooLarge};
use super::shared::Shared;
use crate::config::{PeerConfig, PublicKey};
use crate::unix_time::unix_ms;

/// Version 1 was authenticated by one key that all peers shared.
pub(super) const PROTOCOL: Protocol = Protocol {
    prologue: b"polder peers 2",
    longest: MAX_MESSAGE,
    key_file: "peers.key_file",
    listed_in: "peers.members",
};

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
    /// What changed of the writer's state; an earlier version sends all of it as `value`, and is sent it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    changes: Option<Exchanged>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Body {
    /// The writer's whole state, or that with empty sections beside `changes`.
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
    /// The peer's state is larger than [`MAX_STATE`].
    StateTooLarge,
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
            ExchangeError::StateTooLarge => {
                write!(f, "its state has more than {MAX_STATE} bytes, more than documents allow")
            }
            ExchangeError::Unwritable(error) => write!(f, "cannot write a message: {error}"),
        }
    }
}

impl std::error::Error for ExchangeError {}

impl From<StateTooLarge> for ExchangeError {
    fn from(StateTooLarge: StateTooLarge) -> ExchangeError {
        ExchangeError::StateTooLarge
    }
}

/// An exchange has ended well.
#[derive(Debug)]
pub(super) struct Received {
    /// How far the peer's clock is ahead of ours, in milliseconds, if it says what its clock shows.
    pub(super) ahead_ms: Option<i64>,
    /// The peer has not got our state: it turned out to be of an earlier version, which is sent all of it next time.
    pub(super) is_unheard: bool,
}

/// How far a clock that shows `at` is ahead of one that shows `now`, in milliseconds.
fn ahead_ms(at: u64, now: u64) -> i64 {
    let ahead = i128::from(at) - i128::from(now);
    ahead.clamp(i64::MIN.into(), i64::MAX.into()) as i64
}

/// Connects to a peer; each tells the other what it lacks, message by message, until none lacks anything.
pub(super) async fn initiate(
    shared: &Shared,
    name: &str,
    peer: &PeerConfig,
    deadline: Instant,
) -> Result<Received, ExchangeError> {
    let mut channel = call(shared, name, peer, deadline).await?;
    let mut measured = None;
    loop {
        let (message, told) = compose(shared, name)?;
        let sent = unix_ms();
        within(deadline, "sending", channel.send(&message)).await?;
        let answer = within(deadline, "waiting for its answer", channel.receive()).await?;
        let PeerMessage { name: writer, body, at, changes, .. } = read(&answer)?;
        // It wrote somewhere between the two moments.
        let meanwhile = sent / 2 + unix_ms() / 2;
        if writer != name {
            return Err(ExchangeError::OtherName(writer));
        }
        let value = match body {
            Body::Value(value) => value,
            Body::Refused(why) => return Err(ExchangeError::Refused(why)),
        };
        let ahead_ms = *measured.get_or_insert_with(|| at.map(|at| ahead_ms(at, meanwhile)));
        let Some(mut link) = shared.link(name) else { return Err(ExchangeError::OtherName(writer)) };
        let Some(changes) = changes else {
            let is_unheard = !std::mem::replace(&mut link.sends_whole, true);
            link.inbox.replace(value);
            return Ok(Received { ahead_ms, is_unheard });
        };
        link.hear(changes)?;
        if link.is_settled(told) {
            return Ok(Received { ahead_ms, is_unheard: false });
        }
    }
}

/// A channel to a peer that holds one of its listed keys. While a key is replaced there are two.
async fn call(shared: &Shared, name: &str, peer: &PeerConfig, deadline: Instant) -> Result<Channel, ExchangeError> {
    let mut failed = ExchangeError::NoKey { peer: name.to_owned() };
    for key in &peer.keys {
        let stream = within(deadline, "connecting", connect(shared.listen.ip(), peer.address)).await?;
        match within(deadline, "in the handshake", Channel::initiate(stream, &PROTOCOL, &shared.identity, key)).await {
            Err(error @ ExchangeError::Channel(ChannelError::NotTheKey)) => failed = error,
            result => return result,
        }
    }
    Err(failed)
}

/// The handshake of a connection that was accepted. Gives the peer for which the document lists the other side's key.
pub(super) async fn accept(
    shared: &Shared,
    stream: TcpStream,
    deadline: Instant,
) -> Result<(Channel, String), ExchangeError> {
    let listed = |key: &PublicKey| shared.member_with(key);
    within(deadline, "in the handshake", Channel::respond(stream, &PROTOCOL, &shared.identity, listed)).await
}

/// Hears a peer that has proved its name, and tells it what it lacks, as long as it goes on. The daemon is told of the peer's state
/// each time that it is whole.
pub(super) async fn answer(
    shared: &Shared,
    peer: &str,
    mut channel: Channel,
    deadline: Instant,
) -> Result<(), ExchangeError> {
    let mut message = within(deadline, "waiting for its message", channel.receive()).await?;
    loop {
        let received = read(&message).and_then(|message| admit(peer, message));
        let heard = received.and_then(|(value, changes, ahead_ms)| take_in(shared, peer, value, changes, ahead_ms));
        let answer = match &heard {
            Ok(Heard { speaks_changes: true, .. }) => compose(shared, peer)?.0,
            Ok(_) => write(shared, Body::Value(shared.state.borrow().whole()), None)?,
            Err(error) => write(shared, Body::Refused(error.to_string()), None)?,
        };
        within(deadline, "answering", channel.send(&answer)).await?;
        let Heard { ahead_ms, speaks_changes } = heard?;
        shared.note_received(peer, ahead_ms);
        // Without it the daemon is about to drop the exchange.
        if !shared.deliver(peer, ahead_ms).await || !speaks_changes {
            return Ok(());
        }
        message = match within(deadline, "waiting for its message", channel.receive()).await {
            Ok(message) => message,
            // It has nothing more to tell, or goes on with a new connection.
            Err(_) => return Ok(()),
        };
    }
}

/// What was heard of a peer.
struct Heard {
    ahead_ms: Option<i64>,
    speaks_changes: bool,
}

fn take_in(
    shared: &Shared,
    peer: &str,
    value: Value,
    changes: Option<Exchanged>,
    ahead_ms: Option<i64>,
) -> Result<Heard, ExchangeError> {
    let Some(mut link) = shared.link(peer) else { return Err(ExchangeError::OtherName(peer.to_owned())) };
    let speaks_changes = changes.is_some();
    match changes {
        Some(changes) => link.hear(changes)?,
        None => {
            link.sends_whole = true;
            link.inbox.replace(value);
        }
    }
    Ok(Heard { ahead_ms, speaks_changes })
}

/// Takes a message in the name of the key's owner, and in no other.
fn admit(peer: &str, message: PeerMessage) -> Result<(Value, Option<Exchanged>, Option<i64>), ExchangeError> {
    let PeerMessage { name, body, at, changes, .. } = message;
    if name != peer {
        return Err(ExchangeError::Impersonation { peer: peer.to_owned(), name });
    }
    match body {
        Body::Value(value) => Ok((value, changes, at.map(|at| ahead_ms(at, unix_ms())))),
        Body::Refused(_) => Err(ExchangeError::BeganWithRefusal),
    }
}

/// What a peer is told now, and up to where our state is in it or will be in what follows.
fn compose(shared: &Shared, peer: &str) -> Result<(Vec<u8>, Position), ExchangeError> {
    let ours = shared.state.borrow();
    let Some(link) = shared.link(peer) else { return Err(ExchangeError::OtherName(peer.to_owned())) };
    let value = if link.sends_whole { ours.whole() } else { ours.scalars() };
    Ok((write(shared, Body::Value(value), Some(link.tell(&ours)))?, ours.position()))
}

/// As much of a peer's text as may stand in a log line.
fn shortened(text: &str) -> String {
    const MOST: usize = 300;
    text.chars().take(MOST).filter(|c| !c.is_control()).collect()
}

fn write(shared: &Shared, body: Body, changes: Option<Exchanged>) -> Result<Vec<u8>, ExchangeError> {
    let message = PeerMessage { version: VERSION, name: shared.name.clone(), at: Some(unix_ms()), body, changes };
    serde_json::to_vec(&message).map_err(ExchangeError::Unwritable)
}

fn read(message: &[u8]) -> Result<PeerMessage, ExchangeError> {
    let Head { version } = serde_json::from_slice(message).map_err(ExchangeError::Malformed)?;
    if version != VERSION {
        return Err(ExchangeError::Version(version));
    }
    serde_json::from_slice(message).map_err(ExchangeError::Malformed)
}

/// The state in a message to whoever has none of it yet.
pub(super) fn value_of(message: &[u8]) -> Result<Value, ExchangeError> {
    let PeerMessage { body, changes, .. } = read(message)?;
    let mut inbox = Inbox::default();
    match (body, changes) {
        (Body::Refused(why), _) => return Err(ExchangeError::Refused(why)),
        (Body::Value(value), None) => inbox.replace(value),
        (Body::Value(_), Some(changes)) => inbox.take(changes.piece)?,
    }
    Ok(inbox.news().map(|(state, _)| (*state).clone()).unwrap_or_default())
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
