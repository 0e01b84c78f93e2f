//! A page that is live: the daemon's answer again and again over one response, whenever it has changed, as server-sent events (the HTML
//! standard, 9.2).
//!
//! Owns the pace. Must never: keep a stopped server waiting, or the control thread busy with pages.

use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::{BufMut, Bytes, BytesMut};
use http_body_util::channel::{Channel, Sender};
use tokio::sync::{Notify, watch};

use super::link::Accepting;
use super::message::{AdminHandler, AdminReply, AdminRequest};

/// The path of what is live.
pub(super) const PATH: &str = "/live";

/// Its content type.
pub(super) const CONTENT_TYPE: &str = "text/event-stream";

/// Between two messages, and between two looks at the least.
const PAUSE: Duration = Duration::from_secs(1);

/// For whoever reads to take a piece; in the tests, which wait for its end, less.
const READ_LIMIT: Duration = Duration::from_secs(if cfg!(test) { 2 } else { 30 });

/// A look is followed by a pause of so many times what it took: large pages of many viewers cost the control thread a fiftieth each.
const SHARE: u32 = 50;

/// Nothing is new: whoever reads knows by it that the daemon lives, and whoever reads no more is noticed by it. An event, since scripts are
/// not told of comments.
const NOTHING_NEW: &[u8] = b"event: same\ndata\n\n";

/// The body of the response, whose first event is this reply. `unread` is told when nobody reads it: what has been written of it is not
/// to be kept until somebody does.
pub(super) fn body(
    request: AdminRequest,
    first: AdminReply,
    handler: impl AdminHandler,
    accepting: watch::Receiver<Accepting>,
    unread: Rc<Notify>,
) -> Channel<Bytes> {
    let (sender, body) = Channel::new(1);
    tokio::task::spawn_local(async move {
        if send(sender, request, first, handler, accepting).await == End::Unread {
            unread.notify_one();
        }
    });
    body
}

/// Why no more is sent.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// Nobody has taken a piece in time.
    Unread,
    /// The other side has closed, the daemon has no such page, or the server stops.
    Other,
}

/// Ends when nobody reads, when the daemon has no such page, or with the server.
async fn send(
    mut sender: Sender<Bytes>,
    request: AdminRequest,
    first: AdminReply,
    handler: impl AdminHandler,
    mut accepting: watch::Receiver<Accepting>,
) -> End {
    let mut shown = first.body;
    let mut message = event(&shown);
    let mut next_look = Instant::now();
    loop {
        tokio::select! {
            sent = tokio::time::timeout(READ_LIMIT, sender.send_data(message)) => match sent {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return End::Other,
                Err(_) => return End::Unread,
            },
            _ = accepting.wait_for(|_| false) => return End::Other,
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            _ = accepting.wait_for(|_| false) => return End::Other,
        }
        message = Bytes::from_static(NOTHING_NEW);
        let began = Instant::now();
        if began < next_look {
            continue;
        }
        let reply = handler.call(request.clone()).await;
        if reply.status != 200 {
            return End::Other;
        }
        next_look = Instant::now() + began.elapsed() * SHARE;
        if reply.body != shown {
            message = event(&reply.body);
            shown = reply.body;
        }
    }
}

/// One event that carries a text: a line of data for each of its lines. A browser whose connection ends is to come back after a second.
fn event(text: &[u8]) -> Bytes {
    let mut event = BytesMut::with_capacity(text.len() + 48);
    event.put_slice(b"retry: 1000\nevent: page\n");
    for line in text.split(|byte| matches!(byte, b'\n' | b'\r')) {
        event.put_slice(b"data: ");
        event.put_slice(line);
        event.put_slice(b"\n");
    }
    event.put_slice(b"\n");
    event.freeze()
}
