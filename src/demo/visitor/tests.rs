//! The visitors against small servers of this process: what they put up with and what they record.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::cell::Cell;
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use hickory_proto::op::{Message, MessageType};
use hickory_proto::rr::{RData, Record as ResourceRecord, rdata::A};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};
use tokio::task::{LocalSet, spawn_local};

use super::load::Load;
use super::record::{Failure, Query, Record, Request, Session};
use super::{Plan, Site, Timeouts};
use crate::demo::backend::Backend;

const ANY: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 0);
/// For anything that must happen.
const LIMIT: Duration = Duration::from_secs(60);

/// A nameserver that answers every name with these addresses.
struct Nameserver {
    address: SocketAddr,
    asked: Rc<Cell<usize>>,
}

async fn nameserver(addresses: Vec<Ipv4Addr>, ttl: u32) -> Nameserver {
    let socket = UdpSocket::bind(ANY).await.unwrap();
    let address = socket.local_addr().unwrap();
    let asked = Rc::new(Cell::new(0));
    let counted = Rc::clone(&asked);
    spawn_local(async move {
        let mut buffer = [0; 512];
        loop {
            let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
            counted.set(counted.get() + 1);
            let reply = answer(&buffer[..length], &addresses, ttl);
            socket.send_to(&reply.to_vec().unwrap(), from).await.unwrap();
        }
    });
    Nameserver { address, asked }
}

fn answer(query: &[u8], addresses: &[Ipv4Addr], ttl: u32) -> Message {
    let mut message = Message::from_vec(query).unwrap();
    message.metadata.message_type = MessageType::Response;
    let name = message.queries[0].name().clone();
    message.add_answers(
        addresses.iter().map(|address| ResourceRecord::from_rdata(name.clone(), ttl, RData::A(A(*address)))),
    );
    message
}

fn plan(nameservers: Vec<SocketAddr>, port: u16, path: &str) -> Plan {
    Plan {
        secure: None,
        nameservers,
        anchor: None,
        port,
        sites: vec![Site { host: "www.polder.test".into(), path: path.into() }],
        requests: 200,
        queries: 200,
        visitors: 8,
        resolvers: 4,
        timeouts: Timeouts::GENEROUS,
    }
}

/// The first requests and queries that end.
async fn collect(mut load: Load, requests: usize, queries: usize) -> (Vec<Request>, Vec<Query>) {
    let (mut pages, mut answers) = (Vec::new(), Vec::new());
    tokio::time::timeout(LIMIT, async {
        while pages.len() < requests || answers.len() < queries {
            match load.next().await.unwrap() {
                Record::Request(request) => pages.push(request),
                Record::Query(query) => answers.push(query),
            }
        }
    })
    .await
    .unwrap_or_else(|_| panic!("{} requests and {} queries ended", pages.len(), answers.len()));
    (pages, answers)
}

fn on_local_set(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    LocalSet::new().block_on(&runtime, test);
}

#[test]
fn every_wish_is_recorded_and_sessions_go_on() {
    on_local_set(async {
        let backend = Backend::start("shop1", ANY.into()).await.unwrap();
        let names = nameserver(vec![Ipv4Addr::LOCALHOST], 5).await;
        let load = Load::start(plan(vec![names.address], backend.address().port(), "/session")).unwrap();
        let (pages, queries) = collect(load, 200, 200).await;
        assert!(queries.iter().all(|query| query.addresses == Some(1)), "{queries:?}");
        for page in &pages {
            assert!(page.result.is_ok(), "{page:?}");
            assert_eq!(page.backend.as_deref(), Some("shop1"));
            assert_ne!(page.result, Ok(Session::Lost), "{page:?}");
        }
        let known = pages.iter().filter(|page| page.result == Ok(Session::Known)).count();
        assert!(known > pages.len() / 2, "{known} of {} went on", pages.len());
    });
}

#[test]
fn a_silent_nameserver_is_waited_for_a_quarter_of_a_second_and_a_dead_one_is_not() {
    on_local_set(async {
        let backend = Backend::start("web1", ANY.into()).await.unwrap();
        let names = nameserver(vec![Ipv4Addr::LOCALHOST], 5).await;
        let silent = UdpSocket::bind(ANY).await.unwrap();
        let servers = vec![silent.local_addr().unwrap(), names.address];
        let load = Load::start(plan(servers, backend.address().port(), "/")).unwrap();
        let (_, queries) = collect(load, 0, 100).await;
        assert!(queries.iter().all(|query| query.addresses.is_some()), "{queries:?}");
        let slow = queries.iter().filter(|query| query.waited() >= Timeouts::GENEROUS.next_nameserver).count();
        assert!(slow >= 20, "{slow} of {} waited for the silent one", queries.len());

        let dead = silent.local_addr().unwrap();
        drop(silent);
        // Nobody turns to the other one for having waited: only the refusal moves them on.
        let timeouts = Timeouts { next_nameserver: Duration::from_secs(3600), ..Timeouts::GENEROUS };
        let plan = Plan { timeouts, ..plan(vec![dead, names.address], backend.address().port(), "/") };
        let (_, queries) = collect(Load::start(plan).unwrap(), 0, 100).await;
        assert!(queries.iter().all(|query| query.addresses.is_some()), "{queries:?}");
    });
}

