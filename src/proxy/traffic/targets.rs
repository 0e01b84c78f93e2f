//! Answers a request by a target that is no backend.

use std::io;
use std::sync::Arc;

use tokio::time::Instant;

use super::answering::Served;
use super::counters::add;
use super::exchange::Exchange;
use super::http1::answer::Answer;
use super::message::Request;
use super::outcome::Failure;
use super::stream::ClientStream;
use super::termination::End;
use crate::proxy::accept::weight;
use crate::proxy::edge::compression::Compression;
use crate::proxy::snapshot::Front;
use crate::proxy::target::OwnTarget;
use crate::proxy::target::files::conditions::Conditions;
use crate::proxy::target::files::found::{Coding, Look};
use crate::proxy::target::files::{self, Ask, Site};
use crate::proxy::target::redirect::{Asked, Nowhere, Redirect};
use crate::proxy::target::response::Response;

impl Exchange<'_> {
    /// Answers by this target of a front.
    pub async fn answer_by(
        &mut self,
        client: &mut impl ClientStream,
        front: &Front,
        target: &OwnTarget,
    ) -> Result<Served, Failure> {
        let counters = &self.local.counters;
        match target {
            OwnTarget::Redirect(redirect) => {
                add(&counters.redirected, 1);
                self.redirect_by(client, front, redirect).await
            }
            OwnTarget::Answer(answer) => {
                add(&counters.answered, 1);
                match answer.response() {
                    Some(response) => Ok(self.respond(client, front, response, End::Local).await),
                    None => Err(Failure::new(503, End::FileUnread)),
                }
            }
            OwnTarget::Files(site) => {
                add(&counters.files, 1);
                // On the heap: requests for backends have no room for it.
                Box::pin(self.send_file(client, front, site)).await
            }
        }
    }

    async fn redirect_by(
        &mut self,
        client: &mut impl ClientStream,
        front: &Front,
        redirect: &Redirect,
    ) -> Result<Served, Failure> {
        let securely = self.came_securely(&self.local.view().snapshot.settings);
        let Request { head, bytes, .. } = self.request;
        let (path, query) = (self.request.path(), head.query(bytes));
        let why = match redirect.location(&Asked { securely, authority: self.request.authority(), path, query }) {
            Ok(location) => {
                let response = Response::new(redirect.status).with("Location", location);
                return Ok(self.respond(client, front, response, End::Local).await);
            }
            Err(Nowhere::NoHost) => Answer { status: 400, why: Some("the request names no host") },
            Err(Nowhere::Here) => Answer { status: 508, why: Some("the redirect of this service leads to itself") },
        };
        Ok(self.answer(client, why, End::Refused).await)
    }

    async fn send_file(
        &mut self,
        client: &mut impl ClientStream,
        front: &Front,
        site: &Arc<Site>,
    ) -> Result<Served, Failure> {
        let request = self.request;
        if !matches!(request.method(), b"GET" | b"HEAD") {
            let response = Response::new(405).with("Allow", "GET, HEAD").in_words("Method Not Allowed");
            return Ok(self.respond(client, front, response, End::Local).await);
        }
        let Ok(wanted) = site.wanted(request.path()) else { return Err(Failure::new(404, End::Local)) };
        let most = self.local.view().snapshot.settings.capacity.files;
        // Until the response is over.
        let Some(_place) = self.local.open_files.take(most) else {
            self.warn_of_files(front, site, "as many files are open as may be");
            return Err(Failure::new(503, End::FilesBusy));
        };
        let codings = codings(&request, site.codings());
        let job = {
            let site = Arc::clone(site);
            move || site.look(&wanted, &codings)
        };
        let until = Instant::now() + self.local.view().snapshot.settings.timeouts.response_head;
        let disk = self.local.disk.of(site.folder());
        let looked = tokio::select! { biased;
            looked = disk.wait_for(job) => looked,
            () = self.backend_alarm.wait(until) => {
                self.warn_of_files(front, site, "the disk does not answer");
                return Err(Failure::new(504, End::DiskTimeout));
            }
        };
        match looked.unwrap_or_else(|| Err(io::Error::other("its reader failed"))) {
            Ok(Look::File(found)) => {
                let range = request.named("range").next().filter(|_| request.method() == b"GET");
                let compression = front.edge.as_ref().and_then(|edge| edge.compression.as_ref());
                let is_compressed = |rules: &Compression| rules.suits(found.media.as_bytes(), Some(found.length));
                let varies = compression.is_some_and(is_compressed);
                let response = site.response(*found, Ask { conditions: conditions(&request), range, varies });
                Ok(self.respond(client, front, response, End::Local).await)
            }
            Ok(Look::Folder) => {
                let location = [request.path(), b"/", request.head.query(request.bytes)].concat();
                let response = Response::new(308).with("Location", location);
                Ok(self.respond(client, front, response, End::Local).await)
            }
            Ok(Look::Nothing) => Err(Failure::new(404, End::Local)),
            Ok(Look::Outside) => {
                self.warn_of_files(front, site, "a symbolic link in it leads out of it, and is not followed");
                Err(Failure::new(404, End::Local))
            }
            Err(error) => {
                self.warn_of_files(front, site, &error.to_string());
                Err(Failure::new(files::folder::status_of(&error), End::FileUnread))
            }
        }
    }

    fn warn_of_files(&self, front: &Front, site: &Site, why: &str) {
        add(&self.local.counters.files_failed, 1);
        if self.local.file_failed.permits() {
            let path = String::from_utf8_lossy(self.request.path()).escape_debug().collect::<String>();
            tracing::warn!("service {}: {path} cannot be had from {}: {why}", front.name, site.folder().display());
        }
    }
}

/// Those of the codings that the visitor takes, what he likes best first.
fn codings(request: &Request<'_>, offered: &[Coding]) -> Vec<Coding> {
    let weight_of = |coding: &Coding| {
        let named = |name: &'static str| {
            weight(request.named("accept-encoding"), |element| element.eq_ignore_ascii_case(name.as_bytes()))
        };
        named(coding.name()).or_else(|| named("*")).unwrap_or(0)
    };
    let mut taken: Vec<Coding> = offered.iter().copied().filter(|coding| weight_of(coding) > 0).collect();
    taken.sort_by_key(|coding| std::cmp::Reverse(weight_of(coding)));
    taken
}

fn conditions<'r>(request: &Request<'r>) -> Conditions<'r> {
    let lines = |name| request.named(name).collect();
    let only = |name| {
        let mut lines = request.named(name);
        lines.next().filter(|_| lines.next().is_none())
    };
    // Several name no version that the visitor could have a part of.
    let if_range = request.named("if-range").reduce(|_, _| b"");
    Conditions {
        if_match: lines("if-match"),
        if_unmodified_since: only("if-unmodified-since"),
        if_none_match: lines("if-none-match"),
        if_modified_since: only("if-modified-since"),
        if_range,
    }
}
