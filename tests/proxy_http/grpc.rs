//! gRPC through the proxy: a real client of HTTP/2 over TLS, a real server of HTTP/2 in clear text.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::{Buf, BufMut, Bytes};
use hyper_util::rt::TokioIo;
use polder::config::HttpVersion;
use polder::config::proxy::{AccessLogConfig, AccessLogFormat, AccessLogPath};
use rustls::pki_types::ServerName;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsConnector;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::body::Body;
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::Service;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::codegen::http::{Request as HttpRequest, Response as HttpResponse};
use tonic::metadata::MetadataValue;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Code, Request, Response, Status, Streaming};

use crate::authority::Authority;
use crate::h2_client::{eventually, offering_h2, soon};
use crate::harness::{Proxy, Setup};
use crate::tls::www;

/// Messages as they are: what stands in them is no concern of a proxy.
#[derive(Debug, Clone, Copy, Default)]
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Raw;
    type Decoder = Raw;

    fn encoder(&mut self) -> Raw {
        Raw
    }

    fn decoder(&mut self) -> Raw {
        Raw
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}

/// A method by its function.
struct Method<F>(F);

impl<F, Q, R, A> Service<Q> for Method<F>
where
    F: FnMut(Q) -> R,
    R: Future<Output = Result<A, Status>>,
{
    type Response = A;
    type Error = Status;
    type Future = R;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Q) -> R {
        (self.0)(request)
    }
}

/// The service: echoes, and what goes wrong.
#[derive(Clone, Default)]
struct Echo {
    /// Calls that hang, from their beginning.
    begun: Arc<AtomicUsize>,
    /// Those that the client has given up.
    cancelled: Arc<AtomicUsize>,
}

/// Counts a call that does not come to its end.
struct Unfinished(Arc<AtomicUsize>);

impl Drop for Unfinished {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

type Messages = ReceiverStream<Result<Bytes, Status>>;

impl Service<HttpRequest<Body>> for Echo {
    type Response = HttpResponse<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: HttpRequest<Body>) -> Self::Future {
        let Echo { begun, cancelled } = self.clone();
        Box::pin(async move {
            assert_eq!(request.headers().get("te").unwrap(), "trailers", "a server may insist on it");
            let mut grpc = tonic::server::Grpc::new(Raw);
            Ok(match request.uri().path() {
                "/test.Echo/One" => grpc.unary(Method(one), request).await,
                "/test.Echo/Refuse" => grpc.unary(Method(refuse), request).await,
                "/test.Echo/Hang" => {
                    let hang = move |_: Request<Bytes>| {
                        begun.fetch_add(1, Ordering::SeqCst);
                        let unfinished = Unfinished(Arc::clone(&cancelled));
                        async move {
                            let _unfinished = unfinished;
                            std::future::pending::<Result<Response<Bytes>, Status>>().await
                        }
                    };
                    grpc.unary(Method(hang), request).await
                }
                "/test.Echo/Count" => grpc.server_streaming(Method(count), request).await,
                "/test.Echo/Join" => grpc.client_streaming(Method(join), request).await,
                "/test.Echo/Both" => grpc.streaming(Method(both), request).await,
                other => Status::unimplemented(other.to_owned()).into_http(),
            })
        })
    }
}

async fn one(request: Request<Bytes>) -> Result<Response<Bytes>, Status> {
    let mut response = Response::new(request.get_ref().clone());
    if let Some(value) = request.metadata().get("x-there") {
        response.metadata_mut().insert("x-back", value.clone());
    }
    Ok(response)
}

async fn refuse(_: Request<Bytes>) -> Result<Response<Bytes>, Status> {
    let mut status = Status::failed_precondition("not today");
    status.metadata_mut().insert("x-why", MetadataValue::from_static("because"));
    Err(status)
}

async fn count(request: Request<Bytes>) -> Result<Response<Messages>, Status> {
    let most: usize = std::str::from_utf8(request.get_ref()).unwrap().parse().unwrap();
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        for number in 0..most {
            if sender.send(Ok(number.to_string().into())).await.is_err() {
                return;
            }
        }
        let _ = sender.send(Err(Status::data_loss("counted too far"))).await;
    });
    Ok(Response::new(ReceiverStream::new(receiver)))
}

