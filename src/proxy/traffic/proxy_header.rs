//! Waiting for the header of the PROXY protocol, at listeners that ask for it: before TLS, and before anything of HTTP.
//!
//! Who may send one was asked when the connection was accepted. What comes behind the header is left in the socket. Must never: take a
//! connection without a header, or one whose header is malformed.

use std::io;

use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until};

use super::counters::add;
use super::eviction;
use super::http1::forwarded::Client;
use super::inflight::{Entry, Order};
use super::local::Local;
use super::termination::End;
use crate::proxy_protocol::{self, Header, MOST, Malformed};

/// How much is looked at in one go: any header that names a visitor, with a host name and what is said of TLS.
const LOOK: usize = 512;

/// Why there is no header.
enum Missing {
    /// The connection ended before its first byte: somebody has looked whether we are there.
    Nothing,
    /// It ended within the header, or broke.
    Closed,
    /// What came is none.
    Malformed(Malformed),
}

impl From<io::Error> for Missing {
    fn from(_: io::Error) -> Missing {
        Missing::Closed
    }
}

impl From<Malformed> for Missing {
    fn from(error: Malformed) -> Missing {
        Missing::Malformed(error)
    }
}

/// Waits for the header within `timeouts.proxy_protocol`, as long as nobody else needs the connection's slot. From then on `client`
/// is the visitor whom it names, if it names one, and the connection counts as his.
///
/// # Errors
///
/// The connection is to be closed, and this is for the log, if anything is.
pub async fn receive(
    local: &Local,
    entry: &Entry,
    stream: &TcpStream,
    client: &mut Client,
    listener: &str,
) -> Result<(), Option<End>> {
    let limit = Instant::now() + local.view().snapshot.settings.timeouts.proxy_protocol;
    let end = tokio::select! { biased;
        order = entry.order() => match order {
            Order::Evict => {
                add(&local.counters.evicted, 1);
                return Err(Some(End::EvictedInProxyHeader));
            }
            Order::Kill => return Err(Some(End::DrainTimeout)),
            _ => return Err(None),
        },
        header = read(stream) => match header {
            Ok(header) => return introduce(local, entry, client, header).map_err(Some),
            Err(Missing::Nothing) => return Err(None),
            Err(Missing::Closed) => return Err(Some(End::ClosedInProxyHeader)),
            Err(Missing::Malformed(why)) => {
                if local.proxy_refused.permits() {
                    tracing::warn!(
                        "listener {listener}: a connection of {} is closed: {why} (logged at most once a minute, of whichever \
                         address)",
                        client.address
                    );
                }
                End::ProxyHeaderRefused
            }
        },
        () = sleep_until(limit) => End::ProxyHeaderTimeout,
    };
    add(&local.counters.proxy_headers_refused, 1);
    Err(Some(end))
}

/// Takes whom the header names for the client.
fn introduce(local: &Local, entry: &Entry, client: &mut Client, header: Header) -> Result<(), End> {
    add(&local.counters.proxy_headers, 1);
    // Without one the connection is the proxy's own, or of no family that we know: its ends are the true ones.
    let Some(ends) = header.ends else { return Ok(()) };
    *client = Client::named(ends, header.facts);
    eviction::count_visitor(local, entry, client).inspect_err(|end| local.count_refusal(*end))
}

/// Reads the header, and nothing of what comes behind it.
async fn read(stream: &TcpStream) -> Result<Header, Missing> {
    let mut header = Vec::with_capacity(LOOK);
    loop {
        let before = header.len();
        header.resize((before + LOOK).min(MOST), 0);
        let seen = stream.peek(&mut header[before..]).await?;
        if seen == 0 {
            return Err(if before == 0 { Missing::Nothing } else { Missing::Closed });
        }
        header.truncate(before + seen);
        let whole = proxy_protocol::measure(&header)?;
        // All that was seen is part of the header, or the header ends within it.
        let until = whole.unwrap_or(header.len());
        take(stream, &mut header[before..until])?;
        if whole.is_some() {
            return Ok(proxy_protocol::read(&header[..until])?);
        }
    }
}

/// Takes out of the socket what was seen in it.
fn take(stream: &TcpStream, mut seen: &mut [u8]) -> io::Result<()> {
    while !seen.is_empty() {
        match stream.try_read(seen)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => seen = &mut seen[count..],
        }
    }
    Ok(())
}
