//! A visitor's handshake, from the first byte to the first plaintext.

use std::io;
use std::sync::Arc;

use rustls::server::UnbufferedServerConnection;
use tokio::net::TcpStream;

use crate::proxy::tls::acceptor::{self, Acceptor, Hello};
use crate::proxy::tls::certificate::Certificate;
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
    UnknownName,
    /// What the client sent is no TLS, or none that we speak.
    Refused,
}

/// Waits for the client's side of the handshake and does ours. The caller bounds the time. `http2`: the client may choose it.
///
/// # Errors
///
/// Why there is no connection. The client has been sent an alert where one is due.
pub async fn accept(tcp: TcpStream, acceptor: &Acceptor, http2: bool) -> Result<TlsStream, HandshakeError> {
    let connection = UnbufferedServerConnection::new(acceptor.config(http2)).map_err(|_| HandshakeError::Refused)?;
    let mut session = Session::new(Side::Server(connection));
    let mut hello = None;
    while session.is_handshaking() {
        tcp.readable().await.map_err(|_| HandshakeError::Closed)?;
        let received = session.receive(|room| tcp.try_read(room));
        hello = acceptor::take_hello().or(hello);
        match received {
            // A client may say all that it has to say at once.
            Ok(()) if session.has_ended() && !session.has_plaintext() => return Err(HandshakeError::Closed),
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            Err(error) if error.kind() == io::ErrorKind::InvalidData => return Err(refuse(&tcp, &mut session, hello)),
            Err(_) => return Err(HandshakeError::Closed),
        }
        flush(&tcp, &mut session).await.map_err(|_| HandshakeError::Closed)?;
    }
    let certificate = hello.and_then(|hello| hello.certificate);
    Ok(TlsStream::new(tcp, session, certificate.map(|certificate| certificate as Arc<dyn ForHosts + Send + Sync>)))
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
fn refuse(tcp: &TcpStream, session: &mut Session, hello: Option<Hello>) -> HandshakeError {
    if hello.is_some_and(|hello| !hello.is_known) {
        let _ = tcp.try_write(&UNRECOGNIZED_NAME);
        return HandshakeError::UnknownName;
    }
    let _ = session.send(|data| tcp.try_write(data));
    HandshakeError::Refused
}
