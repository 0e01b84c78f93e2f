//! Asks primaries for zones, and stores what they send before it is served.

use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::notifier::{own_address, unspecified};
use crate::config::dns::ZoneConfig;
use crate::daemon::lifecycle::{Input, Inputs};
use crate::dns::compiled::Zone;
use crate::dns::control::prepared::Prepared;
use crate::dns::control::{Answered, Event, Question, SecondaryNews, SecondaryTask};
use crate::dns::journal::{self, Journals};
use crate::dns::secondary::bell::Bell;
use crate::dns::secondary::incoming::{Brought, Incoming, serial_of};
use crate::dns::secondary::made;
use crate::dns::secondary::stored::Stored;
use crate::dns::secondary::timers::Times;
use crate::dns::tsig::{Key, Signer, Verifier};
use crate::unix_time::unix_ms;
use crate::zone::name;
use crate::zone::number::{CLASS_IN, rtype};
use crate::zone::serial::is_newer;

/// Authoritative answer, in the third byte of a header (RFC 1035, 4.1.1).
const AA: u8 = 0x04;

/// How many primaries are asked at a time.
const AT_A_TIME: usize = 16;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);

/// How long nothing may come.
const IDLE: Duration = Duration::from_secs(30);

/// How long a transfer may take.
const WHOLE: Duration = Duration::from_secs(30 * 60);

/// The tasks that ask.
pub struct Secondaries {
    inputs: Inputs<Prepared, Event>,
    turns: Rc<Semaphore>,
    /// Another process is the daemon, or none: nothing is written any more.
    is_over: Arc<AtomicBool>,
    tasks: RefCell<Vec<JoinHandle<()>>>,
    /// What is to be asked once this process is the daemon.
    held: RefCell<Vec<Question>>,
}

/// Where things are stored.
#[derive(Clone)]
struct Places {
    stored: Stored,
    journals: Journals,
    is_over: Arc<AtomicBool>,
}

impl Secondaries {
    /// None is asked yet; what the bell tells becomes events.
    pub fn new(inputs: Inputs<Prepared, Event>, bell: Arc<Bell>) -> Secondaries {
        let (is_over, turns) = (Arc::default(), Rc::new(Semaphore::new(AT_A_TIME)));
        let told = inputs.clone();
        let listening = tokio::task::spawn_local(async move {
            loop {
                for (apex, from) in bell.heard().await {
                    told.send(Input::Event(Event::Secondary(SecondaryNews::Told(apex, from))));
                }
            }
        });
        Secondaries { inputs, turns, is_over, tasks: RefCell::new(vec![listening]), held: RefCell::default() }
    }

    /// Does what control wants done.
    pub fn perform(&self, task: SecondaryTask, document: &Prepared, is_daemon: bool) {
        match task {
            SecondaryTask::Read(apex, config) => self.read(apex, config, document),
            SecondaryTask::Ask(question) if is_daemon => self.ask(question, document),
            SecondaryTask::Ask(question) => self.held.borrow_mut().push(question),
        }
    }

    /// This process is the daemon, with this document.
    pub fn serve(&self, document: &Prepared) {
        for question in std::mem::take(&mut *self.held.borrow_mut()) {
            self.ask(question, document);
        }
        let zones = &document.config.zones;
        let without_file = zones.iter().filter(|(_, config)| config.file().is_none());
        if let Err(why) = places(document, &self.is_over).stored.keep(without_file.map(|(apex, _)| apex.as_str())) {
            tracing::warn!("what is stored of zones that are none of the document's cannot be removed: {why}");
        }
    }

    /// Nobody is asked, and nothing written, any more.
    pub fn stop(&self) {
        self.is_over.store(true, Ordering::Relaxed);
        self.tasks.borrow_mut().drain(..).for_each(|task| task.abort());
    }

    fn read(&self, apex: String, config: ZoneConfig, document: &Prepared) {
        let places = places(document, &self.is_over);
        let inputs = self.inputs.clone();
        self.spawn(async move {
            let asked = apex.clone();
            let read = tokio::task::spawn_blocking(move || {
                let (records, age) = match places.stored.read(&apex) {
                    Ok(stored) => stored?,
                    Err(why) => {
                        tracing::warn!("zone {apex}: what is stored cannot be used: {why}; it is got whole");
                        return None;
                    }
                };
                match made::zone(&apex, &records, config.checks) {
                    Ok(mut made) => {
                        made.zone.is_catalog = config.is_catalog();
                        journal::follow_stored(&mut made.zone, &config, || places.journals.read(&apex), || None);
                        Some((Arc::new(made.zone), made.times, age))
                    }
                    Err(why) => {
                        tracing::warn!("zone {apex}: what is stored cannot be used: {why}; it is got whole");
                        None
                    }
                }
            });
            let read = read.await.unwrap_or(None);
            inputs.send(Input::Event(Event::Secondary(SecondaryNews::Read(asked, read))));
        });
    }

