//! Visitors who show certificates of their own, at a daemon with a document.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;

use rustls::{AlertDescription, ClientConfig, Error, HandshakeKind, RootCertStore};
use serde_json::{Value, json};

use crate::authority::{Authority, TlsClient};
use crate::harness::{Client, OK, Script, eventually, field, refusing};
use crate::https_daemon::Daemon;

/// A daemon for `staff.test` (certificates of `staff`), `guest.test` (the same, optional), `other.test` (of `others`) and `open.test`, all
/// with one certificate of `ours`.
struct Site {
    daemon: Daemon,
    backend: Script,
    ours: Authority,
    staff: Authority,
    others: Authority,
}

impl Site {
    /// The certificate of this number is revoked.
    fn start(revoked: u64) -> Site {
        let (ours, staff, others) = (Authority::new(), Authority::new(), Authority::new());
        let certificates = ours.issue("all", &["staff.test", "guest.test", "other.test", "open.test"]);
        let backend = Script::answering(OK);
        staff.revoke(revoked);
        let service = |host: &str, asks: Option<Value>| {
            let certificates = json!([{ "chain_file": certificates.chain_file, "key_file": certificates.key_file }]);
            let mut tls = json!({ "certificates": certificates });
            if let Some(asks) = asks {
                tls["client_certificates"] = asks;
            }
            json!({ "hosts": [host], "mode": "stateless", "check": { "type": "tcp" }, "tls": tls,
                "backends": [{ "name": "web", "address": backend.address.to_string() }] })
        };
        let of_staff = |mode: &str| {
            Some(json!({ "mode": mode, "ca_file": staff.ca_file(), "crl_file": staff.folder.path().join("crl.pem") }))
        };
        let services = json!({
            "staff": service("staff.test", of_staff("required")),
            "guest": service("guest.test", of_staff("optional")),
            "other": service("other.test", Some(json!({ "ca_file": others.ca_file() }))),
            "open": service("open.test", None),
        });
        let (secure, clear) = (refusing().to_string(), refusing().to_string());
        let daemon = Daemon::start_with(|folder| {
            json!({ "version": 1, "name": "px", "admin": { "socket": folder.join("admin.sock") }, "state_dir": folder, "workers": 1,
                "access_log": { "path": folder.join("access.log") },
                "listeners": [{ "name": "https", "address": secure, "protocol": "https" }, { "name": "http", "address": clear }],
                "services": services })
        });
        eventually("the daemon is ready", || daemon.status().is_some_and(|status| status["ready"] == true));
        Site { daemon, backend, ours, staff, others }
    }

    fn listener(&self, place: usize) -> SocketAddr {
        self.daemon.status().unwrap()["listeners"][place].as_str().unwrap().parse().unwrap()
    }

    fn connect(&self, config: ClientConfig, host: &str) -> TlsClient {
        TlsClient::over_tls(self.listener(0), config, host)
    }

    fn metric(&self, name: &str) -> String {
        let page = self.daemon.call("GET /metrics").unwrap();
        let line = page.lines().find(|line| line.starts_with(&format!("{name}{{"))).unwrap_or_else(|| panic!("{page}"));
        line.rsplit(' ').next().unwrap().to_owned()
    }
}

fn ask(client: &mut TlsClient, host: &str) -> u16 {
    client.send(&format!(
        "GET / HTTP/1.1\r\nHost: {host}\r\nX-Client-Cert-Subject: CN=root\r\nX_CLIENT_CERT_VERIFIED: SUCCESS\r\nX-Client-Cert-More: 1\r\n\r\n"
    ));
    client.response().status()
}

/// The fields of a head that speak of certificates.
fn told(head: &str) -> Vec<&str> {
    head.lines().filter(|line| line.to_lowercase().replace('_', "-").starts_with("x-client-cert-")).collect()
}

