//! Backends that do what a case wants, and record what arrives.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;

use crate::wire::{self, Head, Incoming};

/// What a backend does with one request.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Sends this, and keeps the connection.
    Answer(&'static str),
    /// Sends this, and closes.
    AnswerAndClose(&'static str),
    /// Sends this as soon as it has the head, and closes.
    AnswerEarly(&'static str),
    /// Sends this in two parts.
    AnswerSlowly(&'static str),
    Close,
    CloseEarly,
    Reset,
}

pub const PLAIN: &str = "HTTP/1.1 200 OK\r\nX-Backend: 1\r\nContent-Length: 5\r\n\r\nplain";

const ANSWERS: [&str; 44] = [
    "HTTP/1.1 200 OK\r\nX-Backend: 1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nX-Backend: 1\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nX-Trailer: 1\r\n\r\n",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nX-Backend: 1\r\nContent-Length: 2\r\n\r\nok",
    "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nX-Backend: 1\r\nContent-Length: 2\r\n\r\nok",
    "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nX-Backend: 1\r\nContent-Length: 2\r\n\r\nok",
    "HTTP/1.1 204 No Content\r\nX-Backend: 1\r\n\r\n",
    "HTTP/1.1 204 No Content\r\nX-Backend: 1\r\nContent-Length: 5\r\n\r\n",
    "HTTP/1.1 304 Not Modified\r\nX-Backend: 1\r\nContent-Length: 5\r\n\r\n",
    "HTTP/1.1 404 Not Found\r\nX-Backend: 1\r\nContent-Length: 4\r\n\r\ngone",
    "HTTP/1.1 500 \r\nX-Backend: 1\r\nContent-Length: 4\r\n\r\noops",
    "HTTP/1.1 200\r\nX-Backend: 1\r\nContent-Length: 2\r\n\r\nok",
    "HTTP/1.1 299 Odd\r\nX-Backend: 1\r\nContent-Length: 2\r\n\r\nok",
    "HTTP/1.1 999 Odd\r\nX-Backend: 1\r\nContent-Length: 2\r\n\r\nok",
    "HTTP/1.1 20 Odd\r\nX-Backend: 1\r\nContent-Length: 2\r\n\r\nok",
    "HTTP/1.1 2000 Odd\r\nX-Backend: 1\r\nContent-Length: 2\r\n\r\nok",
    "HTTP/1.1 101 Switching Protocols\r\nX-Backend: 1\r\n\r\n",
    "HTTP/1.1 426 Upgrade Required\r\nX-Backend: 1\r\nUpgrade: x/1\r\nConnection: upgrade\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.0 200 OK\r\nX-Backend: 1\r\nContent-Length: 2\r\n\r\nok",
    "HTTP/1.0 200 OK\r\nX-Backend: 1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "HTTP/1.2 200 OK\r\nX-Backend: 1\r\nContent-Length: 2\r\n\r\nok",
    "HTTP/2.0 200 OK\r\nX-Backend: 1\r\nContent-Length: 2\r\n\r\nok",
    "HTTX/1.1 200 OK\r\nX-Backend: 1\r\nContent-Length: 2\r\n\r\nok",
    "garbage\r\n\r\n",
    "HTTP/1.1 200 OK\r\nX-Backend: 1\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
    "HTTP/1.1 200 OK\r\nX-Backend: 1\r\nConnection: X-Hop\r\nX-Hop: 1\r\nContent-Length: 2\r\n\r\nok",
    "HTTP/1.1 200 OK\r\nX-Backend: 1\r\nKeep-Alive: timeout=1\r\nContent-Length: 2\r\n\r\nok",
    "HTTP/1.1 200 OK\r\nX-Backend: 1\r\nSet-Cookie: polder-www=evil\r\nSet-Cookie: x=1\r\nContent-Length: 2\r\n\r\nok",
    "HTTP/1.1 200 OK\r\nX-Backend: 1\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok",
    "HTTP/1.1 200 OK\r\nX-Backend: 1\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
    "HTTP/1.1 200 OK\r\nX-Backend: 1\r\nContent-Length: 2, 2\r\n\r\nok",
    "HTTP/1.1 200 OK\r\nX-Backend: 1\r\nContent-Length: +2\r\n\r\nok",
    "HTTP/1.1 200 OK\r\nX-Backend: 1\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nX-Backend: 1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nX-Backend: 1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "HTTP/1.1 200 OK\r\nX-Backend: 1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nokX\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nX-Backend: 1\r\nX-Fold: a\r\n b\r\nContent-Length: 2\r\n\r\nok",
    "HTTP/1.1 200 OK\r\nX-Backend: 1\r\nX Space: 1\r\nContent-Length: 2\r\n\r\nok",
    "HTTP/1.1 200 OK\r\nX-Backend: 1\r\nX-Space : 1\r\nContent-Length: 2\r\n\r\nok",
    "HTTP/1.1 200 OK\r\nX-Backend: 1\r\nX-Nul: \0\r\nContent-Length: 2\r\n\r\nok",
    "HTTP/1.1 200 OK\r\nX-Backend: 1\r\nX-High: \u{fc}\r\nContent-Length: 2\r\n\r\nok",
    "HTTP/1.1 200 OK\nX-Backend: 1\nContent-Length: 2\n\nok",
    "HTTP/1.1 200 OK\r\nX-Backend: 1\r\nVia: 1.1 b\r\nServer: s\r\nCache-Control: max-age=5\r\nContent-Length: 2\r\n\r\nok",
    "HTTP/1.1 205 Reset Content\r\nX-Backend: 1\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nX-Backend: 1\r\nContent-Length: 0\r\n\r\n",
];

/// These only make sense with the end of the connection.
const LAST_ANSWERS: [&str; 6] = [
    "HTTP/1.1 200 OK\r\nX-Backend: 1\r\n\r\nuntil the end",
    "HTTP/1.0 200 OK\r\nX-Backend: 1\r\n\r\nuntil the end",
    "HTTP/1.1 200 OK\r\nX-Backend: 1\r\nContent-Length: 50\r\n\r\nshort",
    "HTTP/1.1 200 OK\r\nX-Backend: 1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    "HTTP/1.1 200 OK\r\nX-Back",
    "HTTP/1.1 103 Early Hints\r\n\r\n",
];

impl Action {
    pub fn random(random: &mut Rng) -> Action {
        let answer = ANSWERS[random.usize(..ANSWERS.len())];
        match random.u8(..16) {
            0..=5 => Action::Answer(answer),
            6 => Action::AnswerAndClose(answer),
            7 => Action::AnswerEarly(answer),
            8 => Action::AnswerSlowly(answer),
            9 => Action::Close,
            10 => Action::CloseEarly,
            11 => Action::Reset,
            12 | 13 => Action::AnswerAndClose(LAST_ANSWERS[random.usize(..LAST_ANSWERS.len())]),
            _ => Action::Answer(PLAIN),
        }
    }
}

impl Action {
    pub fn answer(&self) -> Option<&'static str> {
        match self {
            Action::Answer(answer)
            | Action::AnswerAndClose(answer)
            | Action::AnswerEarly(answer)
            | Action::AnswerSlowly(answer) => Some(answer),
            Action::Close | Action::CloseEarly | Action::Reset => None,
        }
    }

    /// Whether the request has no whole answer.
    pub fn fails(&self) -> bool {
        self.answer().is_none_or(|answer| answer.ends_with("X-Back"))
    }
}

/// A request that arrived, whole or not.
#[derive(Debug, Clone)]
pub struct Arrived {
    pub backend: char,
    pub head: Head,
    pub body: Vec<u8>,
    pub trailers: Vec<String>,
    pub whole: bool,
}

#[derive(Default)]
struct Stage {
    /// Counts visits: a request that was read in one visit may have its body in the next.
    visit: u64,
    script: VecDeque<Action>,
    arrived: Vec<Arrived>,
}

/// Both backends of one proxy, and an address that refuses. Each proxy has its own: what one sends late, for a visitor who has gone,
/// would take the script of the other's visit.
pub struct Backends {
    pub addresses: Vec<(&'static str, SocketAddr)>,
    stage: Arc<Mutex<Stage>>,
    /// Bound, and never listens.
    _refusing: socket2::Socket,
}

impl Backends {
    pub fn start() -> Backends {
        let stage = Arc::<Mutex<Stage>>::default();
        let refusing = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        refusing.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        let dead = refusing.local_addr().unwrap().as_socket().unwrap();
        let addresses = vec![("a", listen('a', &stage)), ("b", listen('b', &stage)), ("dead", dead)];
        Backends { addresses, stage, _refusing: refusing }
    }

    pub fn address(&self, name: &str) -> String {
        self.addresses.iter().find(|(own, _)| *own == name).unwrap().1.to_string()
    }

    /// A text in which addresses of backends stand by their names, as in a case.
    fn named(&self, text: &str) -> String {
        let named =
            |text: String, (name, address): &(_, SocketAddr)| text.replace(&address.to_string(), &format!("@{name}@"));
        self.addresses.iter().fold(text.to_owned(), named)
    }

    pub fn begin(&self, script: &[Action]) {
        let mut stage = self.stage.lock().unwrap();
        stage.visit += 1;
        stage.script = script.iter().cloned().collect();
        stage.arrived.clear();
    }

    /// From here on requests are just answered.
    pub fn end_script(&self) {
        self.stage.lock().unwrap().script.clear();
    }

    /// What has arrived in this visit, with backends by their names: the addresses of each proxy's are its own.
    pub fn arrived(&self) -> Vec<Arrived> {
        let mut arrived = self.stage.lock().unwrap().arrived.clone();
        for (_, value) in arrived.iter_mut().flat_map(|arrived| &mut arrived.head.fields) {
            *value = self.named(value);
        }
        arrived
    }
}

fn listen(name: char, stage: &Arc<Mutex<Stage>>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let stage = Arc::clone(stage);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let stage = Arc::clone(&stage);
            std::thread::spawn(move || serve(name, stream, &stage));
        }
    });
    address
}

