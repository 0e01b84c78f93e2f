//! Whether etcd answers, asked again and again while faults are played.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

const PAUSE: Duration = Duration::from_millis(100);
/// A member that is frozen answers nobody.
const PATIENCE: Duration = Duration::from_secs(1);
/// A member is well only if a quorum has taken a proposal of its own; that all room is used makes it no worse.
const REQUEST: &[u8] = b"GET /health?exclude=NOSPACE HTTP/1.0\r\n\r\n";

/// Someone who asks all members how they are, until they are told to end.
pub struct Watch {
    is_over: Rc<Cell<bool>>,
    members: Vec<JoinHandle<()>>,
    silence: Rc<Cell<Silence>>,
}

/// Since when nobody has answered, and the longest time that nobody did.
#[derive(Clone, Copy)]
struct Silence {
    since: Instant,
    longest: Duration,
}

impl Silence {
    fn ended(self) -> Silence {
        let now = Instant::now();
        Silence { since: now, longest: self.longest.max(now - self.since) }
    }
}

impl Watch {
    /// Asks the members that tell their metrics there.
    pub fn begin(metrics: Vec<SocketAddr>) -> Watch {
        let is_over = Rc::new(Cell::new(false));
        let silence = Rc::new(Cell::new(Silence { since: Instant::now(), longest: Duration::ZERO }));
        let ask = |address: SocketAddr| {
            let (is_over, silence) = (Rc::clone(&is_over), Rc::clone(&silence));
            tokio::task::spawn_local(async move {
                while !is_over.get() {
                    if tokio::time::timeout(PATIENCE, is_well(address)).await == Ok(Some(true)) {
                        silence.set(silence.get().ended());
                    }
                    tokio::time::sleep(PAUSE).await;
                }
            })
        };
        let members = metrics.into_iter().map(ask).collect();
        Watch { is_over, members, silence }
    }

    /// For how long at most no member answered.
    pub async fn end(self) -> Duration {
        self.is_over.set(true);
        for member in self.members {
            member.await.unwrap();
        }
        self.silence.get().ended().longest
    }
}

async fn is_well(address: SocketAddr) -> Option<bool> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    stream.write_all(REQUEST).await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    Some(answer.contains("\"health\":\"true\""))
}