#[test]
fn backends_are_told_who_has_shown_a_certificate_and_no_visitor_can_say_so_himself() {
    let site = Site::start(9);
    let shown = site.staff.issue_numbered("ann", 1);
    for versions in [[&rustls::version::TLS13], [&rustls::version::TLS12]] {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(site.ours.issuer.der().clone()).unwrap();
        let config = ClientConfig::builder_with_provider(provider).with_protocol_versions(&versions).unwrap();
        let mut config = config.with_root_certificates(roots).with_no_client_auth();
        config.client_auth_cert_resolver = site.ours.trusting_and_showing(&shown).client_auth_cert_resolver;
        let mut client = site.connect(config, "staff.test");
        assert_eq!(ask(&mut client, "staff.test"), 200);
        assert_eq!(ask(&mut client, "staff.test"), 200);
    }
    for head in site.backend.heads() {
        assert_eq!(told(&head).len(), 3, "{head}");
        assert_eq!(field(&head, "X-Client-Cert-Verified"), Some("SUCCESS"), "{head}");
        assert_eq!(field(&head, "X-Client-Cert-Subject"), Some("CN=visitor 1\\, O=nobody"), "{head}");
        let der = der_of(&shown.chain_file);
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &der);
        let digits: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(field(&head, "X-Client-Cert-Fingerprint"), Some(&*digits), "{head}");
    }
    let mut guest = site.connect(site.ours.trusting(), "guest.test");
    assert_eq!(ask(&mut guest, "guest.test"), 200);
    assert_eq!(told(site.backend.heads().last().unwrap()), ["X-Client-Cert-Verified: NONE"]);
    let mut open = site.connect(site.ours.trusting(), "open.test");
    assert_eq!(ask(&mut open, "open.test"), 200);
    let head = site.backend.heads().pop().unwrap();
    assert!(told(&head).is_empty(), "a service that asks for none has the same backend: {head}");
}

#[test]
fn no_trailer_says_whose_certificate_it_was() {
    let site = Site::start(9);
    let shown = site.staff.issue_numbered("ann", 1);
    let mut client = site.connect(site.ours.trusting_and_showing(&shown), "staff.test");
    client.send("POST / HTTP/1.1\r\nHost: staff.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-User: root\r\n\r\n");
    assert_eq!(client.response().status(), 200);
    // Its backend takes the chunks for a second head.
    eventually("the request's end comes", || site.backend.heads().len() == 2);
    assert_eq!(site.backend.heads()[1], "0\r\n\r\n");
}

fn der_of(file: &std::path::Path) -> Vec<u8> {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;
    CertificateDer::from_pem_file(file).unwrap().to_vec()
}

#[test]
fn whoever_has_shown_no_certificate_where_one_is_required_is_told_so() {
    let site = Site::start(9);
    let mut client = site.connect(site.ours.trusting(), "staff.test");
    client.send("GET / HTTP/1.1\r\nHost: staff.test\r\n\r\n");
    let response = client.response();
    assert_eq!((response.status(), response.body.as_slice()), (403, &b"a client certificate is required\n"[..]));
    let mut clear = Client::connect(site.listener(1));
    clear.send("GET / HTTP/1.1\r\nHost: staff.test\r\n\r\n");
    assert_eq!(clear.response().status(), 403);
    let mut clear = Client::connect(site.listener(1));
    clear.send("GET / HTTP/1.1\r\nHost: guest.test\r\n\r\n");
    assert_eq!(clear.response().status(), 200);
    assert_eq!(site.backend.heads().len(), 1);
    assert_eq!(site.metric("polder_requests_without_certificate_total"), "2");
    let log = || std::fs::read_to_string(site.daemon.folder.path().join("access.log")).unwrap_or_default();
    eventually("both are in the log with a code of their own", || log().matches("\"PV").count() == 2);
}

