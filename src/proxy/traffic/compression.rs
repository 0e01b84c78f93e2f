//! Compressing a response on its way: whether, what its head then says, and the way of its body.
//!
//! A [`Compressing`] stands before the visitor's sink, so that it is the same for every version of HTTP. What the backend has sent so
//! far reaches the visitor: whenever the source has run dry, the encoder is flushed. Only `limits.compressions` encoders are there at a
//! time, since a visitor who reads slowly holds his; other responses go as they are.

use std::cell::Cell;
use std::rc::Rc;

use super::counters::{CompressionCounters, add};
use super::encoder::Encoder;
use super::local::Local;
use super::message::fields::{Field, FieldKind, elements};
use super::message::{ContentEdit, Length, Method, Request, Response, ResponseEdit, ResponseHead, Version};
use super::socket::IdleTimer;
use super::stream::{BodySink, SinkError, Trailers, TransferError};
use crate::config::proxy::Algorithm;
use crate::proxy::edge::compression::Compression;

/// Content that is compressed in one go; others of the worker get their turn after it.
const PIECE: usize = 16 * 1024;

/// Encoded bytes that are gathered before they go on.
const GATHERED: usize = 8 * 1024;

/// What becomes of a response's content.
#[derive(Default)]
pub struct Decision {
    /// It is compressed.
    pub encoding: Option<Algorithm>,
    /// Another visitor might get it in another encoding, which the response does not say yet.
    adds_vary: bool,
    /// Its entity tag from now on, if that is another one: equal content, and no equal bytes (RFC 9110, 8.8.1).
    etag: Option<Vec<u8>>,
}

impl Decision {
    /// By the rules of the service. `edit`: what else is changed about the response.
    pub fn of(rules: &Compression, request: Request<'_>, response: Response<'_>, edit: ResponseEdit<'_>) -> Decision {
        let algorithm = || match request.head.version {
            // Where the end of the body would be the end of the connection.
            Version::Http10 => None,
            Version::Http11 | Version::Http2 => rules.choose(named(request.fields, request.bytes, b"accept-encoding")),
        };
        if response.head.status == 304 {
            return Decision::of_unchanged(rules, request, response, algorithm().is_some());
        }
        let is_fit = matches!(response.head.status, 200..=203 | 207..=225 | 227..=299)
            && (response.head.body != Length::None || request.head.class == Method::Head)
            && may_be_changed(request, response)
            && (rules.0.with_set_cookie || !sets_cookie(response, edit))
            && rules.suits(value(response, b"content-type").unwrap_or_default(), response.head.declared);
        if !is_fit {
            return Decision::default();
        }
        let encoding = algorithm();
        let weak = |tag: &[u8]| (!tag.starts_with(b"W/")).then(|| [b"W/", tag].concat());
        let etag = encoding.and_then(|_| weak(value(response, b"etag")?));
        Decision { encoding, adds_vary: !varies(response), etag }
    }

    /// The visitor has it already, be it under the tag that we gave it when it was compressed. Caches are told of it what they were told
    /// when they got it (RFC 9110, 15.4.5), as far as it is known here what it is.
    fn of_unchanged(
        rules: &Compression,
        request: Request<'_>,
        response: Response<'_>,
        is_compressed: bool,
    ) -> Decision {
        let weak = value(response, b"etag").map(|tag| [b"W/", tag].concat());
        let asks = |weak: &Vec<u8>| {
            named(request.fields, request.bytes, b"if-none-match").flat_map(elements).any(|asked| asked == weak)
        };
        let etag = weak.filter(|weak| is_compressed && asks(weak));
        let may_be_compressed = || {
            let suits = |media| rules.suits(media, None);
            may_be_changed(request, response) && value(response, b"content-type").is_none_or(suits)
        };
        let adds_vary = !varies(response) && (etag.is_some() || may_be_compressed());
        Decision { encoding: None, adds_vary, etag }
    }

