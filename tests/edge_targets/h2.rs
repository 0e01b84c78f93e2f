//! The same over HTTP/2: a client over TLS, and an authority that it trusts.

use std::net::SocketAddr;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use tokio_rustls::TlsConnector;

use crate::client::get;
use crate::daemon::{Daemon, PATIENCE};

pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: tempfile::TempDir,
}

impl Authority {
    pub fn new() -> Authority {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Authority { issuer, folder: tempfile::tempdir().unwrap() }
    }

    /// The `tls` of a service for `www.test`.
    pub fn issue(&self) -> Value {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["www.test".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let (chain_file, key_file) = (self.folder.path().join("www.pem"), self.folder.path().join("www.key"));
        std::fs::write(&key_file, key.serialize_pem()).unwrap();
        std::fs::write(&chain_file, certificate.pem()).unwrap();
        json!({ "certificates": [{ "chain_file": chain_file, "key_file": key_file }] })
    }

    fn trusting(&self) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let mut config = builder.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec()];
        config
    }
}

/// The answer to a GET. None: the target cannot be written down.
pub fn ask(address: SocketAddr, authority: &Authority, path: &str, fields: &[(&str, &str)]) -> Option<(u16, Vec<u8>)> {
    let (head, body) = whole(address, authority, path, fields)?;
    Some((head.status().as_u16(), body))
}

/// The same with its head.
pub fn whole(
    address: SocketAddr,
    authority: &Authority,
    path: &str,
    fields: &[(&str, &str)],
) -> Option<(http::Response<()>, Vec<u8>)> {
    let mut request = http::Request::get(format!("https://www.test{path}"));
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    let request = request.body(()).ok()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let asked = async {
        let tcp = tokio::net::TcpStream::connect(address).await.unwrap();
        let name = ServerName::try_from("www.test").unwrap();
        let tls = TlsConnector::from(Arc::new(authority.trusting())).connect(name, tcp).await.unwrap();
        let (mut sender, connection) = h2::client::handshake(tls).await.unwrap();
        tokio::spawn(connection);
        std::future::poll_fn(|context| sender.poll_ready(context)).await.unwrap();
        let (head, mut stream) = sender.send_request(request, true).unwrap().0.await.unwrap().into_parts();
        let mut body = Vec::new();
        while let Some(piece) = stream.data().await {
            let piece = piece.unwrap();
            stream.flow_control().release_capacity(piece.len()).unwrap();
            body.extend_from_slice(&piece);
        }
        (http::Response::from_parts(head, ()), body)
    };
    Some(runtime.block_on(async { tokio::time::timeout(PATIENCE, asked).await.expect("in time") }))
}

#[test]
fn every_target_answers_over_http2_as_it_does_over_http1() {
    let authority = Authority::new();
    let service = |path: &str, target: Value| {
        let mut service = json!({ "hosts": ["www.test"], "paths": [path], "tls": authority.issue(), "hsts": {} });
        service.as_object_mut().unwrap().extend(target.as_object().unwrap().clone());
        service
    };
    let pages = json!({ "404": "404.html" });
    let services = json!({
        "moved": service("/old", json!({ "redirect": { "replace_prefix": "/new" } })),
        "robots": service("/robots.txt", json!({ "answer": { "body": "nobody\n" } })),
        "site": service("/", json!({ "files": { "folder": "." }, "error_pages": pages })),
    });
    let content: Vec<u8> = (0..300_000_u32).map(|index| (index % 251) as u8).collect();
    let prepare = |folder: &std::path::Path| {
        std::fs::write(folder.join("404.html"), "<p>{request_id}").unwrap();
        std::fs::write(folder.join("large"), &content).unwrap();
    };
    let daemon = Daemon::start_with(prepare, services, true);
    let over_h2 = |path: &str, fields: &[(&str, &str)]| whole(daemon.https, &authority, path, fields).unwrap();
    let field = |head: &http::Response<()>, name: &str| {
        head.headers().get(name).map(|value| value.to_str().unwrap().to_owned())
    };

    let (head, _) = over_h2("/old/a?b", &[]);
    assert_eq!((head.status().as_u16(), field(&head, "location").as_deref()), (302, Some("https://www.test/new/a?b")));
    assert_eq!(field(&head, "strict-transport-security").as_deref(), Some("max-age=31536000"));
    let (head, body) = over_h2("/robots.txt", &[]);
    assert_eq!((head.status().as_u16(), body.as_slice()), (200, &b"nobody\n"[..]));
    assert_eq!(field(&head, "content-length").as_deref(), Some("7"));

    let (head, body) = over_h2("/large", &[]);
    assert!(head.status() == 200 && body == content, "{head:?}");
    let in_clear = get(daemon.address, "www.test/large", &[]);
    assert_eq!(in_clear.field("strict-transport-security"), None, "RFC 6797, 7.2");
    let etag = field(&head, "etag").unwrap();
    assert_eq!(in_clear.field("etag"), Some(etag.as_str()));
    let (head, body) = over_h2("/large", &[("range", "bytes=100-199"), ("if-range", &etag)]);
    assert!(head.status() == 206 && body == content[100..200], "{head:?}");
    let (head, body) = over_h2("/large", &[("if-none-match", &etag)]);
    assert_eq!((head.status().as_u16(), body.len()), (304, 0));

    let (head, body) = over_h2("/nothing", &[("accept", "text/html")]);
    assert_eq!(
        (head.status().as_u16(), field(&head, "content-type").as_deref()),
        (404, Some("text/html; charset=utf-8"))
    );
    let id = String::from_utf8(body).unwrap().strip_prefix("<p>").unwrap().to_owned();
    assert!(id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    let log = daemon.log(7);
    assert!(log.iter().any(|line| line["request_id"] == id.as_str()), "{log:?}");
}
