//! Queries and answers on a stream, each with its length before it (RFC 7766, 8): over TCP, and over TLS (RFC 7858, 3.3).
//!
//! Owns a thread's way from a query to an answer's bytes. Must never: truncate an answer (the client uses a stream to get the whole), or
//! hold more for a client than one query and [`PENDING`] bytes of answers. Called by [`tcp`](super::tcp) and
//! [`encrypted`](super::encrypted).

use std::cell::RefCell;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::time::timeout;

use super::answer::{self, Answered, Client, Transport};
use super::answering::Answering;
use super::cookie::{Issuer, Standing};
use super::counters::Counters;
use super::dnstap::{Ends, Protocol, Tap, since_epoch};
use super::protection::Protection;
use super::transfer::{self, Brings, MESSAGE};
use crate::counted::counted;
use crate::unix_time::unix_ms;
use crate::zone::name;
use crate::zone::number::rcode;

/// When so many bytes of answers wait for the queries behind them, which have come with them, they are sent first. One answer may be longer.
const PENDING: usize = 4 * 1024;

/// What a connection that waits for a query keeps at most of the room that its last one and its answer took.
const KEPT: usize = 4 * 1024;

/// Answers queries on one thread.
pub struct Responder {
    answering: Answering,
    /// Only its cookie secrets matter here: responses over streams are not rate limited.
    protection: Arc<ArcSwap<Protection>>,
    counters: Arc<Counters>,
    tap: Tap,
    /// Where an answer is made before its bytes are copied out; never held across an await.
    scratch: RefCell<Vec<u8>>,
}

/// How the other side of a conversation is to be answered.
#[derive(Debug, Clone, Copy)]
pub struct Party {
    /// Where it is, and where it has come to.
    pub ends: Ends,
    /// Nobody else can read what it is sent.
    pub is_encrypted: bool,
    /// It may have whole zones, as far as the zones' own rules allow that.
    pub may_transfer: bool,
}

impl Party {
    fn transport(&self, idle: Duration) -> Transport {
        let keepalive = u16::try_from(idle.as_millis() / 100).unwrap_or(u16::MAX);
        match self.is_encrypted {
            true => Transport::Encrypted { keepalive: Some(keepalive) },
            false => Transport::Tcp { keepalive },
        }
    }
}

impl Responder {
    /// Answers from these what comes over this protocol, and counts there.
    pub fn new(
        answering: Answering,
        protection: Arc<ArcSwap<Protection>>,
        protocol: Protocol,
        counters: Arc<Counters>,
    ) -> Responder {
        let tap = Tap::new(answering.taps.clone(), protocol, Arc::clone(&counters));
        Responder { answering, protection, counters, tap, scratch: RefCell::new(vec![0; MESSAGE]) }
    }

