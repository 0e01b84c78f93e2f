//! A client of HTTP/2 over TLS.

use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use h2::client::{Builder, ResponseFuture, SendRequest};
use h2::{RecvStream, SendStream};
use http::{HeaderMap, Request, Response};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::authority::Authority;
use crate::harness::{PATIENCE, Proxy};

/// One connection.
pub struct H2 {
    pub sender: SendRequest<Bytes>,
    /// Ends with the connection.
    pub driver: tokio::task::JoinHandle<Result<(), h2::Error>>,
}

/// A response that has come whole.
#[derive(Debug)]
pub struct Whole {
    pub head: Response<()>,
    pub body: Vec<u8>,
    pub trailers: HeaderMap,
}

impl Whole {
    pub fn status(&self) -> u16 {
        self.head.status().as_u16()
    }

    pub fn field(&self, name: &str) -> Option<&str> {
        self.head.headers().get(name).map(|value| value.to_str().unwrap())
    }
}

/// Waits for what is to come.
pub async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what).await.expect("in time")
}

/// Waits for something to become true, while the client goes on.
pub async fn eventually(what: &str, mut happened: impl FnMut() -> bool) {
    let until = std::time::Instant::now() + PATIENCE;
    while !happened() {
        assert!(std::time::Instant::now() < until, "in vain: {what}");
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
}

/// A handshake of TLS that offers only HTTP/2.
pub fn offering_h2(authority: &Authority) -> ClientConfig {
    let mut config = authority.trusting();
    config.alpn_protocols = vec![b"h2".to_vec()];
    config
}

pub async fn over_tls(proxy: &Proxy, authority: &Authority) -> TlsStream<TcpStream> {
    let tcp = TcpStream::connect(proxy.address).await.unwrap();
    let name = ServerName::try_from("www.test").unwrap();
    let tls = soon(TlsConnector::from(Arc::new(offering_h2(authority))).connect(name, tcp)).await.unwrap();
    assert_eq!(tls.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    tls
}

impl H2 {
    pub async fn connect(proxy: &Proxy, authority: &Authority) -> H2 {
        H2::connect_with(proxy, authority, &Builder::new()).await
    }

    pub async fn connect_with(proxy: &Proxy, authority: &Authority, builder: &Builder) -> H2 {
        let tls = over_tls(proxy, authority).await;
        let (sender, connection) = soon(builder.handshake(tls)).await.unwrap();
        H2 { sender, driver: tokio::spawn(connection) }
    }

    /// Begins a request; `over`: nothing follows its head.
    pub async fn begin(&mut self, request: Request<()>, over: bool) -> (ResponseFuture, SendStream<Bytes>) {
        std::future::poll_fn(|context| self.sender.poll_ready(context)).await.unwrap();
        self.sender.send_request(request, over).unwrap()
    }

    /// Asks without a body and gives the whole response.
    pub async fn ask(&mut self, request: Request<()>) -> Whole {
        let (response, _) = self.begin(request, true).await;
        whole(response).await.unwrap()
    }

    pub async fn get(&mut self, path: &str) -> Whole {
        self.ask(get(path)).await
    }
}

pub fn get(path: &str) -> Request<()> {
    Request::get(format!("https://www.test{path}")).body(()).unwrap()
}

pub fn post(path: &str) -> Request<()> {
    Request::post(format!("https://www.test{path}")).body(()).unwrap()
}

/// Waits for a response to its end.
pub async fn whole(response: ResponseFuture) -> Result<Whole, h2::Error> {
    let (head, body) = soon(response).await?.into_parts();
    let (body, trailers) = drain(body).await?;
    Ok(Whole { head: Response::from_parts(head, ()), body, trailers })
}

/// Reads a body to its end.
pub async fn drain(mut stream: RecvStream) -> Result<(Vec<u8>, HeaderMap), h2::Error> {
    let mut body = Vec::new();
    while let Some(piece) = soon(stream.data()).await {
        let piece = piece?;
        stream.flow_control().release_capacity(piece.len()).unwrap();
        body.extend_from_slice(&piece);
    }
    let trailers = soon(stream.trailers()).await?;
    Ok((body, trailers.unwrap_or_default()))
}

/// Sends a body as fast as it is taken.
pub async fn send(stream: &mut SendStream<Bytes>, mut body: Bytes, end: bool) {
    while !body.is_empty() {
        stream.reserve_capacity(body.len());
        let room = soon(std::future::poll_fn(|context| stream.poll_capacity(context))).await.unwrap().unwrap();
        let piece = body.split_to(room.min(body.len()));
        stream.send_data(piece, end && body.is_empty()).unwrap();
    }
}
