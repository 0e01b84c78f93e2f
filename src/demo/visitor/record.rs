//! What visitors saw: plain data for the judge. Every moment is the time since the load began.

use std::net::IpAddr;
use std::time::Duration;

/// One thing that ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// A request.
    Request(Request),
    /// A query that no cache answered.
    Query(Query),
}

impl Record {
    /// When it was wanted.
    pub fn intended(&self) -> Duration {
        match self {
            Record::Request(request) => request.intended,
            Record::Query(query) => query.intended,
        }
    }

    /// When it ended.
    pub fn ended(&self) -> Duration {
        match self {
            Record::Request(request) => request.ended,
            Record::Query(query) => query.ended,
        }
    }
}

/// One request of a visitor, with all its attempts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Who wanted it, an index.
    pub visitor: usize,
    /// Its site, an index into the plan's.
    pub site: usize,
    /// GET: may be sent again when nothing came back.
    pub safe: bool,
    /// When the visitor wanted it.
    pub intended: Duration,
    /// When the response was there in whole, or given up.
    pub ended: Duration,
    /// The proxy that was asked last.
    pub via: Option<IpAddr>,
    /// The backend named in the response.
    pub backend: Option<Box<str>>,
    /// How it ended.
    pub result: Result<Session, Failure>,
    /// Of the connection over TLS that was opened for it; none: there was one already, or it is not over TLS.
    pub handshake: Option<Handshake>,
}

/// How a connection over TLS began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handshake {
    /// As a visitor does who has no ticket.
    Full,
    /// With a ticket.
    Resumed,
    /// In full, though the visitor had offered a ticket.
    Refused,
}

impl Request {
    /// How long the visitor waited.
    pub fn waited(&self) -> Duration {
        self.ended.saturating_sub(self.intended)
    }
}

/// What became of the visitor's session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Session {
    /// The site keeps none.
    None,
    /// It has begun.
    New,
    /// It went on.
    Known,
    /// It had begun, and the backend has never heard of it.
    Lost,
}

/// Why a request failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Failure {
    /// No nameserver gave an address.
    #[error("no address")]
    Unresolved,
    /// No address accepted a connection.
    #[error("no connection")]
    Unconnected,
    /// The connection ended before the first byte of a response, and the request could not be sent again.
    #[error("closed before a response")]
    Closed,
    /// No response in time.
    #[error("no response in time")]
    TimedOut,
    /// The response broke off after it had begun.
    #[error("response cut short")]
    CutShort,
    /// What came was no HTTP response.
    #[error("no HTTP response")]
    Garbled,
    /// A response that is not the page.
    #[error("status {0}")]
    Status(u16),
}

/// One query, with all its attempts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// When it was wanted.
    pub intended: Duration,
    /// When the answer was there, or given up.
    pub ended: Duration,
    /// How many addresses came, or that none did.
    pub addresses: Option<usize>,
    /// How many answers, to anybody, were found not to be proved since the query before.
    pub unproved: usize,
}

impl Query {
    /// How long the resolver waited.
    pub fn waited(&self) -> Duration {
        self.ended.saturating_sub(self.intended)
    }
}
