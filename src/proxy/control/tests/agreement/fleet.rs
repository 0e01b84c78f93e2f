//! Proxies, the store, and what is between them: everything that travels takes time, and may never come.

mod hands;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use super::store::Store;
use crate::config::proxy::ProxyConfig;
use crate::proxy::agreement::{Effect as Asked, Ended, Event as Told, Transaction};
use crate::proxy::control::tests::*;

pub const SERVICE: &str = "shop";
pub const BACKENDS: [&str; 3] = ["web2", "web3", "web4"];
pub const LEASE: Duration = Duration::from_secs(5);
/// How soon a change of what is reachable is found by checks, at most.
pub const DETECTION: Duration = Duration::from_secs(2);

/// Documents of so many proxies; made once, for each is a while's work.
pub fn documents(count: usize, policy: &str) -> Vec<Arc<Prepared>> {
    (0..count).map(|own| document(own, count, Some(policy), 0)).collect()
}

/// The same with so many services more on the same backends.
pub fn documents_with_more(count: usize, more: usize) -> Vec<Arc<Prepared>> {
    (0..count).map(|own| document(own, count, Some("stop"), more)).collect()
}

/// The same of proxies that have only each other.
pub fn documents_of_peers(count: usize) -> Vec<Arc<Prepared>> {
    (0..count).map(|own| document(own, count, None, 0)).collect()
}

fn document(own: usize, count: usize, policy: Option<&str>, more: usize) -> Arc<Prepared> {
    let mut document: Value = serde_json::from_str(DOCUMENT).unwrap();
    document["name"] = json!(name(own));
    let others = (0..count).filter(|other| *other != own);
    let member = |other| (name(other), json!({ "address": format!("127.0.0.{}:8405", other + 1), "keys": [] }));
    document["peers"] = json!({
        "listen": format!("127.0.0.{}:8405", own + 1), "key_file": "/nowhere",
        "members": others.map(member).collect::<serde_json::Map<_, _>>(),
    });
    if count == 1 {
        document.as_object_mut().unwrap().remove("peers");
    }
    // Another service would cost its part of every event, and show nothing.
    document["services"].as_object_mut().unwrap().retain(|service, _| service == SERVICE);
    let shop = &mut document["services"][SERVICE];
    shop["failover_drain"] = json!("1s");
    if let Some(policy) = policy {
        shop["without_agreement"] = json!(policy);
    }
    let backends = shop["backends"].as_array_mut().unwrap();
    backends.push(json!({ "name": "web4", "address": "192.0.2.4:8080", "backup": true }));
    for number in 0..more {
        let mut service = document["services"][SERVICE].clone();
        service["hosts"] = json!([format!("s{number}.example.net")]);
        document["services"][format!("s{number}")] = service;
    }
    if policy.is_some() {
        document["agreement"] = json!({ "engine": "etcd", "endpoints": ["http://127.0.0.1:2379"] });
    }
    let document: ProxyConfig = crate::config::proxy::parse("proxy.json".as_ref(), &document.to_string()).unwrap();
    Arc::new(Prepared::new(document, |_| Ok(vec![[1; 32]])).unwrap())
}

pub fn name(proxy: usize) -> String {
    format!("px{}", proxy + 1)
}

/// A proxy with its clock, its workers and its link to the store.
pub struct Proxy {
    pub machine: Machine,
    /// By how much its clock goes faster than the store's: 1.0 is alike.
    pace: f64,
    pub is_paused: bool,
    pub is_cut_off: bool,
    /// Messages that came while it was paused.
    inbox: Vec<Happening>,
    /// What its workers answer from.
    workers: Arc<Snapshot>,
    session: u64,
    is_connected: bool,
    /// Up to here it was told what the store has.
    told: usize,
    lease: Option<i64>,
    /// Which backends its checks reach.
    pub reaches: [bool; BACKENDS.len()],
    /// Requests that run, by backend.
    running: Vec<(usize, Duration)>,
    life: u64,
    /// When it looks at its clock next.
    wakes: Option<Duration>,
    /// What its peers are sent, and how often that has changed.
    words: (Arc<Value>, u64),
}

