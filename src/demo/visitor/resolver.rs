//! A stub resolver: keeps an answer for its TTL, asks the other nameserver when one is silent, never serves what has
//! expired.

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::rc::Rc;
use std::time::Instant;

use tokio::sync::mpsc;

use super::Timeouts;
use super::transport::{Answer, Transport};
use crate::health::dns_query::Question;

/// How often each nameserver is asked for one name before the resolver gives up.
const ROUNDS: usize = 3;

/// One resolver with its cache.
pub struct Resolver {
    transport: Rc<Transport>,
    timeouts: Timeouts,
    cache: RefCell<HashMap<Question, Cached>>,
}

struct Cached {
    addresses: Rc<[Ipv4Addr]>,
    until: Instant,
}

impl Resolver {
    /// An empty one.
    pub fn new(transport: Rc<Transport>, timeouts: Timeouts) -> Resolver {
        Resolver { transport, timeouts, cache: RefCell::new(HashMap::new()) }
    }

    /// The addresses of a name; none when no nameserver gave any.
    pub async fn resolve(&self, question: &Question) -> Option<Rc<[Ipv4Addr]>> {
        if let Some(cached) = self.cache.borrow().get(question)
            && cached.until > Instant::now()
        {
            return Some(Rc::clone(&cached.addresses));
        }
        let asked = Instant::now();
        let answer = ask(&self.transport, &self.timeouts, question).await?;
        let addresses: Rc<[Ipv4Addr]> = answer.addresses.into();
        // The TTL counts from the question on: never longer than the nameserver meant it.
        let cached = Cached { addresses: Rc::clone(&addresses), until: asked + answer.ttl };
        self.cache.borrow_mut().insert(question.clone(), cached);
        Some(addresses)
    }
}

/// Asks the nameservers in turn, beginning with any: the next one at once when one says no, and beside the silent one
/// when its time is up. The first good answer counts, whoever gives it.
pub async fn ask(transport: &Transport, timeouts: &Timeouts, question: &Question) -> Option<Answer> {
    tokio::time::timeout(timeouts.resolve, ask_in_turn(transport, timeouts, question)).await.ok().flatten()
}

async fn ask_in_turn(transport: &Transport, timeouts: &Timeouts, question: &Question) -> Option<Answer> {
    let servers = transport.servers();
    let first = fastrand::usize(..servers);
    let (sender, mut answers) = mpsc::channel(servers * ROUNDS);
    for attempt in 0..servers * ROUNDS {
        if attempt > 0 && attempt % servers == 0 {
            // All of them have been asked: another round at once would only repeat the refusals.
            if let Some(answer) = first_good(&mut answers, timeouts.next_nameserver, usize::MAX).await {
                return Some(answer);
            }
        }
        transport.ask((first + attempt) % servers, question, &sender);
        if let Some(answer) = first_good(&mut answers, timeouts.next_nameserver, 1).await {
            return Some(answer);
        }
    }
    None
}

/// The first good outcome; none when the time is up or that many refusals have come.
async fn first_good(
    answers: &mut mpsc::Receiver<Result<Answer, ()>>,
    limit: std::time::Duration,
    refusals: usize,
) -> Option<Answer> {
    let wait = async {
        for _ in 0..refusals {
            match answers.recv().await {
                Some(Ok(answer)) => return Some(answer),
                Some(Err(())) => {}
                None => return None,
            }
        }
        None
    };
    tokio::time::timeout(limit, wait).await.ok().flatten()
}
