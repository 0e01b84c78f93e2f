//! A visitor's handshake, from the first byte to the first plaintext.

use std::io;
use std::sync::Arc;

use rustls::server::UnbufferedServerConnection;
use tokio::net::TcpStream;

use crate::proxy::tls::acceptor::Acceptor;
use crate::proxy::tls::hello::{self, Hello};
use crate::proxy::tls::visitor::{Asked, SecureVisitor};
use crate::tls::certificate::Certificate;
use crate::tls::session::{Session, Side};
use crate::tls::{ForHosts, TlsStream};

/// A fatal alert in clear text (RFC 8446, 6): rustls has no words of its own for a name that nobody has.
const UNRECOGNIZED_NAME: [u8; 7] = [21, 3, 3, 0, 2, 2, 112];

/// Why there is no connection.
#[derive(Debug)]
pub enum HandshakeError {
    /// The client went away, or its connection broke.
    Closed,
    /// No certificate is for the name that the client asked for, or it named none and there is no default.
    UnknownName(Option<Box<str>>),
    /// What the client sent is no TLS, or none that we speak.
    Refused,
    /// The client has shown a certificate, and it is not good.
    Untrusted,
}

/// Waits for the client's side of the handshake and does ours. The caller bounds the time. `http2`: the client may choose it.
///
/// # Errors
///
/// Why there is no connection. The client has been sent an alert where one is due.
pub async fn accept(
    tcp: TcpStream,
    acceptor: &Acceptor,
    http2: bool,
) -> Result<(TlsStream, SecureVisitor), HandshakeError> {
    let connection = UnbufferedServerConnection::new(acceptor.config(http2)).map_err(|_| HandshakeError::Refused)?;
    let mut session = Session::new(Side::Server(connection));
    let mut known = None;
    while session.is_handshaking() {
        tcp.readable().await.map_err(|_| HandshakeError::Closed)?;
        hello::enter(known.take());
        let received = session.receive(|room| tcp.try_read(room));
        known = hello::leave();
        match received {
            // A client may say all that it has to say at once.
            Ok(()) if session.has_ended() && !session.has_plaintext() => return Err(HandshakeError::Closed),
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                return Err(refuse(&tcp, &mut session, known, &error));
            }
            Err(_) => return Err(HandshakeError::Closed),
        }
        flush(&tcp, &mut session).await.map_err(|_| HandshakeError::Closed)?;
    }
    let visitor = visitor(&session, known.as_ref());
    let certificate = known.and_then(|hello| hello.certificate);
    let certificate = certificate.map(|certificate| certificate as Arc<dyn ForHosts + Send + Sync>);
    Ok((TlsStream::new(tcp, session, certificate), visitor))
}

fn visitor(session: &Session, hello: Option<&Hello>) -> SecureVisitor {
    let connection = session.server();
    let version = connection.and_then(|connection| connection.protocol_version());
    let cipher = connection.and_then(|connection| connection.negotiated_cipher_suite()).map(|suite| suite.suite());
    let chain = connection.and_then(|connection| connection.peer_certificates());
    let asked = hello.and_then(|hello| Some(Asked::new(Arc::clone(hello.authority.as_ref()?), chain, hello.good_by)));
    SecureVisitor::new(version, cipher, hello.and_then(|hello| hello.server_name.as_deref()), asked)
}

impl ForHosts for Certificate {
    fn is_for(&self, host: &str) -> bool {
        self.chain.names.cover(host)
    }
}

async fn flush(tcp: &TcpStream, session: &mut Session) -> io::Result<()> {
    loop {
        match session.send(|data| tcp.try_write(data)) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => tcp.writable().await?,
            ended => return ended,
        }
    }
}

/// Tells the client why, as far as its socket takes it now.
fn refuse(tcp: &TcpStream, session: &mut Session, hello: Option<Hello>, error: &io::Error) -> HandshakeError {
    if let Some(hello) = hello.filter(|hello| !hello.is_known) {
        let _ = tcp.try_write(&UNRECOGNIZED_NAME);
        return HandshakeError::UnknownName(hello.server_name);
    }
    let _ = session.send(|data| tcp.try_write(data));
    match error.get_ref().and_then(|error| error.downcast_ref()) {
        Some(rustls::Error::InvalidCertificate(_)) => HandshakeError::Untrusted,
        _ => HandshakeError::Refused,
    }
}
