//! One request as one line. Everything a client or a backend chose is escaped.

use std::io::Write;
use std::time::Duration;

use super::field::Field;
use crate::config::proxy::AskedFields;
use crate::proxy::path_prefix::READY_PATH;
use crate::proxy::snapshot::{Front, Snapshot};
use crate::proxy::traffic::http1::forwarded::Client;
use crate::proxy::traffic::message::Request;
use crate::proxy::traffic::termination::End;
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
    pub(super) fn method(&self) -> &[u8] {
        self.request.map_or(&[], |request| request.method())
    }

    /// That of the request; of a connection without one the host that was named in the handshake of TLS.
    pub(super) fn host(&self) -> &[u8] {
        let named = || self.client.tls.as_ref()?.server_name.as_ref();
        self.request.map_or_else(|| named().map_or(&[][..], |name| name.as_bytes()), |request| request.authority())
    }

    pub(super) fn path(&self) -> &[u8] {
        self.request.map_or(&[], |request| request.path())
    }

    fn front(&self) -> Option<(&Snapshot, &Front)> {
        self.trace.front.as_ref().map(|(view, index)| (&*view.snapshot, &view.snapshot.fronts[*index]))
    }

    pub(super) fn service(&self) -> &str {
        self.front().map_or("", |(_, front)| &front.name)
    }

    pub(super) fn backend(&self) -> &str {
        let place = self.front().zip(self.trace.backend);
        let backend =
            place.and_then(|((snapshot, front), backend)| snapshot.services[front.service()?].backends.get(backend));
        backend.map_or("", |backend| &backend.name)
    }
}

impl Record<'_> {
    /// How much it matters; none: it is a nameserver's question whether the proxy is ready, which nobody wants to read.
    pub(super) fn weight(&self, slow: Duration) -> Option<Weight> {
        let Trace { status, end, waited, connected, responded, .. } = *self.trace;
        if end == End::Local && self.path() == READY_PATH {
            return None;
        }
        let is_visitors = end.code().starts_with(['C', 'c']);
        let is_good = matches!(end, End::Done | End::Local | End::KeepAliveTimeout | End::EvictedIdle);
        let until_answered = [waited, connected, responded].into_iter().flatten().sum::<Duration>();
        Some(match status {
            500.. => Weight::Failed,
            _ if is_visitors && !is_good => Weight::Refused,
            // A backend's own is as good as any other response.
            400.. if end != End::Done => Weight::Refused,
            // Connections that never became a request: whoever scans ports has many.
            _ if !is_good && self.request.is_none() && end.code().starts_with(['P', 'R']) => Weight::Refused,
            _ if !is_good => Weight::Failed,
            _ if until_answered >= slow => Weight::Slow,
            _ => Weight::Good,
        })
    }
}

/// How much a request matters to whoever looks for what went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    /// Nothing went wrong.
    Good,
    /// Nor here, but it took long to be answered.
    Slow,
    /// It was refused, or the visitor left.
    Refused,
    /// It failed.
    Failed,
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

/// Takes the fields of a line one after the other.
pub(super) trait Fields {
    /// A text that somebody has chosen, or a name: it is escaped.
    fn text(&mut self, field: Field, value: &[u8]);

    /// A number.
    fn number(&mut self, field: Field, value: i64);

    /// A text of our own, in which nothing has to be escaped.
    fn word(&mut self, field: Field, value: &str);

