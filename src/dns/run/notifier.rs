//! Tells other nameservers that a zone has a new serial (NOTIFY, RFC 1996), again and again until each has heard it.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout};

use crate::config::DnsConfig;
use crate::config::dns::ZoneConfig;
use crate::dns::control::prepared::Prepared;
use crate::dns::snapshot::Snapshot;
use crate::dns::tsig::{Key, Signer, Unproven};
use crate::unix_time::unix_ms;
use crate::zone::name;
use crate::zone::number::{CLASS_IN, rtype};

/// How long an answer may take each time, in seconds: five minutes in all (RFC 1996, 3.6, has five times a minute). Who has heard nothing
/// by then looks by itself, as the zone's SOA says.
const WAITS: [u64; 10] = [1, 2, 4, 8, 15, 30, 60, 60, 60, 60];

/// The longest answer, in bytes: one over UDP without EDNS.
const DATAGRAM: usize = 512;

/// How many are told at a time: each takes a socket.
const AT_A_TIME: usize = 32;

/// How long nobody is told after the start. Until then a process that has handed over may answer from what it served.
const FIRST: Duration = Duration::from_secs(1);

/// A zone and the address of somebody who is told of it.
type Whom = (String, SocketAddr);

/// What is told to whom.
pub struct Notifier {
    /// The serial that was told last, and by which key; heard or not.
    told: BTreeMap<Whom, (u32, Option<String>)>,
    /// What has not been heard yet, and the key that it is signed with. A later serial, or a new secret, takes the place of an earlier one.
    telling: BTreeMap<Whom, (JoinHandle<()>, Option<Key>)>,
    turns: Rc<Semaphore>,
    began: Instant,
}

impl Default for Notifier {
    fn default() -> Notifier {
        let turns = Rc::new(Semaphore::new(AT_A_TIME));
        Notifier { told: BTreeMap::new(), telling: BTreeMap::new(), turns, began: Instant::now() }
    }
}

impl Notifier {
    /// Another document or snapshot is in force: whoever does not know a zone's serial is told of it, and nobody whom the document has
    /// no more.
    pub fn published<'z>(
        &mut self,
        document: &Prepared,
        zones: impl Iterator<Item = (&'z String, &'z ZoneConfig)>,
        snapshot: &Snapshot,
    ) {
        let mut wanted = BTreeSet::new();
        for (zone, config) in zones {
            let notified = config.transfer.iter().flat_map(|transfer| &transfer.notify);
            let apex = name::from_text(zone).unwrap_or_default();
            let Some(serial) = snapshot.zones.get(&apex).map(|zone| zone.serial) else { continue };
            for one in notified {
                let whom = (zone.clone(), one.address);
                let news = (serial, one.key.clone());
                wanted.insert(whom.clone());
                let key = one.key.as_deref().and_then(|name| document.transfers.keys().named(name)).cloned();
                let has_new_secret = self.telling.get(&whom).is_some_and(|(task, before)| match (before, &key) {
                    (Some(before), Some(key)) => !task.is_finished() && !before.is(key),
                    _ => false,
                });
                if self.told.get(&whom) == Some(&news) && !has_new_secret {
                    continue;
                }
                let (zone, turns) = (zone.clone(), Rc::clone(&self.turns));
                let told = Told { zone, message: message(&apex), serial, key: key.clone(), turns };
                let from = own_address(&document.config, one.address);
                let task = tokio::task::spawn_local(told.tell(one.address, from, self.began + FIRST));
                self.told.insert(whom.clone(), news);
                if let Some((earlier, _)) = self.telling.insert(whom, (task, key)) {
                    earlier.abort();
                }
            }
        }
        self.told.retain(|whom, _| wanted.contains(whom));
        self.telling.retain(|whom, (task, _)| {
            if !wanted.contains(whom) {
                task.abort();
            }
            !task.is_finished() && wanted.contains(whom)
        });
    }

    /// Nobody is told any more.
    pub fn stop(&mut self) {
        std::mem::take(&mut self.telling).into_values().for_each(|(task, _)| task.abort());
    }
}

/// What one nameserver is told.
struct Told {
    zone: String,
    message: Vec<u8>,
    serial: u32,
    key: Option<Key>,
    turns: Rc<Semaphore>,
}

