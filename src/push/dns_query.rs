//! Queries nameservers for a zone's serial and for a name's addresses.
//!
//! Called by [`crate::push::pipeline::prepare`] and by the rehearsal.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::RData;

use crate::zone::name;
use crate::zone::number::{CLASS_IN, rtype};

/// How long a query waits for its answer, and how often it is sent.
const PATIENCE: Duration = Duration::from_secs(1);
const TRIES: usize = 2;

/// How many unrelated datagrams are skipped, such as late answers to an earlier query.
const STRAYS: usize = 16;

/// What a nameserver answers about a zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ZoneAnswer {
    /// It serves this serial.
    Serial(u32),
    /// It does not have the zone.
    NoZone,
}

/// The transport of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// UDP; an answer that is truncated is fetched over TCP.
    Udp,
    /// TCP.
    Tcp,
}

/// What is read from a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DnsAnswer {
    /// Whether it is authoritative (AA).
    pub authoritative: bool,
    /// Its response code.
    pub code: ResponseCode,
    /// The serial of the SOA in it.
    pub serial: Option<u32>,
    /// The number of its A and AAAA records.
    pub addresses: usize,
}

/// The serial of a zone at a nameserver.
///
/// # Errors
///
/// There is no valid answer in time.
pub fn serial(server: SocketAddr, apex: &str) -> io::Result<ZoneAnswer> {
    let answer = ask(server, apex, rtype::SOA, Transport::Udp)?;
    match (answer.serial, answer.code) {
        (Some(serial), _) => Ok(ZoneAnswer::Serial(serial)),
        (None, ResponseCode::Refused | ResponseCode::NotAuth | ResponseCode::NXDomain | ResponseCode::NoError) => {
            Ok(ZoneAnswer::NoZone)
        }
        (None, code) => Err(io::Error::other(format!("it answered {code}"))),
    }
}

/// Sends one query.
///
/// # Errors
///
/// There is no valid answer in time.
pub fn ask(server: SocketAddr, name: &str, rtype: u16, over: Transport) -> io::Result<DnsAnswer> {
    let wire = name::from_text(name).ok_or_else(|| io::Error::other("not a domain name"))?;
    let message = match over {
        Transport::Udp => match over_udp(server, &wire, rtype)? {
            message if message.metadata.truncation => over_tcp(server, &wire, rtype)?,
            message => message,
        },
        Transport::Tcp => over_tcp(server, &wire, rtype)?,
    };
    let data = || message.answers.iter().map(|record| &record.data);
    Ok(DnsAnswer {
        authoritative: message.metadata.authoritative,
        code: message.metadata.response_code,
        serial: data().find_map(|data| if let RData::SOA(soa) = data { Some(soa.serial) } else { None }),
        addresses: data().filter(|data| matches!(data, RData::A(_) | RData::AAAA(_))).count(),
    })
}

fn over_udp(server: SocketAddr, wire: &[u8], rtype: u16) -> io::Result<Message> {
    let any: IpAddr = if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0))?;
    // Connected, so that datagrams from elsewhere are dropped and a closed port is an error at once.
    socket.connect(server)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    let mut silence = io::Error::from(io::ErrorKind::TimedOut);
    for _ in 0..TRIES {
        let id = fastrand::u16(..);
        socket.send(&question(id, wire, rtype))?;
        match answer(&socket, id) {
            Ok(answer) => return Ok(answer),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                silence = io::Error::new(io::ErrorKind::TimedOut, "no answer");
            }
            Err(error) => return Err(error),
        }
    }
    Err(silence)
}

/// Each message follows its length (RFC 1035, 4.2.2).
fn over_tcp(server: SocketAddr, wire: &[u8], rtype: u16) -> io::Result<Message> {
    let mut stream = TcpStream::connect_timeout(&server, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let id = fastrand::u16(..);
    let question = question(id, wire, rtype);
    let length = u16::try_from(question.len()).map_err(io::Error::other)?;
    stream.write_all(&[&length.to_be_bytes(), &question[..]].concat())?;
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut bytes = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut bytes)?;
    let message = Message::from_vec(&bytes).map_err(io::Error::other)?;
    match message.metadata.id == id {
        true => Ok(message),
        false => Err(io::Error::other("what it answers is no answer to the question")),
    }
}

/// Header, the name, its type, IN (RFC 1035, 4.1).
fn question(id: u16, wire: &[u8], rtype: u16) -> Vec<u8> {
    let mut query = id.to_be_bytes().to_vec();
    query.extend([0, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    query.extend_from_slice(wire);
    query.extend(rtype.to_be_bytes());
    query.extend(CLASS_IN.to_be_bytes());
    query
}

fn answer(socket: &UdpSocket, id: u16) -> io::Result<Message> {
    let mut buffer = [0; 1500];
    for _ in 0..STRAYS {
        let length = socket.recv(&mut buffer)?;
        match Message::from_vec(&buffer[..length]) {
            Ok(message) if message.metadata.id == id => return Ok(message),
            _ => {}
        }
    }
    Err(io::Error::other("what it answers is no answer to the question"))
}

#[cfg(test)]
mod tests;
