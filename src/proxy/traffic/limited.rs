//! Requests beyond what a service takes.

use std::net::IpAddr;

use super::answering::Served;
use super::exchange::Exchange;
use super::http1::answer::Answer;
use super::stream::ClientStream;
use super::termination::End;
use crate::proxy::edge::rate_limit::{RateLimit, TooSoon, Whose};
use crate::proxy::snapshot::Settings;
use crate::running_time::running;

impl Exchange<'_> {
    /// Answers a request that comes too soon.
    pub async fn limit_rate(
        &mut self,
        client: &mut impl ClientStream,
        limit: &RateLimit,
        settings: &Settings,
    ) -> Option<Served> {
        let TooSoon { whose, wait } = limit.take(self.visitor(settings), running()).err()?;
        let mut digits = itoa::Buffer::new();
        // Whole seconds (RFC 9110, 10.2.3), and not one too few.
        let retry_after = Some(digits.format(wait.as_secs() + u64::from(wait.subsec_nanos() > 0)));
        let end = match whose {
            Whose::Client => End::ClientTooFast,
            Whose::Service => End::ServiceTooFast,
        };
        Some(self.answer_until(client, Answer::new(429), retry_after, end).await)
    }

    /// Who asks: behind a trusted proxy that does not say it, that proxy.
    pub fn visitor(&self, settings: &Settings) -> IpAddr {
        self.client.visitor(self.request, &settings.trusted_proxies).unwrap_or(self.client.address)
    }
}
