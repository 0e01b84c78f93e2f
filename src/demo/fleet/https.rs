//! The fleet's certificates, and what visitors over https see of it.

use rustls::pki_types::CertificateDer;
use tokio::net::TcpStream;

use super::Fleet;
use crate::demo::Error;
use crate::demo::documents::STATELESS_HOST;
use crate::demo::visitor::http2::Streams;
use crate::demo::visitor::secure::Tickets;

impl Fleet {
    /// Issues a certificate for every host, in place of those that are there; gives the stateless service's.
    ///
    /// # Errors
    ///
    /// The files cannot be written.
    pub fn issue_certificates(&self) -> Result<CertificateDer<'static>, Error> {
        self.authority.issue_all(self.directory.path())
    }

    /// Asks the stateless service, at one proxy over HTTP/2, for a page that takes a while, as many times at once.
    ///
    /// # Errors
    ///
    /// As [`Streams::begin`].
    pub async fn streams(&self, proxy: usize, count: usize) -> Result<Streams, Error> {
        let (client, at) = (self.authority.client()?, self.addresses.proxy_https(proxy));
        let begun = Streams::begin(&client, at, STATELESS_HOST, "/stream", count).await;
        begun.map_err(Error::io("no streams over HTTP/2"))
    }

    /// The certificate of the stateless service that a proxy shows to a new visitor; none if it shows none.
    pub async fn shown_certificate(&self, proxy: usize) -> Option<CertificateDer<'static>> {
        let stream = TcpStream::connect(self.addresses.proxy_https(proxy)).await.ok()?;
        let client = self.authority.client().ok()?;
        let (stream, _) = Tickets::default().connect(&client, STATELESS_HOST, stream).await.ok()?;
        stream.get_ref().1.peer_certificates()?.first().map(|shown| shown.clone().into_owned())
    }
}