/// Serves one connection until an action or the proxy ends it.
fn serve(backend: char, stream: TcpStream, stage: &Mutex<Stage>) {
    let _ = stream.set_nodelay(true);
    let _ = stream.set_read_timeout(Some(Duration::from_secs(60)));
    let mut incoming = Incoming::new(stream);
    while let Some(head) = incoming.head() {
        let (action, visit, place) = {
            let mut stage = stage.lock().unwrap();
            let place = stage.arrived.len();
            stage.arrived.push(Arrived {
                backend,
                head: head.clone(),
                body: Vec::new(),
                trailers: Vec::new(),
                whole: false,
            });
            (stage.script.pop_front().unwrap_or(Action::Answer(PLAIN)), stage.visit, place)
        };
        if head.field("expect").is_some() && !matches!(action, Action::AnswerEarly(_) | Action::CloseEarly) {
            let _ = incoming.stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n");
        }
        if !matches!(action, Action::AnswerEarly(_) | Action::CloseEarly) {
            let body = incoming.request_body(&head);
            let whole = body.whole;
            let mut stage = stage.lock().unwrap();
            if stage.visit == visit {
                let arrived = &mut stage.arrived[place];
                (arrived.body, arrived.trailers, arrived.whole) = (body.bytes, body.trailers, whole);
            }
            if !whole {
                return;
            }
        }
        if !perform(&mut incoming.stream, &action, head.method() == "HEAD") {
            return;
        }
    }
}

/// Whether the connection goes on.
fn perform(stream: &mut TcpStream, action: &Action, head_only: bool) -> bool {
    let bytes = |answer: &str| wire::answer_bytes(answer, head_only);
    match action {
        Action::Answer(answer) => stream.write_all(&bytes(answer)).is_ok(),
        Action::AnswerSlowly(answer) => {
            let bytes = bytes(answer);
            let (first, second) = bytes.split_at(bytes.len() / 2);
            let _ = stream.write_all(first);
            std::thread::sleep(Duration::from_millis(20));
            stream.write_all(second).is_ok()
        }
        Action::AnswerAndClose(answer) | Action::AnswerEarly(answer) => {
            let _ = stream.write_all(&bytes(answer));
            let _ = stream.shutdown(std::net::Shutdown::Write);
            // A reset would take the answer away from who has not read it yet.
            let _ = stream.set_read_timeout(Some(Duration::from_millis(500)));
            let _ = stream.read_to_end(&mut Vec::new());
            false
        }
        Action::Close | Action::CloseEarly => false,
        Action::Reset => {
            let _ = socket2::SockRef::from(&*stream).set_linger(Some(Duration::ZERO));
            false
        }
    }
}