#[test]
fn an_answer_is_kept_for_its_ttl() {
    on_local_set(async {
        let backend = Backend::start("web1", ANY.into()).await.unwrap();
        let names = nameserver(vec![Ipv4Addr::LOCALHOST], 60).await;
        let plan = Plan { queries: 0, ..plan(vec![names.address], backend.address().port(), "/") };
        let (pages, _) = collect(Load::start(plan).unwrap(), 400, 0).await;
        assert!(pages.iter().all(|page| page.result.is_ok()), "{pages:?}");
        // Visitors who come while the first answer is on its way ask too.
        assert!((1..pages.len() / 2).contains(&names.asked.get()), "asked {} times", names.asked.get());
    });
}

#[test]
fn an_address_that_refuses_is_passed_over() {
    on_local_set(async {
        let backend = Backend::start("web1", ANY.into()).await.unwrap();
        let nobody = Ipv4Addr::new(127, 255, 254, 253);
        let names = nameserver(vec![nobody, Ipv4Addr::LOCALHOST], 5).await;
        let load = Load::start(plan(vec![names.address], backend.address().port(), "/")).unwrap();
        let (pages, _) = collect(load, 100, 0).await;
        assert!(pages.iter().all(|page| page.result.is_ok()), "{pages:?}");
        assert!(pages.iter().all(|page| page.via == Some(Ipv4Addr::LOCALHOST.into())), "{pages:?}");
    });
}

#[test]
fn without_any_address_requests_and_queries_fail_as_unresolved() {
    on_local_set(async {
        let names = nameserver(vec![], 5).await;
        let timeouts = Timeouts { resolve: Duration::from_millis(300), ..Timeouts::GENEROUS };
        let plan = Plan { timeouts, requests: 50, queries: 50, ..plan(vec![names.address], 1, "/") };
        let (pages, queries) = collect(Load::start(plan).unwrap(), 10, 10).await;
        assert!(pages.iter().all(|page| page.result == Err(Failure::Unresolved)), "{pages:?}");
        assert!(queries.iter().all(|query| query.addresses.is_none()), "{queries:?}");
    });
}

/// A webserver that answers once on each connection and then closes it at the next request, without a word.
async fn forgetful() -> SocketAddr {
    let listener = TcpListener::bind(ANY).await.unwrap();
    let address = listener.local_addr().unwrap();
    spawn_local(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            spawn_local(async move {
                let mut buffer = [0; 2048];
                if stream.read(&mut buffer).await.is_ok_and(|length| length > 0) {
                    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
                    let _ = stream.read(&mut buffer).await;
                }
            });
        }
    });
    address
}

#[test]
fn only_safe_requests_are_sent_again_when_a_reused_connection_closes() {
    on_local_set(async {
        let server = forgetful().await;
        let names = nameserver(vec![Ipv4Addr::LOCALHOST], 5).await;
        let load = Load::start(plan(vec![names.address], server.port(), "/")).unwrap();
        let (pages, _) = collect(load, 400, 0).await;
        let failed: Vec<&Request> = pages.iter().filter(|page| page.result.is_err()).collect();
        assert!(failed.iter().all(|page| !page.safe && page.result == Err(Failure::Closed)), "{failed:?}");
        assert!(!failed.is_empty(), "no POST ever met a connection that was closing");
    });
}

#[test]
fn a_server_that_never_answers_is_given_up_on() {
    on_local_set(async {
        // The kernel accepts; nobody else does.
        let listener = TcpListener::bind(ANY).await.unwrap();
        let names = nameserver(vec![Ipv4Addr::LOCALHOST], 5).await;
        let timeouts = Timeouts { response: Duration::from_millis(200), ..Timeouts::GENEROUS };
        let port = listener.local_addr().unwrap().port();
        let plan = Plan { timeouts, requests: 50, ..plan(vec![names.address], port, "/") };
        let (pages, _) = collect(Load::start(plan).unwrap(), 20, 0).await;
        assert!(pages.iter().all(|page| page.result == Err(Failure::TimedOut)), "{pages:?}");
        assert!(pages.iter().all(|page| page.waited() >= Duration::from_millis(200)), "{pages:?}");
    });
}

#[test]
fn an_answer_that_was_cut_off_is_fetched_over_tcp() {
    on_local_set(async {
        let tcp = TcpListener::bind(ANY).await.unwrap();
        let udp = UdpSocket::bind(tcp.local_addr().unwrap()).await.unwrap();
        let server = tcp.local_addr().unwrap();
        spawn_local(async move {
            let mut buffer = [0; 512];
            loop {
                let (length, from) = udp.recv_from(&mut buffer).await.unwrap();
                let mut reply = answer(&buffer[..length], &[], 5);
                reply.metadata.truncation = true;
                udp.send_to(&reply.to_vec().unwrap(), from).await.unwrap();
            }
        });
        spawn_local(async move {
            loop {
                let (mut stream, _) = tcp.accept().await.unwrap();
                let mut query = vec![0; stream.read_u16().await.unwrap().into()];
                stream.read_exact(&mut query).await.unwrap();
                let reply = answer(&query, &[Ipv4Addr::LOCALHOST; 2], 5).to_vec().unwrap();
                stream.write_u16(reply.len() as u16).await.unwrap();
                stream.write_all(&reply).await.unwrap();
            }
        });
        let (_, queries) =
            collect(Load::start(Plan { requests: 0, ..plan(vec![server], 1, "/") }).unwrap(), 0, 20).await;
        assert!(queries.iter().all(|query| query.addresses == Some(2)), "{queries:?}");
    });
}
