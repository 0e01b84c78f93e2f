//! Backends that follow a script.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// No test waits longer for anything: on a busy machine seconds may pass before a thread gets to run.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A plain answer.
pub const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// A backend: each connection is handed to the script, in a thread of its own, with its number.
pub struct Script {
    pub address: SocketAddr,
    pub connections: Arc<AtomicUsize>,
    /// Connections that the script has ended with.
    pub closed: Arc<AtomicUsize>,
    pub heads: Arc<Mutex<Vec<String>>>,
}

/// One connection to a scripted backend.
pub struct Served {
    pub stream: TcpStream,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Script {
    pub fn start(script: impl Fn(&mut Served, usize) + Send + Sync + 'static) -> Script {
        Script::start_at(SocketAddr::from(([127, 0, 0, 1], 0)), script)
    }

    /// Answers each request with its body, of so many bytes.
    pub fn echoing(length: usize) -> Script {
        Script::start(move |served, _| {
            while served.head().is_some() {
                let body = served.bytes(length);
                served.send(&format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n"));
                let _ = served.stream.write_all(&body);
            }
        })
    }

    pub fn start_at(address: SocketAddr, script: impl Fn(&mut Served, usize) + Send + Sync + 'static) -> Script {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::<AtomicUsize>::default();
        let closed = Arc::<AtomicUsize>::default();
        let ended = Arc::clone(&closed);
        let heads = Arc::<Mutex<Vec<String>>>::default();
        let script = Arc::new(script);
        let (counted, kept) = (Arc::clone(&connections), Arc::clone(&heads));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                stream.set_read_timeout(Some(PATIENCE)).unwrap();
                stream.set_nodelay(true).unwrap();
                let number = counted.fetch_add(1, Ordering::SeqCst);
                let mut served = Served { stream, heads: Arc::clone(&kept) };
                let script = Arc::clone(&script);
                let closed = Arc::clone(&ended);
                std::thread::spawn(move || {
                    script(&mut served, number);
                    drop(served);
                    closed.fetch_add(1, Ordering::SeqCst);
                });
            }
        });
        Script { address, connections, closed, heads }
    }

    /// Answers every request on every connection with `response`.
    pub fn answering(response: &'static str) -> Script {
        Script::start(move |served, _| {
            while served.head().is_some() {
                served.send(response);
            }
        })
    }

    /// Answers each request when it is told to, and all of them once nobody can tell it any more.
    pub fn held() -> (Script, Sender<()>) {
        let (go, told) = channel();
        let told = Mutex::new(told);
        let script = Script::start(move |served, _| {
            while served.head().is_some() {
                let _ = told.lock().unwrap().recv();
                served.send(OK);
            }
        });
        (script, go)
    }

    /// Every head received so far.
    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

impl Served {
    /// The next request's head; none when the connection ends.
    pub fn head(&mut self) -> Option<String> {
        let head = read_head(&mut self.stream)?;
        self.heads.lock().unwrap().push(head.clone());
        Some(head)
    }

    /// Writes; a proxy that has gone is no concern of a script.
    pub fn send(&mut self, text: &str) {
        let _ = self.stream.write_all(text.as_bytes());
    }

    /// Exactly so many bytes.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.stream.read_exact(&mut bytes).unwrap();
        bytes
    }

    /// Waits until the other side has closed, and gives what came before.
    pub fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        let _ = self.stream.read_to_end(&mut rest);
        rest
    }
}

/// A head with the empty line behind it, if one comes.
pub fn read_head(stream: &mut impl Read) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        head.push(byte[0]);
    }
    Some(String::from_utf8_lossy(&head).into_owned())
}