    fn ask(&self, question: Question, document: &Prepared) {
        let places = places(document, &self.is_over);
        let key = question.primary.key.as_deref().and_then(|name| document.transfers.keys().named(name)).cloned();
        let from = own_address(&document.config, question.primary.address);
        let (inputs, turns) = (self.inputs.clone(), Rc::clone(&self.turns));
        self.spawn(async move {
            // The semaphore is never closed.
            let _turn = turns.acquire().await;
            let (apex, number, to) = (question.apex.clone(), question.number, question.primary.address);
            let asked = match (&question.primary.key, &key) {
                (Some(name), None) => Err(format!("there is no key {name} any more")),
                _ => Asking { question, key, from, places }.ask().await,
            };
            let asked = asked.map_err(|why| format!("primary {to}: {why}"));
            inputs.send(Input::Event(Event::Secondary(SecondaryNews::Asked(apex, number, asked))));
        });
    }

    fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        let mut tasks = self.tasks.borrow_mut();
        tasks.retain(|task| !task.is_finished());
        tasks.push(tokio::task::spawn_local(task));
    }
}

fn places(document: &Prepared, is_over: &Arc<AtomicBool>) -> Places {
    let state_dir: &Path = &document.config.state_dir;
    Places { stored: Stored::new(state_dir), journals: Journals::new(state_dir), is_over: Arc::clone(is_over) }
}

/// One question for one primary.
struct Asking {
    question: Question,
    key: Option<Key>,
    from: SocketAddr,
    places: Places,
}

impl Asking {
    async fn ask(self) -> Result<Answered, String> {
        let apex = name::from_text(&self.question.apex).unwrap_or_default();
        let mut link = self.link().await?;
        let serial = link.serial(&apex).await?;
        let held = self.question.held.as_ref().map(|zone| zone.serial);
        match held {
            Some(held) if serial == held => return self.confirm().await,
            Some(held) if !is_newer(serial, held) => {
                return Err(format!("it has serial {serial}, which is not newer than {held}, which is here"));
            }
            _ => {}
        }
        if let Some(held) = held {
            let differences = match link.transfer(&apex, Some(held)).await {
                Ok(brought) => self.take(brought).await,
                Err(why) => Err(why),
            };
            match differences {
                Ok(answered) => return Ok(answered),
                Err(why) => tracing::info!(
                    "zone {}: primary {}: what has changed since {held} cannot be used: {why}; the whole zone is asked for",
                    self.question.apex,
                    self.question.primary.address
                ),
            }
            link = self.link().await?;
        }
        let brought = link.transfer(&apex, None).await?;
        self.take(brought).await
    }

    async fn link(&self) -> Result<Link<'_>, String> {
        let to = self.question.primary.address;
        let stream = match timeout(CONNECT, connected(self.from, to)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(why)) => return Err(format!("it cannot be reached: {why}")),
            Err(_) => return Err(format!("it cannot be reached within {} s", CONNECT.as_secs())),
        };
        Ok(Link { stream, key: self.key.as_ref() })
    }

    async fn confirm(self) -> Result<Answered, String> {
        let Asking { question, places, .. } = self;
        blocking(move || {
            if !places.is_over.load(Ordering::Relaxed)
                && let Err(why) = places.stored.confirm(&question.apex)
            {
                // It expires sooner after a restart, and is served all the same.
                tracing::warn!("zone {}: that a primary has confirmed it cannot be written: {why}", question.apex);
            }
            Ok(Answered::Same)
        })
        .await
    }

    /// Makes a zone of what has come, and stores it.
    async fn take(&self, brought: Brought) -> Result<Answered, String> {
        let (apex, config, to) =
            (self.question.apex.clone(), self.question.config.clone(), self.question.primary.address);
        let (held, places) = (self.question.held.clone(), self.places.clone());
        blocking(move || {
            let are_differences = matches!(brought, Brought::Differences(_));
            let stored = match are_differences {
                true => places.stored.read(&apex).map_err(|error| error.to_string())?,
                false => None,
            };
            let records = made::records(brought, stored.as_ref().map(|(records, _)| records.as_slice()))
                .map_err(|why| why.to_string())?;
            let records = records.ok_or("it says that there is something newer, and sends nothing")?;
            let made = made::zone(&apex, &records, config.checks).map_err(|why| why.to_string())?;
            let (mut zone, times): (Zone, Times) = (made.zone, made.times);
            zone.is_catalog = config.is_catalog();
            if let Some(held) = held.as_ref().filter(|held| !is_newer(zone.serial, held.serial)) {
                return Err(format!(
                    "it sends serial {}, which is not newer than {}, which is here",
                    zone.serial, held.serial
                ));
            }
            if places.is_over.load(Ordering::Relaxed) {
                return Err("this process is not the daemon any more".to_owned());
            }
            places.stored.write(&apex, &records).map_err(|why| format!("what it sends cannot be stored: {why}"))?;
            match &held {
                Some(held) => journal::follow(&mut zone, &config, held),
                None => journal::follow_stored(&mut zone, &config, || places.journals.read(&apex), || None),
            }
            let how = match &held {
                Some(held) if are_differences => format!("what has changed since {}", held.serial),
                _ => "the whole zone".to_owned(),
            };
            let how = format!("serial {} has come from {to}: {how}", zone.serial);
            Ok(Answered::Newer(Arc::new(zone), times, how))
        })
        .await
    }
}

