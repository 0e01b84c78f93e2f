//! One body from here to there.

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll};

use super::counters::Passed;
use super::socket::{IdleTimer, within};
use super::splice::{IN_A_ROW, Passage, Taken};
use super::stream::{BodySink, BodySource, Piece, SinkError, SourceError, TransferError};

/// A body that has this much left is spliced: below it costs more system calls than the copies do.
const LONG: u64 = 64 * 1024;

/// Passes all of a body on, and whatever the sink has gathered before it. `count` is told the bytes of content before they
/// go on; `is_patient`: whether the sender may take its time now.
pub async fn pass(
    source: &mut impl BodySource,
    sink: &mut impl BodySink,
    timer: &mut IdleTimer<'_>,
    mut count: impl FnMut(Passed),
    is_patient: impl Fn() -> bool,
) -> Result<(), TransferError> {
    loop {
        match source.next()? {
            Piece::Data(data) => {
                count(Passed::Copied(data.len() as u64));
                sink.write(data, timer).await?;
            }
            Piece::Wanting => {
                sink.flush(timer).await?;
                sink.rest();
                if source.left_plain() >= LONG {
                    splice(source, sink, timer, &mut count, &is_patient).await?;
                } else {
                    source.fill(timer, &is_patient).await?;
                }
            }
            Piece::End(trailers) => return sink.end(trailers, timer).await,
        }
    }
}

/// Passes on what is left of a body, within the kernel if both sides can; if not, only waits until more of it has come.
async fn splice(
    source: &mut impl BodySource,
    sink: &mut impl BodySink,
    timer: &mut IdleTimer<'_>,
    count: &mut impl FnMut(Passed),
    is_patient: &impl Fn() -> bool,
) -> Result<(), TransferError> {
    source.rest();
    let mut turns = 0;
    while source.left_plain() > 0 {
        let (Some(from), Some(to)) = (source.socket(), sink.socket()) else { break };
        let mut passage = Passage::new(from, to);
        let left = source.left_plain();
        let taken = waited(timer, is_patient, |context| passage.poll_take(left, context)).await;
        let bytes = match taken.map_err(SourceError::from)? {
            Taken::Bytes(bytes) => bytes,
            Taken::End => 0,
            Taken::NoPipe => break,
        };
        count(Passed::Spliced(bytes));
        while !passage.is_empty() {
            waited(timer, &|| false, |context| passage.poll_give(context)).await.map_err(SinkError::from)?;
        }
        source.skip(bytes)?;
        turns += 1;
        if turns % IN_A_ROW == 0 {
            tokio::task::yield_now().await;
        }
    }
    if turns == 0 { Ok(source.fill(timer, is_patient).await?) } else { Ok(()) }
}

/// Waits within the time limit, which does not hold for the patient.
async fn waited<T>(
    timer: &mut IdleTimer<'_>,
    is_patient: &impl Fn() -> bool,
    mut poll: impl FnMut(&mut Context<'_>) -> Poll<io::Result<T>>,
) -> io::Result<T> {
    let mut limit = within(timer.idle);
    poll_fn(|context| {
        if let Poll::Ready(done) = poll(context) {
            return Poll::Ready(done);
        }
        match limit().filter(|_| !is_patient()).map(|limit| timer.alarm.poll(limit, context)) {
            Some(Poll::Ready(())) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            _ => Poll::Pending,
        }
    })
    .await
}
