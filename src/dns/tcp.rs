//! DNS over TCP (RFC 7766): one thread with a runtime of its own for all listeners and connections.
//!
//! Owns its connections and the limits on them. Must never: truncate an answer (the client uses TCP to get the whole), or hold
//! more for a client than one query and one answer. Started by [`super::listening`].

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::task::LocalSet;
use tokio::time::{Instant, sleep, timeout};

use super::answer::{self, Answered, Client, Transport};
use super::answering::Answering;
use super::capacity::Limits;
use super::cookie::{Issuer, Standing};
use super::counters::Counters;
use super::protection::Protection;
use super::transfer::{self, Brings, MESSAGE};
use crate::counted::counted;
use crate::daemon::client_network;
use crate::daemon::ticks::Tick;
use crate::unix_time::unix_ms;
use crate::zone::name;
use crate::zone::number::rcode;

/// How long accepting pauses when this machine has no descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A command to the TCP thread.
enum Order {
    /// Serve exactly these listeners from now on.
    Listen(Vec<TcpListener>),
    /// Apply these limits.
    Limits(Limits),
    /// Stop accepting; end when all connections have ended, or after this time.
    Drain(Duration),
}

/// A handle on the TCP thread.
pub struct Tcp {
    orders: mpsc::UnboundedSender<Order>,
    thread: JoinHandle<()>,
}

impl Tcp {
    /// Starts the thread, with no listener yet.
    pub fn start(
        limits: Limits,
        answering: Answering,
        protection: Arc<ArcSwap<Protection>>,
        counters: Arc<Counters>,
        tick: Tick,
    ) -> io::Result<Tcp> {
        let (orders, received) = mpsc::unbounded_channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        let thread = std::thread::Builder::new().name("dns-tcp".into()).spawn(move || {
            let service = Rc::new(Service {
                limits: RefCell::new(limits),
                answering,
                protection,
                counters,
                open: RefCell::default(),
                scratch: RefCell::new(vec![0; MESSAGE]),
            });
            LocalSet::new().block_on(&runtime, service.run(received, tick));
        })?;
        Ok(Tcp { orders, thread })
    }

    /// Serves exactly these listeners from now on; connections stay.
    pub fn listen(&self, listeners: Vec<TcpListener>) {
        self.order(Order::Listen(listeners));
    }

    /// Other limits, for new connections and for the next query of open ones.
    pub fn set_limits(&self, limits: Limits) {
        self.order(Order::Limits(limits));
    }

    /// Stops accepting, and answers on open connections until they end, for at most `limit`; then [`Tcp::ended`] is true.
    pub fn drain(&self, limit: Duration) {
        self.order(Order::Drain(limit));
    }

    /// The thread has ended.
    pub fn ended(&self) -> bool {
        self.thread.is_finished()
    }

    /// Sends a command; one to a thread that has ended is dropped.
    fn order(&self, order: Order) {
        let _ = self.orders.send(order);
    }
}

/// What all connections share; they live on one thread.
struct Service {
    limits: RefCell<Limits>,
    answering: Answering,
    /// Only its cookie secrets matter here: responses over TCP are not rate limited.
    protection: Arc<ArcSwap<Protection>>,
    counters: Arc<Counters>,
    /// Open connections by client.
    open: RefCell<HashMap<IpAddr, usize>>,
    /// Where an answer is made before its bytes are copied out; never held across an await.
    scratch: RefCell<Vec<u8>>,
}

impl Service {
    async fn run(self: Rc<Service>, mut orders: mpsc::UnboundedReceiver<Order>, tick: Tick) {
        let mut ticking = tokio::time::interval(Duration::from_millis(500));
        // Dropped and replaced to end the accept loops of before.
        let mut accepting = watch::channel(()).0;
        let drain = loop {
            let order = tokio::select! {
                order = orders.recv() => order,
                _ = ticking.tick() => { tick.tick(); continue }
            };
            match order {
                Some(Order::Listen(listeners)) => {
                    accepting = watch::channel(()).0;
                    for listener in listeners {
                        self.accept_from(listener, accepting.subscribe());
                    }
                }
                Some(Order::Limits(limits)) => *self.limits.borrow_mut() = limits,
                Some(Order::Drain(limit)) => break limit,
                None => break Duration::ZERO,
            }
        };
        drop(accepting);
        let end = Instant::now() + drain;
        while !self.open.borrow().is_empty() && Instant::now() < end {
            tick.tick();
            sleep(Duration::from_millis(50)).await;
        }
    }

    fn accept_from(self: &Rc<Service>, listener: TcpListener, mut until: watch::Receiver<()>) {
        let service = Rc::clone(self);
        tokio::task::spawn_local(async move {
            let listener = match tokio::net::TcpListener::from_std(listener) {
                Ok(listener) => listener,
                Err(error) => return tracing::error!("a TCP listener cannot be used: {error}"),
            };
            loop {
                let accepted = tokio::select! {
                    accepted = listener.accept() => accepted,
                    _ = until.changed() => return,
                };
                match accepted {
                    Ok((stream, client)) => service.admit(stream, client),
                    // The client closed the connection before it was accepted.
                    Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                    Err(error) => {
                        tracing::warn!("accepting TCP connections pauses: {error}");
                        sleep(ACCEPT_PAUSE).await;
                    }
                }
            }
        });
    }

