//! Visitors of the shop, 25 a second at each proxy, and which backend answered whom and when.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use polder::demo::addresses::PROXIES;
use polder::demo::fleet::Fleet;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

const PAUSE: Duration = Duration::from_millis(40);
/// A backend that answers nobody for so long is not served meanwhile.
const SILENCE: Duration = Duration::from_secs(1);

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

/// Where a fleet's proxies answer visitors.
pub fn fronts(fleet: &Fleet) -> Vec<SocketAddr> {
    (0..PROXIES).map(|proxy| fleet.addresses.proxy(proxy)).collect()
}

/// The backend that answers a visitor of this host at a proxy.
pub async fn visit(address: SocketAddr, host: &str) -> Option<String> {
    let asked = async {
        let mut stream = TcpStream::connect(address).await.ok()?;
        let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
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
    pub async fn begin(fronts: &[SocketAddr], host: &'static str) -> Visits {
        let (is_over, answers) = (Rc::new(Cell::new(false)), Rc::new(RefCell::new(Vec::new())));
        let visitor = |address: &SocketAddr| {
            let (address, is_over, answers) = (*address, Rc::clone(&is_over), Rc::clone(&answers));
            tokio::task::spawn_local(async move {
                while !is_over.get() {
                    let answers = Rc::clone(&answers);
                    let asked = Instant::now();
                    tokio::task::spawn_local(async move {
                        let backend = visit(address, host).await;
                        answers.borrow_mut().push(Answer { asked, came: Instant::now(), backend });
                    });
                    tokio::time::sleep(PAUSE).await;
                }
            })
        };
        let visitors = fronts.iter().map(visitor).collect();
        let visits = Visits { is_over, answers, visitors };
        while visits.answers.borrow().len() < 10 * fronts.len() {
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

    /// The answers of each backend.
    fn by_backend(&self) -> BTreeMap<&str, Vec<&Answer>> {
        let mut answers: BTreeMap<&str, Vec<&Answer>> = BTreeMap::new();
        for answer in &self.0 {
            if let Some(backend) = &answer.backend {
                answers.entry(backend).or_default().push(answer);
            }
        }
        answers
    }

    /// How long two backends were served at once. A backend is served for certain from an answer that has come to the next one that is asked
    /// for, as long as those follow one another.
    pub fn split(&self) -> Duration {
        let mut turns: Vec<(Instant, i32)> = Vec::new();
        for answers in self.by_backend().into_values() {
            for (from, to) in spans(answers) {
                turns.extend([(from, 1), (to, -1)]);
            }
        }
        turns.sort_unstable();
        let (mut split, mut served) = (Duration::ZERO, 0);
        for pair in turns.windows(2) {
            served += pair[0].1;
            if served > 1 {
                split += pair[1].0 - pair[0].0;
            }
        }
        split
    }

    /// How many were answered by another backend though this one, which is served at the end, had answered before they asked.
    pub fn by_the_losing_side(&self, served: &str) -> usize {
        let answers = self.by_backend();
        let Some(first) = answers.get(served).and_then(|answers| answers.iter().map(|answer| answer.came).min()) else {
            return answers.values().map(Vec::len).sum();
        };
        let others = answers.iter().filter(|(backend, _)| **backend != served).flat_map(|(_, answers)| answers);
        others.filter(|answer| answer.asked > first).count()
    }

    /// From the first to the last who was answered by no backend.
    pub fn outage(&self) -> Duration {
        let failed = || self.0.iter().filter(|answer| answer.backend.is_none()).map(|answer| answer.asked);
        failed().max().zip(failed().min()).map_or(Duration::ZERO, |(last, first)| last - first)
    }

    /// All of them.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Those who were answered by no backend.
    pub fn refused(&self) -> usize {
        self.0.iter().filter(|answer| answer.backend.is_none()).count()
    }
}

/// From when to when the backend of these answers was served, without the pauses between.
fn spans(mut answers: Vec<&Answer>) -> Vec<(Instant, Instant)> {
    answers.sort_unstable_by_key(|answer| answer.asked);
    let mut spans: Vec<(Instant, Instant)> = Vec::new();
    for answer in answers {
        match spans.last_mut() {
            Some((from, to)) if answer.asked.saturating_duration_since(*to) < SILENCE => {
                (*from, *to) = ((*from).min(answer.came), (*to).max(answer.asked));
            }
            _ => spans.push((answer.came, answer.asked)),
        }
    }
    spans.into_iter().filter(|(from, to)| from < to).collect()
}
