//! A backend of HTTP/2 that has not said yet how many streams it takes (RFC 9113, 5.1.2).

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

use polder::config::HttpVersion;

use crate::h2_frames::{ACK, END_HEADERS, END_STREAM, HEADERS, PREFACE, SETTINGS, frame};
use crate::harness::{Client, GET, Proxy, Setup, eventually};

/// `:status: 200` (RFC 7541, A).
const OK: &[u8] = &[0x88];

/// One stream at a time.
const ONE: &[u8] = &[0, 3, 0, 0, 0, 1];

/// What a backend has seen, and whether it speaks already.
#[derive(Default)]
struct State {
    speaks: bool,
    /// The streams of each connection, by the number of the connection.
    streams: BTreeMap<usize, Vec<u32>>,
}

/// A backend that says nothing before it is told to, and answers once it has so many requests.
struct Silent {
    address: SocketAddr,
    state: Arc<(Mutex<State>, Condvar)>,
}

impl Silent {
    fn start(requests: usize) -> Silent {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, state) = (listener.local_addr().unwrap(), Arc::<(Mutex<State>, Condvar)>::default());
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for (number, stream) in listener.incoming().flatten().enumerate() {
                let shared = Arc::clone(&shared);
                let mut back = stream.try_clone().unwrap();
                let state = Arc::clone(&shared);
                std::thread::spawn(move || read(number, stream, &state));
                std::thread::spawn(move || {
                    let wait = |is_over: &dyn Fn(&State) -> bool| {
                        let (state, changed) = &*shared;
                        drop(changed.wait_while(state.lock().unwrap(), |state| !is_over(state)).unwrap());
                    };
                    wait(&|state| state.speaks);
                    back.write_all(&frame(SETTINGS, 0, 0, ONE)).unwrap();
                    back.write_all(&frame(SETTINGS, ACK, 0, b"")).unwrap();
                    wait(&|state| state.streams.values().flatten().count() == requests);
                    for stream in shared.0.lock().unwrap().streams.get(&number).into_iter().flatten() {
                        back.write_all(&frame(HEADERS, END_HEADERS | END_STREAM, *stream, OK)).unwrap();
                    }
                });
            }
        });
        Silent { address, state }
    }

    fn speak(&self) {
        self.state.0.lock().unwrap().speaks = true;
        self.state.1.notify_all();
    }

    fn streams(&self) -> Vec<usize> {
        self.state.0.lock().unwrap().streams.values().map(Vec::len).collect()
    }
}

/// Takes note of the streams that begin on a connection.
fn read(number: usize, mut stream: TcpStream, (state, changed): &(Mutex<State>, Condvar)) {
    stream.read_exact(&mut [0; PREFACE.len()]).unwrap();
    let mut head = [0; 9];
    while stream.read_exact(&mut head).is_ok() {
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        stream.read_exact(&mut vec![0; length as usize]).unwrap();
        if head[3] == HEADERS {
            let id = u32::from_be_bytes(head[5..].try_into().unwrap());
            state.lock().unwrap().streams.entry(number).or_default().push(id);
            changed.notify_all();
        }
    }
}

#[test]
fn before_a_backend_has_said_how_many_streams_it_takes_a_connection_carries_one() {
    const REQUESTS: usize = 3;
    let backend = Silent::start(REQUESTS);
    let setup = Setup { backend_version: HttpVersion::Http2, ..Setup::default() };
    let proxy = Proxy::start(setup, &[backend.address]);
    let mut clients: Vec<Client> = (0..REQUESTS).map(|_| proxy.connect()).collect();
    clients.iter_mut().for_each(|client| client.send(GET));
    eventually("all have been taken", || proxy.running(0) == REQUESTS as u64);
    eventually("one has been sent", || backend.streams() == [1]);
    backend.speak();
    for client in &mut clients {
        assert_eq!(client.response().status(), 200);
    }
    assert_eq!(backend.streams(), [1; REQUESTS], "streams of each connection");
}
