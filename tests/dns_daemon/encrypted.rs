//! Queries over TLS: what is shown, what is bounded, and what a reload and a takeover leave alone.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use hickory_proto::op::{Message, ResponseCode};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{
    ClientConfig, ClientConnection, ProtocolVersion, RootCertStore, ServerConfig, ServerConnection, StreamOwned,
};
use serde_json::json;

use crate::fleet::*;
use crate::ports::free_address;

/// A nameserver that speaks TLS and HTTPS at these ports of TCP, and QUIC at the first one of UDP, and who issues its certificates.
pub struct Encrypted {
    pub daemon: Daemon,
    pub port: u16,
    pub https: u16,
    authority: CertifiedIssuer<'static, KeyPair>,
}

pub type Stream = StreamOwned<ClientConnection, TcpStream>;

impl Encrypted {
    pub fn prepare() -> Encrypted {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let mut daemon = Daemon::prepare(&Members::start(1));
        let (port, https) = (free_address().port(), free_address().port());
        daemon.document["encrypted"] = json!({
            "tls": [format!("127.0.0.1:{port}")],
            "https": [format!("127.0.0.1:{https}")],
            "quic": [format!("127.0.0.1:{port}")],
            "certificates": [{ "chain_file": "chain.pem", "key_file": "key.pem" }],
        });
        daemon.write_document();
        let encrypted = Encrypted { daemon, port, https, authority };
        encrypted.issue("ns.example.net");
        encrypted
    }

    pub fn start() -> Encrypted {
        let mut encrypted = Encrypted::prepare();
        encrypted.daemon.run();
        encrypted
    }

    /// Writes another certificate, for this name.
    fn issue(&self, name: &str) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let folder = self.daemon.folder.path();
        for (file, text) in
            [("chain.pem", params.signed_by(&key, &self.authority).unwrap().pem()), ("key.pem", key.serialize_pem())]
        {
            fs::write(folder.join("next"), text).unwrap();
            fs::rename(folder.join("next"), folder.join(file)).unwrap();
        }
    }

    /// A connection, its handshake over; `alpn` is what the client says that it speaks.
    pub fn connect(&self, name: &str, alpn: Option<&str>) -> std::io::Result<Stream> {
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let mut tcp = connect(self.port);
        let mut connection = ClientConnection::new(Arc::new(self.trusting(alpn)), name).unwrap();
        while connection.is_handshaking() {
            connection.complete_io(&mut tcp)?;
        }
        Ok(StreamOwned::new(connection, tcp))
    }

    /// A client that trusts the authority.
    pub fn trusting(&self, alpn: Option<&str>) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.authority.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let mut config = config.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = alpn.into_iter().map(|name| name.as_bytes().to_vec()).collect();
        config
    }

    pub fn metric(&self, line: &str) -> bool {
        block_on(self.daemon.client().get_text("/metrics")).unwrap().contains(line)
    }
}

pub fn ask(stream: &mut Stream, query: &[u8]) -> std::io::Result<Message> {
    stream.write_all(&[&(query.len() as u16).to_be_bytes()[..], query].concat())?;
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut message = vec![0; u16::from_be_bytes(length).into()];
    stream.read_exact(&mut message)?;
    Ok(Message::from_vec(&message).unwrap())
}

#[test]
fn queries_are_answered_over_tls_and_counted_apart() {
    let encrypted = Encrypted::start();
    for alpn in [Some("dot"), None] {
        let mut stream = encrypted.connect("ns.example.net", alpn).unwrap();
        assert_eq!(stream.conn.protocol_version(), Some(ProtocolVersion::TLSv1_3));
        assert_eq!(stream.conn.alpn_protocol(), alpn.map(str::as_bytes));
        for name in ["ns1.example.net", "www.example.net", "ns1.example.net"] {
            let answer = ask(&mut stream, &query(name, 1)).unwrap();
            assert!(answer.metadata.authoritative && !answer.answers.is_empty(), "{answer}");
        }
    }
    assert!(encrypted.connect("ns.example.net", Some("h2")).is_err(), "what is not spoken there");
    assert!(encrypted.connect("elsewhere.example", Some("dot")).is_err(), "the client sees that it is another name's");
    assert!(encrypted.metric("polder_responses_total{daemon=\"nameserver\",transport=\"tls\",rcode=\"NOERROR\"} 6\n"));
    assert!(encrypted.metric("polder_connections_accepted_total{daemon=\"nameserver\",transport=\"tls\"} 4\n"));
    wait_for("handshakes that failed", || {
        encrypted.metric("polder_handshakes_failed_total{daemon=\"nameserver\",transport=\"tls\"} 2\n").then_some(())
    });
    let listeners = encrypted.daemon.status().daemon.listeners;
    let (port, https) = (encrypted.port, encrypted.https);
    assert_eq!(
        listeners[1..],
        [(port, "tls"), (https, "https"), (port, "quic")].map(|(port, name)| format!("127.0.0.1:{port} ({name})"))
    );
}

