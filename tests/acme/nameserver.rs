//! The nameserver that the CA asks: every name has one address, whichever the test says.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex};

use hickory_proto::op::{Message, MessageType, OpCode, ResponseCode};
use hickory_proto::rr::rdata::A;
use hickory_proto::rr::{RData, Record, RecordType};

/// It ends with the test's process.
pub struct Nameserver {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    answer: Option<Ipv4Addr>,
    is_silent: bool,
    seen: BTreeMap<String, usize>,
}

impl Nameserver {
    pub fn start() -> Nameserver {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let (address, state) = (socket.local_addr().unwrap(), Arc::new(Mutex::new(State::default())));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || serve(&socket, &shared));
        Nameserver { address, state }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on every name leads there.
    pub fn answer_with(&self, addresses: &[SocketAddr], index: usize) {
        let IpAddr::V4(address) = addresses[index].ip() else { panic!("{addresses:?}") };
        self.state.lock().unwrap().answer = Some(address);
    }

    /// Queries get no answer.
    pub fn be_silent(&self, is_silent: bool) {
        self.state.lock().unwrap().is_silent = is_silent;
    }

    /// Queries for this name.
    pub fn seen(&self, name: &str) -> usize {
        self.state.lock().unwrap().seen.get(name).copied().unwrap_or(0)
    }
}

fn serve(socket: &UdpSocket, state: &Mutex<State>) {
    let mut buffer = [0; 1500];
    loop {
        let (length, from) = socket.recv_from(&mut buffer).unwrap();
        let Ok(query) = Message::from_vec(&buffer[..length]) else { continue };
        if let Some(answer) = answer(&query, &mut state.lock().unwrap()) {
            // Whoever asked may be gone.
            let _ = socket.send_to(&answer.to_vec().unwrap(), from);
        }
    }
}

fn answer(query: &Message, state: &mut State) -> Option<Message> {
    let question = query.queries.first()?.clone();
    let name = question.name().to_ascii();
    *state.seen.entry(name.trim_end_matches('.').to_owned()).or_default() += 1;
    if state.is_silent {
        return None;
    }
    let mut answer = Message::new(query.metadata.id, MessageType::Response, OpCode::Query);
    answer.metadata.response_code = ResponseCode::NoError;
    if let (Some(address), RecordType::A) = (state.answer, question.query_type()) {
        answer.answers.push(Record::from_rdata(question.name().clone(), 0, RData::A(A(address))));
    }
    answer.queries.push(question);
    Some(answer)
}
