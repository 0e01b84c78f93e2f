//! What is recorded of a request until it is over, for the access log only.

use std::rc::Rc;
use std::time::Duration;

use tokio::time::Instant;

use super::termination::End;
use super::view::View;
use crate::config::proxy::Algorithm;
use crate::proxy::request_id::RequestId;

/// One request, so far.
pub struct Trace {
    /// When its first byte was read.
    pub began: Instant,
    /// From there to the end of its head (Tq).
    pub head: Option<Duration>,
    /// How long it waited for verdicts (Tw).
    pub waited: Option<Duration>,
    /// How long the last connection took to open, 0 for one that was open (Tc).
    pub connected: Option<Duration>,
    /// From the request sent to the response's head (Tr).
    pub responded: Option<Duration>,
    /// The snapshot it was routed by and the front's index in it.
    pub front: Option<(Rc<View>, usize)>,
    /// The index of the backend tried last.
    pub backend: Option<usize>,
    /// The user whose password was verified.
    pub user: Option<Rc<str>>,
    /// The response's status; 0: none was sent.
    pub status: u16,
    /// Bytes of the response's body.
    pub bytes: u64,
    /// How the proxy has encoded it, if it has.
    pub encoding: Option<Algorithm>,
    /// What the request's cookie was.
    pub cookie: CookieSeen,
    /// Whether a cookie was set.
    pub cookie_set: bool,
    /// How many attempts were made, a hedge among them.
    pub tries: u32,
    /// What came of its hedge; none: it had none.
    pub hedge: Option<Hedged>,
    /// What it is called; none: nobody has asked.
    pub request_id: Option<RequestId>,
    /// How it ended.
    pub end: End,
}

/// What a request's cookie was, as in HAProxy's log (configuration manual, 8.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CookieSeen {
    /// The service has no cookie.
    Unused,
    /// The request had none.
    None,
    /// It named no backend of the service.
    Invalid,
    /// It named another backend than the one that served, which may not serve now.
    Down,
    /// It named the backend that served.
    Valid,
}

/// What came of a hedge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hedged {
    /// The visitor got the first attempt's response, or none.
    Sent,
    /// He got that of the hedge.
    Won,
}

impl Hedged {
    /// As the access log says it.
    pub fn name(self) -> &'static str {
        match self {
            Hedged::Sent => "sent",
            Hedged::Won => "won",
        }
    }
}

impl Trace {
    /// A request whose first byte was read at `began`.
    pub fn new(began: Instant) -> Trace {
        Trace {
            began,
            head: None,
            waited: None,
            connected: None,
            responded: None,
            front: None,
            backend: None,
            user: None,
            status: 0,
            bytes: 0,
            encoding: None,
            cookie: CookieSeen::Unused,
            cookie_set: false,
            tries: 0,
            hedge: None,
            request_id: None,
            end: End::Done,
        }
    }

    /// For another attempt at the same time, of which nothing is recorded yet.
    pub fn of_another_attempt(&self) -> Trace {
        Trace {
            head: self.head,
            waited: self.waited,
            front: self.front.clone(),
            user: self.user.clone(),
            cookie: self.cookie,
            request_id: self.request_id,
            ..Trace::new(self.began)
        }
    }

    /// Takes what is recorded of another attempt: it is what became of the request.
    pub fn take_attempt(&mut self, other: Trace) {
        self.connected = other.connected;
        self.responded = other.responded;
        self.backend = other.backend;
        (self.status, self.bytes, self.encoding) = (other.status, other.bytes, other.encoding);
        self.cookie_set = other.cookie_set;
    }

    /// What the request is called from now on.
    pub fn request_id(&mut self) -> RequestId {
        *self.request_id.get_or_insert_with(RequestId::new)
    }

    /// The last two letters of the termination code: what the cookie was, and whether one was set.
    pub fn cookie_code(&self) -> &'static str {
        match (self.cookie, self.cookie_set) {
            (CookieSeen::Unused, _) => "--",
            (CookieSeen::None, false) => "NN",
            (CookieSeen::None, true) => "NI",
            (CookieSeen::Invalid, false) => "IN",
            (CookieSeen::Invalid, true) => "IU",
            (CookieSeen::Down, false) => "DN",
            (CookieSeen::Down, true) => "DU",
            (CookieSeen::Valid, false) => "VN",
            (CookieSeen::Valid, true) => "VU",
        }
    }
}