    /// The same of a value that is written out.
    fn value(&mut self, field: Field, value: std::fmt::Arguments<'_>);
}

/// Gives every field that is known of a request, in their order.
pub(super) fn each(record: &Record<'_>, asked: AskedFields, to: &mut impl Fields) {
    let trace = record.trace;
    to.value(Field::Time, format_args!("{:.3}", began(trace)));
    to.value(Field::Client, format_args!("{}", record.client.peer));
    to.text(Field::Listener, record.listener.as_bytes());
    to.text(Field::Service, record.service().as_bytes());
    to.text(Field::Backend, record.backend().as_bytes());
    to.text(Field::Method, record.method());
    to.text(Field::Host, record.host());
    to.text(Field::Path, record.path());
    to.text(Field::User, trace.user.as_deref().unwrap_or_default().as_bytes());
    for (is_asked, field, name) in
        [(asked.user_agent, Field::UserAgent, "user-agent"), (asked.referer, Field::Referer, "referer")]
    {
        if let Some(value) = record.request.filter(|_| is_asked).and_then(|request| request.named(name).next()) {
            to.text(field, value);
        }
    }
    if let Some(facts) = &record.client.facts {
        if let Some(host) = &facts.authority {
            to.text(Field::ServerName, host.as_bytes());
        }
        if let Some(id) = &facts.unique_id {
            to.text(Field::UniqueId, id);
        }
    }
    if let Some(algorithm) = trace.encoding {
        to.word(Field::Encoding, algorithm.name());
    }
    to.number(Field::Status, trace.status.into());
    to.number(Field::Bytes, i64::try_from(trace.bytes).unwrap_or(i64::MAX));
    to.word(Field::End, trace.end.code());
    if trace.end != End::Done {
        to.word(Field::Cause, trace.end.cause());
    }
    to.word(Field::Cookie, trace.cookie_code());
    to.number(Field::Tries, trace.tries.into());
    to.number(Field::Tq, milliseconds(trace.head));
    to.number(Field::Tw, milliseconds(Some(trace.waited.unwrap_or_default())));
    to.number(Field::Tc, milliseconds(trace.connected));
    to.number(Field::Tr, milliseconds(trace.responded));
    to.number(Field::Ta, milliseconds(Some(trace.began.elapsed())));
    if let Some(hedge) = trace.hedge {
        to.word(Field::Hedge, hedge.name());
    }
    if let Some(id) = &trace.request_id {
        to.text(Field::RequestId, id.as_bytes());
    }
}

/// One JSON object: `status` is 0 when nothing was answered, times are in milliseconds, -1 what was not reached.
pub(super) fn json(out: &mut Vec<u8>, record: &Record<'_>, asked: AskedFields) {
    out.push(b'{');
    each(record, asked, &mut Object { out });
    out.pop();
    out.extend_from_slice(b"}\n");
}

/// Writes fields as members of an object, each with a comma behind it.
struct Object<'o> {
    out: &'o mut Vec<u8>,
}

impl Object<'_> {
    fn key(&mut self, field: Field) {
        self.out.push(b'"');
        self.out.extend_from_slice(field.name().as_bytes());
        self.out.extend_from_slice(b"\":");
    }
}

impl Fields for Object<'_> {
    fn text(&mut self, field: Field, value: &[u8]) {
        self.key(field);
        quote(self.out, value);
        self.out.push(b',');
    }

    fn number(&mut self, field: Field, value: i64) {
        self.key(field);
        self.out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
        self.out.push(b',');
    }

    fn word(&mut self, field: Field, value: &str) {
        self.key(field);
        for part in ["\"", value, "\","] {
            self.out.extend_from_slice(part.as_bytes());
        }
    }

    fn value(&mut self, field: Field, value: std::fmt::Arguments<'_>) {
        self.key(field);
        self.out.push(b'"');
        put(self.out, value);
        self.out.extend_from_slice(b"\",");
    }
}

/// A line like HAProxy's `option httplog` (configuration manual, 8.2.3): client, date, listener, service/backend,
/// Tq/Tw/Tc/Tr/Ta, status, bytes, two captures never taken, four letters of termination, tries, host, the request's id in braces if it has one, request line.
pub(super) fn haproxy(out: &mut Vec<u8>, record: &Record<'_>) {
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

pub(super) fn or<'v>(value: &'v [u8], instead: &'v [u8]) -> &'v [u8] {
    if value.is_empty() { instead } else { value }
}

pub(super) fn put(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // Writing to a Vec cannot fail.
    let _ = out.write_fmt(text);
}

/// A JSON string. Bytes that are not ASCII stand as `\u00XX`, so that broken UTF-8 cannot break the line.
fn quote(out: &mut Vec<u8>, value: &[u8]) {
    out.push(b'"');
    escaped(
        out,
        value,
        |byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\'),
        |out, byte| match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            _ => put(out, format_args!("\\u{byte:04x}")),
        },
    );
    out.push(b'"');
}

/// Text without an end of its own: quotes, blanks, backslashes and everything that is not ASCII as `\xXX`.
pub(super) fn bare(out: &mut Vec<u8>, value: &[u8]) {
    let is_plain = |byte| matches!(byte, b'!'..=b'~') && !matches!(byte, b'"' | b'\\');
    escaped(out, value, is_plain, |out, byte| put(out, format_args!("\\x{byte:02x}")));
}

/// Copies what is plain as it stands, and has the rest escaped.
pub(super) fn escaped(
    out: &mut Vec<u8>,
    value: &[u8],
    is_plain: impl Fn(u8) -> bool,
    escape: impl Fn(&mut Vec<u8>, u8),
) {
    let mut rest = value;
    while let Some(place) = rest.iter().position(|byte| !is_plain(*byte)) {
        out.extend_from_slice(&rest[..place]);
        escape(out, rest[place]);
        rest = &rest[place + 1..];
    }
    out.extend_from_slice(rest);
}

#[cfg(test)]
mod tests;
