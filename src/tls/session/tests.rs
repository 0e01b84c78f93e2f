use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};

use super::*;

/// A visitor's, and the certificate that we show.
fn session_and_certificate() -> (Session, CertificateDer<'static>) {
    let key = KeyPair::generate().expect("a key");
    let certificate = CertificateParams::new(vec!["www.test".to_owned()]).expect("a name").self_signed(&key);
    let certificate = certificate.expect("a certificate").der().clone();
    let chain = vec![certificate.clone()];
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.expect("both versions").with_no_client_auth();
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    let config = config.with_single_cert(chain, key).expect("they fit");
    let connection = UnbufferedServerConnection::new(Arc::new(config)).expect("a connection");
    (Session::new(Side::Server(connection)), certificate)
}

fn session() -> Session {
    session_and_certificate().0
}

/// Ours to a backend that shows this certificate, our first message not yet sent.
fn session_to(certificate: CertificateDer<'static>) -> Session {
    let mut roots = RootCertStore::empty();
    roots.add(certificate).expect("a certificate");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.expect("both versions").with_root_certificates(roots).with_no_client_auth();
    let name = ServerName::try_from("www.test").expect("a name");
    let connection = UnbufferedClientConnection::new(Arc::new(config), name).expect("a connection");
    let mut session = Session::new(Side::Client(connection));
    session.begin().expect("a first message");
    session
}

fn receive(session: &mut Session, bytes: &[u8]) -> io::Result<()> {
    session.receive(|room| {
        room[..bytes.len()].copy_from_slice(bytes);
        Ok(bytes.len())
    })
}

fn alert_in(received: io::Result<()>) -> Option<AlertDescription> {
    match received.expect_err("an alert").get_ref()?.downcast_ref()? {
        rustls::Error::AlertReceived(alert) => Some(*alert),
        _ => None,
    }
}

fn sent(session: &mut Session) -> Vec<u8> {
    let mut sent = Vec::new();
    let all = session.send(|data| {
        sent.extend_from_slice(data);
        Ok(data.len())
    });
    all.expect("all is taken");
    sent
}

#[test]
fn whoever_breaks_the_protocol_gets_one_alert_and_nothing_after_it() {
    let mut session = session();
    let request = b"GET / HTTP/1.1\r\n\r\n";
    let received = receive(&mut session, request);
    assert_eq!(received.map_err(|error| error.kind()), Err(io::ErrorKind::InvalidData));
    let alert = sent(&mut session);
    assert_eq!((alert[0], alert.len()), (21, 7), "{alert:?}");
    session.announce_end();
    assert!(session.encrypt(&[b"late"]).is_err());
    assert!(session.receive(|_| Ok(0)).is_err());
    assert_eq!(sent(&mut session), b"");
}

#[test]
fn the_alert_that_refuses_a_handshake_is_told_as_soon_as_it_has_come() {
    for (code, alert) in [(112, AlertDescription::UnrecognisedName), (40, AlertDescription::HandshakeFailure)] {
        let mut session = session_to(session_and_certificate().1);
        assert_eq!(sent(&mut session)[0], 22, "a handshake's");
        assert_eq!(alert_in(receive(&mut session, &[21, 3, 3, 0, 2, 2, code])), Some(alert));
        assert!(session.has_failed());
        assert_eq!(session.last_alert().and_then(LastAlert::get), Some(alert));
        assert_eq!(sent(&mut session), b"", "an alert is not answered");
    }
}

#[test]
fn what_came_before_an_alert_is_there_for_the_reader() {
    let (mut server, certificate) = session_and_certificate();
    let mut client = session_to(certificate);
    while client.is_handshaking() || server.is_handshaking() {
        receive(&mut server, &sent(&mut client)).expect("a message of ours");
        receive(&mut client, &sent(&mut server)).expect("a message of the server's");
    }
    // A server that answers, and then cannot go on: it has received what was not encrypted for it.
    server.encrypt(&[b"an answer"]).expect("traffic");
    assert!(receive(&mut server, &[23, 3, 3, 0, 17, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]).is_err());
    assert_eq!(alert_in(receive(&mut client, &sent(&mut server))), Some(AlertDescription::BadRecordMac));
    let mut room = [0; 32];
    let mut room = ReadBuf::new(&mut room);
    assert!(client.take_plaintext(&mut room));
    assert_eq!(room.filled(), b"an answer");
}
