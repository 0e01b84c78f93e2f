//! One DNS query and its response: what a push, its proof, a rehearsal and the demo's visitors ask a nameserver.
//!
//! [`Question`] builds the query and reads the response (pure); [`Question::ask`] also sends it, blocks, and has its own limits.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use hickory_proto::op::{Message, MessageType, ResponseCode};
use hickory_proto::rr::RData;

use crate::zone::name;
use crate::zone::number::{CLASS_IN, rtype};

/// How long [`Question::ask`] waits for one response.
const RESPONSE_LIMIT: Duration = Duration::from_secs(1);

/// How often a query is sent over UDP before the nameserver counts as silent.
const UDP_TRIES: usize = 2;

/// Datagrams that may be passed over because they do not answer the query, such as late responses to the one before.
const MAX_STRAYS: usize = 16;

/// The largest datagram that is read, in bytes. Queries carry no EDNS: nameservers send at most 512.
const MAX_DATAGRAM: usize = 4096;

/// The length of a message's header, in bytes (RFC 1035, 4.1.1).
const HEADER: usize = 12;

/// Records of one type at one name, class IN.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Question {
    /// The question section (RFC 1035, 4.1.2): the name in lower case, the type, the class.
    section: Box<[u8]>,
    recursion_desired: bool,
    wants_signatures: bool,
}

/// What a query is sent over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// One datagram; a truncated response is fetched again over TCP.
    Udp,
    /// A connection of its own.
    Tcp,
}

/// What is read of a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The response code.
    pub code: ResponseCode,
    /// The AA bit: the nameserver is authoritative for the name.
    pub authoritative: bool,
    /// The TC bit: records are missing, TCP has them all.
    pub truncated: bool,
    /// The serial of the SOA record in the answer section.
    pub serial: Option<u32>,
    /// The addresses of the A and AAAA records in the answer section, in its order.
    pub addresses: Vec<IpAddr>,
    /// The lowest TTL in the answer section, a CNAME's included; none if the section is empty.
    pub ttl: Option<Duration>,
}

/// Why there is no response.
#[derive(Debug)]
pub enum QueryError {
    /// The name in question is no domain name.
    NoDomainName,
    /// Sending or receiving failed; a closed UDP port is `ConnectionRefused`.
    Io(io::Error),
    /// The time limit passed.
    NoAnswer,
    /// Only something else than a response to the query came.
    Unrelated,
    /// The nameserver answered a question about a zone with an error other than that it has no such zone.
    Failed(ResponseCode),
}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            QueryError::NoDomainName => f.write_str("not a domain name"),
            QueryError::Io(error) => write!(f, "{error}"),
            QueryError::NoAnswer => f.write_str("no answer"),
            QueryError::Unrelated => f.write_str("what it answers is no answer to the question"),
            QueryError::Failed(code) => write!(f, "it answered {code}"),
        }
    }
}

impl std::error::Error for QueryError {}

impl From<io::Error> for QueryError {
    fn from(error: io::Error) -> QueryError {
        match error.kind() {
            // A socket's own time limit shows as either of them.
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => QueryError::NoAnswer,
            _ => QueryError::Io(error),
        }
    }
}

/// The serial of a zone at a nameserver; `None` if the nameserver answers and does not serve the zone.
///
/// # Errors
///
/// No response came in time, or one with an error that says nothing about the zone (SERVFAIL, for one).
pub fn serial(server: SocketAddr, apex: &str) -> Result<Option<u32>, QueryError> {
    let response = Question::new(apex, rtype::SOA)?.ask(server, Transport::Udp)?;
    match (response.serial, response.code) {
        (Some(serial), _) => Ok(Some(serial)),
        (None, ResponseCode::Refused | ResponseCode::NotAuth | ResponseCode::NXDomain | ResponseCode::NoError) => {
            Ok(None)
        }
        (None, code) => Err(QueryError::Failed(code)),
    }
}

impl Question {
    /// A question to an authoritative nameserver.
    ///
    /// # Errors
    ///
    /// `name` is no domain name.
    pub fn new(name: &str, rtype: u16) -> Result<Question, QueryError> {
        let name = name::from_text(name).ok_or(QueryError::NoDomainName)?;
        let section = [&name[..], &rtype.to_be_bytes(), &CLASS_IN.to_be_bytes()].concat();
        Ok(Question { section: section.into(), recursion_desired: false, wants_signatures: false })
    }

    /// The question as a stub resolver asks it (RD): an authoritative nameserver ignores the bit, a recursive one needs it.
    #[must_use]
    pub fn with_recursion(self) -> Question {
        Question { recursion_desired: true, ..self }
    }

    /// The question as a validating resolver asks it: with EDNS, for answers of 1,232 bytes at most over UDP, and DO (RFC 6891, 6.1.3; RFC 4035, 3.2.1).
    #[must_use]
    pub fn with_signatures(self) -> Question {
        Question { wants_signatures: true, ..self }
    }

    /// The whole query (RFC 1035, 4.1).
    pub fn query(&self, id: u16) -> Vec<u8> {
        const OPT: [u8; 11] = [0, 0, 41, 0x04, 0xd0, 0, 0, 0x80, 0, 0, 0];
        let [high, low] = id.to_be_bytes();
        let opt: &[u8] = if self.wants_signatures { &OPT } else { &[] };
        let header = [high, low, self.recursion_desired.into(), 0, 0, 1, 0, 0, 0, 0, 0, self.wants_signatures.into()];
        [&header[..], &self.section, opt].concat()
    }

