//! One body from here to there.

use super::socket::IdleTimer;
use super::stream::{BodySink, BodySource, Piece, TransferError};

/// Passes all of a body on, and whatever the sink has gathered before it. `count` is told the bytes of content before they
/// go on; `is_patient`: whether the sender may take its time now.
pub async fn pass(
    source: &mut impl BodySource,
    sink: &mut impl BodySink,
    timer: &mut IdleTimer<'_>,
    mut count: impl FnMut(u64),
    is_patient: impl Fn() -> bool,
) -> Result<(), TransferError> {
    loop {
        match source.next()? {
            Piece::Data(data) => {
                count(data.len() as u64);
                sink.write(data, timer).await?;
            }
            Piece::Wanting => {
                sink.flush(timer).await?;
                sink.rest();
                source.fill(timer, &is_patient).await?;
            }
            Piece::End(trailers) => return sink.end(trailers, timer).await,
        }
    }
}
