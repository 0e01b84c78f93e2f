//! Answers of the proxy's own, and how a request was served.

use std::rc::Rc;

use super::counters::add;
use super::exchange::Exchange;
use super::http1::answer::{Answer, MoreFields};
use super::outcome::AfterResponse;
use super::socket::IdleTimer;
use super::stream::ClientStream;
use super::termination::End;
use super::tunnel::Tunnel;
use super::view::View;
use crate::proxy::target::pages;
use crate::proxy::target::response::Response;

/// How a request was served.
pub enum Served {
    /// It was answered, or cannot be.
    Done(AfterResponse),
    /// A backend has switched protocols.
    Switched(Tunnel),
}

impl Exchange<'_> {
    /// Answers without a backend: with the page of the service, if it has one for this. The connection goes on if nothing of the request
    /// is left unread.
    pub async fn answer(&mut self, client: &mut impl ClientStream, answer: Answer<'_>, end: End) -> Served {
        self.answer_until(client, answer, None, end).await
    }

    /// The same to a visitor who may try again after so many seconds.
    pub async fn answer_until(
        &mut self,
        client: &mut impl ClientStream,
        answer: Answer<'_>,
        retry_after: Option<&str>,
        end: End,
    ) -> Served {
        let Some((view, index, page)) = self.page(answer.status, end) else {
            return self.answer_plainly(client, answer, retry_after, end).await;
        };
        let page = match retry_after {
            Some(seconds) => page.with("Retry-After", seconds),
            None => page,
        };
        self.respond(client, &view.snapshot.fronts[index], page, end).await
    }

    /// The page of the service in place of such an answer.
    fn page(&mut self, status: u16, end: End) -> Option<(Rc<View>, usize, Response)> {
        let (view, index) = self.trace.front.as_ref()?;
        let pages = view.snapshot.fronts[*index].pages.clone()?;
        let (view, index) = (Rc::clone(view), *index);
        let form = pages::form(self.request.named("accept"));
        let page = pages.response(status, end == End::Maintenance, form, || self.trace.request_id().to_string())?;
        add(&self.local.counters.error_pages, 1);
        Some((view, index, page))
    }

    /// Answers without a backend, in the proxy's own words.
    pub async fn answer_plainly(
        &mut self,
        client: &mut impl ClientStream,
        answer: Answer<'_>,
        retry_after: Option<&str>,
        end: End,
    ) -> Served {
        let words = self.words(answer, end);
        let answer = Answer { why: words.as_deref().or(answer.why), ..answer };
        self.answer_as_service(client, answer, MoreFields { retry_after, ..MoreFields::default() }, end).await
    }

    /// What a person can do who meets a failure, and by which number whoever runs the site finds it. Nothing about the inside.
    fn words(&mut self, answer: Answer<'_>, end: End) -> Option<String> {
        let what = match answer.status {
            _ if end == End::Local => return None,
            503 if end == End::Maintenance => "This site is being worked on. Please come back in a while.",
            503 => "This page cannot be shown at the moment. Please try again in a few seconds.",
            500 | 502 | 504 => "Something went wrong here while this page was made. Please try again in a few seconds.",
            _ => return None,
        };
        let (short, id) = (answer.words(), self.trace.request_id());
        Some(format!(
            "{short}

{what}
If it stays like this, please tell whoever runs this site the number {id}."
        ))
    }

    /// The same with these fields, and what the service says about https.
    pub async fn answer_as_service(
        &mut self,
        client: &mut impl ClientStream,
        answer: Answer<'_>,
        more: MoreFields<'_>,
        end: End,
    ) -> Served {
        let routed = self.trace.front.as_ref().filter(|(view, _)| self.came_securely(&view.snapshot.settings));
        let hsts = routed.and_then(|(view, index)| view.snapshot.fronts[*index].https.hsts.clone());
        self.answer_with(client, answer, MoreFields { transport_security: hsts.as_deref(), ..more }, end).await
    }

    /// The same with these fields alone.
    pub async fn answer_with(
        &mut self,
        client: &mut impl ClientStream,
        answer: Answer<'_>,
        more: MoreFields<'_>,
        end: End,
    ) -> Served {
        let request = self.request.head;
        // A success would tell the client that its stream is what it asked for (RFC 8441, 5).
        let is_mistakable = request.is_extended_connect() && (200..300).contains(&answer.status);
        let answer = if is_mistakable { Answer { status: 400, why: Some("no WebSocket is here") } } else { answer };
        (self.trace.status, self.trace.end) = (answer.status, end);
        let routed = self.trace.front.as_ref().map(|(view, index)| (Rc::clone(view), *index));
        let written = routed.as_ref().and_then(|(view, index)| {
            let front = &view.snapshot.fronts[*index];
            Some((front.edge.as_ref()?.response_headers.as_ref()?, front, &view.snapshot.settings))
        });
        let facts = written.map(|(edits, front, settings)| self.facts(edits, front, settings));
        let headers = written.zip(facts).map(|((edits, ..), facts)| edits.applied(&facts, self.values).beside_own());
        // Where no service says it.
        let view = self.local.view();
        let id = view.snapshot.settings.request_id.as_deref().filter(|_| headers.is_none()).zip(self.trace.request_id);
        let request_id = id.as_ref().map(|(name, id)| (*name, id));
        let more = MoreFields { headers, request_id, ..more };
        let may_stay = self.entry.has_regular_slot() && !self.local.is_draining();
        let keep = request.has_no_body() && request.keeps_alive() && may_stay;
        let idle = self.local.view().snapshot.settings.timeouts.body_idle;
        let mut timer = IdleTimer { alarm: self.client_alarm, idle };
        Served::Done(match client.answer(answer, more, keep, &mut timer).await {
            Ok(()) if keep => AfterResponse::Keep,
            Ok(()) => AfterResponse::Linger,
            Err(_) => AfterResponse::Close,
        })
    }
}
