//! The UDP path: one thread a socket, datagrams in batches, no allocation and no lock for a query.
//!
//! Owns nothing but its buffers: sockets are the daemon's. Must never: log for a query, wait for anything but its
//! socket. Started by [`super::listening`].

mod peer;

use std::io::{IoSlice, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;
use nix::cmsg_space;
use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, MultiHeaders, RecvMsg, SockaddrIn, SockaddrIn6, recvmmsg, sendmmsg,
};

use self::peer::Peer;
use super::answer::{self, Answered, Client, Transport, UDP_SIZE};
use super::answering::Answering;
use super::cookie::{Issuer, Standing};
use super::counters::{Counters, Limited};
use super::dnstap::{Ends, Tap};
use super::protection::Protection;
use super::rate_limit::{self, Accounts, Class, Verdict};
use super::snapshot::Snapshot;
use super::transfer::{self, Brings, Brought};
use crate::daemon::ticks::Tick;
use crate::zone::number::rcode;

/// Datagrams taken from the kernel at a time.
const BATCH: usize = 32;

/// Batches a stopping worker still answers: more than a socket's buffer holds.
const LAST_BATCHES: usize = 64;

/// Between a receive that failed and the next.
const ERROR_PAUSE: Duration = Duration::from_millis(10);

/// A query may be as long as we say in our OPT; longer ones are cut here and fail as malformed.
const DATAGRAM: usize = UDP_SIZE as usize;

/// What the monotonic seconds of all workers are counted from.
static EPOCH: LazyLock<Instant> = LazyLock::new(Instant::now);

/// One socket's worker.
pub struct Worker {
    /// Blocking, with a receive time-out, so that the worker ticks and sees `stop` without a query.
    pub socket: UdpSocket,
    /// Where that is bound.
    pub bound: SocketAddr,
    /// What all threads share.
    pub answering: Answering,
    /// Where the present limits and secrets are found.
    pub protection: Arc<ArcSwap<Protection>>,
    /// Those of all workers.
    pub accounts: Arc<Accounts>,
    /// Its own.
    pub counters: Arc<Counters>,
    /// Its own.
    pub tap: Tap,
    /// Its own.
    pub tick: Tick,
    /// Set when it shall end.
    pub stop: Arc<AtomicBool>,
}

/// The address a datagram was sent to: on a wildcard socket the answer must come from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Local {
    /// The socket's own.
    Bound,
    V4(Ipv4Addr),
    /// With the interface, which a link-local address needs.
    V6(Ipv6Addr, u32),
}

/// The datagrams of the present batch, part by part, as the system calls want them; then the answers, in place of those that are answered.
struct Batch<P> {
    lengths: [usize; BATCH],
    peers: [Option<P>; BATCH],
    locals: [Local; BATCH],
}

impl<P: Peer> Batch<P> {
    const EMPTY: Batch<P> = Batch { lengths: [0; BATCH], peers: [None; BATCH], locals: [Local::Bound; BATCH] };

    /// Puts an answer of this length to one datagram where an earlier one was, or the same.
    fn reply(&mut self, place: usize, to: usize, length: usize) {
        self.lengths[place] = length;
        if place != to {
            self.peers[place] = self.peers[to];
            self.locals[place] = self.locals[to];
        }
    }
}

impl Worker {
    /// Answers until it is told to stop. What it has received by then it answers; what is still in the socket is left
    /// to the process that took the socket over, or read to the end if there is none.
    pub fn run(self) {
        match self.bound {
            SocketAddr::V4(_) => self.answer_all::<SockaddrIn>(),
            SocketAddr::V6(_) => self.answer_all::<SockaddrIn6>(),
        }
    }

