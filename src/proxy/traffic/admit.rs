//! What a request meets before what is to answer it: paths that are no service's, the way to a service, and what that asks of
//! requests.
//!
//! In this order: a CA's challenge, `/.polder/`, proxies that it has passed, a place among the connections, the route, the
//! certificate's host, https, and the service's [`Edge`].

use std::rc::Rc;

use super::answering::Served;
use super::counters::add;
use super::eviction;
use super::exchange::Exchange;
use super::http1::answer::{Answer, MoreFields};
use super::message::fields::{FieldKind, elements};
use super::message::{Length, Scheme};
use super::outcome::Failure;
use super::redirect;
use super::stream::ClientStream;
use super::termination::End;
use super::view::View;
use crate::acme::challenges::is_challenge;
use crate::proxy::edge::Edge;
use crate::proxy::edge::access::Ruling;
use crate::proxy::edge::refusals::Cause;
use crate::proxy::path_prefix::{READY_PATH, is_reserved};
use crate::proxy::snapshot::{Front, Settings};
use crate::proxy::tls::acceptor::Acceptor;

impl Exchange<'_> {
    /// Answers what no service is asked for.
    pub async fn answer_before_routing(&mut self, client: &mut impl ClientStream) -> Option<Served> {
        if is_challenge(self.request.path())
            && let Some(served) = self.answer_challenge(client).await
        {
            return Some(served);
        }
        if is_reserved(self.request.path()) {
            return Some(self.answer_reserved(client).await);
        }
        if let Some((answer, end)) = self.stop_here() {
            return Some(self.answer(client, answer, end).await);
        }
        if let Err(end) = eviction::ensure_regular_slot(self.local, self.entry, self.client).await {
            self.local.count_refusal(end);
            let answer = Answer { status: 503, why: Some("too many connections") };
            return Some(self.answer(client, answer, end).await);
        }
        None
    }

    /// The front that the request is for, by its index.
    pub fn route(&mut self, view: &Rc<View>) -> Result<usize, Failure> {
        let Some(index) = view.snapshot.router.route(self.request.authority(), self.request.path()) else {
            add(&self.local.counters.unrouted, 1);
            return Err(Failure::new(404, End::Local));
        };
        self.trace.front = Some((Rc::clone(view), index));
        if self.request.head.scheme == Scheme::Https && !view.snapshot.fronts[index].over_tls {
            // Its certificate may cover the host; the service is for clear text (RFC 9110, 7.4).
            return Err(Failure::new(421, End::Refused));
        }
        if view.snapshot.is_ambiguous(self.request.authority(), self.request.path(), index) {
            return Err(Failure::new(400, End::Refused));
        }
        Ok(index)
    }

    /// Answers a request that does not get as far as the front's target.
    pub async fn admit(
        &mut self,
        client: &mut impl ClientStream,
        view: &View,
        front: &Front,
    ) -> Result<Option<Served>, Failure> {
        if let Some(port) = front.https.redirect
            && self.can_be_sent_to_https(&view.snapshot.settings)
        {
            return Ok(Some(self.redirect(client, port).await));
        }
        // What was found by the rules of another document says nothing here.
        self.granted.to_mut().clear();
        self.trace.user = None;
        let Some(edge) = front.edge.as_deref() else { return Ok(None) };
        let settings = &view.snapshot.settings;
        let visitor = || self.client.visitor(self.request, &settings.trusted_proxies);
        if let Some(ruling) =
            edge.access.as_ref().map(|access| access.judge(visitor())).filter(|ruling| !ruling.serves())
        {
            edge.refusals.count(Cause::Network);
            return match ruling {
                Ruling::Unread => Err(Failure::new(503, End::NetworksUnread)),
                _ => Ok(Some(self.answer(client, Answer::new(403), End::NetworkRefused).await)),
            };
        }
        if let Some(limit) = &edge.rate_limit
            && let Some(served) = self.limit_rate(client, limit, settings).await
        {
            return Ok(Some(served));
        }
        if let Some(asks) = &edge.client_certificates
            && let Some(served) = self.vet_certificate(client, asks).await?
        {
            return Ok(Some(served));
        }
        if edge.asks_who() {
            // On the heap: requests of other services have no room for it.
            let served = Box::pin(self.ask_who(client, view, front, edge)).await?;
            if served.is_some() {
                return Ok(served);
            }
        }
        if edge
            .max_request_body
            .is_some_and(|most| matches!(self.request.head.body, Length::Exactly(length) if length > most))
        {
            return Ok(Some(self.answer(client, Answer::new(413), End::BodyTooLong).await));
        }
        Ok(None)
    }

    /// Answers a request of whom the service does not serve.
    async fn ask_who(
        &mut self,
        client: &mut impl ClientStream,
        view: &View,
        front: &Front,
        edge: &Edge,
    ) -> Result<Option<Served>, Failure> {
        // Whoever could be sent to https has been.
        if front.https.redirect.is_some() && !self.came_securely(&view.snapshot.settings) {
            let cause = if edge.basic_auth.is_some() { Cause::PasswordBusy } else { Cause::ForwardAuthFailed };
            edge.refusals.count(cause);
            let why = Some("this is served over https alone, and there is no certificate for it now");
            return Ok(Some(self.answer(client, Answer { status: 503, why }, End::NoHttps).await));
        }
        if let Some(auth) = &edge.basic_auth
            && let Some(served) = self.check_password(client, &view.snapshot.settings, edge, auth).await?
        {
            return Ok(Some(served));
        }
        match &edge.forward_auth {
            Some(auth) => self.forward_auth(client, view, front, edge, auth).await,
            None => Ok(None),
        }
    }

    /// Answers a CA that wants to know whether the host is ours; not if it is asking for somebody else's challenge.
    async fn answer_challenge(&mut self, client: &mut impl ClientStream) -> Option<Served> {
        let view = self.local.view();
        let text = view.snapshot.challenges.answer(self.request.path())?;
        Some(self.answer(client, Answer { status: 200, why: Some(text) }, End::Local).await)
    }

    async fn answer_reserved(&mut self, client: &mut impl ClientStream) -> Served {
        let ready = self.local.view().snapshot.ready && !self.local.is_draining();
        let answer = match self.request.path() {
            READY_PATH if ready => Answer { status: 200, why: Some("ready") },
            READY_PATH => Answer { status: 503, why: Some("not ready") },
            _ => Answer::new(404),
        };
        self.answer(client, answer, End::Local).await
    }

    /// The answer to a request that goes no further (RFC 9110, 7.6): it has been here before, or has passed as many proxies as it may.
    fn stop_here(&self) -> Option<(Answer<'static>, End)> {
        let head = self.request.head;
        if head.max_forwards == Some(0) {
            let status = if self.request.method() == b"OPTIONS" { 200 } else { 501 };
            return Some((Answer { status, why: Some("Max-Forwards is 0") }, End::Local));
        }
        if !head.has_via {
            return None;
        }
        let view = self.local.view();
        let name = view.snapshot.settings.via.as_deref()?.as_bytes();
        let is_ours = |element: &[u8]| {
            let mut words = element.split(|byte| matches!(byte, b' ' | b'\t')).filter(|word| !word.is_empty());
            words.nth(1).is_some_and(|by| by.eq_ignore_ascii_case(name))
        };
        let loops = self.request.values(FieldKind::Via).flat_map(elements).any(is_ours);
        loops.then_some((Answer { status: 508, why: Some("the request has been here before (Via)") }, End::Refused))
    }

    /// Whether the visitor came in clear text, and would be shown a certificate over https: one of a service whose first certificate is
    /// still to come, or for a host that none is for, is served as it came, unless the service asks who visitors are.
    fn can_be_sent_to_https(&self, settings: &Settings) -> bool {
        let has_certificate = |acceptor: &Acceptor| {
            std::str::from_utf8(redirect::host(&self.request)).is_ok_and(|host| acceptor.covers(host))
        };
        !self.came_securely(settings) && settings.tls.as_deref().is_some_and(has_certificate)
    }

    /// Sends the visitor to the same over https.
    async fn redirect(&mut self, client: &mut impl ClientStream, port: u16) -> Served {
        let Some(location) = redirect::to_https(&self.request, port) else {
            let answer = Answer { status: 400, why: Some("the request names no host that https could be spoken with") };
            return self.answer(client, answer, End::Refused).await;
        };
        let more = MoreFields { location: Some(&location), ..MoreFields::default() };
        self.answer_with(client, Answer::new(308), more, End::Local).await
    }
}
