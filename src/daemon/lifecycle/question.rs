//! What a process asks its own sockets.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

/// How long an answer may take until the question is asked again.
pub(super) const LIMIT: Duration = Duration::from_millis(250);

/// What a process asks its own socket, to see that one of its threads answers: anything that is answered will do.
#[derive(Debug, Clone)]
pub struct Question {
    /// Where it listens.
    pub address: SocketAddr,
    /// How.
    pub transport: Transport,
    /// What is sent.
    pub message: Vec<u8>,
}

/// How a question is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// In a datagram.
    Udp,
    /// On a connection.
    Tcp,
}

impl Question {
    /// Asks it; whether anybody has answered.
    pub(super) async fn ask(self) -> bool {
        let Question { address, transport, message } = self;
        let address = within_reach(address);
        let answered = timeout(LIMIT, async {
            match transport {
                Transport::Udp => {
                    let any = if address.is_ipv4() {
                        IpAddr::V4(Ipv4Addr::UNSPECIFIED)
                    } else {
                        Ipv6Addr::UNSPECIFIED.into()
                    };
                    let socket = UdpSocket::bind((any, 0)).await?;
                    socket.connect(address).await?;
                    socket.send(&message).await?;
                    socket.recv(&mut [0; 512]).await
                }
                Transport::Tcp => {
                    let mut stream = TcpStream::connect(address).await?;
                    stream.write_all(&message).await?;
                    stream.read(&mut [0; 512]).await
                }
            }
        });
        matches!(answered.await, Ok(Ok(1..)))
    }
}

/// Where a socket that listens here can be reached from this machine.
pub fn within_reach(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}
