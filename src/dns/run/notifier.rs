//! Tells other nameservers that a zone has a new serial (NOTIFY, RFC 1996), again and again until each has heard it.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::net::UdpSocket;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout};

use crate::config::DnsConfig;
use crate::config::dns::NotifiedConfig;
use crate::dns::control::prepared::Prepared;
use crate::dns::snapshot::Snapshot;
use crate::dns::tsig::{Key, Signer};
use crate::zone::name;
use crate::zone::number::{CLASS_IN, rtype};

/// How long an answer may take each time, in seconds: five minutes in all (RFC 1996, 3.6, has five times a minute). Who has heard nothing
/// by then looks by itself, as the zone's SOA says.
const WAITS: [u64; 10] = [1, 2, 4, 8, 15, 30, 60, 60, 60, 60];

/// The longest message over UDP without EDNS, in bytes.
const DATAGRAM: usize = 512;

/// What is told to whom, while nobody has answered.
#[derive(Default)]
pub struct Notifier {
    /// The serials that are served, by apex.
    served: HashMap<Box<[u8]>, u32>,
    /// By zone and address. A later serial takes the place of an earlier one that was not heard.
    telling: BTreeMap<(String, SocketAddr), JoinHandle<()>>,
}

impl Notifier {
    /// Another snapshot is answered from: whoever wants to know is told of each zone whose serial is another one.
    pub fn published(&mut self, document: &Prepared, snapshot: &Snapshot) {
        self.telling.retain(|_, task| !task.is_finished());
        self.served.retain(|apex, _| snapshot.zones.get(apex).is_some());
        for (apex, config) in &document.config.zones {
            let notified = config.transfer.iter().flat_map(|transfer| &transfer.notify);
            let Some(wire) = name::from_text(apex) else { continue };
            let Some(serial) = snapshot.zones.get(&wire).map(|zone| zone.serial) else { continue };
            if self.served.insert(wire.clone(), serial) == Some(serial) {
                continue;
            }
            for one in notified {
                let key = one.key.as_deref().and_then(|name| document.transfers.keys().named(name));
                let told = Told { zone: apex.clone(), message: message(&wire), serial, key: key.cloned() };
                let from = own_address(&document.config, one);
                let task = tokio::task::spawn_local(told.tell(one.address, from));
                if let Some(earlier) = self.telling.insert((apex.clone(), one.address), task) {
                    earlier.abort();
                }
            }
        }
    }

    /// Nobody is told any more.
    pub fn stop(&mut self) {
        std::mem::take(&mut self.telling).into_values().for_each(|task| task.abort());
    }
}

/// What one nameserver is told.
struct Told {
    zone: String,
    message: Vec<u8>,
    serial: u32,
    key: Option<Key>,
}

impl Told {
    async fn tell(self, to: SocketAddr, from: SocketAddr) {
        let mut last = String::new();
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
        let mut buffer = [0; DATAGRAM];
        let id = fastrand::u16(..).to_be_bytes();
        buffer[..self.message.len()].copy_from_slice(&self.message);
        buffer[..2].copy_from_slice(&id);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let length = match &self.key {
            Some(key) => Signer::new(key).sign(&mut buffer, self.message.len(), now),
            None => self.message.len(),
        };
        let answered = timeout(wait, async {
            let socket = UdpSocket::bind(from).await?;
            socket.connect(to).await?;
            socket.send(&buffer[..length]).await?;
            loop {
                let mut answer = [0; DATAGRAM];
                let length = socket.recv(&mut answer).await?;
                if length >= 12 && answer[..2] == id && answer[2] & 0xf8 == 0x80 | OPCODE << 3 {
                    return Ok(answer[3] & 0x0f);
                }
            }
        });
        match answered.await.unwrap_or_else(|_| Err(io::Error::other("no answer comes")))? {
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

/// The address that it is told from: where this nameserver listens, so that it is known for what it is.
fn own_address(config: &DnsConfig, notified: &NotifiedConfig) -> SocketAddr {
    let own = config.listeners.iter().map(SocketAddr::ip);
    let mut own = own.filter(|own| own.is_ipv4() == notified.address.is_ipv4() && !own.is_unspecified());
    let any = match notified.address {
        SocketAddr::V4(_) => IpAddr::from(Ipv4Addr::UNSPECIFIED),
        SocketAddr::V6(_) => IpAddr::from(Ipv6Addr::UNSPECIFIED),
    };
    SocketAddr::new(own.next().unwrap_or(any), 0)
}