    /// It is not compressed after all.
    fn give_up(&mut self) {
        (self.encoding, self.etag) = (None, None);
    }

    /// What the head says of it.
    pub fn edit(&self) -> ContentEdit<'_> {
        ContentEdit {
            encoding: self.encoding.map(Algorithm::name),
            adds_vary: self.adds_vary,
            etag: self.etag.as_deref(),
        }
    }

    /// The head as the visitor is to read it: how long the body will be is not known.
    pub fn head(&self, head: &ResponseHead) -> ResponseHead {
        match (self.encoding, head.body) {
            (None, _) => *head,
            (Some(_), Length::None) => ResponseHead { declared: None, ..*head },
            (Some(_), _) => ResponseHead { declared: None, body: Length::UntilClose, ..*head },
        }
    }
}

/// Whether a response is compressed by the rules of its service, and by what its body then is.
pub fn decide<'l>(
    rules: &Compression,
    request: Request<'_>,
    response: Response<'_>,
    edit: ResponseEdit<'_>,
    local: &'l Local,
) -> (Decision, Option<Compressor<'l>>) {
    let mut decision = Decision::of(rules, request, response, edit);
    let Some(algorithm) = decision.encoding.filter(|_| response.head.body != Length::None) else {
        return (decision, None);
    };
    let compressor = Compressor::new(algorithm, local);
    if compressor.is_none() {
        decision.give_up();
    }
    (decision, compressor)
}

/// Nobody forbids it (RFC 9111, 5.2.1.6 and 5.2.2.6), and it is neither encoded nor a part of something yet.
fn may_be_changed(request: Request<'_>, response: Response<'_>) -> bool {
    let forbids = |directive: &[u8]| directive.eq_ignore_ascii_case(b"no-transform");
    let encoded = |coding: &[u8]| !coding.is_empty() && !coding.eq_ignore_ascii_case(b"identity");
    let mut directives = request.values(FieldKind::CacheControl).chain(response.values(FieldKind::CacheControl));
    !directives.any(|list| elements(list).any(forbids))
        && !named(response.fields, response.bytes, b"content-encoding").any(encoded)
        && value(response, b"content-range").is_none()
}

/// The visitor gets a cookie by it: the secret beside what he may have sent himself (BREACH).
fn sets_cookie(response: Response<'_>, edit: ResponseEdit<'_>) -> bool {
    let is_left_out = |value: &[u8]| edit.cookie.is_some_and(|own| own.is_set_by(value));
    let is_cookie = |(name, _): (&[u8], &[u8])| name.eq_ignore_ascii_case(b"set-cookie");
    edit.set_cookie.is_some()
        || edit.headers.is_some_and(|headers| headers.fields().any(is_cookie))
        || response.values(FieldKind::SetCookie).any(|value| !is_left_out(value))
}

fn varies(response: Response<'_>) -> bool {
    let names_it = |name: &[u8]| name == b"*" || name.eq_ignore_ascii_case(b"accept-encoding");
    named(response.fields, response.bytes, b"vary").flat_map(elements).any(names_it)
}

/// The values of the fields of this name, in small letters, which no kind stands for.
fn named<'m>(fields: &'m [Field], bytes: &'m [u8], name: &'static [u8]) -> impl Iterator<Item = &'m [u8]> {
    let is_named = move |field: &&Field| field.name.of_head(bytes).eq_ignore_ascii_case(name);
    fields.iter().filter(is_named).map(move |field| field.value.of_head(bytes))
}

fn value<'m>(response: Response<'m>, name: &'static [u8]) -> Option<&'m [u8]> {
    named(response.fields, response.bytes, name).next()
}

/// One of the encoders that a worker may have, until it is dropped.
struct Place(Rc<Cell<usize>>);

