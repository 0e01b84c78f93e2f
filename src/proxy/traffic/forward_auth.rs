//! The server of `forward_auth` is asked about a request, which waits for it.
//!
//! What it answers with a status of success lets the request go on, with some of its fields; any other answer is the visitor's. Where
//! there is none, the request goes nowhere.

mod asking;
mod choosing;

use tokio::time::Instant;

use super::answering::Served;
use super::exchange::Exchange;
use super::http1::answer::Answer;
use super::http1::head::line;
use super::http1::question::{About, Question};
use super::message::{Length, Method, Response, ResponseEdit};
use super::outcome::{AfterResponse, Failure};
use super::socket::IdleTimer;
use super::stream::{BodySink, BodySource, ClientStream, ResponseSink, Trailers};
use super::termination::End;
use super::view::View;
use crate::proxy::edge::Edge;
use crate::proxy::edge::forward_auth::ForwardAuth;
use crate::proxy::edge::refusals::Cause;
use crate::proxy::snapshot::{Front, FrontTarget, Service};
use asking::{Answered, AskError};

impl Exchange<'_> {
    /// Answers a request that may not go on.
    pub async fn forward_auth(
        &mut self,
        client: &mut impl ClientStream,
        view: &View,
        front: &Front,
        edge: &Edge,
        auth: &ForwardAuth,
    ) -> Result<Option<Served>, Failure> {
        let answered = self.ask(client, view, front, edge, auth).await?;
        let (status, end) = match answered {
            Ok(answered) if (200..300).contains(&answered.head.status) => {
                self.grant(auth, &answered);
                return Ok(None);
            }
            Ok(answered) => {
                edge.refusals.count(Cause::ForwardAuth);
                return Ok(Some(self.pass_refusal(client, view, front, answered).await));
            }
            Err(AskError::Unreachable) => (503, End::AuthFailed),
            Err(AskError::Malformed) => (502, End::AuthFailed),
            Err(AskError::TimedOut) => (504, End::AuthTimeout),
        };
        edge.refusals.count(Cause::ForwardAuthFailed);
        let why = Some("who may have this is not known now");
        Ok(Some(self.answer(client, Answer { status, why }, end).await))
    }

    /// Waits for the answer, as long as it may take and the visitor does.
    async fn ask(
        &mut self,
        client: &mut impl ClientStream,
        view: &View,
        front: &Front,
        edge: &Edge,
        auth: &ForwardAuth,
    ) -> Result<Result<Answered, AskError>, Failure> {
        let until = Instant::now() + auth.timeout;
        let settings = &view.snapshot.settings;
        let about = About {
            client: self.client,
            trusted: self.client.is_trusted(&settings.trusted_proxies),
            cookie: service_of(view, front).and_then(Service::cookie),
            user: self.trace.user.as_deref(),
            keeps_password: edge.keeps_password(),
            via: settings.via.as_deref(),
        };
        let question = Question { auth, request: self.request, about };
        let mut timer = IdleTimer { alarm: self.client_alarm, idle: settings.timeouts.body_idle };
        let (mut body, _response) = client.split();
        tokio::select! { biased;
            _ = self.entry.order() => Err(Failure::new(503, End::DrainTimeout)),
            answered = choosing::ask(self.local, view, question) => Ok(answered),
            () = body.closed(&mut timer, || false) => Err(Failure::of_gone_client(End::ClientInWait)),
            () = self.backend_alarm.wait(until) => Ok(Err(AskError::TimedOut)),
        }
    }

    /// Takes the fields that go to the backend.
    fn grant(&mut self, auth: &ForwardAuth, answered: &Answered) {
        let Answered { head, bytes, fields, .. } = answered;
        for field in fields {
            let (name, value) = (field.name.of_head(bytes), field.value.of_head(bytes));
            if auth.copied.have(name) && !head.options.name(name, bytes, fields) {
                line(self.granted.to_mut(), name, value);
            }
        }
    }

    /// Answers the visitor as the server has.
    async fn pass_refusal(
        &mut self,
        client: &mut impl ClientStream,
        view: &View,
        front: &Front,
        answered: Answered,
    ) -> Served {
        let settings = &view.snapshot.settings;
        let Answered { mut head, bytes, fields, body } = answered;
        if head.body != Length::None {
            // All of it is here.
            head.declared = Some(body.len() as u64);
            head.body = Length::Exactly(body.len() as u64);
        }
        let is_shown = self.request.head.class != Method::Head && head.body != Length::None;
        if !is_shown {
            head.body = Length::None;
        }
        let transport = self.transport_security(front, settings);
        let edits = front.edge.as_ref().and_then(|edge| edge.response_headers.as_ref());
        let facts = edits.map(|edits| self.facts(edits, front, settings));
        let headers = edits.zip(facts).map(|(edits, facts)| edits.applied(&facts, self.values));
        let edit = ResponseEdit { transport, headers, ..ResponseEdit::default() };
        let may_stay = self.entry.has_regular_slot() && !self.local.is_draining();
        let may_keep = self.request.head.has_no_body() && may_stay;
        (self.trace.status, self.trace.end) = (head.status, End::AuthRefused);
        let mut timer = IdleTimer { alarm: self.client_alarm, idle: settings.timeouts.body_idle };
        let (_, mut response) = client.split();
        let begun = response.begin(Response { head: &head, bytes: &bytes, fields: &fields }, edit, may_keep);
        let body = if is_shown { &body[..] } else { &[] };
        self.trace.bytes = body.len() as u64;
        let sent = async {
            if !body.is_empty() {
                response.write(body, &mut timer).await?;
            }
            response.end(Trailers(&[]), &mut timer).await
        };
        Served::Done(match sent.await {
            Ok(()) if begun.keeps_connection => AfterResponse::Keep,
            Ok(()) => AfterResponse::Linger,
            Err(_) => AfterResponse::Close,
        })
    }
}

fn service_of<'v>(view: &'v View, front: &Front) -> Option<&'v Service> {
    match &front.target {
        FrontTarget::Backends(place) => view.snapshot.services.get(*place),
        FrontTarget::Own(_) => None,
    }
}
