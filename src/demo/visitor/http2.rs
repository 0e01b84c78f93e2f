//! A visitor's side of HTTP/2: several pages at once over one connection.

use std::io;
use std::net::SocketAddr;

use h2::RecvStream;
use hyper::Request;
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::secure::Tickets;

/// Pages that are coming. Must be used within a `LocalSet`.
pub struct Streams {
    coming: JoinSet<Result<(), h2::Error>>,
}

impl Streams {
    /// Connects and asks for a page as many times at once; all responses have begun.
    ///
    /// # Errors
    ///
    /// There is no connection over HTTP/2, or a response does not begin.
    pub async fn begin(
        config: &ClientConfig,
        address: SocketAddr,
        host: &str,
        path: &str,
        count: usize,
    ) -> io::Result<Streams> {
        let mut config = config.clone();
        config.alpn_protocols = vec![b"h2".to_vec()];
        let stream = TcpStream::connect(address).await?;
        let (stream, _) = Tickets::default().connect(&config, host, stream).await?;
        let (mut client, connection) = h2::client::handshake(stream).await.map_err(io::Error::other)?;
        tokio::task::spawn_local(connection);
        let mut coming = JoinSet::new();
        for _ in 0..count {
            let request = Request::get(format!("https://{host}{path}")).body(()).map_err(io::Error::other)?;
            client = client.ready().await.map_err(io::Error::other)?;
            let (response, _) = client.send_request(request, true).map_err(io::Error::other)?;
            let response = response.await.map_err(io::Error::other)?;
            if response.status() != 200 {
                return Err(io::Error::other(format!("status {} for {path}", response.status())));
            }
            coming.spawn_local(read(response.into_body()));
        }
        Ok(Streams { coming })
    }

    /// Waits until all have ended; how many came whole.
    pub async fn whole(mut self) -> usize {
        let mut whole = 0;
        while let Some(ended) = self.coming.join_next().await {
            whole += usize::from(matches!(ended, Ok(Ok(()))));
        }
        whole
    }
}

/// Reads a body to its end. That it has the length that was stated is seen to by the library (RFC 9113, 8.1.1).
async fn read(mut body: RecvStream) -> Result<(), h2::Error> {
    while let Some(piece) = body.data().await {
        body.flow_control().release_capacity(piece?.len())?;
    }
    Ok(())
}
