//! Queries over HTTPS and QUIC, each a stream of its connection.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use hickory_proto::op::Message;
use http::{Request, Response};
use quinn::crypto::rustls::QuicClientConfig;
use quinn::{ApplicationClose, ClientConfig, Connection, ConnectionError, Endpoint, VarInt};
use rustls::pki_types::ServerName;
use serde_json::json;

use crate::encrypted::Encrypted;
use crate::fleet::*;

const NAME: &str = "ns.example.net";

const NO_ERROR: VarInt = VarInt::from_u32(0);
const PROTOCOL_ERROR: VarInt = VarInt::from_u32(2);

/// A query with the identifier 0.
pub fn zero(name: &str, qtype: u16) -> Vec<u8> {
    let mut query = query(name, qtype);
    query[..2].fill(0);
    query
}

pub fn framed(query: &[u8]) -> Vec<u8> {
    [&(query.len() as u16).to_be_bytes()[..], query].concat()
}

impl Encrypted {
    pub async fn quic(&self) -> Result<(Endpoint, Connection), ConnectionError> {
        let crypto = QuicClientConfig::try_from(self.trusting(Some("doq"))).unwrap();
        let endpoint = Endpoint::client(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 0)).unwrap();
        let to = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), self.port);
        let connecting = endpoint.connect_with(ClientConfig::new(Arc::new(crypto)), to, NAME).unwrap();
        Ok((endpoint, connecting.await?))
    }

    /// The answer to a request over HTTPS, on a connection of its own.
    pub async fn request(
        &self,
        method: &str,
        target: &str,
        kind: Option<&str>,
        body: Vec<u8>,
    ) -> (Response<()>, Vec<u8>) {
        let tcp = tokio::net::TcpStream::connect(("127.0.0.1", self.https)).await.unwrap();
        let connector = tokio_rustls::TlsConnector::from(Arc::new(self.trusting(Some("h2"))));
        let stream = connector.connect(ServerName::try_from(NAME).unwrap(), tcp).await.unwrap();
        let (mut sender, connection) = h2::client::handshake(stream).await.unwrap();
        let driver = tokio::spawn(connection);
        let mut request = Request::builder().method(method).uri(format!("https://{NAME}{target}"));
        if let Some(kind) = kind {
            request = request.header("content-type", kind);
        }
        let (response, mut stream) = sender.send_request(request.body(()).unwrap(), body.is_empty()).unwrap();
        if !body.is_empty() {
            // What is refused at its head takes no body.
            let _ = stream.send_data(Bytes::from(body), true);
        }
        let (head, mut body) = response.await.unwrap().into_parts();
        let mut answer = Vec::new();
        while let Some(data) = body.data().await {
            answer.extend_from_slice(&data.unwrap());
        }
        driver.abort();
        (Response::from_parts(head, ()), answer)
    }
}

pub async fn ask(connection: &Connection, bytes: &[u8]) -> Result<Message, ConnectionError> {
    let (mut send, mut receive) = connection.open_bi().await?;
    send.write_all(bytes).await.unwrap();
    send.finish().unwrap();
    let Ok(answer) = receive.read_to_end(65_537).await else { return Err(connection.closed().await) };
    assert_eq!(usize::from(u16::from_be_bytes([answer[0], answer[1]])), answer.len() - 2);
    Ok(Message::from_vec(&answer[2..]).unwrap())
}

fn is_closed_with(code: VarInt, error: &ConnectionError) -> bool {
    matches!(error, ConnectionError::ApplicationClosed(ApplicationClose { error_code, .. }) if *error_code == code)
}

#[test]
fn queries_are_answered_over_quic_each_on_a_stream_of_its_own() {
    let encrypted = Encrypted::start();
    block_on(async {
        let (_endpoint, connection) = encrypted.quic().await.unwrap();
        for name in ["ns1.example.net", "www.example.net", "ns1.example.net"] {
            let answer = ask(&connection, &framed(&zero(name, 1))).await.unwrap();
            assert!(answer.metadata.authoritative && !answer.answers.is_empty(), "{answer}");
            assert_eq!(answer.metadata.id, 0);
        }
        let (mut idle, _) = connection.open_bi().await.unwrap();
        idle.write_all(&[0]).await.unwrap();
        let answer = ask(&connection, &framed(&zero("ns1.example.net", 252))).await.unwrap();
        assert!(answer.answers.is_empty(), "no transfer, and no stream waits for another: {answer}");
    });
    assert!(encrypted.metric("polder_responses_total{daemon=\"nameserver\",transport=\"quic\",rcode=\"NOERROR\"} 3\n"));
    assert!(encrypted.metric("polder_connections_accepted_total{daemon=\"nameserver\",transport=\"quic\"} 1\n"));
}