#[test]
fn a_client_beyond_its_limit_is_closed_on_and_what_is_no_tls_harms_nobody() {
    let mut encrypted = Encrypted::prepare();
    encrypted.daemon.document["encrypted"]["connections_per_address"] = json!(2);
    encrypted.daemon.write_document();
    encrypted.daemon.run();
    let mut first = encrypted.connect("ns.example.net", None).unwrap();
    let mut plain = connect(encrypted.port);
    assert!(encrypted.connect("ns.example.net", None).is_err(), "a third");
    // A query in clear text: an alert, and the end.
    write_framed(&mut plain, &query("ns1.example.net", 1));
    let mut rest = Vec::new();
    let _ = plain.read_to_end(&mut rest);
    assert!(rest.len() < 16, "{rest:?}");
    wait_for("a free slot", || encrypted.connect("ns.example.net", None).ok());
    assert!(ask(&mut first, &query("ns1.example.net", 1)).is_ok());
    // What gets no answer ends the connection.
    assert!(ask(&mut first, &[0, 1, 0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0]).is_err());
}

#[test]
fn a_zone_is_transferred_over_tls_to_whoever_may_have_it() {
    let mut encrypted = Encrypted::prepare();
    encrypted.daemon.document["zones"]["example.net"]["transfer"] =
        json!({ "allow": [{ "networks": ["127.0.0.0/8"] }] });
    encrypted.daemon.write_document();
    encrypted.daemon.run();
    let mut stream = encrypted.connect("ns.example.net", Some("dot")).unwrap();
    let zone = ask(&mut stream, &query("example.net", 252)).unwrap();
    assert!(zone.answers.len() > 3 && zone.answers.first() == zone.answers.last(), "{zone}");
    assert_eq!(ask(&mut stream, &query("example.org", 252)).unwrap().metadata.response_code, ResponseCode::Refused);
}

#[test]
fn a_zone_comes_over_tls_from_a_primary_that_proves_who_it_is() {
    let mut primary = Encrypted::prepare();
    primary.daemon.document["zones"]["example.net"]["transfer"] = json!({ "allow": [{ "networks": ["127.0.0.0/8"] }] });
    primary.daemon.write_document();
    primary.daemon.run();
    let mut secondary = Daemon::prepare(&Members::start(1));
    let ca_file = secondary.folder.path().join("ca.pem");
    let from = |name: &str| {
        let tls = json!({ "ca_file": ca_file, "server_name": name });
        json!({ "example.net": { "primaries": [{ "address": format!("127.0.0.1:{}", primary.port), "tls": tls }] } })
    };
    secondary.document["pools"] = json!({});
    secondary.document["zones"] = from("other.example.net");
    secondary.write_document();
    let missing = secondary.output(&["--check-config"]);
    let said = text(&missing.stderr);
    assert!(missing.status.success() && said.contains("zones.example.net.primaries[0].tls: "), "{said}");
    fs::write(&ca_file, primary.authority.pem()).unwrap();
    secondary.run();
    wait_for("an alarm", || {
        let alarms = secondary.status().daemon.alarms.join("\n");
        alarms.contains("its certificate is for ns.example.net, and not for other.example.net").then_some(())
    });
    secondary.document["zones"] = from("ns.example.net");
    secondary.write_document();
    secondary.reload().unwrap();
    secondary.wait_answer("ns1.example.net", &["192.0.2.1"]);
    let refused = "polder_handshakes_failed_total{daemon=\"nameserver\",transport=\"tls\"} 1\n";
    assert!(primary.metric(refused), "the first one was refused by the secondary");
}

