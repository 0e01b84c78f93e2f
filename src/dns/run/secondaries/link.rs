//! Speaks with a primary over TCP (RFC 5936, 4.2), or TLS (RFC 9103): asks for a zone's serial, all of the zone, or what has changed of it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::config::dns::PrimaryConfig;
use crate::dns::run::notifier::unspecified;
use crate::dns::secondary::incoming::{Brought, Incoming, Unusable};
use crate::dns::tsig::{Key, Signer, Unproven, Verifier};
use crate::tls::client::{Application, Connector, HandshakeError, Proof};
use crate::tls::session::LastAlert;
use crate::unix_time::unix_ms;
use crate::zone::number::{CLASS_IN, rtype};
use crate::zone::serial;

/// Authoritative answer, in the third byte of a header (RFC 1035, 4.1.1).
const AA: u8 = 0x04;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);

/// How long nothing may come.
const IDLE: Duration = Duration::from_secs(30);

/// How long a transfer may take.
const WHOLE: Duration = Duration::from_secs(30 * 60);

/// Why nothing can be had from a primary, for the operator.
#[derive(Debug, thiserror::Error)]
pub(super) enum LinkError {
    #[error("it cannot be reached: {0}")]
    Unreachable(#[source] io::Error),
    #[error("it cannot be reached within {} s", CONNECT.as_secs())]
    NoConnection,
    #[error("it takes the connection and says nothing of TLS within {} s; the port of DNS over TLS is 853 as a rule", CONNECT.as_secs())]
    NoHandshake,
    #[error(transparent)]
    NoTls(#[from] HandshakeError),
    #[error("the connection is broken: {0}")]
    Broken(#[source] io::Error),
    #[error("it has closed the connection before its answer was whole")]
    Closed,
    #[error("it takes nothing within {} s", IDLE.as_secs())]
    TakesNothing,
    #[error("nothing comes within {} s", IDLE.as_secs())]
    Silent,
    #[error("the transfer takes longer than {} minutes", WHOLE.as_secs() / 60)]
    TooLong,
    #[error("what it sends is no message")]
    NoMessage,
    #[error("it answers without authority: what it has in a cache confirms nothing")]
    NoAuthority,
    #[error("it does not have the zone's SOA")]
    NoSoa,
    #[error("its answer has no end")]
    NoEnd,
    #[error("the last message of its answer is not signed")]
    Unsigned,
    #[error(transparent)]
    Unproven(#[from] Unproven),
    #[error(transparent)]
    Unusable(#[from] Unusable),
}

/// What goes both ways.
trait Stream: AsyncRead + AsyncWrite + Unpin {}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for S {}

/// A connection with a primary.
pub(super) struct Link<'k> {
    stream: Box<dyn Stream>,
    /// By whom an alert is put into words that ends the connection: in TLS 1.3 a primary looks at our certificate after the handshake.
    tls: Option<(Arc<Connector>, LastAlert, SocketAddr)>,
    key: Option<&'k Key>,
}

impl Link<'_> {
    /// Connects with a primary, from this address if that can be.
    pub(super) async fn open<'k>(
        from: SocketAddr,
        primary: &PrimaryConfig,
        key: Option<&'k Key>,
    ) -> Result<Link<'k>, LinkError> {
        let to = primary.address;
        let tcp = match timeout(CONNECT, connected(from, to)).await {
            Ok(connected) => connected.map_err(LinkError::Unreachable)?,
            Err(_) => return Err(LinkError::NoConnection),
        };
        let Some(tls) = &primary.tls else { return Ok(Link { stream: Box::new(tcp), tls: None, key }) };
        let connector = Connector::with(tls, Application::Dns);
        let stream = match timeout(CONNECT, connector.connect(tcp, to, Proof::Anew)).await {
            Ok(stream) => stream?,
            Err(_) => return Err(LinkError::NoHandshake),
        };
        let tls = stream.last_alert().map(|alert| (connector, alert, to));
        Ok(Link { stream: Box::new(stream), tls, key })
    }

    /// Why the connection has ended: the primary's alert says more than that it is broken.
    fn ended(&self, otherwise: LinkError) -> LinkError {
        let alert = self.tls.as_ref().and_then(|(connector, alert, to)| Some(connector.refused_by(alert.get()?, *to)));
        alert.map_or(otherwise, LinkError::NoTls)
    }

    /// The serial that it has.
    pub(super) async fn serial(&mut self, apex: &[u8]) -> Result<u32, LinkError> {
        let (id, mut verifier) = self.send(apex, rtype::SOA, None).await?;
        let message = self.receive(&mut verifier).await?;
        // It is read as the first record of a transfer is: the SOA of this zone.
        let mut incoming = Incoming::new(apex, id, Some(0));
        incoming.take(&message)?;
        if message.get(2).is_none_or(|bits| bits & AA == 0) {
            return Err(LinkError::NoAuthority);
        }
        incoming.soa().and_then(serial::of_soa).ok_or(LinkError::NoSoa)
    }

    /// The whole zone, or what has changed since a serial.
    pub(super) async fn transfer(&mut self, apex: &[u8], held: Option<u32>) -> Result<Brought, LinkError> {
        let transfer = async {
            let qtype = if held.is_some() { rtype::IXFR } else { rtype::AXFR };
            let (id, mut verifier) = self.send(apex, qtype, held).await?;
            let mut incoming = Incoming::new(apex, id, held);
            while !incoming.is_done() {
                let message = self.receive(&mut verifier).await?;
                incoming.take(&message)?;
            }
            if verifier.is_some_and(|verifier| !verifier.is_complete()) {
                return Err(LinkError::Unsigned);
            }
            incoming.brought().ok_or(LinkError::NoEnd)
        };
        timeout(WHOLE, transfer).await.unwrap_or(Err(LinkError::TooLong))
    }

    async fn send(
        &mut self,
        apex: &[u8],
        qtype: u16,
        held: Option<u32>,
    ) -> Result<([u8; 2], Option<Verifier>), LinkError> {
        let id = fastrand::u16(..).to_be_bytes();
        let mut message = [&id[..], &[0, 0, 0, 1, 0, 0, 0, u8::from(held.is_some()), 0, 0], apex].concat();
        message.extend_from_slice(&qtype.to_be_bytes());
        message.extend_from_slice(&CLASS_IN.to_be_bytes());
        if let Some(serial) = held {
            // A SOA of which only the serial counts (RFC 1995, 3).
            message.extend_from_slice(&[0xc0, 12, 0, 6, 0, 1, 0, 0, 0, 0, 0, 22, 0, 0]);
            message.extend_from_slice(&serial.to_be_bytes());
            message.extend_from_slice(&[0; 16]);
        }
        let verifier = self.key.map(|key| {
            let length = message.len();
            message.resize(length + key.record_length(), 0);
            let mut signer = Signer::new(key);
            let length = signer.sign(&mut message, length, unix_ms() / 1000);
            message.truncate(length);
            signer.verifier()
        });
        let framed = [&(message.len() as u16).to_be_bytes()[..], &message].concat();
        match timeout(IDLE, self.stream.write_all(&framed)).await {
            Ok(Ok(())) => Ok((id, verifier)),
            Ok(Err(why)) => Err(self.ended(LinkError::Broken(why))),
            Err(_) => Err(LinkError::TakesNothing),
        }
    }

    /// The next message, verified, without its signature.
    async fn receive(&mut self, verifier: &mut Option<Verifier>) -> Result<Vec<u8>, LinkError> {
        let read = timeout(IDLE, async {
            let mut message = vec![0; self.stream.read_u16().await?.into()];
            self.stream.read_exact(&mut message).await?;
            Ok::<_, io::Error>(message)
        });
        let mut message = match read.await {
            Ok(Ok(message)) => message,
            Ok(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(self.ended(LinkError::Closed));
            }
            Ok(Err(error)) => return Err(self.ended(LinkError::Broken(error))),
            Err(_) => return Err(LinkError::Silent),
        };
        if let Some(verifier) = verifier {
            if message.len() < 12 {
                return Err(LinkError::NoMessage);
            }
            let length = verifier.take(&message, unix_ms() / 1000)?;
            message.truncate(length);
        }
        Ok(message)
    }
}

async fn connected(from: SocketAddr, to: SocketAddr) -> io::Result<TcpStream> {
    let bound = async |own: SocketAddr| {
        let socket = if to.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        socket.bind(own)?;
        socket.connect(to).await
    };
    match bound(from).await {
        Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => bound(unspecified(to)).await,
        connected => connected,
    }
}