    /// Reads a message; `None` unless it responds to this question under this identifier (RFC 5452, 9.1). An error may come
    /// without the question: a nameserver that could not read the query cannot repeat it.
    pub fn read_response(&self, id: u16, bytes: &[u8]) -> Option<Response> {
        self.read_message(id, bytes).as_ref().map(Response::of)
    }

    /// The same, with all that it has.
    fn read_message(&self, id: u16, bytes: &[u8]) -> Option<Message> {
        let message = Message::from_vec(bytes).ok()?;
        let header = &message.metadata;
        let repeats = bytes.get(HEADER..).is_some_and(|rest| {
            rest.get(..self.section.len()).is_some_and(|section| section.eq_ignore_ascii_case(&self.section))
        });
        let is_bare_error = message.queries.is_empty() && header.response_code != ResponseCode::NoError;
        let answers = header.id == id && header.message_type == MessageType::Response && (repeats || is_bare_error);
        answers.then_some(message)
    }

    /// Asks a nameserver and waits for the response.
    ///
    /// # Errors
    ///
    /// No response came in time.
    pub fn ask(&self, server: SocketAddr, transport: Transport) -> Result<Response, QueryError> {
        match transport {
            Transport::Udp => self.ask_for_message(server).map(|message| Response::of(&message)),
            Transport::Tcp => self.ask_over_tcp(server, RESPONSE_LIMIT),
        }
    }

    /// Asks a nameserver, over TCP where a datagram does not hold the response, and gives all of it.
    ///
    /// # Errors
    ///
    /// No response came in time.
    pub fn ask_for_message(&self, server: SocketAddr) -> Result<Message, QueryError> {
        match self.ask_over_udp(server)? {
            message if message.metadata.truncation => Ok(self.fetch_over_tcp(server, RESPONSE_LIMIT)?.0),
            message => Ok(message),
        }
    }

    fn ask_over_udp(&self, server: SocketAddr) -> Result<Message, QueryError> {
        let any: IpAddr = if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        let socket = UdpSocket::bind((any, 0))?;
        // Connected: the kernel drops what others send, and reports a closed port at once.
        socket.connect(server)?;
        socket.set_read_timeout(Some(RESPONSE_LIMIT))?;
        for _ in 0..UDP_TRIES {
            let id = fastrand::u16(..);
            socket.send(&self.query(id))?;
            match self.receive(&socket, id) {
                Err(QueryError::NoAnswer) => {}
                answered => return answered,
            }
        }
        Err(QueryError::NoAnswer)
    }

    fn receive(&self, socket: &UdpSocket, id: u16) -> Result<Message, QueryError> {
        let mut buffer = [0; MAX_DATAGRAM];
        for _ in 0..MAX_STRAYS {
            let length = socket.recv(&mut buffer)?;
            if let Some(message) = self.read_message(id, &buffer[..length]) {
                return Ok(message);
            }
        }
        Err(QueryError::Unrelated)
    }

    /// Asks over a connection of its own, each message behind its length (RFC 1035, 4.2.2). The limit holds for the connection,
    /// and for each time that nothing arrives.
    ///
    /// # Errors
    ///
    /// No response came in time.
    pub fn ask_over_tcp(&self, server: SocketAddr, limit: Duration) -> Result<Response, QueryError> {
        self.fetch_over_tcp(server, limit).map(|(message, _)| Response::of(&message))
    }

    /// The message that comes, read and as it came.
    ///
    /// # Errors
    ///
    /// As [`Question::ask_over_tcp`].
    pub fn fetch_over_tcp(&self, server: SocketAddr, limit: Duration) -> Result<(Message, Vec<u8>), QueryError> {
        let mut stream = TcpStream::connect_timeout(&server, limit)?;
        stream.set_read_timeout(Some(limit))?;
        let id = fastrand::u16(..);
        let query = self.query(id);
        let length = u16::try_from(query.len()).map_err(io::Error::other)?;
        stream.write_all(&[&length.to_be_bytes(), &query[..]].concat())?;
        let mut length = [0; 2];
        stream.read_exact(&mut length)?;
        let mut bytes = vec![0; usize::from(u16::from_be_bytes(length))];
        stream.read_exact(&mut bytes)?;
        let message = self.read_message(id, &bytes).ok_or(QueryError::Unrelated)?;
        Ok((message, bytes))
    }
}

impl Response {
    /// What is read of a message.
    pub fn of(message: &Message) -> Response {
        let data = || message.answers.iter().map(|record| &record.data);
        Response {
            code: message.metadata.response_code,
            authoritative: message.metadata.authoritative,
            truncated: message.metadata.truncation,
            serial: data().find_map(|data| if let RData::SOA(soa) = data { Some(soa.serial) } else { None }),
            addresses: data().filter_map(RData::ip_addr).collect(),
            ttl: message.answers.iter().map(|record| Duration::from_secs(record.ttl.into())).min(),
        }
    }
}

#[cfg(test)]
mod tests;
