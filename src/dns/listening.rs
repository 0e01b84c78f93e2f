//! The threads that answer: those of each UDP listener, TCP's, and that of encrypted transports.
//!
//! Owns when a worker starts and stops. Sockets stay [`Sockets`]'s.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use arc_swap::ArcSwap;

use super::answering::Answering;
use super::capacity::{self, Limits};
use super::control::prepared::Prepared;
use super::conversation::Responder;
use super::counters::Counters;
use super::dnstap::{Protocol, Tap};
use super::encrypted::{self, Encrypted, Responders};
use super::protection::Protection;
use super::rate_limit::Accounts;
use super::tcp::Tcp;
use super::udp::Worker;
use crate::config::DnsConfig;
use crate::daemon::sockets::{BindError, Sockets};
use crate::daemon::ticks::Ticks;

/// Sockets of a document, bound but not yet read.
pub struct Bound {
    udp: BTreeMap<SocketAddr, Vec<UdpSocket>>,
    tcp: Vec<TcpListener>,
    encrypted: encrypted::Bound,
    /// Where proxies tell challenges.
    pub challenges: Option<TcpListener>,
}

impl Bound {
    /// Asks for every listener of the document.
    pub fn bind(document: &DnsConfig, sockets: &mut Sockets) -> Result<Bound, BindError> {
        let workers = capacity::workers(document);
        let mut bound =
            Bound { udp: BTreeMap::new(), tcp: Vec::new(), encrypted: Default::default(), challenges: None };
        for address in &document.listeners {
            bound.udp.insert(*address, sockets.udp(*address, workers)?);
            bound.tcp.extend(sockets.tcp(*address, 1)?);
        }
        if let Some(document) = &document.encrypted {
            for address in &document.tls {
                bound.encrypted.tls.extend(sockets.tcp(*address, 1)?);
            }
            for address in &document.https {
                bound.encrypted.https.extend(sockets.tcp(*address, 1)?);
            }
            for address in &document.quic {
                bound.encrypted.quic.extend(sockets.quic(*address)?.map(|socket| (*address, socket)));
            }
        }
        if let Some(challenges) = &document.acme_challenges {
            bound.challenges = sockets.tcp(challenges.listen, 1)?.pop();
        }
        Ok(bound)
    }
}

/// What a thread that has streams answers them with.
fn responder(
    answering: &Answering,
    protection: &Arc<ArcSwap<Protection>>,
    protocol: Protocol,
    counters: &Arc<Counters>,
) -> impl FnOnce() -> Responder + Send + 'static {
    let (answering, protection, counters) = (answering.clone(), Arc::clone(protection), Arc::clone(counters));
    move || Responder::new(answering, protection, protocol, counters)
}

/// All workers.
pub struct Listening {
    answering: Answering,
    protection: Arc<ArcSwap<Protection>>,
    accounts: Arc<Accounts>,
    ticks: Ticks,
    udp: BTreeMap<SocketAddr, UdpWorkers>,
    /// Workers that were told to stop.
    ending: Vec<JoinHandle<()>>,
    /// Of every UDP worker there ever was: what they counted stays counted.
    udp_counters: Vec<Arc<Counters>>,
    tcp: Tcp,
    tcp_counters: Arc<Counters>,
    /// None: no document has had an encrypted transport yet.
    encrypted: Option<EncryptedWorker>,
}

