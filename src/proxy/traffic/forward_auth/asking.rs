//! One question to the server of `forward_auth`, over HTTP/1.1.

use tokio::time::Instant;

use crate::proxy::snapshot::Settings;
use crate::proxy::traffic::alarm::Alarm;
use crate::proxy::traffic::http1::buffer::{Buffer, SIZE};
use crate::proxy::traffic::http1::head::{Scan, Scanned};
use crate::proxy::traffic::http1::question::Written;
use crate::proxy::traffic::http1::response;
use crate::proxy::traffic::http1_stream::Source;
use crate::proxy::traffic::local::Local;
use crate::proxy::traffic::message::ResponseHead;
use crate::proxy::traffic::message::fields::Field;
use crate::proxy::traffic::socket::{IdleTimer, fill, send};
use crate::proxy::traffic::stream::{BodySource, Piece};
use crate::proxy::traffic::transport::{ReadHalf, Transport};
use crate::proxy::traffic::upstream::{ConnectError, Peer};

/// The most that is taken of a refusal's body: a page that says why not, or a form to log in. It is held until the visitor has taken it,
/// and so no more of it than of other bodies, which a visitor may hold on each of his streams.
const MOST_SHOWN: usize = 64 * 1024;

/// The most that is read, and forgotten, of the body of an answer that lets a request go on.
const MOST_FORGOTTEN: usize = 1024 * 1024;

/// Interim responses before the answer.
const MOST_INTERIM: usize = 16;

/// An answer that has come whole.
pub struct Answered {
    /// What it means.
    pub head: ResponseHead,
    /// The head.
    pub bytes: Vec<u8>,
    /// Its fields.
    pub fields: Vec<Field>,
    /// The body; none of an answer that lets the request go on.
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AskError {
    /// The server cannot be connected to, or has closed before it answered.
    Unreachable,
    /// It has answered what is no HTTP, or more than is taken.
    Malformed,
    /// It has not answered in time.
    TimedOut,
}

/// Asks, on an idle connection to this peer if there is one, or else on one that `open` opens. Whoever waits for it has a time limit.
pub async fn ask(
    local: &Local,
    settings: &Settings,
    peer: Peer,
    open: impl Future<Output = Result<Transport, ConnectError>>,
    question: &Written,
) -> Result<Answered, AskError> {
    if let Some(stream) = local.pool.take(peer, true) {
        match converse(local, settings, peer, stream, question).await {
            // It may have been closed while the question was on its way, and to ask twice does nothing twice.
            Err(AskError::Unreachable) => {}
            answered => return answered,
        }
    }
    let stream = opened(settings, open).await?;
    converse(local, settings, peer, stream, question).await
}

/// Waits for a connection within `timeouts.connect`.
async fn opened(
    settings: &Settings,
    open: impl Future<Output = Result<Transport, ConnectError>>,
) -> Result<Transport, AskError> {
    let mut alarm = Alarm::default();
    tokio::select! { biased;
        opened = open => opened.map_err(|_| AskError::Unreachable),
        () = alarm.wait(Instant::now() + settings.timeouts.connect) => Err(AskError::TimedOut),
    }
}

/// Asks on this connection, which is kept for the next question if it can be: whoever's that is, so that none is kept on which a visitor
/// has shown who he is, or is about to (RFC 4559, 6).
async fn converse(
    local: &Local,
    settings: &Settings,
    peer: Peer,
    mut stream: Transport,
    question: &Written,
) -> Result<Answered, AskError> {
    let mut alarm = Alarm::default();
    let mut timer = IdleTimer { alarm: &mut alarm, idle: settings.timeouts.response_head };
    let mut input = Buffer::default();
    let (mut source, mut sink) = stream.split();
    send(&mut sink, &mut Vec::new(), &question.bytes, &mut timer, || {}).await.map_err(|_| AskError::Unreachable)?;
    let mut fields = Vec::new();
    let (head, bytes) = final_head(&mut source, &mut input, &mut fields, settings.limits.response_head).await?;
    let mut source = Source::new(source, &mut input, head.body);
    let is_shown = !(200..300).contains(&head.status);
    let body = read_body(&mut source, &mut timer, is_shown).await?;
    let is_authenticated = question.authenticates_connection || head.authenticates_connection;
    let keeps = head.keeps_alive() && source.is_used_up() && !is_authenticated;
    drop(source);
    if keeps {
        let until = Instant::now() + settings.timeouts.backend_keep_alive;
        local.pool.put(peer, stream, until, settings.capacity.idle_per_backend);
    }
    Ok(Answered { head, bytes, fields, body })
}

/// Reads until the head of the answer is whole, of at most so many bytes.
async fn final_head(
    source: &mut ReadHalf<'_>,
    input: &mut Buffer,
    fields: &mut Vec<Field>,
    most: usize,
) -> Result<(ResponseHead, Vec<u8>), AskError> {
    let mut authenticates_connection = false;
    for _ in 0..MOST_INTERIM {
        let length = whole_head(source, input, most).await?;
        let bytes = input.filled()[..length].to_vec();
        input.consume(length);
        let mut head = response::vet(&bytes, false, fields).map_err(|_| AskError::Malformed)?;
        head.authenticates_connection |= authenticates_connection;
        authenticates_connection = head.authenticates_connection;
        match head.status {
            // Nobody has asked for another protocol.
            101 => return Err(AskError::Malformed),
            ..200 => {}
            _ => return Ok((head, bytes)),
        }
    }
    Err(AskError::Malformed)
}

async fn whole_head(source: &mut ReadHalf<'_>, input: &mut Buffer, most: usize) -> Result<usize, AskError> {
    let mut alarm = Alarm::default();
    let mut scan = Scan::default();
    loop {
        match scan.next(input.filled()) {
            Scanned::Complete(length) if length <= most => return Ok(length),
            Scanned::Complete(_) | Scanned::BareLf => return Err(AskError::Malformed),
            Scanned::Incomplete if input.len() >= most => return Err(AskError::Malformed),
            Scanned::Incomplete => {}
        }
        if input.len() >= SIZE {
            input.hold((input.len() * 2).min(most.max(SIZE)));
        }
        match fill(source, input, &mut alarm, || None).await {
            Ok(1..) => {}
            Ok(0) | Err(_) => return Err(AskError::Unreachable),
        }
    }
}

async fn read_body(source: &mut Source<'_>, timer: &mut IdleTimer<'_>, is_shown: bool) -> Result<Vec<u8>, AskError> {
    let mut body = Vec::new();
    let mut left = if is_shown { MOST_SHOWN } else { MOST_FORGOTTEN };
    loop {
        match source.next() {
            Ok(Piece::Data(data)) if data.len() <= left => {
                left -= data.len();
                if is_shown {
                    body.extend_from_slice(data);
                }
            }
            Ok(Piece::Data(_)) | Err(_) => return Err(AskError::Malformed),
            Ok(Piece::End(_)) => return Ok(body),
            Ok(Piece::Wanting) => source.fill(timer, || true).await.map_err(|_| AskError::Malformed)?,
        }
    }
}
