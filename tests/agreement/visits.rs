//! Visitors of the shop, 25 a second at each proxy, and which backend answered whom and when.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use polder::demo::documents::{STATEFUL_HOST, proxy_name};
use polder::demo::fleet::Fleet;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::PROXIES;

const PAUSE: Duration = Duration::from_millis(40);

/// An answer: when it was asked for, when it came, and from which backend; none: 503, or nothing.
#[derive(Debug, Clone)]
struct Answer {
    asked: Instant,
    came: Instant,
    backend: Option<String>,
}

/// Visitors who come until they are told to end.
pub struct Visits {
    is_over: Rc<Cell<bool>>,
    answers: Rc<RefCell<Vec<Answer>>>,
    visitors: Vec<JoinHandle<()>>,
}

/// What they saw.
pub struct Seen(Vec<Answer>);

fn address(fleet: &Fleet, proxy: usize) -> SocketAddr {
    let document = fleet.document(&proxy_name(proxy));
    let listeners = document["listeners"].as_array().unwrap();
    let http = listeners.iter().find(|listener| listener["protocol"] != "https").unwrap();
    http["address"].as_str().unwrap().parse().unwrap()
}

/// The backend that answers a visitor of this proxy.
pub async fn visit(fleet: &Fleet, proxy: usize) -> Option<String> {
    ask(address(fleet, proxy)).await
}

async fn ask(address: SocketAddr) -> Option<String> {
    let asked = async {
        let mut stream = TcpStream::connect(address).await.ok()?;
        let request = format!("GET / HTTP/1.1\r\nHost: {STATEFUL_HOST}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.ok()?;
        let backend = answer.lines().find_map(|line| line.strip_prefix("x-backend: ").map(str::to_owned));
        backend.filter(|_| answer.starts_with("HTTP/1.1 200"))
    };
    tokio::time::timeout(Duration::from_secs(20), asked).await.ok().flatten()
}

impl Visits {
    /// They come, to every proxy, and some have been answered.
    pub async fn begin(fleet: &Fleet) -> Visits {
        let (is_over, answers) = (Rc::new(Cell::new(false)), Rc::new(RefCell::new(Vec::new())));
        let visitor = |proxy| {
            let (address, is_over, answers) = (address(fleet, proxy), Rc::clone(&is_over), Rc::clone(&answers));
            tokio::task::spawn_local(async move {
                while !is_over.get() {
                    let answers = Rc::clone(&answers);
                    let asked = Instant::now();
                    tokio::task::spawn_local(async move {
                        let backend = ask(address).await;
                        answers.borrow_mut().push(Answer { asked, came: Instant::now(), backend });
                    });
                    tokio::time::sleep(PAUSE).await;
                }
            })
        };
        let visitors = (0..PROXIES).map(visitor).collect();
        let visits = Visits { is_over, answers, visitors };
        while visits.answers.borrow().len() < 10 * PROXIES {
            tokio::time::sleep(PAUSE).await;
        }
        visits
    }

    /// They go.
    pub async fn end(self) -> Seen {
        self.is_over.set(true);
        for visitor in self.visitors {
            visitor.await.unwrap();
        }
        Seen(self.answers.borrow().clone())
    }
}

impl Seen {
    /// Whether an answer of one backend was asked for after one of the next had come: then both were served at once.
    pub fn assert_never_two(&self, what: &str) {
        let served = || self.0.iter().filter_map(|answer| Some((answer, answer.backend.as_deref()?)));
        let mut backends: Vec<&str> = served().map(|(_, backend)| backend).collect();
        backends.sort_unstable();
        backends.dedup();
        for one in &backends {
            for other in backends.iter().filter(|other| *other > one) {
                let times = |name: &str| {
                    served().filter(move |(_, backend)| *backend == name).map(|(answer, _)| answer).collect()
                };
                let (ones, others): (Vec<&Answer>, Vec<&Answer>) = (times(one), times(other));
                let overlap = |a: &[&Answer], b: &[&Answer]| {
                    let first = b.iter().map(|answer| answer.came).min().unwrap();
                    a.iter().filter(|answer| answer.asked > first).count()
                };
                let late = overlap(&ones, &others).min(overlap(&others, &ones));
                assert_eq!(late, 0, "{what}: {one} and {other} were both served");
            }
        }
        println!(
            "{what}: {} answers of {backends:?}, {} refused, none by a second backend",
            self.0.len(),
            self.refused()
        );
    }

    /// Those who were answered by no backend.
    pub fn refused(&self) -> usize {
        self.0.iter().filter(|answer| answer.backend.is_none()).count()
    }
}