async fn join(request: Request<Streaming<Bytes>>) -> Result<Response<Bytes>, Status> {
    let (mut messages, mut joined) = (request.into_inner(), Vec::new());
    while let Some(message) = messages.next().await {
        joined.extend_from_slice(&message?);
    }
    Ok(Response::new(joined.into()))
}

async fn both(request: Request<Streaming<Bytes>>) -> Result<Response<Messages>, Status> {
    let mut messages = request.into_inner();
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        while let Some(Ok(message)) = messages.next().await {
            if sender.send(Ok(message)).await.is_err() {
                return;
            }
        }
    });
    Ok(Response::new(ReceiverStream::new(receiver)))
}

/// A server, its service, the proxy before it and a client of that.
struct Site {
    echo: Echo,
    /// The server's connections.
    connections: Arc<Mutex<Vec<socket2::Socket>>>,
    _proxy: Proxy,
    client: Grpc<Channel>,
    _authority: Authority,
    folder: tempfile::TempDir,
}

impl Site {
    async fn start() -> Site {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let echo = Echo::default();
        let connections = Arc::<Mutex<Vec<socket2::Socket>>>::default();
        let kept = Arc::clone(&connections);
        let incoming = TcpListenerStream::new(listener).map(move |accepted| {
            let socket = socket2::SockRef::from(accepted.as_ref().unwrap()).try_clone();
            kept.lock().unwrap().push(socket.unwrap());
            accepted
        });
        tokio::spawn(Server::builder().serve_with_incoming(echo.clone(), incoming));
        let (authority, secure) = www();
        let folder = tempfile::tempdir().unwrap();
        let path = AccessLogPath::File(folder.path().join("access.log"));
        let log = Some(AccessLogConfig { format: AccessLogFormat::Haproxy, ..AccessLogConfig::to(path) });
        let setup = Setup { tls: secure.tls, backend_version: HttpVersion::Http2, log, ..Setup::default() };
        let proxy = Proxy::start(setup, &[address]);
        let client = Grpc::new(channel(proxy.address, &authority).await);
        Site { echo, connections, _proxy: proxy, client, _authority: authority, folder }
    }

    /// The access log's lines so far.
    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("access.log")).unwrap_or_default()
    }
}

async fn channel(address: SocketAddr, authority: &Authority) -> Channel {
    let config = Arc::new(offering_h2(authority));
    let endpoint = Endpoint::from_static("http://www.test").origin("https://www.test".parse().unwrap());
    let connect = move |_: tonic::transport::Uri| {
        let config = Arc::clone(&config);
        async move {
            let tcp = TcpStream::connect(address).await?;
            let name = ServerName::try_from("www.test").unwrap();
            Ok::<_, std::io::Error>(TokioIo::new(TlsConnector::from(config).connect(name, tcp).await?))
        }
    };
    soon(endpoint.connect_with_connector(Dial(connect))).await.unwrap()
}

/// Opens a client's connections.
#[derive(Clone)]
struct Dial<F>(F);

impl<F, Q, R, A> Service<Q> for Dial<F>
where
    F: FnMut(Q) -> R,
    R: Future<Output = std::io::Result<A>> + Send + 'static,
{
    type Response = A;
    type Error = std::io::Error;
    type Future = Pin<Box<dyn Future<Output = std::io::Result<A>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, target: Q) -> Self::Future {
        Box::pin((self.0)(target))
    }
}

fn method(path: &'static str) -> PathAndQuery {
    PathAndQuery::from_static(path)
}