/// Something that comes about at a time.
#[derive(Debug, Clone)]
pub enum Happening {
    /// A proxy hears of the store, in this session and life.
    Tell(usize, u64, u64, Told),
    /// The store gets a transaction.
    Transact(usize, u64, u64, Transaction),
    /// The store gets a question about a lease, asked at this time of the proxy.
    Renew(usize, u64, Duration),
    /// A proxy renews its lease.
    Beat(usize, u64),
    /// A proxy connects.
    Connect(usize),
    /// The next changes are told.
    Watch(usize, u64),
    /// Workers have another snapshot.
    Adopt(usize, u64),
    /// A proxy looks at its clock.
    Wake(usize, u64),
    /// Checks find a backend as it is.
    Check(usize, usize),
    /// Peers exchange what they know.
    Exchange,
    /// A fault, or the end of one, of the simulation's.
    Fault(usize),
}

pub struct Fleet {
    pub now: Duration,
    pub proxies: Vec<Proxy>,
    pub store: Store,
    /// So often the store was made anew.
    clusters: u64,
    pub store_is_down: bool,
    /// It is read, and takes nothing.
    pub store_is_full: bool,
    /// Pairs of proxies that cannot hear each other.
    pub cut: Vec<(usize, usize)>,
    queue: BinaryHeap<Reverse<(Duration, u64)>>,
    coming: BTreeMap<u64, Happening>,
    ticket: u64,
    pub random: fastrand::Rng,
    documents: Vec<Arc<Prepared>>,
    /// Which words of a proxy another one heard last.
    heard: BTreeMap<(usize, usize), u64>,
    /// Of so many changes of the store those who watch have been told.
    watched: usize,
    /// Every latch that the store had, by epoch.
    pub agreed: BTreeMap<u64, Latch>,
}

impl Fleet {
    pub fn start(documents: &[Arc<Prepared>], random: fastrand::Rng) -> Fleet {
        let mut fleet = Fleet {
            now: Duration::from_secs(1),
            proxies: Vec::new(),
            store: Store::default(),
            clusters: 0,
            store_is_down: false,
            store_is_full: false,
            cut: Vec::new(),
            queue: BinaryHeap::new(),
            coming: BTreeMap::new(),
            ticket: 0,
            random,
            documents: documents.to_vec(),
            heard: BTreeMap::new(),
            watched: 0,
            agreed: BTreeMap::new(),
        };
        for own in 0..documents.len() {
            let proxy = fleet.proxy(own, StoredLatches::Missing, 0);
            fleet.proxies.push(proxy);
            fleet.after(Duration::ZERO, Happening::Connect(own));
            fleet.carry_out(own);
        }
        fleet.after(Duration::from_millis(500), Happening::Exchange);
        fleet
    }

    fn proxy(&mut self, own: usize, found: StoredLatches, life: u64) -> Proxy {
        let prepared = self.documents[own].clone();
        let health = health(&prepared, Verdict::Up);
        let mut latches = Latches::restore(found);
        if prepared.document.peers.is_some() {
            latches.doubt(&prepared, false);
        }
        let known = known(health.clone(), health, latches);
        let machine = Machine::start_with(prepared, known);
        let workers = machine.state.snapshot().clone();
        Proxy {
            machine,
            pace: 1.0 + (self.random.f64() - 0.5) / 50.0,
            is_paused: false,
            is_cut_off: false,
            inbox: Vec::new(),
            workers,
            session: 0,
            is_connected: false,
            told: 0,
            lease: None,
            reaches: [true; BACKENDS.len()],
            running: Vec::new(),
            life,
            wakes: None,
            words: Default::default(),
        }
    }