#[test]
fn a_new_certificate_comes_into_force_by_itself_and_one_that_cannot_be_used_is_an_alarm() {
    let encrypted = Encrypted::start();
    let mut before = encrypted.connect("ns.example.net", None).unwrap();
    encrypted.issue("new.example.net");
    wait_for("the new certificate", || encrypted.connect("new.example.net", None).ok());
    assert!(ask(&mut before, &query("ns1.example.net", 1)).is_ok());
    fs::write(encrypted.daemon.folder.path().join("key.pem"), "no key").unwrap();
    wait_for("the alarm", || {
        let alarms = encrypted.daemon.status().daemon.alarms.join("\n");
        alarms.contains("a new certificate is not used").then_some(())
    });
    assert!(encrypted.connect("new.example.net", None).is_ok(), "the one before goes on");
    let refused = format!("{:?}", encrypted.daemon.reload().unwrap_err());
    assert!(refused.contains("encrypted.certificates[0]") && !refused.contains("no key\""), "{refused}");
}

#[test]
fn a_start_with_a_certificate_that_cannot_be_used_answers_all_the_same_and_a_reload_mends_it() {
    let mut encrypted = Encrypted::prepare();
    fs::remove_file(encrypted.daemon.folder.path().join("chain.pem")).unwrap();
    encrypted.daemon.run();
    assert!(encrypted.connect("ns.example.net", None).is_err());
    encrypted.daemon.wait_answer("ns1.example.net", &["192.0.2.1"]);
    let alarms = encrypted.daemon.status().daemon.alarms.join("\n");
    assert!(alarms.contains("a certificate cannot be used"), "{alarms}");
    let checked = encrypted.daemon.output(&["--check-config"]);
    assert!(checked.status.success() && text(&checked.stderr).contains("chain.pem"), "{}", text(&checked.stderr));
    encrypted.issue("ns.example.net");
    encrypted.daemon.reload().unwrap();
    assert!(encrypted.connect("ns.example.net", None).is_ok());
}

#[test]
fn a_reload_and_a_takeover_leave_connections_alone_and_new_ones_are_always_taken() {
    let mut encrypted = Encrypted::start();
    let mut before = encrypted.connect("ns.example.net", None).unwrap();
    encrypted.daemon.write_zone(2, "more A 192.0.2.7");
    encrypted.daemon.reload().unwrap();
    assert_eq!(ask(&mut before, &query("more.example.net", 1)).unwrap().answers.len(), 1);
    let mut old = encrypted.daemon.process.take().unwrap();
    let new = encrypted.daemon.spawn(&["--takeover"]);
    encrypted.daemon.wait_ready(new.id());
    encrypted.daemon.process = Some(new);
    let mut after = encrypted.connect("ns.example.net", None).unwrap();
    assert_eq!(ask(&mut after, &query("more.example.net", 1)).unwrap().answers.len(), 1);
    // The process before goes on for its drain, and no longer.
    let _ = ask(&mut before, &query("more.example.net", 1));
    wait_exit(&mut old, &encrypted.daemon);
    assert!(ask(&mut before, &query("more.example.net", 1)).is_err());
    encrypted.daemon.document.as_object_mut().unwrap().remove("encrypted");
    encrypted.daemon.write_document();
    encrypted.daemon.reload().unwrap();
    assert!(TcpStream::connect(("127.0.0.1", encrypted.port)).is_err(), "nobody listens there any more");
}

#[test]
fn a_primary_that_wants_a_certificate_is_said_to_want_one_though_its_alert_comes_behind_the_handshake() {
    let primary = Encrypted::prepare();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(primary.authority.der().clone()).unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build().unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["ns.example.net".to_owned()]).unwrap();
    let chain = vec![params.signed_by(&key, &primary.authority).unwrap().der().clone()];
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = Arc::new(config.with_client_cert_verifier(verifier).with_single_cert(chain, key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut tcp in listener.incoming().flatten() {
            let mut connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            while connection.complete_io(&mut tcp).is_ok() {}
        }
    });
    let mut secondary = Daemon::prepare(&Members::start(1));
    let ca_file = secondary.folder.path().join("ca.pem");
    fs::write(&ca_file, primary.authority.pem()).unwrap();
    let tls = json!({ "ca_file": ca_file, "server_name": "ns.example.net" });
    secondary.document["pools"] = json!({});
    secondary.document["zones"] = json!({ "example.net": { "primaries": [{ "address": address, "tls": tls }] } });
    secondary.write_document();
    secondary.run();
    wait_for("an alarm", || {
        let alarms = secondary.status().daemon.alarms.join("\n");
        alarms.contains("wants to be shown a certificate (primaries[].tls.client_certificate)").then_some(())
    });
}
