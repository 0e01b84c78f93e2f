//! Where a nameserver is told challenges: who may connect, and how many connections each may have.
//!
//! As the peers' listener: a connection from an address of no proxy is closed at once, each address may have
//! [`MAX_HANDSHAKES`] before it has proved a name, and each proxy [`MAX_TELLINGS`] after that; at either limit the oldest is closed for
//! a new one. Must never: wait for one of them before it accepts the next.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{sleep, timeout};

use super::super::callers::{Refusals, Slots};
use super::super::channel::{Channel, ChannelError};
use super::super::identity::Identity;
use super::message::{Answer, MessageError, PROTOCOL, Told};
use crate::config::PublicKey;
use crate::config::dns::{AcmeChallengesConfig, ChallengesFrom};

/// Handshakes under way from one address.
const MAX_HANDSHAKES: usize = 8;

/// Messages of one proxy that are being read or answered: the present one, and what may be left of earlier ones.
const MAX_TELLINGS: usize = 4;

/// The most connections at a time of so many proxies, with so many addresses.
pub const fn connections_of(proxies: usize, addresses: usize) -> usize {
    MAX_HANDSHAKES * addresses + MAX_TELLINGS * proxies
}

/// The most that one connection may take.
const LIMIT: Duration = Duration::from_secs(2);

/// The pause after a failed accept (no descriptors left, for one).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A proxy has told its challenges.
#[derive(Debug)]
pub struct Telling {
    /// The proxy, which has proved its name.
    pub proxy: String,
    /// What it wants answered.
    pub told: Told,
    /// For the answer, once queries are answered with it. Dropped, the proxy is told nothing and tells again.
    pub answer: oneshot::Sender<Answer>,
}

/// A listener that runs until it is dropped.
#[derive(Debug)]
pub struct Listener(AbortHandle);

impl Drop for Listener {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What every task needs.
struct Shared<D> {
    config: AcmeChallengesConfig,
    identity: Identity,
    deliver: D,
}

/// Why a connection has come to nothing, worded to follow where it came from.
enum TellingError {
    Channel(ChannelError),
    Message(MessageError),
    TimedOut,
    /// The nameserver is about to end, or another process is the daemon.
    Unanswered,
}

impl std::fmt::Display for TellingError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            TellingError::Channel(error) => error.fmt(f),
            TellingError::Message(error) => error.fmt(f),
            TellingError::TimedOut => f.write_str("timed out"),
            TellingError::Unanswered => f.write_str("this process answers no challenges at the moment"),
        }
    }
}

impl From<ChannelError> for TellingError {
    fn from(error: ChannelError) -> TellingError {
        TellingError::Channel(error)
    }
}

impl From<MessageError> for TellingError {
    fn from(error: MessageError) -> TellingError {
        TellingError::Message(error)
    }
}

type Accepted = Result<(Channel, String, SocketAddr), String>;

impl Listener {
    /// Listens on the current runtime. What proxies tell goes to `deliver`, in the order in which it has arrived whole.
    ///
    /// # Errors
    ///
    /// The runtime takes no more sockets.
    pub fn start(
        config: AcmeChallengesConfig,
        identity: Identity,
        listener: std::net::TcpListener,
        deliver: impl Fn(Telling) + Send + Sync + 'static,
    ) -> std::io::Result<Listener> {
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        let shared = Arc::new(Shared { config, identity, deliver });
        Ok(Listener(tokio::spawn(listen(shared, listener)).abort_handle()))
    }
}

async fn listen<D: Fn(Telling) + Send + Sync + 'static>(shared: Arc<Shared<D>>, listener: TcpListener) {
    let mut handshakes: JoinSet<Accepted> = JoinSet::new();
    let mut tellings: JoinSet<Result<(), String>> = JoinSet::new();
    let mut by_address = Slots::new(MAX_HANDSHAKES);
    let mut by_proxy = Slots::new(MAX_TELLINGS);
    let mut refusals = Refusals::default();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, from)) if shared.proxy_at(from.ip()).is_some() => {
                    let shared = Arc::clone(&shared);
                    by_address.take(from.ip().to_canonical(), || handshakes.spawn(handshake(shared, stream, from)));
                }
                Ok((_, from)) => refusals.log(&format!("{from}: no proxy of `acme_challenges.from` is at this address")),
                Err(error) => {
                    tracing::warn!("cannot accept a proxy's connection: {error}");
                    sleep(ACCEPT_PAUSE).await;
                }
            },
            // A task fails only if it was ended for a newer one.
            Some(Ok(accepted)) = handshakes.join_next() => match accepted {
                Ok((channel, proxy, from)) => {
                    let telling = hear(Arc::clone(&shared), channel, proxy.clone(), from);
                    by_proxy.take(proxy, || tellings.spawn(telling));
                }
                Err(why) => refusals.log(&why),
            },
            Some(Ok(Err(why))) = tellings.join_next() => refusals.log(&why),
        }
    }
}

/// The handshake of one connection; the error is for the log and names where it came from.
async fn handshake<D>(shared: Arc<Shared<D>>, stream: TcpStream, from: SocketAddr) -> Accepted {
    let listed = |key: &PublicKey| shared.proxy_with(key, from.ip());
    let accepted = timeout(LIMIT, Channel::respond(stream, &PROTOCOL, &shared.identity, listed)).await;
    let why = match accepted {
        Ok(Ok((channel, proxy))) => return Ok((channel, proxy, from)),
        Ok(Err(error)) => TellingError::Channel(error),
        Err(_) => TellingError::TimedOut,
    };
    let host = shared.proxy_at(from.ip()).unwrap_or_default();
    Err(format!("{from}, the host of {host}: {why}"))
}

/// One message of a proxy, and its answer.
async fn hear<D: Fn(Telling)>(
    shared: Arc<Shared<D>>,
    channel: Channel,
    proxy: String,
    from: SocketAddr,
) -> Result<(), String> {
    let heard = timeout(LIMIT, exchange(&shared.deliver, channel, &proxy)).await;
    let heard = heard.unwrap_or(Err(TellingError::TimedOut));
    heard.map_err(|why| format!("{from}, which has the key of {proxy}: {why}"))
}

async fn exchange(deliver: impl Fn(Telling), mut channel: Channel, proxy: &str) -> Result<(), TellingError> {
    let message = channel.receive().await?;
    let told = match Told::read(&message) {
        Ok(told) => told,
        Err(error) => {
            channel.send(&Answer::Refused(error.to_string()).write()?).await?;
            return Err(error.into());
        }
    };
    let (answer, answered) = oneshot::channel();
    deliver(Telling { proxy: proxy.to_owned(), told, answer });
    let answer = answered.await.map_err(|_| TellingError::Unanswered)?;
    Ok(channel.send(&answer.write()?).await?)
}

impl<D> Shared<D> {
    fn proxy_at(&self, address: IpAddr) -> Option<&str> {
        let address = address.to_canonical();
        let mut from = self.config.from.iter();
        from.find(|(_, from)| from.addresses.contains(&address)).map(|(name, _)| name.as_str())
    }

    /// The proxy that has this key and this address: a stolen key is of no use on the host of another proxy.
    fn proxy_with(&self, key: &PublicKey, address: IpAddr) -> Option<String> {
        let address = address.to_canonical();
        let is_it = |from: &ChallengesFrom| from.keys.contains(key) && from.addresses.contains(&address);
        self.config.from.iter().find(|(_, from)| is_it(from)).map(|(name, _)| name.clone())
    }
}