    /// A proxy's process ends at once, and begins again with the latches that its disk has.
    pub fn restart(&mut self, own: usize, keeps_disk: bool) {
        let found = self.proxies[own].machine.written.last().cloned();
        let found = found.filter(|_| keeps_disk).map_or(StoredLatches::Missing, StoredLatches::Whole);
        let life = self.proxies[own].life + 1;
        let reaches = self.proxies[own].reaches;
        let is_cut_off = self.proxies[own].is_cut_off;
        let proxy = self.proxy(own, found, life);
        self.proxies[own] = Proxy { reaches, is_cut_off, session: self.proxies[own].session + 1, ..proxy };
        self.heard.retain(|(writer, reader), _| *writer != own && *reader != own);
        self.carry_out(own);
        self.after(Duration::from_millis(50), Happening::Connect(own));
        for backend in 0..BACKENDS.len() {
            self.after(Duration::from_millis(100), Happening::Check(own, backend));
        }
    }

    pub fn after(&mut self, delay: Duration, what: Happening) {
        self.ticket += 1;
        self.coming.insert(self.ticket, what);
        self.queue.push(Reverse((self.now + delay, self.ticket)));
    }

    /// What travels takes a while, and sometimes long.
    pub fn latency(&mut self) -> Duration {
        let long = self.random.u32(..50) == 0;
        Duration::from_micros(if long { self.random.u64(50_000..400_000) } else { self.random.u64(200..8_000) })
    }

    fn own_time(&self, proxy: usize) -> Now {
        let running = self.now.mul_f64(self.proxies[proxy].pace);
        Now { running, unix_ms: 1_000_000 + self.now.as_millis() as u64 }
    }

    fn hears_the_store(&self, proxy: usize) -> bool {
        !self.store_is_down && !self.proxies[proxy].is_cut_off
    }

    /// The next thing that comes about, if it does before `until`; its time is now.
    pub fn step(&mut self, until: Duration) -> Option<usize> {
        let Reverse((at, ticket)) = self.queue.peek().copied().filter(|Reverse((at, _))| *at <= until)?;
        self.queue.pop();
        self.now = at;
        self.store.expire(self.now);
        self.tell_watchers();
        match self.coming.remove(&ticket).unwrap() {
            Happening::Fault(fault) => Some(fault),
            what => {
                self.happen(what);
                Some(usize::MAX)
            }
        }
    }

    pub fn run(&mut self, time: Duration) {
        let until = self.now + time;
        while self.step(until).is_some() {
            self.assert_one_backend_answers();
        }
        self.now = until;
    }