    fn answer_all<P: Peer>(self) {
        let wildcard = self.bound.ip().is_unspecified();
        let mut snapshot = arc_swap::Cache::new(Arc::clone(&self.answering.snapshot));
        let mut protection = arc_swap::Cache::new(Arc::clone(&self.protection));
        let mut queries = vec![[0u8; DATAGRAM]; BATCH];
        let mut answers = vec![[0u8; DATAGRAM]; BATCH];
        let mut received = headers(wildcard);
        let mut sent = headers(wildcard);
        let mut batch = Batch::<P>::EMPTY;
        let mut last_batches = LAST_BATCHES;
        loop {
            self.tick.tick();
            let stopping = self.stop.load(Ordering::Relaxed);
            let flags = if stopping { MsgFlags::MSG_DONTWAIT } else { MsgFlags::MSG_WAITFORONE };
            let count = match self.receive(&mut received, &mut queries, &mut batch, flags) {
                Ok(count) => count,
                Err(_) if stopping => return,
                Err(Errno::EAGAIN | Errno::EINTR) => {
                    // Nobody asks: lets go of zones that are no longer in force.
                    snapshot.load();
                    continue;
                }
                Err(_) => {
                    // The kernel is out of memory, say: asking again at once would only make that worse.
                    #[allow(clippy::disallowed_methods, reason = "there is no event that tells of free memory")]
                    std::thread::sleep(ERROR_PAUSE);
                    continue;
                }
            };
            if wildcard && batch.locals[..count].contains(&Local::Bound) {
                // The kernel has shortened the control buffers; without them no address would ever come again.
                received = headers(wildcard);
            }
            let snapshot = snapshot.load();
            let moment = Moment::now(protection.load());
            let mut replies = 0;
            for n in 0..count {
                let query = &queries[n][..batch.lengths[n]];
                let answered =
                    self.answer(query, snapshot, batch.peers[n].map(|peer| peer.ip()), &moment, &mut answers[replies]);
                if self.tap.is_on() {
                    let response = answered.map(|answered| &answers[replies][..answered.length]);
                    let from = batch.peers[n].map(|peer| peer.address());
                    self.record(from, batch.locals[n], &moment, query, response);
                }
                if let Some(answered) = answered {
                    batch.reply(replies, n, answered.length);
                    replies += 1;
                }
            }
            self.send(&mut sent, &answers, &batch, replies);
            if stopping {
                last_batches -= 1;
                if last_batches == 0 {
                    return;
                }
            }
        }
    }

    /// Records a datagram and the response to it, for dnstap.
    #[cold]
    fn record(
        &self,
        from: Option<SocketAddr>,
        local: Local,
        moment: &Moment<'_>,
        query: &[u8],
        response: Option<&[u8]>,
    ) {
        let Some(client) = from else { return };
        let server = match local {
            Local::Bound => self.bound,
            Local::V4(address) => SocketAddr::new(address.into(), self.bound.port()),
            Local::V6(address, _) => SocketAddr::new(address.into(), self.bound.port()),
        };
        self.tap.record(&Ends::new(client, Some(server)), moment.since_epoch, query, response);
    }

    /// The answer to one datagram, if it gets any.
    fn answer(
        &self,
        query: &[u8],
        snapshot: &Snapshot,
        address: Option<IpAddr>,
        moment: &Moment<'_>,
        buffer: &mut [u8],
    ) -> Option<Answered> {
        let client = Client { transport: Transport::Udp, issuer: address.map(|address| moment.issuer(address)) };
        let answered = answer::answer(query, snapshot, &client, fastrand::usize(..), buffer);
        let answered = match (answered, address) {
            (Some(answered), Some(address)) => {
                let answered = match answered.rcode {
                    rcode::NOTIMP => self.notify(answered, query, snapshot, (&client, address), buffer),
                    rcode::REFUSED => self.transfer(answered, query, snapshot, address, moment, buffer),
                    _ => answered,
                };
                self.limit(answered, query, snapshot, &client, moment, buffer)?
            }
            (answered, _) => {
                self.counters.count(answered);
                return answered;
            }
        };
        self.counters.count(Some(answered));
        Some(answered)
    }