async fn blocking(work: impl FnOnce() -> Result<Answered, String> + Send + 'static) -> Result<Answered, String> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(error.to_string()))
}

async fn connected(from: SocketAddr, to: SocketAddr) -> io::Result<TcpStream> {
    let bound = async |own: SocketAddr| {
        let socket = if to.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        socket.bind(own)?;
        socket.connect(to).await
    };
    match bound(from).await {
        Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => bound(unspecified(to)).await,
        connected => connected,
    }
}

/// A connection with a primary.
struct Link<'k> {
    stream: TcpStream,
    key: Option<&'k Key>,
}

impl Link<'_> {
    /// The serial that it has.
    async fn serial(&mut self, apex: &[u8]) -> Result<u32, String> {
        let (id, mut verifier) = self.send(apex, rtype::SOA, None).await?;
        let message = self.receive(&mut verifier).await?;
        // It is read as the first record of a transfer is: the SOA of this zone.
        let mut incoming = Incoming::new(apex, id, Some(0));
        incoming.take(&message).map_err(|why| why.to_string())?;
        if message.get(2).is_none_or(|bits| bits & AA == 0) {
            return Err("it answers without authority: what it has in a cache confirms nothing".to_owned());
        }
        incoming.soa().and_then(serial_of).ok_or_else(|| "it does not have the zone's SOA".to_owned())
    }

    /// The whole zone, or what has changed since a serial.
    async fn transfer(&mut self, apex: &[u8], held: Option<u32>) -> Result<Brought, String> {
        let transfer = async {
            let qtype = if held.is_some() { rtype::IXFR } else { rtype::AXFR };
            let (id, mut verifier) = self.send(apex, qtype, held).await?;
            let mut incoming = Incoming::new(apex, id, held);
            while !incoming.is_done() {
                let message = self.receive(&mut verifier).await?;
                incoming.take(&message).map_err(|why| why.to_string())?;
            }
            if verifier.is_some_and(|verifier| !verifier.is_complete()) {
                return Err("the last message of its answer is not signed".to_owned());
            }
            incoming.brought().ok_or_else(|| "its answer has no end".to_owned())
        };
        timeout(WHOLE, transfer)
            .await
            .unwrap_or_else(|_| Err(format!("the transfer takes longer than {} minutes", WHOLE.as_secs() / 60)))
    }

    async fn send(
        &mut self,
        apex: &[u8],
        qtype: u16,
        held: Option<u32>,
    ) -> Result<([u8; 2], Option<Verifier>), String> {
        let id = fastrand::u16(..).to_be_bytes();
        let mut message = [&id[..], &[0, 0, 0, 1, 0, 0, 0, u8::from(held.is_some()), 0, 0], apex].concat();
        message.extend_from_slice(&qtype.to_be_bytes());
        message.extend_from_slice(&CLASS_IN.to_be_bytes());
        if let Some(serial) = held {
            // A SOA of which only the serial counts (RFC 1995, 3).
            message.extend_from_slice(&[0xc0, 12, 0, 6, 0, 1, 0, 0, 0, 0, 0, 22, 0, 0]);
            message.extend_from_slice(&serial.to_be_bytes());
            message.extend_from_slice(&[0; 16]);
        }
        let verifier = self.key.map(|key| {
            let length = message.len();
            message.resize(length + key.record_length(), 0);
            let mut signer = Signer::new(key);
            let length = signer.sign(&mut message, length, unix_ms() / 1000);
            message.truncate(length);
            signer.verifier()
        });
        let framed = [&(message.len() as u16).to_be_bytes()[..], &message].concat();
        match timeout(IDLE, self.stream.write_all(&framed)).await {
            Ok(Ok(())) => Ok((id, verifier)),
            Ok(Err(why)) => Err(why.to_string()),
            Err(_) => Err(format!("it takes nothing within {} s", IDLE.as_secs())),
        }
    }

    /// The next message, verified, without its signature.
    async fn receive(&mut self, verifier: &mut Option<Verifier>) -> Result<Vec<u8>, String> {
        let read = timeout(IDLE, async {
            let mut message = vec![0; self.stream.read_u16().await?.into()];
            self.stream.read_exact(&mut message).await?;
            Ok::<_, io::Error>(message)
        });
        let mut message = match read.await {
            Ok(Ok(message)) => message,
            Ok(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Err("it has closed the connection before its answer was whole".to_owned());
            }
            Ok(Err(error)) => return Err(error.to_string()),
            Err(_) => return Err(format!("nothing comes within {} s", IDLE.as_secs())),
        };
        if let Some(verifier) = verifier {
            if message.len() < 12 {
                return Err("what it sends is no message".to_owned());
            }
            let length = verifier.take(&message, unix_ms() / 1000).map_err(|why| why.to_string())?;
            message.truncate(length);
        }
        Ok(message)
    }
}
