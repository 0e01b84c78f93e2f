//! A visitor with a browser: cookies, reused connections, the next address when one is silent, safe requests sent again.
//!
//! Where browsers differ, it does what most do. In one thing it is stricter than many: a connection is reused only
//! while its address still stands in the (unexpired) answer of the nameservers, so that "gone when the TTL ends" has a
//! meaning that can be judged.

use std::cell::RefCell;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::http1::{Connection, Response};
use super::record::{Failure, Handshake, Request, Session};
use super::resolver::Resolver;
use super::secure::Tickets;
use super::{Plan, Site, Timeouts};
use crate::demo::backend::{BACKEND_FIELD, VISIT_FIELD};
use crate::health::dns_query::Question;
use crate::zone::number::rtype;

/// One response in so many, the visitor closes the connection and comes back later with a new one.
const LEAVES_ONE_IN: u32 = 10;
/// Connections kept idle for one site (browsers: six at most to one host).
const IDLE_PER_SITE: usize = 6;
/// What a POST carries.
const FORM: &str = "article=polder&quantity=1";

/// A plan, with the question for each of its sites.
pub struct Sites {
    /// The plan.
    pub plan: Plan,
    questions: Vec<Question>,
}

impl Sites {
    /// Reads the plan's sites.
    ///
    /// # Errors
    ///
    /// A host is no domain name; the error names it.
    pub fn new(plan: Plan) -> io::Result<Sites> {
        let question = |site: &Site| match Question::new(&site.host, rtype::A) {
            Ok(question) if plan.anchor.is_some() => Ok(question.with_recursion().with_signatures()),
            Ok(question) => Ok(question.with_recursion()),
            Err(error) => Err(io::Error::other(format!("{}: {error}", site.host))),
        };
        let questions = plan.sites.iter().map(question).collect::<io::Result<_>>()?;
        Ok(Sites { plan, questions })
    }

    /// The question for a site's IPv4 addresses.
    pub fn question(&self, site: usize) -> &Question {
        &self.questions[site]
    }
}

/// What a visitor wants.
#[derive(Debug, Clone, Copy)]
pub struct PlannedRequest {
    /// The site.
    pub site: usize,
    /// GET, or else POST.
    pub safe: bool,
    /// Since when, from the beginning of the load.
    pub intended: Duration,
}

/// One visitor.
pub struct Visitor {
    number: usize,
    resolver: Rc<Resolver>,
    /// By site.
    cookies: RefCell<Vec<Vec<(String, String)>>>,
    /// By site.
    idle: RefCell<Vec<Vec<Connection>>>,
    tickets: Rc<Tickets>,
}

/// What an attempt came to.
struct Attempt {
    via: Option<IpAddr>,
    outcome: Result<Response, Failure>,
    /// If a connection over TLS was opened for it.
    handshake: Option<Handshake>,
    /// It failed on a reused connection before a byte came back.
    may_send_again: bool,
}

impl Visitor {
    /// A visitor who has never been here. `number`: for the record.
    pub fn new(number: usize, resolver: Rc<Resolver>, sites: usize) -> Visitor {
        Visitor {
            number,
            resolver,
            cookies: RefCell::new(vec![Vec::new(); sites]),
            idle: RefCell::new(std::iter::repeat_with(Vec::new).take(sites).collect()),
            tickets: Rc::new(Tickets::default()),
        }
    }

    /// Gets what is wished for, or finds out why not.
    pub async fn fetch(&self, sites: &Sites, planned: PlannedRequest, began: Instant) -> Request {
        let mut attempt = self.attempt(sites, planned, true).await;
        if attempt.may_send_again && planned.safe {
            attempt = self.attempt(sites, planned, false).await;
        }
        let response = attempt.outcome.as_ref().ok();
        let backend = response.and_then(|response| response.field(BACKEND_FIELD)).map(Box::from);
        let result = match &attempt.outcome {
            Ok(response) if (200..400).contains(&response.status) => Ok(session(response)),
            Ok(response) => Err(Failure::Status(response.status)),
            Err(failure) => Err(*failure),
        };
        Request {
            visitor: self.number,
            site: planned.site,
            safe: planned.safe,
            intended: planned.intended,
            ended: began.elapsed(),
            via: attempt.via,
            backend,
            result,
            handshake: attempt.handshake,
        }
    }

    async fn attempt(&self, sites: &Sites, planned: PlannedRequest, reuse: bool) -> Attempt {
        let failed = |failure| Attempt { via: None, outcome: Err(failure), handshake: None, may_send_again: false };
        let Some(addresses) = self.resolver.resolve(sites.question(planned.site)).await else {
            return failed(Failure::Unresolved);
        };
        let idle = if reuse { self.take_idle(planned.site, &addresses) } else { None };
        let connection = match idle {
            Some(connection) => Some((connection, None)),
            None => self.connect(sites, planned.site, &addresses).await,
        };
        let Some((mut connection, handshake)) = connection else { return failed(Failure::Unconnected) };
        let request = self.render(&sites.plan.sites[planned.site], planned);
        let outcome = connection.exchange(&request, sites.plan.timeouts.response).await;
        let via = Some(connection.address);
        match outcome {
            Ok(response) => {
                self.remember(planned.site, &response);
                if response.keep {
                    self.keep_idle(planned.site, connection);
                }
                Attempt { via, outcome: Ok(response), handshake, may_send_again: false }
            }
            Err(failure) => {
                let may_send_again = failure == Failure::Closed && connection.used;
                Attempt { via, outcome: Err(failure), handshake, may_send_again }
            }
        }
    }