    fn happen(&mut self, what: Happening) {
        match &what {
            Happening::Tell(proxy, ..)
            | Happening::Beat(proxy, _)
            | Happening::Connect(proxy)
            | Happening::Watch(proxy, _)
            | Happening::Adopt(proxy, _)
            | Happening::Wake(proxy, _)
            | Happening::Check(proxy, _)
                if self.proxies[*proxy].is_paused =>
            {
                self.proxies[*proxy].inbox.push(what);
                return;
            }
            _ => {}
        }
        match what {
            Happening::Tell(proxy, session, life, told) => {
                let known = &mut self.proxies[proxy];
                if known.life != life || known.session != session && !matches!(told, Told::Workers(_)) {
                    return;
                }
                if told == Told::LeaseEnded {
                    known.lease = None;
                    self.lose(proxy, "the lease had run out");
                }
                self.take(proxy, Event::Agreement(told));
            }
            Happening::Transact(proxy, session, ticket, transaction) => {
                let how = match self.hears_the_store(proxy) {
                    true if self.store_is_full => Ended::Unknown("mvcc: database space exceeded".into()),
                    true => self.store.transact(&transaction),
                    false => Ended::Unknown("no answer".into()),
                };
                self.note_agreed();
                // An answer may be lost where the write was made.
                let is_lost = self.random.u32(..40) == 0;
                let how = if is_lost { Ended::Unknown("the answer was lost".into()) } else { how };
                let delay = if matches!(how, Ended::Unknown(_)) { Duration::from_secs(1) } else { self.latency() };
                let life = self.proxies[proxy].life;
                // It is told in whichever session there is by then.
                let _ = session;
                let session = self.proxies[proxy].session;
                self.after(delay, Happening::Tell(proxy, session, life, Told::Ended { ticket, how }));
            }
            Happening::Renew(proxy, session, asked) => {
                if !self.hears_the_store(proxy) || self.proxies[proxy].session != session {
                    return;
                }
                let told = match self.proxies[proxy].lease {
                    Some(id) if self.store.renew(id, LEASE, self.now) => Told::Leased { id, asked, lasts: LEASE },
                    Some(_) => Told::LeaseEnded,
                    None => {
                        let id = self.store.grant(LEASE, self.now);
                        self.proxies[proxy].lease = Some(id);
                        Told::Leased { id, asked, lasts: LEASE }
                    }
                };
                let (delay, life) = (self.latency(), self.proxies[proxy].life);
                self.after(delay, Happening::Tell(proxy, session, life, told));
            }
            Happening::Beat(proxy, session) if self.proxies[proxy].session == session => {
                if !self.hears_the_store(proxy) {
                    self.lose(proxy, "no answer");
                    return;
                }
                let (delay, asked) = (self.latency(), self.own_time(proxy).running);
                self.after(delay, Happening::Renew(proxy, session, asked));
                self.after(LEASE / 5, Happening::Beat(proxy, session));
            }
            Happening::Beat(..) => {}
            Happening::Connect(proxy) => {
                if self.proxies[proxy].is_connected {
                    return;
                }
                if !self.hears_the_store(proxy) {
                    self.after(Duration::from_millis(300), Happening::Connect(proxy));
                    return;
                }
                let told = self.store.history.len();
                let known = &mut self.proxies[proxy];
                known.session += 1;
                (known.is_connected, known.told) = (true, told);
                let session = known.session;
                self.take(proxy, Event::Agreement(Told::Known(self.store.view())));
                self.after(Duration::ZERO, Happening::Beat(proxy, session));
                self.after(Duration::ZERO, Happening::Watch(proxy, session));
            }
            Happening::Watch(proxy, session) => {
                if self.proxies[proxy].session != session {
                    return;
                }
                if !self.hears_the_store(proxy) {
                    // What is on its way is sent again, as long as the connection lives.
                    self.after(Duration::from_millis(300), Happening::Watch(proxy, session));
                    return;
                }
                let (from, to) = (self.proxies[proxy].told, self.store.history.len());
                if from < to {
                    self.proxies[proxy].told = to;
                    let entries = self.store.history[from..to].to_vec();
                    let revision = entries.last().map_or(0, |entry| entry.written);
                    self.take(proxy, Event::Agreement(Told::Changed { revision, entries }));
                }
            }
            Happening::Adopt(proxy, life) if self.proxies[proxy].life == life => self.adopt(proxy),
            Happening::Adopt(..) => {}
            Happening::Wake(proxy, life) if self.proxies[proxy].life == life => {
                if self.proxies[proxy].wakes.is_some_and(|at| at <= self.now) {
                    self.proxies[proxy].wakes = None;
                    self.take(proxy, Event::Time);
                }
            }
            Happening::Wake(..) => {}
            Happening::Check(proxy, backend) => {
                let verdict = if self.proxies[proxy].reaches[backend] { Verdict::Up } else { Verdict::Down };
                self.proxies[proxy].machine.now = self.own_time(proxy);
                self.proxies[proxy].machine.set(&format!("{SERVICE}/{}", BACKENDS[backend]), verdict);
                self.carry_out(proxy);
            }
            Happening::Exchange => {
                self.exchange();
                self.after(Duration::from_secs(1), Happening::Exchange);
            }
            Happening::Fault(_) => {}
        }
    }

    /// Whoever watches hears of what has changed, a while later.
    fn tell_watchers(&mut self) {
        if self.watched == self.store.history.len() {
            return;
        }
        self.watched = self.store.history.len();
        for proxy in 0..self.proxies.len() {
            if self.proxies[proxy].is_connected {
                let (delay, session) = (self.latency(), self.proxies[proxy].session);
                self.after(delay, Happening::Watch(proxy, session));
            }
        }
    }

    fn lose(&mut self, proxy: usize, why: &str) {
        let known = &mut self.proxies[proxy];
        known.session += 1;
        known.is_connected = false;
        self.take(proxy, Event::Agreement(Told::Lost(why.into())));
        self.after(Duration::from_millis(200), Happening::Connect(proxy));
    }