impl Place {
    fn take(local: &Local) -> Option<Place> {
        let most = local.view().snapshot.settings.limits.compressions.div_ceil(local.shared.siblings.len().max(1));
        let taken = local.compressions.get();
        (taken < most).then(|| {
            local.compressions.set(taken + 1);
            Place(Rc::clone(&local.compressions))
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

/// A body that is compressed on its way, to be given its sink.
pub struct Compressor<'l> {
    /// On the heap: other responses have no room for it.
    encoder: Box<Encoder>,
    counters: &'l CompressionCounters,
    _place: Place,
}

impl<'l> Compressor<'l> {
    /// None: there are as many as may be.
    fn new(algorithm: Algorithm, local: &'l Local) -> Option<Compressor<'l>> {
        let counters = &local.counters.compressions[algorithm as usize];
        let compressor = Place::take(local).and_then(|place| {
            let encoder = Encoder::new(algorithm).ok()?.into();
            Some(Compressor { encoder, counters, _place: place })
        });
        if compressor.is_none() {
            add(&local.counters.compressions_left_out, 1);
        }
        compressor
    }

    /// On the way to this sink.
    pub fn into<S>(self, sink: &'l mut S) -> Compressing<'l, S> {
        let Compressor { encoder, counters, _place } = self;
        Compressing { encoder: Some(encoder), sink, is_dirty: false, taken: 0, sent: 0, counters, _place }
    }
}

/// A sink that compresses what goes to another one. It is counted when it goes, however that comes.
pub struct Compressing<'s, S> {
    /// None once the body is over.
    encoder: Option<Box<Encoder>>,
    sink: &'s mut S,
    /// It holds content that has not come out.
    is_dirty: bool,
    /// Bytes of content.
    taken: u64,
    /// Bytes that came of them.
    pub sent: u64,
    counters: &'s CompressionCounters,
    _place: Place,
}

impl<S> Drop for Compressing<'_, S> {
    fn drop(&mut self) {
        self.counters.count(self.taken, self.sent);
    }
}

impl<S: BodySink> Compressing<'_, S> {
    /// Sends what has come out, if it is this much.
    async fn send(&mut self, least: usize, timer: &mut IdleTimer<'_>) -> Result<(), SinkError> {
        let Some(encoder) = &mut self.encoder else { return Ok(()) };
        let out = encoder.out();
        if out.len() < least {
            return Ok(());
        }
        self.sent += out.len() as u64;
        self.sink.write(out, timer).await?;
        out.clear();
        Ok(())
    }
}

impl<S: BodySink> BodySink for Compressing<'_, S> {
    async fn write(&mut self, data: &[u8], timer: &mut IdleTimer<'_>) -> Result<(), SinkError> {
        for piece in data.chunks(PIECE) {
            let Some(encoder) = &mut self.encoder else { return Err(SinkError::Closed) };
            encoder.push(piece)?;
            self.taken += piece.len() as u64;
            self.is_dirty = true;
            self.send(GATHERED, timer).await?;
            if piece.len() == PIECE {
                tokio::task::yield_now().await;
            }
        }
        Ok(())
    }

    async fn flush(&mut self, timer: &mut IdleTimer<'_>) -> Result<(), SinkError> {
        if let Some(encoder) = self.encoder.as_mut().filter(|_| self.is_dirty) {
            encoder.flush()?;
            self.is_dirty = false;
            self.send(1, timer).await?;
        }
        self.sink.flush(timer).await
    }

    fn rest(&mut self) {
        if let Some(encoder) = &mut self.encoder
            && encoder.out().is_empty()
        {
            *encoder.out() = Vec::new();
        }
        self.sink.rest();
    }

    async fn end(&mut self, trailers: Trailers<'_>, timer: &mut IdleTimer<'_>) -> Result<(), TransferError> {
        if let Some(encoder) = self.encoder.take() {
            let rest = encoder.finish().map_err(SinkError::from)?;
            self.sent += rest.len() as u64;
            self.sink.write(&rest, timer).await?;
        }
        self.sink.end(trailers, timer).await
    }
}
