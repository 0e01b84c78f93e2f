//! A request's name and password: looked up among those verified lately, or verified while the request waits.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::answering::Served;
use super::exchange::Exchange;
use super::http1::answer::{Answer, MoreFields};
use super::outcome::Failure;
use super::passwords;
use super::socket::IdleTimer;
use super::stream::{BodySource, ClientStream};
use super::termination::End;
use crate::proxy::edge::Edge;
use crate::proxy::edge::basic_auth::queue::Network;
use crate::proxy::edge::basic_auth::{BasicAuth, Standing};
use crate::proxy::edge::refusals::Cause;
use crate::proxy::snapshot::Settings;
use crate::running_time::running;

/// How long a request waits for its password to be verified.
const PATIENCE: Duration = Duration::from_secs(10);

impl Exchange<'_> {
    /// Answers a request without the name and password of a user. The others have one, for backends and the log.
    pub async fn check_password(
        &mut self,
        client: &mut impl ClientStream,
        settings: &Settings,
        edge: &Edge,
        auth: &BasicAuth,
    ) -> Result<Option<Served>, Failure> {
        let (credentials, is_right) = match auth.look_at(self.request.named("authorization"), running()) {
            Standing::Known(credentials) => (credentials, true),
            Standing::ToVerify(job) => {
                let credentials = job.credentials.clone();
                let network = Network::of(self.visitor(settings));
                let answer = match passwords::verify(job, network) {
                    Ok(answer) => self.wait_for(client, answer).await?,
                    Err(_) => None,
                };
                match answer {
                    Some(is_right) => (credentials, is_right),
                    None => return Ok(Some(self.cannot_verify(client, edge, End::PasswordsBusy).await)),
                }
            }
            Standing::None => return Ok(Some(self.ask_for_password(client, edge, auth).await)),
            Standing::NoUsers => return Ok(Some(self.cannot_verify(client, edge, End::NoUsers).await)),
        };
        if !is_right {
            return Ok(Some(self.ask_for_password(client, edge, auth).await));
        }
        self.trace.user = Some(String::from_utf8_lossy(credentials.name()).into());
        Ok(None)
    }

    /// What the hash says; none, where it takes too long.
    async fn wait_for(
        &mut self,
        client: &mut impl ClientStream,
        answer: oneshot::Receiver<bool>,
    ) -> Result<Option<bool>, Failure> {
        let until = Instant::now() + PATIENCE;
        let idle = self.local.view().snapshot.settings.timeouts.body_idle;
        let mut timer = IdleTimer { alarm: self.client_alarm, idle };
        let (mut body, _response) = client.split();
        tokio::select! { biased;
            _ = self.entry.order() => Err(Failure::new(503, End::DrainTimeout)),
            answer = answer => Ok(answer.ok()),
            () = body.closed(&mut timer, || false) => Err(Failure::of_gone_client(End::ClientInWait)),
            () = self.backend_alarm.wait(until) => Ok(None),
        }
    }

    async fn ask_for_password(&mut self, client: &mut impl ClientStream, edge: &Edge, auth: &BasicAuth) -> Served {
        edge.refusals.count(Cause::Password);
        let more = MoreFields { challenge: Some(&auth.challenge), ..MoreFields::default() };
        self.answer_as_service(client, Answer::new(401), more, End::NoPassword).await
    }

    async fn cannot_verify(&mut self, client: &mut impl ClientStream, edge: &Edge, end: End) -> Served {
        edge.refusals.count(Cause::PasswordBusy);
        self.answer(client, Answer { status: 503, why: Some("passwords cannot be verified now") }, end).await
    }
}