#[test]
fn a_certificate_that_is_not_good_ends_the_handshake() {
    let site = Site::start(2);
    let refused = |files, host: &str, alert| {
        let mut client = site.connect(site.ours.trusting_and_showing(files), host);
        client.send(&format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        let mut byte = [0];
        let error = std::io::Read::read(&mut client.stream, &mut byte).unwrap_err();
        let error = error.get_ref().and_then(|error| error.downcast_ref::<Error>()).cloned();
        assert_eq!(error, Some(Error::AlertReceived(alert)), "{host}");
    };
    let (good, revoked) = (site.staff.issue_numbered("ann", 1), site.staff.issue_numbered("bob", 2));
    refused(&revoked, "staff.test", AlertDescription::CertificateRevoked);
    refused(&revoked, "guest.test", AlertDescription::CertificateRevoked);
    // The authorities of these tests have one name, and the signature tells them apart.
    refused(&good, "other.test", AlertDescription::DecryptError);
    refused(&site.staff.issue_expired("old", &[]), "staff.test", AlertDescription::CertificateExpired);
    // A visitor has the alert before it is counted.
    eventually("each is counted", || site.metric("polder_tls_client_certificates_refused_total") == "4");
    let mut unasked = site.connect(site.ours.trusting_and_showing(&revoked), "open.test");
    assert_eq!(ask(&mut unasked, "open.test"), 200, "nobody has looked at it");
}

#[test]
fn a_request_for_a_host_whose_certificate_was_not_asked_for_is_misdirected() {
    let site = Site::start(9);
    let (of_staff, of_others) = (site.staff.issue_numbered("ann", 1), site.others.issue_numbered("eve", 1));
    let mut open = site.connect(site.ours.trusting_and_showing(&of_staff), "open.test");
    assert_eq!(ask(&mut open, "staff.test"), 421);
    let mut open = site.connect(site.ours.trusting_and_showing(&of_staff), "open.test");
    assert_eq!(ask(&mut open, "guest.test"), 421, "he may have one to show");
    let mut other = site.connect(site.ours.trusting_and_showing(&of_others), "other.test");
    assert_eq!((ask(&mut other, "other.test"), ask(&mut other, "staff.test")), (200, 421));
    let mut guest = site.connect(site.ours.trusting_and_showing(&of_staff), "guest.test");
    assert_eq!(ask(&mut guest, "staff.test"), 200, "it was the same authority's");
    assert_eq!(field(site.backend.heads().last().unwrap(), "X-Client-Cert-Verified"), Some("SUCCESS"));
    let mut guest = site.connect(site.ours.trusting_and_showing(&of_staff), "guest.test");
    assert_eq!(ask(&mut guest, "open.test"), 200);
    assert!(!site.backend.heads().last().unwrap().contains("CN=visitor"), "it is no matter of this service");
}

#[test]
fn visitors_who_show_certificates_resume_no_session() {
    let site = Site::start(9);
    let shown = site.staff.issue_numbered("ann", 1);
    for (host, kind) in [
        ("staff.test", HandshakeKind::Full),
        ("guest.test", HandshakeKind::Full),
        ("open.test", HandshakeKind::Resumed),
    ] {
        let config = site.ours.trusting_and_showing(&shown);
        let kinds = [0, 1].map(|_| {
            let mut client = site.connect(config.clone(), host);
            assert_eq!(ask(&mut client, host), 200);
            client.stream.conn.handshake_kind()
        });
        assert_eq!(kinds, [Some(HandshakeKind::Full), Some(kind)], "{host}");
    }
}

#[test]
fn a_certificate_that_is_revoked_counts_no_longer_on_connections_that_are_open_either() {
    let site = Site::start(9);
    let shown = site.staff.issue_numbered("ann", 1);
    let mut client = site.connect(site.ours.trusting_and_showing(&shown), "staff.test");
    assert_eq!(ask(&mut client, "staff.test"), 200);
    site.staff.revoke(1);
    let done = site.daemon.call("POST /reload").unwrap();
    assert!(done.contains("reloaded"), "{done}");
    assert_eq!(ask(&mut client, "staff.test"), 403);
    site.staff.revoke(9);
    site.daemon.call("POST /reload").unwrap();
    let mut again = site.connect(site.ours.trusting_and_showing(&shown), "staff.test");
    assert_eq!(ask(&mut again, "staff.test"), 200);
    std::fs::write(site.staff.folder.path().join("crl.pem"), "broken").unwrap();
    let refused = site.daemon.call("POST /reload").unwrap();
    assert!(refused.contains("services.guest.tls.client_certificates"), "{refused}");
    assert_eq!(ask(&mut again, "staff.test"), 200, "what was in force goes on");
    let alarms = || site.daemon.status().unwrap()["alarms"].to_string();
    eventually("an alarm", || alarms().contains("visitors' certificates: a file has changed and is not used"));
}

#[test]
fn a_certificate_that_ends_counts_no_longer_on_connections_that_are_open_either() {
    let site = Site::start(9);
    // The machine may be too busy to get as far as a first request before it has ended.
    for seconds in [1, 4, 16] {
        let shown = site.staff.issue_brief("brief", 1, seconds);
        let config = site.ours.trusting_and_showing(&shown);
        let mut client = TlsClient::over_tls(site.listener(0), config, "staff.test");
        let mut status = [0; 12];
        let asked = client.stream.write_all(b"GET / HTTP/1.1\r\nHost: staff.test\r\n\r\n");
        if asked.and_then(|()| client.stream.read_exact(&mut status)).is_err() {
            continue;
        }
        assert_eq!(&status, b"HTTP/1.1 200");
        let length = field(&client.head(), "content-length").unwrap().parse().unwrap();
        client.stream.read_exact(&mut vec![0; length]).unwrap();
        eventually("it has ended", || ask(&mut client, "staff.test") == 403);
        let log = site.daemon.folder.path().join("access.log");
        eventually("the log says so", || std::fs::read_to_string(&log).unwrap().contains("PV"));
        return;
    }
    panic!("no request came through");
}