    fn note_agreed(&mut self) {
        let key = crate::proxy::agreement::Key::Latch(SERVICE.into());
        let Some((value, ..)) = self.store.kept.get(&key) else { return };
        let Ok(latch) = serde_json::from_str::<Latch>(value) else { return };
        let known = self.agreed.entry(latch.epoch).or_insert_with(|| latch.clone());
        assert!(known.is_same_move(&latch), "epoch {}: {known:?} and {latch:?}", latch.epoch);
    }

    pub fn take(&mut self, proxy: usize, event: Event) {
        self.proxies[proxy].machine.now = self.own_time(proxy);
        self.proxies[proxy].machine.take(event);
        self.carry_out(proxy);
    }

    /// What control has asked for is on its way, and workers hear of the snapshot.
    fn carry_out(&mut self, own: usize) {
        let asked = std::mem::take(&mut self.proxies[own].machine.asked);
        let life = self.proxies[own].life;
        for effect in asked {
            let delay = self.latency();
            match effect {
                Asked::Transact { ticket, transaction } => {
                    let session = self.proxies[own].session;
                    self.after(delay, Happening::Transact(own, session, ticket, transaction));
                }
                Asked::AwaitWorkers(_) => {
                    self.after(Duration::from_micros(300), Happening::Adopt(own, life));
                }
            }
        }
        if let Some(words) = self.proxies[own].machine.told.take() {
            let (_, before) = self.proxies[own].words;
            self.proxies[own].words = (Arc::new(words), before + 1);
        }
        let published = self.proxies[own].machine.state.snapshot().generation;
        if published != self.proxies[own].workers.generation {
            let delay = Duration::from_micros(self.random.u64(50..2_000));
            self.after(delay, Happening::Adopt(own, life));
        }
        let now = self.own_time(own);
        if let Some(at) = self.proxies[own].machine.state.wakes(now) {
            let wait = at.saturating_sub(now.running).div_f64(self.proxies[own].pace) + Duration::from_micros(1);
            let at = self.now + wait;
            if self.proxies[own].wakes.is_none_or(|known| at < known) {
                self.proxies[own].wakes = Some(at);
                self.after(wait, Happening::Wake(own, life));
            }
        }
    }

    /// Workers answer from the snapshot that is there; requests on a backend that was left leave it, a moment later.
    fn adopt(&mut self, own: usize) {
        let proxy = &mut self.proxies[own];
        proxy.workers = proxy.machine.state.snapshot().clone();
        let service = proxy.workers.service(SERVICE).unwrap();
        proxy.running.retain(|(backend, _)| !service.has_moved_from(Some(*backend)));
        let (generation, session, life) = (proxy.workers.generation, proxy.session, proxy.life);
        self.count_running(own);
        self.after(Duration::from_micros(100), Happening::Tell(own, session, life, Told::Workers(generation)));
    }

    fn count_running(&mut self, own: usize) {
        let now = self.now;
        let proxy = &mut self.proxies[own];
        proxy.running.retain(|(_, until)| *until > now);
        for (index, backend) in proxy.workers.service(SERVICE).unwrap().backends.iter().enumerate() {
            let running = proxy.running.iter().filter(|(at, _)| *at == index).count();
            backend.counters[0].running.store(running as u64, std::sync::atomic::Ordering::Relaxed);
        }
    }

    fn exchange(&mut self) {
        let count = self.proxies.len();
        let pairs = (0..count).flat_map(|writer| (0..count).map(move |reader| (writer, reader)));
        // All write before any reads.
        let words: Vec<(Arc<Value>, u64)> = self.proxies.iter().map(|proxy| proxy.words.clone()).collect();
        for (writer, reader) in pairs.filter(|(writer, reader)| writer != reader) {
            let is_cut = self.cut.iter().any(|pair| *pair == (writer, reader) || *pair == (reader, writer));
            if !is_cut && !self.proxies[writer].is_paused && !self.proxies[reader].is_paused {
                let (value, version) = words[writer].clone();
                let is_news = self.heard.insert((writer, reader), version) != Some(version);
                self.take(reader, Event::PeerMessage(PeerEvent { peer: name(writer), value, is_news, ahead_ms: 0 }));
            }
        }
    }
}