    /// Connects to the first address that accepts, and that shakes hands where this visitor comes over https.
    async fn connect(&self, sites: &Sites, site: usize, addresses: &[Ipv4Addr]) -> Option<Opened> {
        let Plan { port, timeouts, .. } = &sites.plan;
        let secure = sites.plan.secure.clone().filter(|_| self.number % 2 == 1);
        let (host, tickets) = (sites.plan.sites[site].host.clone(), Rc::clone(&self.tickets));
        let dial = |address: Ipv4Addr| {
            let (secure, host, tickets) = (secure.clone(), host.clone(), Rc::clone(&tickets));
            let port = secure.as_ref().map_or(*port, |secure| secure.port);
            async move {
                let stream = TcpStream::connect((address, port)).await?;
                let Some(secure) = secure else { return Ok((Connection::new(stream, address.into()), None)) };
                let (stream, handshake) = tickets.connect(&secure.config, &host, stream).await?;
                Ok((Connection::new(stream, address.into()), Some(handshake)))
            }
        };
        tokio::time::timeout(timeouts.connect, connect_in_turn(addresses, timeouts, dial)).await.ok().flatten()
    }

    fn take_idle(&self, site: usize, addresses: &[Ipv4Addr]) -> Option<Connection> {
        let mut idle = self.idle.borrow_mut();
        let idle = &mut idle[site];
        idle.retain(|connection| {
            addresses.iter().any(|address| connection.address == *address) && !connection.is_stale()
        });
        idle.pop()
    }

    fn keep_idle(&self, site: usize, connection: Connection) {
        let mut idle = self.idle.borrow_mut();
        if idle[site].len() < IDLE_PER_SITE && fastrand::u32(..LEAVES_ONE_IN) > 0 {
            idle[site].push(connection);
        }
    }

    fn render(&self, site: &Site, planned: PlannedRequest) -> Vec<u8> {
        let mut text = Vec::with_capacity(384);
        let method = if planned.safe { "GET" } else { "POST" };
        let _ = write!(text, "{method} {} HTTP/1.1\r\nHost: {}\r\nAccept: */*\r\n", site.path, site.host);
        let cookies = &self.cookies.borrow()[planned.site];
        for (n, (name, value)) in cookies.iter().enumerate() {
            let _ = write!(text, "{}{name}={value}", if n == 0 { "Cookie: " } else { "; " });
        }
        if !cookies.is_empty() {
            text.extend_from_slice(b"\r\n");
        }
        if !planned.safe {
            let _ =
                write!(text, "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n", FORM.len());
        }
        text.extend_from_slice(b"\r\n");
        if !planned.safe {
            text.extend_from_slice(FORM.as_bytes());
        }
        text
    }

    fn remember(&self, site: usize, response: &Response) {
        let mut jar = self.cookies.borrow_mut();
        let set = response.fields.iter().filter(|(field, _)| field == "set-cookie");
        for (_, cookie) in set {
            let pair = cookie.split(';').next().unwrap_or_default();
            let Some((name, value)) = pair.trim().split_once('=') else { continue };
            jar[site].retain(|(known, _)| known != name);
            jar[site].push((name.to_owned(), value.to_owned()));
        }
    }
}

fn session(response: &Response) -> Session {
    match response.field(VISIT_FIELD) {
        Some("new") => Session::New,
        Some("known") => Session::Known,
        Some("lost") => Session::Lost,
        _ => Session::None,
    }
}

/// A connection, and how it began if it is over TLS.
type Opened = (Connection, Option<Handshake>);

/// The first address that accepts: each is tried when the one before it has refused, or has been silent for a while
/// (RFC 8305, 5).
async fn connect_in_turn<F>(addresses: &[Ipv4Addr], timeouts: &Timeouts, dial: impl Fn(Ipv4Addr) -> F) -> Option<Opened>
where
    F: Future<Output = io::Result<Opened>> + 'static,
{
    let mut left = addresses.iter().copied();
    let mut trying = JoinSet::new();
    trying.spawn_local(dial(left.next()?));
    loop {
        let silent = tokio::time::sleep(timeouts.next_address);
        tokio::select! {
            ended = trying.join_next() => match ended {
                Some(Ok(Ok(opened))) => return Some(opened),
                _ => match left.next() {
                    Some(address) => drop(trying.spawn_local(dial(address))),
                    None if trying.is_empty() => return None,
                    None => {}
                },
            },
            () = silent => {
                if let Some(address) = left.next() {
                    trying.spawn_local(dial(address));
                }
            }
        }
    }
}
