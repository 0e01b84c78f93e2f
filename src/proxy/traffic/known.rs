//! What is known of a request, for the header fields that its service writes.

use super::exchange::Exchange;
use super::redirect;
use crate::proxy::edge::facts::{CertificateFacts, Facts, TlsFacts};
use crate::proxy::edge::headers::Edits;
use crate::proxy::request_id::RequestId;
use crate::proxy::snapshot::{Front, Settings};
use crate::proxy::tls::visitor::{SecureVisitor, Standing};

impl<'x> Exchange<'x> {
    /// Gives the request its id, if a field that its service writes has it.
    pub fn name_request(&mut self, front: &Front) {
        let edge = front.edge.as_deref();
        let edits = edge.into_iter().flat_map(|edge| [&edge.request_headers, &edge.response_headers]);
        if edits.flatten().any(Edits::names_request) {
            self.trace.request_id();
        }
    }

    /// Takes what a trusted proxy calls the request, if the document says in which field it does. Nobody else names requests: he could
    /// give his own the names of others.
    pub fn take_request_id(&mut self) {
        let view = self.local.view();
        let settings = &view.snapshot.settings;
        let Some(field) = settings.request_id.as_deref() else { return };
        let given = match self.client.is_trusted(&settings.trusted_proxies) {
            true => self.request.value_of(field).and_then(RequestId::given),
            false => None,
        };
        self.trace.request_id = Some(given.unwrap_or_default());
    }

    /// All of it that these edits may write.
    pub fn facts<'f>(&mut self, edits: &Edits, front: &'f Front, settings: &Settings) -> Facts<'f>
    where
        'x: 'f,
    {
        let client = self.client;
        let address = client.visitor(self.request, &settings.trusted_proxies);
        Facts {
            client: address,
            // A proxy in front says no port.
            client_port: (address == Some(client.address)).then_some(client.peer.port()),
            request_id: edits.names_request().then(|| self.trace.request_id()),
            service: &front.name,
            host: redirect::host(&self.request),
            scheme: if self.came_securely(settings) { "https" } else { "http" },
            tls: client.tls.as_deref().map_or_else(TlsFacts::default, |visitor| of_handshake(visitor, front)),
        }
    }
}

fn of_handshake<'f>(visitor: &'f SecureVisitor, front: &Front) -> TlsFacts<'f> {
    let asks = front.edge.as_ref().and_then(|edge| edge.client_certificates.as_ref());
    let certificate = asks.and_then(|asks| match visitor.standing(&asks.authority) {
        Standing::Shown(shown) => Some(CertificateFacts { subject: &shown.subject, fingerprint: &shown.fingerprint }),
        Standing::NotShown | Standing::NotAsked => None,
    });
    TlsFacts {
        version: visitor.version,
        cipher: visitor.cipher,
        server_name: visitor.server_name.as_deref().unwrap_or_default(),
        certificate,
    }
}