    /// What is counted.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Answers the queries of a stream in their order until it idles or ends. A query that has begun must be whole within the idle limit
    /// too, and answers must be taken within it; `idle` is asked before each query.
    ///
    /// # Errors
    ///
    /// The connection is of no more use, which concerns only the client.
    pub async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
        party: Party,
        idle: impl Fn() -> Duration,
    ) -> io::Result<()> {
        let mut stream = BufReader::new(stream);
        let (mut query, mut answers) = (Vec::new(), Vec::new());
        loop {
            let idle = idle();
            timeout(idle, async {
                let length = stream.read_u16().await? as usize;
                query.resize(length, 0);
                stream.read_exact(&mut query).await
            })
            .await??;
            if party.may_transfer && self.transfer(&query, &party.ends, &mut stream, (&mut answers, idle)).await? {
                continue;
            }
            let is_answered = self.answer(&query, &party.ends, party.transport(idle), &mut answers);
            // Those that have come together are answered together.
            if is_answered && answers.len() < PENDING && is_whole(stream.buffer()) {
                continue;
            }
            send(&mut stream, &mut answers, idle).await?;
            if !is_answered {
                return Ok(());
            }
            query.clear();
            query.shrink_to(KEPT);
            answers.shrink_to(KEPT);
        }
    }

    /// Sends a zone, message by message, if that is what the query asks for and the client may have it. What `answers` has is sent before.
    async fn transfer<S: AsyncWrite + Unpin>(
        &self,
        query: &[u8],
        ends: &Ends,
        stream: &mut S,
        (answers, idle): (&mut Vec<u8>, Duration),
    ) -> io::Result<bool> {
        let client = ends.client.ip();
        // It holds the zone that it began with.
        let snapshot = self.answering.snapshot.load_full();
        let Some(mut transfer) = transfer::begin(query, &snapshot, client, unix_seconds()) else { return Ok(false) };
        if self.tap.is_on() {
            // What it brings is a zone, and would leave no room for anything else.
            self.tap.record(ends, since_epoch(), query, None);
        }
        let (zone, serial) = (name::to_text(transfer.apex), transfer.serial);
        while self.append(answers, |buffer| transfer.messages.next(buffer, unix_seconds())) {
            if let Err(why) = send(stream, answers, idle).await {
                self.counters.transfers_broken.add();
                tracing::warn!(
                    "the transfer of zone {zone} (serial {serial}) to {client} ended after {}: {why}",
                    counted(transfer.messages.records, "record")
                );
                return Err(why);
            }
        }
        if transfer.messages.is_stuck {
            self.counters.transfers_broken.add();
            tracing::error!(
                "the transfer of zone {zone} (serial {serial}) to {client} ended after {}: the next one is too large for a signed message",
                counted(transfer.messages.records, "record")
            );
            return Err(io::ErrorKind::InvalidData.into());
        }
        self.counters
            .count(Some(Answered { slot: transfer.slot, ..Answered::of_no_zone(0, rcode::NOERROR, Standing::Absent) }));
        let since = match transfer.brings {
            Brings::Nothing => return Ok(true),
            Brings::Whole => String::new(),
            Brings::Since(earlier) => {
                self.counters.transfers_of_differences.add();
                format!(", what has changed since {earlier}")
            }
        };
        self.counters.transfers.add();
        tracing::info!(
            "zone {zone} (serial {serial}) was transferred to {client}: {} in {}{since}",
            counted(transfer.messages.records, "record"),
            counted(transfer.messages.made, "message")
        );
        Ok(true)
    }

    /// Appends what is made in the scratch buffer, with its length before it: one write, one segment (RFC 7766, 8). False: nothing is made.
    fn append(&self, to: &mut Vec<u8>, make: impl FnOnce(&mut [u8]) -> Option<usize>) -> bool {
        let mut scratch = self.scratch.borrow_mut();
        let Some(length) = make(&mut scratch) else { return false };
        to.extend_from_slice(&(length as u16).to_be_bytes());
        to.extend_from_slice(&scratch[..length]);
        true
    }

    /// Whether some clients get other answers than others.
    pub fn answers_by_place(&self) -> bool {
        !self.answering.snapshot.load().locations.is_empty()
    }

    /// Appends the answer with its length before it. False: the query gets none.
    pub fn answer(&self, query: &[u8], ends: &Ends, transport: Transport, to: &mut Vec<u8>) -> bool {
        let asked = self.tap.is_on().then(since_epoch);
        let from = ends.client.ip();
        let rotation = fastrand::usize(..);
        let protection = self.protection.load();
        let issuer = Issuer { secrets: &protection.secrets, address: from, now: unix_seconds() as u32 };
        let client = Client { transport, issuer: Some(issuer) };
        self.append(to, |buffer| {
            let snapshot = self.answering.snapshot.load();
            let answered = match answer::answer(query, &snapshot, &client, rotation, buffer) {
                Some(refused) if refused.rcode == rcode::NOTIMP => {
                    let told = answer::notify(query, &snapshot, &client, from, buffer);
                    if let Some((_, Some(apex))) = &told {
                        self.answering.bell.ring(apex.as_bytes(), from);
                    }
                    Some(told.map_or(refused, |(answered, _)| answered))
                }
                answered => answered,
            };
            self.counters.count(answered);
            if let Some(asked) = asked {
                self.tap.record(ends, asked, query, answered.map(|answered| &buffer[..answered.length]));
            }
            Some(answered?.length)
        })
    }
}

/// Whether a whole message stands there.
fn is_whole(received: &[u8]) -> bool {
    received.split_first_chunk().is_some_and(|(length, rest)| rest.len() >= usize::from(u16::from_be_bytes(*length)))
}

/// Sends what is to be sent, and leaves nothing of it.
async fn send<S: AsyncWrite + Unpin>(stream: &mut S, bytes: &mut Vec<u8>, limit: Duration) -> io::Result<()> {
    if bytes.is_empty() {
        return Ok(());
    }
    timeout(limit, async {
        stream.write_all(bytes).await?;
        stream.flush().await
    })
    .await??;
    bytes.clear();
    Ok(())
}

fn unix_seconds() -> u64 {
    unix_ms() / 1000
}

#[cfg(test)]
mod tests;