#[tokio::test]
async fn calls_come_through_with_their_metadata_and_their_status() {
    let mut site = Site::start().await;
    let client = &mut site.client;
    let mut request = Request::new(Bytes::from_static(b"hello"));
    request.metadata_mut().insert("x-there", MetadataValue::from_static("and back"));
    client.ready().await.unwrap();
    let response = soon(client.unary(request, method("/test.Echo/One"), Raw)).await.unwrap();
    assert_eq!(response.metadata().get("x-back").unwrap(), "and back");
    assert_eq!(response.get_ref(), "hello");

    let large = Bytes::from(vec![b'x'; 1_000_000]);
    client.ready().await.unwrap();
    let response = soon(client.unary(Request::new(large.clone()), method("/test.Echo/One"), Raw)).await.unwrap();
    assert!(*response.get_ref() == large);

    for (path, code, words, why) in [
        ("/test.Echo/Refuse", Code::FailedPrecondition, "not today", Some("because")),
        ("/test.Echo/Nothing", Code::Unimplemented, "/test.Echo/Nothing", None),
    ] {
        client.ready().await.unwrap();
        let status = soon(client.unary(Request::new(Bytes::new()), method(path), Raw)).await.unwrap_err();
        assert_eq!((status.code(), status.message()), (code, words));
        assert_eq!(status.metadata().get("x-why").map(|why| why.to_str().unwrap()), why);
    }
}

#[tokio::test]
async fn streams_of_messages_go_both_ways_each_as_it_comes() {
    let mut site = Site::start().await;
    let client = &mut site.client;
    client.ready().await.unwrap();
    let request = Request::new(Bytes::from_static(b"200"));
    let counted = soon(client.server_streaming(request, method("/test.Echo/Count"), Raw)).await.unwrap();
    let mut counted = counted.into_inner();
    for number in 0..200 {
        assert_eq!(soon(counted.message()).await.unwrap().unwrap(), number.to_string());
    }
    let status = soon(counted.message()).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::DataLoss, "counted too far"), "the status is a trailer");

    client.ready().await.unwrap();
    let parts = tokio_stream::iter(["a", "b", "c"].map(|part| Bytes::from_static(part.as_bytes())));
    let joined = soon(client.client_streaming(Request::new(parts), method("/test.Echo/Join"), Raw)).await.unwrap();
    assert_eq!(joined.get_ref(), "abc");

    client.ready().await.unwrap();
    let (sender, receiver) = mpsc::channel(1);
    let request = Request::new(ReceiverStream::new(receiver));
    let mut echoed = soon(client.streaming(request, method("/test.Echo/Both"), Raw)).await.unwrap().into_inner();
    for number in 0..20 {
        // The next one is said only when the last one has come back.
        sender.send(Bytes::from(number.to_string())).await.unwrap();
        assert_eq!(soon(echoed.message()).await.unwrap().unwrap(), number.to_string());
    }
    drop(sender);
    assert_eq!(soon(echoed.message()).await.unwrap(), None);
}

#[tokio::test]
async fn a_call_that_its_client_gives_up_ends_at_the_server() {
    let mut site = Site::start().await;
    site.client.ready().await.unwrap();
    let Echo { begun, cancelled } = site.echo.clone();
    // Without a deadline in its metadata, of which the server would learn by itself.
    tokio::select! {
        ended = site.client.unary(Request::new(Bytes::new()), method("/test.Echo/Hang"), Raw) => panic!("{ended:?}"),
        () = eventually("the call has begun", || begun.load(Ordering::SeqCst) == 1) => {}
    }
    eventually("the server has learnt it", || cancelled.load(Ordering::SeqCst) == 1).await;
}

#[tokio::test]
async fn a_server_that_dies_within_a_stream_is_no_end_of_it() {
    let mut site = Site::start().await;
    site.client.ready().await.unwrap();
    let (sender, receiver) = mpsc::channel(1);
    let request = Request::new(ReceiverStream::new(receiver));
    let echoed = soon(site.client.streaming(request, method("/test.Echo/Both"), Raw)).await.unwrap();
    let mut echoed = echoed.into_inner();
    sender.send(Bytes::from_static(b"before")).await.unwrap();
    assert_eq!(soon(echoed.message()).await.unwrap().unwrap(), "before");
    for connection in &*site.connections.lock().unwrap() {
        connection.shutdown(std::net::Shutdown::Both).unwrap();
    }
    let status = soon(echoed.message()).await.unwrap_err();
    assert_ne!(status.code(), Code::Ok, "{status}");
    eventually("the log says what happened", || site.log().contains(" SD")).await;
}
