//! Queries as stub resolvers send them that want to know whether an answer is proved.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::Record;

/// No answer is waited for longer.
const LIMIT: Duration = Duration::from_secs(20);

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub rcode: ResponseCode,
    /// The resolver has proved it (AD).
    pub is_secure: bool,
    /// Type and data of the answers but signatures, names in lower case, in order.
    pub answers: Vec<String>,
}

/// The numbers of the types that are asked for.
pub fn type_number(rtype: &str) -> u16 {
    const NUMBERS: [(&str, u16); 16] = [
        ("A", 1),
        ("NS", 2),
        ("CNAME", 5),
        ("SOA", 6),
        ("PTR", 12),
        ("MX", 15),
        ("TXT", 16),
        ("AAAA", 28),
        ("SRV", 33),
        ("DNAME", 39),
        ("DS", 43),
        ("NSEC", 47),
        ("DNSKEY", 48),
        ("HTTPS", 65),
        ("ANY", 255),
        ("CAA", 257),
    ];
    match NUMBERS.iter().find(|(name, _)| *name == rtype) {
        Some((_, number)) => *number,
        None => rtype.trim_start_matches("TYPE").parse().unwrap(),
    }
}

/// A query with DO; `wants_recursion` for a resolver.
pub fn query(name: &str, rtype: &str, wants_recursion: bool) -> Vec<u8> {
    let flags = if wants_recursion { 0x0120u16 } else { 0 };
    let mut query = vec![fastrand::u8(..), fastrand::u8(..)];
    query.extend(flags.to_be_bytes());
    query.extend([0, 1, 0, 0, 0, 0, 0, 1]);
    query.extend(polder::zone::name::from_text(name).unwrap());
    query.extend(type_number(rtype).to_be_bytes());
    query.extend([0, 1]);
    // OPT: no name, 1232 bytes, version 0, DO (RFC 3225).
    query.extend([0, 0, 41, 0x04, 0xd0, 0, 0, 0x80, 0, 0, 0]);
    query
}

/// The response over UDP, or over TCP where that is not whole.
pub fn exchange(server: SocketAddr, query: &[u8]) -> std::io::Result<Vec<u8>> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.set_read_timeout(Some(LIMIT))?;
    socket.connect(server)?;
    socket.send(query)?;
    let mut buffer = [0; 65535];
    let length = socket.recv(&mut buffer)?;
    if buffer[2] & 0x02 == 0 {
        return Ok(buffer[..length].to_vec());
    }
    over_tcp(server, query)
}

pub fn over_tcp(server: SocketAddr, query: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(server)?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.write_all(&[&(query.len() as u16).to_be_bytes()[..], query].concat())?;
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut message = vec![0; u16::from_be_bytes(length).into()];
    stream.read_exact(&mut message)?;
    Ok(message)
}

impl Reply {
    /// What a resolver says.
    pub fn of(server: SocketAddr, name: &str, rtype: &str) -> std::io::Result<Reply> {
        Ok(Reply::read(&exchange(server, &query(name, rtype, true))?))
    }

    /// What a nameserver says.
    pub fn with_authority(server: SocketAddr, name: &str, rtype: &str) -> std::io::Result<Reply> {
        Ok(Reply::read(&exchange(server, &query(name, rtype, false))?))
    }

    fn read(bytes: &[u8]) -> Reply {
        let message = Message::from_vec(bytes).unwrap_or_else(|error| panic!("{error}: {bytes:02x?}"));
        let signatures = 46;
        let of_data = message.answers.iter().filter(|record| u16::from(record.record_type()) != signatures);
        let mut answers: Vec<String> = of_data.map(in_words).collect();
        answers.sort();
        Reply { rcode: message.metadata.response_code, is_secure: message.metadata.authentic_data, answers }
    }
}

fn in_words(record: &Record) -> String {
    let rtype = u16::from(record.record_type());
    let data = record.data.to_string();
    match rtype {
        // Text keeps its case.
        16 => format!("TXT {data}"),
        43 | 48 => format!("{} {data}", if rtype == 43 { "DS" } else { "DNSKEY" }),
        65280 => format!("TYPE65280 {data}"),
        _ => format!("{} {}", record.record_type(), data.to_lowercase()),
    }
}
