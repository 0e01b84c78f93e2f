//! Queries on the wire: to one nameserver over UDP, and over TCP when the answer was cut off.
//!
//! Sockets are connected, so that a host that is gone is noticed at once (ICMP), and shared: each awaits many answers,
//! told apart by their identifiers.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use hickory_proto::op::ResponseCode;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::anchor::Anchor;
use crate::health::dns_query::{Question, Response};
use crate::unix_time::unix_ms;

/// Sockets (that is, source ports) for each nameserver.
const SOCKETS: usize = 8;
/// The largest datagram that is read.
const LARGEST: usize = 4096;
/// How long a query over TCP may take to connect, or to bring anything.
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
    validation: Rc<Validation>,
}

/// How answers are validated, if they are.
struct Validation {
    anchor: Option<Anchor>,
    /// Answers that were not proved since they were counted last.
    unproved: Cell<usize>,
}

struct Server {
    sockets: Vec<Rc<Socket>>,
    readers: Vec<JoinHandle<()>>,
}

struct Socket {
    udp: UdpSocket,
    pending: RefCell<HashMap<u16, Pending>>,
}

struct Pending {
    question: Question,
    sender: mpsc::Sender<Outcome>,
}

impl Transport {
    /// Opens the sockets.
    pub async fn open(nameservers: &[SocketAddr], anchor: Option<Anchor>) -> io::Result<Transport> {
        let validation = Rc::new(Validation { anchor, unproved: Cell::new(0) });
        let mut servers = Vec::new();
        for address in nameservers {
            let mut sockets = Vec::new();
            for _ in 0..SOCKETS {
                let udp = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await?;
                udp.connect(address).await?;
                sockets.push(Rc::new(Socket { udp, pending: RefCell::new(HashMap::new()) }));
            }
            let reader = |socket| tokio::task::spawn_local(read(Rc::clone(socket), *address, Rc::clone(&validation)));
            let readers = sockets.iter().map(reader).collect();
            servers.push(Server { sockets, readers });
        }
        Ok(Transport { servers, validation })
    }

    /// How many answers were not proved since this was asked last; they are none to whoever has asked.
    pub fn take_unproved(&self) -> usize {
        self.validation.unproved.take()
    }

    /// How many nameservers there are.
    pub fn servers(&self) -> usize {
        self.servers.len()
    }

    /// Asks nameserver `index`; the outcome, if there ever is one, is sent.
    pub fn ask(&self, index: usize, question: &Question, sender: &mpsc::Sender<Outcome>) {
        let sockets = &self.servers[index].sockets;
        let socket = &sockets[fastrand::usize(..sockets.len())];
        let id = socket.free_id();
        if socket.udp.try_send(&question.query(id)).is_err() {
            let _ = sender.try_send(Err(()));
            return;
        }
        socket.pending.borrow_mut().insert(id, Pending { question: question.clone(), sender: sender.clone() });
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

async fn read(socket: Rc<Socket>, server: SocketAddr, validation: Rc<Validation>) {
    let mut buffer = [0_u8; LARGEST];
    loop {
        match socket.udp.recv(&mut buffer).await {
            Ok(length) => receive(&socket, server, &buffer[..length], &validation),
            // The host or the port is gone: everybody waiting here asks another one now.
            Err(_) => socket.fail_all(),
        }
    }
}

fn receive(socket: &Socket, server: SocketAddr, datagram: &[u8], validation: &Rc<Validation>) {
    let Some(id) = datagram.first_chunk().map(|id| u16::from_be_bytes(*id)) else { return };
    let mut waiting = socket.pending.borrow_mut();
    let Some(response) = waiting.get(&id).and_then(|pending| pending.question.read_response(id, datagram)) else {
        return;
    };
    let Some(pending) = waiting.remove(&id) else { return };
    if response.truncated {
        let validation = Rc::clone(validation);
        tokio::task::spawn_local(async move {
            let question = pending.question;
            let asked = tokio::task::spawn_blocking(move || question.fetch_over_tcp(server, TCP_LIMIT).ok());
            let answer = asked
                .await
                .ok()
                .flatten()
                .and_then(|(message, bytes)| validation.taken(Response::of(&message), &bytes));
            let _ = pending.sender.try_send(answer.ok_or(()));
        });
    } else {
        let _ = pending.sender.try_send(validation.taken(response, datagram).ok_or(()));
    }
}

impl Validation {
    /// The addresses of a response that is proved.
    fn taken(&self, response: Response, message: &[u8]) -> Option<Answer> {
        let answer = answer(response)?;
        let is_proved = self.anchor.as_ref().is_none_or(|anchor| anchor.proves(message, unix_ms() / 1000));
        self.unproved.set(self.unproved.get() + usize::from(!is_proved));
        is_proved.then_some(answer)
    }
}

/// A response's IPv4 addresses; `None` without any.
fn answer(response: Response) -> Option<Answer> {
    let addresses = response.addresses.iter().filter_map(|address| match address {
        IpAddr::V4(address) => Some(*address),
        IpAddr::V6(_) => None,
    });
    let answer = Answer { addresses: addresses.collect(), ttl: response.ttl? };
    (response.code == ResponseCode::NoError && !answer.addresses.is_empty()).then_some(answer)
}
