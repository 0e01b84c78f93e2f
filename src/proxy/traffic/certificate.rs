//! Whether a request comes from a visitor who has shown the certificate that its service wants.

use super::answering::Served;
use super::counters::add;
use super::exchange::Exchange;
use super::http1::answer::Answer;
use super::outcome::Failure;
use super::stream::ClientStream;
use super::termination::End;
use crate::config::proxy::ClientCertificatesConfig;
use crate::proxy::tls::visitor::Standing;

impl Exchange<'_> {
    /// Answers a request that does not.
    pub async fn vet_certificate(
        &mut self,
        client: &mut impl ClientStream,
        asks: &ClientCertificatesConfig,
    ) -> Result<Option<Served>, Failure> {
        let standing = self.client.tls.as_ref().map(|visitor| visitor.standing(&asks.authority));
        match standing {
            Some(Standing::Shown(_)) => Ok(None),
            // On a connection of its own the visitor will be asked (RFC 9110, 15.5.20).
            Some(Standing::NotAsked) => Err(Failure::new(421, End::Refused)),
            Some(Standing::NotShown) | None if asks.required => {
                add(&self.local.counters.without_certificate, 1);
                let answer = Answer { status: 403, why: Some("a client certificate is required") };
                Ok(Some(self.answer(client, answer, End::NoCertificate).await))
            }
            Some(Standing::NotShown) | None => Ok(None),
        }
    }
}
