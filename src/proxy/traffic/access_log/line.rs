//! One request as one line. Everything a client or a backend chose is escaped.

use std::io::Write;
use std::time::Duration;

use crate::proxy::snapshot::{Front, Snapshot};
use crate::proxy::traffic::http1::forwarded::Client;
use crate::proxy::traffic::message::Request;
use crate::proxy::traffic::trace::Trace;

/// What is known of a request that is over.
pub struct Record<'s> {
    /// Who has asked.
    pub client: &'s Client,
    /// The listener's name.
    pub listener: &'s str,
    /// `None`: there was no request, or its head was refused.
    pub request: Option<Request<'s>>,
    /// Times, outcome.
    pub trace: &'s Trace,
}

impl Record<'_> {
    fn method(&self) -> &[u8] {
        self.request.map_or(&[], |request| request.method())
    }

    /// That of the request; of a connection without one the host that was named in the handshake of TLS.
    fn host(&self) -> &[u8] {
        let named = || self.client.tls.as_ref()?.server_name.as_ref();
        self.request.map_or_else(|| named().map_or(&[][..], |name| name.as_bytes()), |request| request.authority())
    }

    fn path(&self) -> &[u8] {
        self.request.map_or(&[], |request| request.path())
    }

    fn front(&self) -> Option<(&Snapshot, &Front)> {
        self.trace.front.as_ref().map(|(view, index)| (&*view.snapshot, &view.snapshot.fronts[*index]))
    }

    fn service(&self) -> &str {
        self.front().map_or("", |(_, front)| &front.name)
    }

    fn backend(&self) -> &str {
        let place = self.front().zip(self.trace.backend);
        let backend =
            place.and_then(|((snapshot, front), backend)| snapshot.services[front.service()?].backends.get(backend));
        backend.map_or("", |backend| &backend.name)
    }
}

/// Milliseconds, or -1 for what was not reached.
fn milliseconds(time: Option<Duration>) -> i64 {
    time.map_or(-1, |time| i64::try_from(time.as_millis()).unwrap_or(i64::MAX))
}

/// The moment the request began.
fn began(trace: &Trace) -> jiff::Timestamp {
    let now = jiff::Timestamp::now();
    let ago = jiff::SignedDuration::try_from(trace.began.elapsed()).unwrap_or_default();
    now.checked_sub(ago).unwrap_or(now)
}

/// One JSON object: `status` is 0 when nothing was answered, times are in milliseconds, -1 what was not reached.
pub fn json(out: &mut Vec<u8>, record: &Record<'_>) {
    let trace = record.trace;
    let time = began(trace);
    put(out, format_args!("{{\"time\":\"{time:.3}\",\"client\":\"{}\",\"listener\":", record.client.peer));
    quote(out, record.listener.as_bytes());
    for (name, value) in [
        ("service", record.service().as_bytes()),
        ("backend", record.backend().as_bytes()),
        ("method", record.method()),
        ("host", record.host()),
        ("path", record.path()),
        ("user", trace.user.as_deref().unwrap_or_default().as_bytes()),
    ] {
        put(out, format_args!(",\"{name}\":"));
        quote(out, value);
    }
    if let Some(facts) = &record.client.facts {
        let sni = facts.authority.as_ref().map(|host| ("sni", host.as_bytes()));
        let id = facts.unique_id.as_ref().map(|id| ("unique_id", &**id));
        for (name, value) in sni.into_iter().chain(id) {
            put(out, format_args!(",\"{name}\":"));
            quote(out, value);
        }
    }
    if let Some(algorithm) = trace.encoding {
        put(out, format_args!(",\"encoding\":\"{}\"", algorithm.name()));
    }
    put(
        out,
        format_args!(
            ",\"status\":{},\"bytes\":{},\"end\":\"{}\",\"cookie\":\"{}\",\"tries\":{}",
            trace.status,
            trace.bytes,
            trace.end.code(),
            trace.cookie_code(),
            trace.tries
        ),
    );
    put(
        out,
        format_args!(
            ",\"tq\":{},\"tw\":{},\"tc\":{},\"tr\":{},\"ta\":{}",
            milliseconds(trace.head),
            milliseconds(Some(trace.waited.unwrap_or_default())),
            milliseconds(trace.connected),
            milliseconds(trace.responded),
            milliseconds(Some(trace.began.elapsed()))
        ),
    );
    if let Some(hedge) = trace.hedge {
        put(out, format_args!(",\"hedge\":\"{}\"", hedge.name()));
    }
    if let Some(id) = trace.request_id {
        put(out, format_args!(",\"request_id\":\"{id}\""));
    }
    out.extend_from_slice(b"}\n");
}

/// A line like HAProxy's `option httplog` (configuration manual, 8.2.3): client, date, listener, service/backend,
/// Tq/Tw/Tc/Tr/Ta, status, bytes, two captures never taken, four letters of termination, tries, host, the request's id in braces if it has one, request line.
pub fn haproxy(out: &mut Vec<u8>, record: &Record<'_>) {
    let trace = record.trace;
    let time = began(trace).to_zoned(jiff::tz::TimeZone::UTC);
    put(out, format_args!("{} [{}] ", record.client.peer, time.strftime("%d/%b/%Y:%H:%M:%S%.3f")));
    bare(out, record.listener.as_bytes());
    out.push(b' ');
    bare(out, or(record.service().as_bytes(), b"<NOSRV>"));
    out.push(b'/');
    bare(out, or(record.backend().as_bytes(), b"<NOSRV>"));
    put(
        out,
        format_args!(
            " {}/{}/{}/{}/{} {} {} - - {}{} {} ",
            milliseconds(trace.head),
            milliseconds(Some(trace.waited.unwrap_or_default())),
            milliseconds(trace.connected),
            milliseconds(trace.responded),
            milliseconds(Some(trace.began.elapsed())),
            trace.status,
            trace.bytes,
            trace.end.code(),
            trace.cookie_code(),
            trace.tries
        ),
    );
    bare(out, or(record.host(), b"-"));
    if let Some(id) = trace.request_id {
        put(out, format_args!(" {{{id}}}"));
    }
    out.extend_from_slice(b" \"");
    match record.request {
        None => out.extend_from_slice(b"<BADREQ>"),
        Some(request) => {
            for (index, part) in request.line().split(|byte| *byte == b' ').enumerate() {
                if index > 0 {
                    out.push(b' ');
                }
                bare(out, part);
            }
        }
    }
    out.extend_from_slice(b"\"\n");
}

fn or<'v>(value: &'v [u8], instead: &'v [u8]) -> &'v [u8] {
    if value.is_empty() { instead } else { value }
}

fn put(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // Writing to a Vec cannot fail.
    let _ = out.write_fmt(text);
}

/// A JSON string. Bytes that are not ASCII stand as `\u00XX`, so that broken UTF-8 cannot break the line.
fn quote(out: &mut Vec<u8>, value: &[u8]) {
    out.push(b'"');
    for byte in value {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', *byte]),
            0x20..=0x7e => out.push(*byte),
            _ => put(out, format_args!("\\u{byte:04x}")),
        }
    }
    out.push(b'"');
}

/// Text without an end of its own: quotes, blanks, backslashes and everything that is not ASCII as `\xXX`.
fn bare(out: &mut Vec<u8>, value: &[u8]) {
    for byte in value {
        match byte {
            b'"' | b'\\' | b' ' => put(out, format_args!("\\x{byte:02x}")),
            0x21..=0x7e => out.push(*byte),
            _ => put(out, format_args!("\\x{byte:02x}")),
        }
    }
}

#[cfg(test)]
mod tests;