    /// Serves a connection, or closes it at once if it is beyond a limit (RFC 7766, 6.2.2).
    fn admit(self: &Rc<Service>, stream: TcpStream, client: SocketAddr) {
        let key = client_network::of(client.ip());
        {
            let limits = self.limits.borrow();
            let mut open = self.open.borrow_mut();
            let theirs = open.get(&key).copied().unwrap_or(0);
            if theirs >= limits.connections_per_address || open.values().sum::<usize>() >= limits.connections {
                self.counters.connections_refused.add();
                return;
            }
            open.insert(key, theirs + 1);
        }
        self.counters.connections.add();
        let slot = Slot { service: Rc::clone(self), key };
        tokio::task::spawn_local(async move {
            // However it ended, that concerns only the client.
            let _ = slot.service.serve(stream, client.ip().to_canonical()).await;
        });
    }

    /// Answers a connection's queries in their order until it idles or ends. A query that has begun must be whole within
    /// the idle limit too, and an answer must be taken within it.
    async fn serve(&self, stream: TcpStream, client: IpAddr) -> io::Result<()> {
        let _ = stream.set_nodelay(true);
        let mut stream = BufReader::new(stream);
        let mut query = Vec::new();
        loop {
            let idle = self.limits.borrow().idle;
            timeout(idle, async {
                let length = stream.read_u16().await? as usize;
                query.resize(length, 0);
                stream.read_exact(&mut query).await
            })
            .await??;
            if self.transfer(&query, client, &mut stream, idle).await? {
                continue;
            }
            let Some(answer) = self.answer(&query, client, idle) else { return Ok(()) };
            timeout(idle, stream.write_all(&answer)).await??;
        }
    }

    /// Sends a zone, message by message, if that is what the query asks for and the client may have it.
    async fn transfer(
        &self,
        query: &[u8],
        client: IpAddr,
        stream: &mut BufReader<TcpStream>,
        idle: Duration,
    ) -> io::Result<bool> {
        // It holds the zone that it began with.
        let snapshot = self.answering.snapshot.load_full();
        let Some(mut transfer) = transfer::begin(query, &snapshot, client, unix_seconds()) else { return Ok(false) };
        let (zone, serial) = (name::to_text(transfer.apex), transfer.serial);
        while let Some(message) = self.framed(|buffer| transfer.messages.next(buffer, unix_seconds())) {
            let sent = timeout(idle, stream.write_all(&message)).await;
            if let Err(why) = sent.map_err(io::Error::from).flatten() {
                self.counters.transfers_broken.add();
                tracing::warn!(
                    "the transfer of zone {zone} (serial {serial}) to {client} ended after {}: {why}",
                    counted(transfer.messages.records, "record")
                );
                return Err(why);
            }
        }
        if transfer.messages.is_stuck {
            self.counters.transfers_broken.add();
            tracing::error!(
                "the transfer of zone {zone} (serial {serial}) to {client} ended after {}: the next one is too large for a signed message",
                counted(transfer.messages.records, "record")
            );
            return Err(io::ErrorKind::InvalidData.into());
        }
        self.counters
            .count(Some(Answered { slot: transfer.slot, ..Answered::of_no_zone(0, rcode::NOERROR, Standing::Absent) }));
        let since = match transfer.brings {
            Brings::Nothing => return Ok(true),
            Brings::Whole => String::new(),
            Brings::Since(earlier) => {
                self.counters.transfers_of_differences.add();
                format!(", what has changed since {earlier}")
            }
        };
        self.counters.transfers.add();
        tracing::info!(
            "zone {zone} (serial {serial}) was transferred to {client}: {} in {}{since}",
            counted(transfer.messages.records, "record"),
            counted(transfer.messages.made, "message")
        );
        Ok(true)
    }

    /// What is made in the scratch buffer, with its length before it: one write, one segment (RFC 7766, 8).
    fn framed(&self, make: impl FnOnce(&mut [u8]) -> Option<usize>) -> Option<Vec<u8>> {
        let mut scratch = self.scratch.borrow_mut();
        let length = make(&mut scratch)?;
        let mut framed = Vec::with_capacity(length + 2);
        framed.extend_from_slice(&(length as u16).to_be_bytes());
        framed.extend_from_slice(&scratch[..length]);
        Some(framed)
    }

    /// The answer with its length before it.
    fn answer(&self, query: &[u8], from: IpAddr, idle: Duration) -> Option<Vec<u8>> {
        let keepalive = u16::try_from(idle.as_millis() / 100).unwrap_or(u16::MAX);
        let rotation = fastrand::usize(..);
        let protection = self.protection.load();
        let issuer = Issuer { secrets: &protection.secrets, address: from, now: unix_seconds() as u32 };
        let client = Client { transport: Transport::Tcp { keepalive }, issuer: Some(issuer) };
        self.framed(|buffer| {
            let snapshot = self.answering.snapshot.load();
            let answered = answer::answer(query, &snapshot, &client, rotation, buffer);
            let answered = match answered {
                Some(refused) if refused.rcode == rcode::NOTIMP => {
                    let told = answer::notify(query, &snapshot, &client, from, buffer);
                    if let Some((_, Some(apex))) = &told {
                        self.answering.bell.ring(apex.as_bytes(), from);
                    }
                    Some(told.map_or(refused, |(answered, _)| answered))
                }
                answered => answered,
            };
            self.counters.count(answered);
            Some(answered?.length)
        })
    }
}

fn unix_seconds() -> u64 {
    unix_ms() / 1000
}

/// One connection's slot under the limits, which is free again when this is dropped.
struct Slot {
    service: Rc<Service>,
    key: IpAddr,
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut open = self.service.open.borrow_mut();
        if let Some(count) = open.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests;
