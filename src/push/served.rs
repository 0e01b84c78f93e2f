//! Asks nameservers which serial of a zone they serve.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::RData;

use crate::dns::name;
use crate::dns::number::{CLASS_IN, rtype};

/// How long one question may go unanswered, and how often it is put.
const PATIENCE: Duration = Duration::from_secs(1);
const TRIES: usize = 2;

/// Datagrams that are no answer to the question, late ones to the question before among them.
const STRAYS: usize = 16;

/// What a nameserver says of a zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It serves this serial.
    Serial(u32),
    /// It answers, and has no such zone.
    NoZone,
}

/// The serial of a zone at a nameserver.
///
/// # Errors
///
/// No answer that can be understood, in time.
pub fn serial(server: SocketAddr, apex: &str) -> io::Result<Answer> {
    let wire = name::from_text(apex).ok_or_else(|| io::Error::other("that is no zone's name"))?;
    let any: IpAddr = if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0))?;
    // Connected: an answer from anybody else is not ours, and a closed port is told at once.
    socket.connect(server)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    let mut silence = io::Error::from(io::ErrorKind::TimedOut);
    for _ in 0..TRIES {
        let id = fastrand::u16(..);
        socket.send(&question(id, &wire))?;
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

/// Header, the name, SOA, IN (RFC 1035, 4.1).
fn question(id: u16, wire: &[u8]) -> Vec<u8> {
    let mut query = id.to_be_bytes().to_vec();
    query.extend([0, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    query.extend_from_slice(wire);
    query.extend(rtype::SOA.to_be_bytes());
    query.extend(CLASS_IN.to_be_bytes());
    query
}

fn answer(socket: &UdpSocket, id: u16) -> io::Result<Answer> {
    let mut buffer = [0; 1500];
    for _ in 0..STRAYS {
        let length = socket.recv(&mut buffer)?;
        let Ok(message) = Message::from_vec(&buffer[..length]) else { continue };
        if message.metadata.id != id {
            continue;
        }
        let serial = message.answers.iter().find_map(|record| match &record.data {
            RData::SOA(soa) => Some(soa.serial),
            _ => None,
        });
        return match (serial, message.metadata.response_code) {
            (Some(serial), _) => Ok(Answer::Serial(serial)),
            (None, ResponseCode::Refused | ResponseCode::NotAuth | ResponseCode::NXDomain | ResponseCode::NoError) => {
                Ok(Answer::NoZone)
            }
            (None, code) => Err(io::Error::other(format!("it answered {code}"))),
        };
    }
    Err(io::Error::other("what it answers is no answer to the question"))
}

#[cfg(test)]
#[path = "served_tests.rs"]
mod tests;