#[test]
fn whoever_breaks_dns_over_quic_loses_the_connection() {
    let encrypted = Encrypted::start();
    let good = zero("ns1.example.net", 1);
    let two = [framed(&good), framed(&good)].concat();
    let mut response = good.clone();
    response[2] |= 0x80;
    block_on(async {
        for (bytes, what) in [
            (framed(&query("ns1.example.net", 1).iter().map(|byte| byte | 1).collect::<Vec<_>>()), "an identifier"),
            (two, "two queries"),
            (framed(&good)[..9].to_vec(), "half a query"),
            (framed(&response), "a response"),
            (vec![0; 5000], "more than any query has"),
        ] {
            let (_endpoint, connection) = encrypted.quic().await.unwrap();
            let error = ask(&connection, &bytes).await.unwrap_err();
            assert!(is_closed_with(PROTOCOL_ERROR, &error), "{what}: {error}");
        }
        let (_endpoint, connection) = encrypted.quic().await.unwrap();
        assert!(ask(&connection, &framed(&good)).await.is_ok(), "everybody else is answered");
    });
}

#[test]
fn a_client_of_quic_has_its_share() {
    let mut encrypted = Encrypted::prepare();
    encrypted.daemon.document["encrypted"]["connections_per_address"] = json!(3);
    encrypted.daemon.document["encrypted"]["connections"] = json!(4);
    encrypted.daemon.write_document();
    encrypted.daemon.run();
    block_on(async {
        let (mut endpoints, mut connections) = (Vec::new(), Vec::new());
        for _ in 0..3 {
            let (endpoint, connection) = encrypted.quic().await.unwrap();
            assert!(ask(&connection, &framed(&zero("ns1.example.net", 1))).await.is_ok());
            endpoints.push(endpoint);
            connections.push(connection);
        }
        assert!(encrypted.quic().await.is_err(), "a fourth");
        connections.pop().unwrap().close(NO_ERROR, b"");
        endpoints.pop().unwrap().wait_idle().await;
    });
    assert!(encrypted.metric("polder_connections_refused_total{daemon=\"nameserver\",transport=\"quic\"} 1\n"));
    wait_for("the free place", || block_on(encrypted.quic()).ok());
}

#[test]
fn a_takeover_ends_connections_of_quic_in_peace_and_the_new_process_takes_new_ones() {
    let mut encrypted = Encrypted::start();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (_endpoint, before) = runtime.block_on(encrypted.quic()).unwrap();
    encrypted.daemon.reload().unwrap();
    let good = framed(&zero("ns1.example.net", 1));
    assert!(runtime.block_on(ask(&before, &good)).is_ok(), "a reload changes nothing");
    let mut old = encrypted.daemon.process.take().unwrap();
    let new = encrypted.daemon.spawn(&["--takeover"]);
    let error = runtime.block_on(before.closed());
    assert!(is_closed_with(NO_ERROR, &error), "{error}");
    encrypted.daemon.wait_ready(new.id());
    encrypted.daemon.process = Some(new);
    wait_exit(&mut old, &encrypted.daemon);
    runtime.block_on(async {
        let (_endpoint, after) = encrypted.quic().await.unwrap();
        assert!(ask(&after, &good).await.is_ok());
    });
}

#[test]
fn queries_are_answered_over_https_and_what_is_wrong_with_a_request_has_its_status() {
    use base64::Engine;
    let encrypted = Encrypted::start();
    let dns_message = Some("application/dns-message");
    let good = zero("ns1.example.net", 1);
    let encoded = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(&good);
    let get = format!("/dns-query?dns={encoded}");
    block_on(async {
        for (method, target, kind, body) in
            [("GET", &*get, None, Vec::new()), ("POST", "/dns-query", dns_message, good.clone())]
        {
            let (response, body) = encrypted.request(method, target, kind, body).await;
            let field = |name| response.headers()[name].to_str().unwrap();
            assert_eq!(
                (response.status().as_u16(), field("content-type")),
                (200, "application/dns-message"),
                "{method}"
            );
            assert_eq!((field("cache-control"), field("content-length")), ("max-age=60", &*body.len().to_string()));
            assert_eq!(Message::from_vec(&body).unwrap().answers.len(), 1);
        }
        for (method, target, kind, body, status) in [
            ("GET", "/", None, Vec::new(), 404),
            ("GET", "/dns-query", None, Vec::new(), 400),
            ("GET", "/dns-query?dns=AAAA", None, Vec::new(), 400),
            ("DELETE", &*get, None, Vec::new(), 405),
            ("POST", "/dns-query", Some("text/plain"), good.clone(), 415),
            ("POST", "/dns-query", dns_message, vec![0; 5000], 413),
            ("POST", "/dns-query", dns_message, vec![1; 7], 400),
        ] {
            let (response, body) = encrypted.request(method, target, kind, body).await;
            assert_eq!((response.status().as_u16(), body.len()), (status, 0), "{method} {target}");
        }
    });
    assert!(
        encrypted.metric("polder_responses_total{daemon=\"nameserver\",transport=\"https\",rcode=\"NOERROR\"} 2\n")
    );
}
