//! One request as one line. Everything a client or a backend chose is escaped.

use std::net::SocketAddr;
use std::time::Duration;

use jiff::Timestamp;

use super::field::Field;
use super::text;
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

/// When a request began, and how long it took all in all.
struct Times {
    began: Timestamp,
    took: Duration,
}

impl Times {
    /// Of a request that is over now.
    fn of(trace: &Trace) -> Times {
        let (now, took) = (Timestamp::now(), trace.began.elapsed());
        let ago = jiff::SignedDuration::try_from(took).unwrap_or_default();
        Times { began: now.checked_sub(ago).unwrap_or(now), took }
    }
}

/// Takes the fields of a line one after the other.
pub(super) trait Fields {
    /// A text that somebody has chosen, or a name: it is escaped.
    fn text(&mut self, field: Field, value: &[u8]);

    /// A number.
    fn number(&mut self, field: Field, value: i64);

    /// A text of our own, in which nothing has to be escaped.
    fn word(&mut self, field: Field, value: &str);

    /// A moment.
    fn moment(&mut self, field: Field, value: Timestamp);

    /// The end of a connection.
    fn peer(&mut self, field: Field, value: SocketAddr);
}

/// Gives every field that is known of a request, in their order.
pub(super) fn each(record: &Record<'_>, asked: AskedFields, to: &mut impl Fields) {
    let trace = record.trace;
    let times = Times::of(trace);
    to.moment(Field::Time, times.began);
    to.peer(Field::Client, record.client.peer);
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
    to.number(Field::Ta, milliseconds(Some(times.took)));
    if let Some(hedge) = trace.hedge {
        to.word(Field::Hedge, hedge.name());
    }
    if let Some(id) = &trace.request_id {
        to.text(Field::RequestId, id.as_bytes());
    }
}

/// One JSON object: `status` is 0 when nothing was answered, times are in milliseconds, -1 what was not reached.
pub(super) fn json(out: &mut Vec<u8>, record: &Record<'_>, asked: AskedFields) {
    let begin = out.len();
    each(record, asked, &mut Object { out });
    out[begin] = b'{';
    out.extend_from_slice(b"}\n");
}

/// Writes fields as members of an object, each with a comma before it.
struct Object<'o> {
    out: &'o mut Vec<u8>,
}

impl Object<'_> {
    fn key(&mut self, field: Field) {
        self.out.extend_from_slice(field.member().as_bytes());
    }
}

impl Fields for Object<'_> {
    fn text(&mut self, field: Field, value: &[u8]) {
        self.key(field);
        text::quote(self.out, value);
    }

    fn number(&mut self, field: Field, value: i64) {
        self.key(field);
        text::number(self.out, value);
    }

    fn word(&mut self, field: Field, value: &str) {
        self.key(field);
        text::join(self.out, &["\"", value, "\""]);
    }

    fn moment(&mut self, field: Field, value: Timestamp) {
        self.key(field);
        self.out.push(b'"');
        text::moment(self.out, value);
        self.out.push(b'"');
    }

    fn peer(&mut self, field: Field, value: SocketAddr) {
        self.key(field);
        self.out.push(b'"');
        text::peer(self.out, value);
        self.out.push(b'"');
    }
}

/// A line like HAProxy's `option httplog` (configuration manual, 8.2.3): client, date, listener, service/backend,
/// Tq/Tw/Tc/Tr/Ta, status, bytes, two captures never taken, four letters of termination, tries, host, the request's id in braces if it has one, request line.
pub(super) fn haproxy(out: &mut Vec<u8>, record: &Record<'_>) {
    let trace = record.trace;
    let times = Times::of(trace);
    text::peer(out, record.client.peer);
    out.extend_from_slice(b" [");
    text::haproxys_moment(out, times.began);
    out.extend_from_slice(b"] ");
    text::bare(out, record.listener.as_bytes());
    out.push(b' ');
    text::bare(out, or(record.service().as_bytes(), b"<NOSRV>"));
    out.push(b'/');
    text::bare(out, or(record.backend().as_bytes(), b"<NOSRV>"));
    let waited = Some(trace.waited.unwrap_or_default());
    let [first, rest @ ..] = [trace.head, waited, trace.connected, trace.responded, Some(times.took)];
    out.push(b' ');
    text::number(out, milliseconds(first));
    for time in rest {
        out.push(b'/');
        text::number(out, milliseconds(time));
    }
    out.push(b' ');
    text::number(out, trace.status);
    out.push(b' ');
    text::number(out, trace.bytes);
    text::join(out, &[" - - ", trace.end.code(), trace.cookie_code(), " "]);
    text::number(out, trace.tries);
    out.push(b' ');
    text::bare(out, or(record.host(), b"-"));
    if let Some(id) = &trace.request_id {
        out.extend_from_slice(b" {");
        out.extend_from_slice(id.as_bytes());
        out.push(b'}');
    }
    out.extend_from_slice(b" \"");
    match record.request {
        None => out.extend_from_slice(b"<BADREQ>"),
        Some(request) => {
            for (index, part) in request.line().split(|byte| *byte == b' ').enumerate() {
                if index > 0 {
                    out.push(b' ');
                }
                text::bare(out, part);
            }
        }
    }
    out.extend_from_slice(b"\"\n");
}

pub(super) fn or<'v>(value: &'v [u8], instead: &'v [u8]) -> &'v [u8] {
    if value.is_empty() { instead } else { value }
}

#[cfg(test)]
mod tests;
