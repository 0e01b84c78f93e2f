//! Queries on the wire: to one nameserver over UDP, and over TCP when the answer was cut off.
//!
//! Sockets are connected, so that a host that is gone is noticed at once (ICMP), and shared: each awaits many answers,
//! told apart by their identifiers.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use hickory_proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{DNSClass, Name, RData, RecordType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Sockets (that is, source ports) for each nameserver.
const SOCKETS: usize = 8;
/// The largest datagram that is read.
const LARGEST: usize = 4096;
/// For a query over TCP in all, if the visitor is as patient.
const TCP_LIMIT: Duration = Duration::from_secs(10);

/// An answer: addresses and for how long they hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// In the order of the answer; never empty.
    pub addresses: Vec<Ipv4Addr>,
    /// The least of the answer's records.
    pub ttl: Duration,
}

/// What one attempt came to; `Err` for a nameserver that is gone or gives no address.
pub type Outcome = Result<Answer, ()>;

/// All nameservers. Must be used within a `LocalSet`.
pub struct Transport {
    servers: Vec<Server>,
}

struct Server {
    address: SocketAddr,
    sockets: Vec<Rc<Socket>>,
    readers: Vec<JoinHandle<()>>,
}

struct Socket {
    udp: UdpSocket,
    pending: RefCell<HashMap<u16, Pending>>,
}

struct Pending {
    name: Name,
    sender: mpsc::Sender<Outcome>,
}

impl Transport {
    /// Opens the sockets.
    pub async fn open(nameservers: &[SocketAddr]) -> io::Result<Transport> {
        let mut servers = Vec::new();
        for address in nameservers {
            let mut sockets = Vec::new();
            for _ in 0..SOCKETS {
                let udp = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await?;
                udp.connect(address).await?;
                sockets.push(Rc::new(Socket { udp, pending: RefCell::new(HashMap::new()) }));
            }
            let readers =
                sockets.iter().map(|socket| tokio::task::spawn_local(read(Rc::clone(socket), *address))).collect();
            servers.push(Server { address: *address, sockets, readers });
        }
        Ok(Transport { servers })
    }

    /// How many nameservers there are.
    pub fn servers(&self) -> usize {
        self.servers.len()
    }

    /// Where nameserver `index` is.
    pub fn address(&self, index: usize) -> SocketAddr {
        self.servers[index].address
    }

    /// Asks nameserver `index`; the outcome, if there ever is one, is sent.
    pub fn ask(&self, index: usize, name: &Name, sender: &mpsc::Sender<Outcome>) {
        let sockets = &self.servers[index].sockets;
        let socket = &sockets[fastrand::usize(..sockets.len())];
        let id = socket.free_id();
        let sent = query(id, name).and_then(|query| socket.udp.try_send(&query).ok());
        if sent.is_none() {
            let _ = sender.try_send(Err(()));
            return;
        }
        socket.pending.borrow_mut().insert(id, Pending { name: name.clone(), sender: sender.clone() });
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        for reader in &self.readers {
            reader.abort();
        }
    }
}

impl Socket {
    /// An identifier nobody waits for. Those who gave up waiting make room here.
    fn free_id(&self) -> u16 {
        let mut pending = self.pending.borrow_mut();
        if pending.len() > 1000 {
            pending.retain(|_, pending| !pending.sender.is_closed());
        }
        loop {
            let id = fastrand::u16(..);
            if !pending.contains_key(&id) {
                return id;
            }
        }
    }

    fn fail_all(&self) {
        for (_, pending) in self.pending.borrow_mut().drain() {
            let _ = pending.sender.try_send(Err(()));
        }
    }
}

async fn read(socket: Rc<Socket>, server: SocketAddr) {
    let mut buffer = [0_u8; LARGEST];
    loop {
        match socket.udp.recv(&mut buffer).await {
            Ok(length) => receive(&socket, server, &buffer[..length]),
            // The host or the port is gone: everybody waiting here asks another one now.
            Err(_) => socket.fail_all(),
        }
    }
}

fn receive(socket: &Socket, server: SocketAddr, datagram: &[u8]) {
    let Ok(message) = Message::from_vec(datagram) else { return };
    let mut waiting = socket.pending.borrow_mut();
    let id = message.metadata.id;
    if !waiting.get(&id).is_some_and(|pending| answers(&message, &pending.name)) {
        return;
    }
    let Some(pending) = waiting.remove(&id) else { return };
    if message.metadata.truncation {
        tokio::task::spawn_local(async move {
            let asked = tokio::time::timeout(TCP_LIMIT, ask_over_tcp(server, id, &pending.name)).await;
            let _ = pending.sender.try_send(asked.ok().flatten().ok_or(()));
        });
    } else {
        let _ = pending.sender.try_send(addresses(&message).ok_or(()));
    }
}

async fn ask_over_tcp(server: SocketAddr, id: u16, name: &Name) -> Option<Answer> {
    let query = query(id, name)?;
    let mut stream = TcpStream::connect(server).await.ok()?;
    let length = u16::try_from(query.len()).ok()?;
    stream.write_all(&[&length.to_be_bytes()[..], &query].concat()).await.ok()?;
    let mut answer = vec![0; usize::from(stream.read_u16().await.ok()?)];
    stream.read_exact(&mut answer).await.ok()?;
    let message = Message::from_vec(&answer).ok()?;
    (message.metadata.id == id && answers(&message, name)).then(|| addresses(&message)).flatten()
}

fn query(id: u16, name: &Name) -> Option<Vec<u8>> {
    let mut message = Message::new(id, MessageType::Query, OpCode::Query);
    // As a stub resolver asks: an authoritative nameserver pays no heed to it, a recursive one would refuse without.
    message.metadata.recursion_desired = true;
    message.add_query(Query::query(name.clone(), RecordType::A));
    message.to_vec().ok()
}

/// A response to this question (RFC 5452, 9.1).
fn answers(message: &Message, name: &Name) -> bool {
    message.metadata.message_type == MessageType::Response
        && message.queries.first().is_some_and(|query| {
            query.name() == name && query.query_type() == RecordType::A && query.query_class() == DNSClass::IN
        })
}

/// The addresses of an authoritative answer; a CNAME before them counts for the TTL.
fn addresses(message: &Message) -> Option<Answer> {
    if message.metadata.response_code != ResponseCode::NoError {
        return None;
    }
    let addresses: Vec<Ipv4Addr> = message
        .answers
        .iter()
        .filter_map(|record| match &record.data {
            RData::A(address) => Some(address.0),
            _ => None,
        })
        .collect();
    let ttl = message.answers.iter().map(|record| record.ttl).min()?;
    (!addresses.is_empty()).then(|| Answer { addresses, ttl: Duration::from_secs(ttl.into()) })
}
