//! Waiting for a request's head.

use std::io;

use tokio::time::Instant;

use super::alarm::Alarm;
use super::http1::answer::Answer;
use super::http1::buffer::{Buffer, SIZE};
use super::http1::head::{Scan, Scanned};
use super::inflight::{Entry, Order, Phase};
use super::local::Local;
use super::socket::fill;
use super::termination::End;
use super::transport::Transport;

/// What came of waiting for a head.
pub enum Arrival {
    /// This many bytes at the front of the input are one.
    Head(usize),
    /// What came is refused.
    Refused(Answer<'static>, End),
    /// None came, for this reason.
    Ended(End),
}

/// Reads until a head is whole. `request_head` counts from its first byte.
pub async fn read_head(
    local: &Local,
    entry: &Entry,
    stream: &mut Transport,
    input: &mut Buffer,
    alarm: &mut Alarm,
) -> Arrival {
    let view = local.view();
    let settings = &view.snapshot.settings;
    let most = settings.limits.request_head;
    let until = Instant::now() + settings.timeouts.request_head;
    let mut scan = Scan::default();
    let mut may_skip_line = true;
    loop {
        if may_skip_line && input.filled().starts_with(b"\r\n") {
            // One empty line before a request line is forgiven (RFC 9112, 2.2).
            input.consume(2);
            may_skip_line = false;
        }
        let is_half_a_line = may_skip_line && input.filled() == b"\r";
        match if is_half_a_line { Scanned::Incomplete } else { scan.next(input.filled()) } {
            Scanned::Complete(length) if length <= most => return Arrival::Head(length),
            Scanned::BareLf => return Arrival::Refused(Answer::new(400), End::Refused),
            Scanned::Complete(_) => return Arrival::Refused(Answer::new(431), End::Refused),
            Scanned::Incomplete if input.len() >= most => {
                let status = if scan.in_first_line() { 414 } else { 431 };
                return Arrival::Refused(Answer::new(status), End::Refused);
            }
            Scanned::Incomplete => {}
        }
        if input.len() >= SIZE {
            input.hold((input.len() * 2).min(most.max(SIZE)));
        }
        if entry.slot().is_none() {
            // Evicted at the moment its first bytes came: a part of a head is no request.
            return Arrival::Ended(End::EvictedInHead);
        }
        if entry.phase() != Phase::Head {
            entry.enter(Phase::Head);
        }
        let read = tokio::select! { biased;
            read = fill(stream, input, alarm, || Some(until)) => read,
            order @ (Order::Kill | Order::Evict) = entry.order() => {
                let evicted = order == Order::Evict;
                return Arrival::Ended(if evicted { End::EvictedInHead } else { End::DrainTimeout });
            }
        };
        match read {
            Ok(1..) => {}
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                return Arrival::Refused(Answer::new(408), End::HeadTimeout);
            }
            Ok(0) | Err(_) => return Arrival::Ended(End::ClientInHead),
        }
    }
}