impl Told {
    async fn tell(self, to: SocketAddr, from: SocketAddr, not_before: Instant) {
        let mut last = String::new();
        sleep_until(not_before).await;
        for wait in WAITS.map(Duration::from_secs) {
            let next = Instant::now() + wait;
            match self.ask(to, from, wait).await {
                Ok(()) => return tracing::info!("zone {}: {to} was told of serial {}", self.zone, self.serial),
                Err(why) => last = why.to_string(),
            }
            // What is refused at once, as by a closed port, is not asked again at once.
            sleep_until(next).await;
        }
        tracing::warn!(
            "zone {}: {to} has not heard of serial {}: {last}; it looks by itself when its copy's SOA says so",
            self.zone,
            self.serial
        );
    }

    async fn ask(&self, to: SocketAddr, from: SocketAddr, wait: Duration) -> io::Result<()> {
        // They are many only where many hear nothing; the semaphore is never closed.
        let _turn = self.turns.acquire().await;
        let id = fastrand::u16(..).to_be_bytes();
        let mut buffer = self.message.clone();
        buffer.resize(self.message.len() + self.key.as_ref().map_or(0, Key::record_length), 0);
        buffer[..2].copy_from_slice(&id);
        let now = unix_ms() / 1000;
        let mut signer = self.key.as_ref().map(Signer::new);
        let length = match &mut signer {
            Some(signer) => signer.sign(&mut buffer, self.message.len(), now),
            None => self.message.len(),
        };
        let verifier = signer.map(Signer::verifier);
        let unproven = Cell::new(None);
        let answered = timeout(wait, async {
            let socket = connected(from, to).await?;
            socket.send(&buffer[..length]).await?;
            loop {
                let mut answer = [0; DATAGRAM];
                let length = socket.recv(&mut answer).await?;
                if length < 12 || answer[..2] != id || answer[2] & 0xf8 != 0x80 | OPCODE << 3 {
                    continue;
                }
                // Who has been told wrongly that the other side knows would not tell it again. A forged answer is passed over: ours may still come.
                match verifier.clone().map(|mut verifier| verifier.take(&answer[..length], unix_ms() / 1000)) {
                    Some(Err(Unproven::Refused(code))) => return Err(io::Error::other(Unproven::Refused(code))),
                    Some(Err(why)) => unproven.set(Some(why)),
                    None | Some(Ok(_)) => return Ok(answer[3] & 0x0f),
                }
            }
        });
        let silence = || unproven.get().map_or_else(|| io::Error::other("no answer comes"), io::Error::other);
        match answered.await.unwrap_or_else(|_| Err(silence()))? {
            0 => Ok(()),
            // Perhaps not any more when its configuration has been mended.
            rcode => Err(io::Error::other(format!("it answers with the error code {rcode}"))),
        }
    }
}

/// The opcode NOTIFY.
const OPCODE: u8 = 4;

/// A NOTIFY for a zone (RFC 1996, 3.7), without its identifier.
fn message(apex: &[u8]) -> Vec<u8> {
    let header = [0, 0, OPCODE << 3 | 0x04, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    [&header[..], apex, &rtype::SOA.to_be_bytes(), &CLASS_IN.to_be_bytes()].concat()
}

/// From our own address where that can be, and else from any.
async fn connected(from: SocketAddr, to: SocketAddr) -> io::Result<UdpSocket> {
    let bound = async |own: SocketAddr| {
        let socket = UdpSocket::bind(own).await?;
        socket.connect(to).await.map(|()| socket)
    };
    match bound(from).await {
        Ok(socket) => Ok(socket),
        Err(_) => bound(unspecified(to)).await,
    }
}

/// The address that another nameserver is spoken to from: where this nameserver listens, so that it is known for what it is.
pub(super) fn own_address(config: &DnsConfig, other: SocketAddr) -> SocketAddr {
    let to = other.ip();
    let is_fit =
        |own: &IpAddr| own.is_ipv4() == to.is_ipv4() && own.is_loopback() == to.is_loopback() && !own.is_unspecified();
    let own = config.listeners.iter().map(SocketAddr::ip).find(is_fit);
    own.map_or_else(|| unspecified(other), |own| SocketAddr::new(own, 0))
}

pub(super) fn unspecified(like: SocketAddr) -> SocketAddr {
    match like {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    }
}
