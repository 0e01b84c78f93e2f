//! One case through one proxy: what the visitor gets, and what arrives at the backends.

use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use crate::cases::{Case, End, Request};
use crate::proxies::{LIMIT, Proxy};
use crate::scripts::Arrived;
use crate::wire::{Body, Head, Incoming};

const PAUSE: Duration = Duration::from_millis(10);

const PROBE: &str = "GET /probe HTTP/1.1\r\nHost: www.test\r\n\r\n";

#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    pub interim: Vec<u16>,
    pub head: Head,
    pub body: Body,
}

impl Response {
    /// Made by the proxy itself: a backend's carry a mark.
    pub fn is_own(&self) -> bool {
        self.head.field("x-backend").is_none()
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum After {
    /// The next request was answered.
    Kept,
    Closed,
    /// Neither: the proxy waits for more of a request.
    Waits,
}

#[derive(Debug, Clone)]
pub struct Outcome {
    pub responses: Vec<Response>,
    /// Interim responses that none follows.
    pub interim: Vec<u16>,
    pub after: After,
    pub arrived: Vec<Arrived>,
}

/// What has not come after `quiet` is not waited for: the proxy itself waits. A difference that rests on that is looked at again.
pub fn visit(proxy: &Proxy, case: &Case, quiet: Duration) -> Outcome {
    let backends = &proxy.backends;
    backends.begin(&case.script);
    let stream = TcpStream::connect(proxy.address).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(quiet)).unwrap();
    let mut sender = stream.try_clone().unwrap();
    let mut reset = false;
    for (n, part) in case.parts(|name| backends.address(name)).iter().enumerate() {
        if n > 0 {
            std::thread::sleep(PAUSE);
        }
        // A proxy may have closed already; what it said first is still to be read. Who was told of a reset by a write
        // is not told again by a read.
        reset |= sender.write_all(part).is_err();
    }
    if case.end == End::CloseHalf {
        let _ = sender.shutdown(Shutdown::Write);
    }
    let mut visitor = Visitor { incoming: Incoming::new(stream), interim: Vec::new() };
    visitor.incoming.reset = reset;
    let heads: Vec<bool> = case.requests.iter().map(|request| request.is_head()).collect();
    let responses: Vec<Response> = heads.iter().map_while(|to_head| visitor.response(*to_head)).collect();
    let complete = responses.len() == heads.len() && responses.iter().all(|response| response.body.whole);
    backends.end_script();
    let after = visitor.after(complete && case.end == End::Probe, &mut sender);
    let mut arrived = backends.arrived();
    if let Some(probe) = arrived.iter().position(|arrived| arrived.head.line.contains("/probe")) {
        arrived.truncate(probe);
    }
    Outcome { responses, interim: visitor.interim, after, arrived }
}

struct Visitor {
    incoming: Incoming,
    interim: Vec<u16>,
}

impl Visitor {
    fn response(&mut self, to_head: bool) -> Option<Response> {
        loop {
            let head = self.incoming.head()?;
            if (100..200).contains(&head.status()) && head.status() != 101 {
                self.interim.push(head.status());
                continue;
            }
            let body = self.incoming.response_body(&head, to_head);
            return Some(Response { interim: std::mem::take(&mut self.interim), head, body });
        }
    }

    fn after(&mut self, probe: bool, sender: &mut TcpStream) -> After {
        if probe && !self.incoming.ended {
            let _ = sender.write_all(PROBE.as_bytes());
            if self.response(false).is_some_and(|response| response.head.status() == 200) {
                return After::Kept;
            }
        } else {
            while self.incoming.head().is_some() {}
        }
        if self.incoming.ended { After::Closed } else { After::Waits }
    }
}

/// Waits until a request goes through.
pub fn wait_ready(proxy: &Proxy) {
    let end = Instant::now() + LIMIT;
    let request = Request {
        line: "GET / HTTP/1.1".into(),
        fields: vec!["Host: www.test".into()],
        body: String::new(),
        line_end: "\r\n",
    };
    let case = Case { requests: vec![request], cut: 0, pauses: Vec::new(), end: End::Probe, script: Vec::new() };
    while visit(proxy, &case, Duration::from_secs(1)).responses.first().is_none_or(Response::is_own) {
        assert!(Instant::now() < end, "no request goes through:\n{}", proxy.log());
        std::thread::sleep(Duration::from_millis(10));
    }
}