struct EncryptedWorker {
    thread: Encrypted,
    /// By transport.
    counters: [(&'static str, Arc<Counters>); 3],
}

struct UdpWorkers {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
    /// One for each thread.
    counters: Vec<Arc<Counters>>,
}

impl Listening {
    /// Starts the TCP thread; nothing is read before [`Listening::serve`].
    pub fn new(
        limits: Limits,
        answering: Answering,
        protection: Protection,
        ticks: Ticks,
    ) -> std::io::Result<Listening> {
        let protection = Arc::new(ArcSwap::from_pointee(protection));
        let tcp_counters = Arc::<Counters>::default();
        let tick = ticks.worker("tcp");
        let tcp = Tcp::start(limits, responder(&answering, &protection, Protocol::Tcp, &tcp_counters), tick)?;
        Ok(Listening {
            answering,
            protection,
            accounts: Arc::default(),
            ticks,
            udp: BTreeMap::new(),
            ending: Vec::new(),
            udp_counters: Vec::new(),
            tcp,
            tcp_counters,
            encrypted: None,
        })
    }

    /// Serves these sockets from now on, and no others. An address whose number of sockets is what it was keeps
    /// its workers.
    pub fn serve(&mut self, document: &Prepared, bound: Bound) -> std::io::Result<()> {
        if document.encrypted.is_some() && self.encrypted.is_none() {
            let counters = ["tls", "https", "quic"].map(|transport| (transport, Arc::<Counters>::default()));
            let made = |protocol, n: usize| responder(&self.answering, &self.protection, protocol, &counters[n].1);
            let (tls, https, quic) = (made(Protocol::Tls, 0), made(Protocol::Https, 1), made(Protocol::Quic, 2));
            let responders = move || Responders { tls: tls(), https: https(), quic: quic() };
            let thread = Encrypted::start(responders, self.ticks.worker("encrypted"))?;
            self.encrypted = Some(EncryptedWorker { thread, counters });
        }
        if let Some(encrypted) = &self.encrypted {
            encrypted.thread.serve(document.encrypted.clone(), bound.encrypted);
        }
        self.tcp.set_limits(document.tcp.clone());
        self.tcp.listen(bound.tcp);
        let changed = |address: &SocketAddr, workers: &UdpWorkers| {
            bound.udp.get(address).is_none_or(|sockets| sockets.len() != workers.threads.len())
        };
        for (_, workers) in self.udp.extract_if(.., |address, workers| changed(address, workers)) {
            workers.stop.store(true, Ordering::Relaxed);
            self.ending.extend(workers.threads);
        }
        for (address, sockets) in bound.udp {
            if !self.udp.contains_key(&address) {
                let workers = self.start(address, sockets)?;
                self.udp.insert(address, workers);
            }
        }
        Ok(())
    }

    /// No other process reads the same sockets.
    pub fn alone(&self) {
        self.encrypted.iter().for_each(|encrypted| encrypted.thread.alone());
    }

    /// What is in force.
    pub fn protection(&self) -> Arc<Protection> {
        self.protection.load_full()
    }

    /// Other limits and secrets, from the next batch on.
    pub fn protect(&self, protection: Protection) {
        self.protection.store(Arc::new(protection));
    }

    fn start(&mut self, address: SocketAddr, sockets: Vec<UdpSocket>) -> std::io::Result<UdpWorkers> {
        let stop = Arc::<AtomicBool>::default();
        let (mut threads, mut all_counters) = (Vec::new(), Vec::new());
        for (n, socket) in sockets.into_iter().enumerate() {
            let counters = Arc::<Counters>::default();
            self.udp_counters.push(Arc::clone(&counters));
            all_counters.push(Arc::clone(&counters));
            let worker = Worker {
                bound: socket.local_addr()?,
                socket,
                answering: self.answering.clone(),
                protection: Arc::clone(&self.protection),
                accounts: Arc::clone(&self.accounts),
                tap: Tap::new(self.answering.taps.clone(), Protocol::Udp, Arc::clone(&counters)),
                counters,
                tick: self.ticks.worker(&format!("udp {address} {n}")),
                stop: Arc::clone(&stop),
            };
            threads.push(std::thread::Builder::new().name(format!("dns-udp-{n}")).spawn(move || worker.run())?);
        }
        Ok(UdpWorkers { stop, threads, counters: all_counters })
    }

    /// Where it listens.
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> + '_ {
        self.udp.keys().copied()
    }

    /// The threads that have answered nobody yet, by name; without that of encrypted transports, which only a client that trusts the
    /// certificates could ask.
    pub fn silent_threads(&self) -> Vec<String> {
        let mut silent = Vec::new();
        for (address, workers) in &self.udp {
            let threads = workers.counters.iter().enumerate().filter(|(_, counters)| counters.answered() == 0);
            silent.extend(threads.map(|(n, _)| format!("udp {address} {n}")));
        }
        if !self.udp.is_empty() && self.tcp_counters.answered() == 0 {
            silent.push("tcp".to_owned());
        }
        silent
    }

    /// Reads no further datagram and accepts no further connection. Connections that are open are answered until they end, at most for
    /// `limit`. [`Listening::ended`] tells.
    pub fn drain(&mut self, limit: Duration) {
        for workers in std::mem::take(&mut self.udp).into_values() {
            workers.stop.store(true, Ordering::Relaxed);
            self.ending.extend(workers.threads);
        }
        self.tcp.drain(limit);
        self.encrypted.iter().for_each(|encrypted| encrypted.thread.drain(limit));
    }

    /// All threads have ended.
    pub fn ended(&self) -> bool {
        self.tcp.ended()
            && self.encrypted.as_ref().is_none_or(|encrypted| encrypted.thread.ended())
            && self.ending.iter().all(JoinHandle::is_finished)
    }

    /// What each transport counted; of encrypted ones only if there have been any.
    pub fn counters(&self) -> impl Iterator<Item = (&'static str, &Counters)> {
        let udp = self.udp_counters.iter().map(|counters| ("udp", &**counters));
        let encrypted = self.encrypted.iter().flat_map(|encrypted| &encrypted.counters);
        let encrypted = encrypted.map(|(transport, counters)| (*transport, &**counters));
        udp.chain([("tcp", &*self.tcp_counters)]).chain(encrypted)
    }
}