    /// What is no query may be a primary's NOTIFY.
    #[cold]
    fn notify(
        &self,
        refused: Answered,
        message: &[u8],
        snapshot: &Snapshot,
        (client, from): (&Client<'_>, IpAddr),
        buffer: &mut [u8],
    ) -> Answered {
        let Some((answered, apex)) = answer::notify(message, snapshot, client, from, buffer) else { return refused };
        if let Some(apex) = apex {
            self.answering.bell.ring(apex.as_bytes(), from);
        }
        answered
    }

    /// A query that is refused as such may be for what has changed of a zone, by somebody who may have that.
    #[cold]
    fn transfer(
        &self,
        refused: Answered,
        query: &[u8],
        snapshot: &Snapshot,
        address: IpAddr,
        moment: &Moment<'_>,
        buffer: &mut [u8],
    ) -> Answered {
        let Some(brought) = transfer::datagram(query, snapshot, address, moment.unix.into(), buffer) else {
            return refused;
        };
        if let Brings::Since(_) = brought.brings {
            self.counters.transfers.add();
            self.counters.transfers_of_differences.add();
        }
        let Brought { length, account, slot, .. } = brought;
        Answered { length, account, slot, rcode: rcode::NOERROR, ..refused }
    }

    /// What is left of an answer under the rate limit.
    fn limit(
        &self,
        answered: Answered,
        query: &[u8],
        snapshot: &Snapshot,
        client: &Client<'_>,
        moment: &Moment<'_>,
        buffer: &mut [u8],
    ) -> Option<Answered> {
        let Some(address) = client.issuer.map(|issuer| issuer.address) else { return Some(answered) };
        let limits = &moment.protection.limits;
        if limits.responses_per_second == 0 || answered.cookie == Standing::Good {
            return Some(answered);
        }
        let verdict = self.accounts.debit(limits, address, answered.account, moment.monotonic);
        if verdict == Verdict::Send || rate_limit::is_exempt(limits, address) {
            return Some(answered);
        }
        let class = answered.account.class;
        let (limited, left) = match verdict {
            _ if limits.log_only => (Limited::Spared, Some(answered)),
            Verdict::Slip if class == Class::Error => (Limited::Slipped, Some(answered)),
            Verdict::Slip => {
                let cut = answer::cut(query, snapshot, client, buffer);
                // It is about the same zone.
                (Limited::Slipped, cut.map(|cut| Answered { slot: answered.slot, ..cut }))
            }
            Verdict::Send | Verdict::Drop => (Limited::Dropped, None),
        };
        self.counters.count_limited(&answered, limited, address);
        left
    }

    fn receive<P: Peer>(
        &self,
        headers: &mut MultiHeaders<P>,
        buffers: &mut [[u8; DATAGRAM]],
        batch: &mut Batch<P>,
        flags: MsgFlags,
    ) -> Result<usize, Errno> {
        let mut buffers = buffers.iter_mut();
        let mut slices: [[IoSliceMut<'_>; 1]; BATCH] =
            std::array::from_fn(|_| [IoSliceMut::new(buffers.next().map_or(&mut [][..], |buffer| &mut buffer[..]))]);
        let mut count = 0;
        for message in recvmmsg(self.socket.as_raw_fd(), headers, slices.iter_mut(), flags, None)? {
            batch.lengths[count] = message.bytes;
            batch.locals[count] = local(&message);
            batch.peers[count] = message.address;
            count += 1;
        }
        Ok(count)
    }

    /// Sends the answers, those from one local address in one call.
    fn send<P: Peer>(
        &self,
        headers: &mut MultiHeaders<P>,
        answers: &[[u8; DATAGRAM]],
        batch: &Batch<P>,
        replies: usize,
    ) {
        let mut first = 0;
        for run in batch.locals[..replies].chunk_by(|a, b| a == b) {
            let end = first + run.len();
            while first < end {
                match self.send_run(headers, answers, batch, first..end) {
                    Ok(count) if count > 0 => first += count,
                    Err(Errno::EINTR) => {}
                    // The first of them cannot be sent (its address is gone, a firewall forbids it); the rest can.
                    _ => {
                        self.counters.send_errors.add();
                        first += 1;
                    }
                }
            }
        }
    }

    fn send_run<P: Peer>(
        &self,
        headers: &mut MultiHeaders<P>,
        answers: &[[u8; DATAGRAM]],
        batch: &Batch<P>,
        run: Range<usize>,
    ) -> Result<usize, Errno> {
        let of_run = |n: usize| if run.contains(&n) { &answers[n][..batch.lengths[n]] } else { &[] };
        let slices: [[IoSlice<'_>; 1]; BATCH] = std::array::from_fn(|n| [IoSlice::new(of_run(n))]);
        let slices = &slices[run.clone()];
        let addresses = &batch.peers[run.clone()];
        let fd = self.socket.as_raw_fd();
        let flags = MsgFlags::empty();
        Ok(match batch.locals[run.start] {
            Local::Bound => sendmmsg(fd, headers, slices, addresses, [], flags)?.count(),
            Local::V4(address) => {
                let info = libc::in_pktinfo {
                    ipi_ifindex: 0,
                    ipi_spec_dst: libc::in_addr { s_addr: u32::from_ne_bytes(address.octets()) },
                    ipi_addr: libc::in_addr { s_addr: 0 },
                };
                sendmmsg(fd, headers, slices, addresses, [ControlMessage::Ipv4PacketInfo(&info)], flags)?.count()
            }
            Local::V6(address, interface) => {
                let info = libc::in6_pktinfo {
                    ipi6_addr: libc::in6_addr { s6_addr: address.octets() },
                    ipi6_ifindex: interface,
                };
                sendmmsg(fd, headers, slices, addresses, [ControlMessage::Ipv6PacketInfo(&info)], flags)?.count()
            }
        })
    }
}

/// When and under which terms a batch is answered.
struct Moment<'p> {
    protection: &'p Protection,
    since_epoch: Duration,
    /// Seconds since the epoch, in 32 bits.
    unix: u32,
    /// Seconds of a clock that never goes back.
    monotonic: u32,
}

impl Moment<'_> {
    fn now(protection: &Arc<Protection>) -> Moment<'_> {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let unix = since_epoch.as_secs() as u32;
        Moment { protection, since_epoch, unix, monotonic: EPOCH.elapsed().as_secs() as u32 }
    }

    fn issuer(&self, address: IpAddr) -> Issuer<'_> {
        Issuer { secrets: &self.protection.secrets, address, now: self.unix }
    }
}

/// Room for a batch; with control messages only where the socket is a wildcard's, since the kernel reads whatever
/// room there is when it sends.
fn headers<P: Peer>(wildcard: bool) -> MultiHeaders<P> {
    MultiHeaders::preallocate(BATCH, wildcard.then(|| cmsg_space!(libc::in6_pktinfo)))
}

fn local<P>(message: &RecvMsg<'_, '_, P>) -> Local {
    let Ok(controls) = message.cmsgs() else { return Local::Bound };
    for control in controls {
        match control {
            ControlMessageOwned::Ipv4PacketInfo(info) => {
                return Local::V4(Ipv4Addr::from(info.ipi_spec_dst.s_addr.to_ne_bytes()));
            }
            ControlMessageOwned::Ipv6PacketInfo(info) => {
                let address = Ipv6Addr::from(info.ipi6_addr.s6_addr);
                let interface = if address.is_unicast_link_local() { info.ipi6_ifindex } else { 0 };
                return Local::V6(address, interface);
            }
            _ => {}
        }
    }
    Local::Bound
}
