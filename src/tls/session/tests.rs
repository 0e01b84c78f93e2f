use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;

use super::*;

fn session() -> Session {
    let key = KeyPair::generate().expect("a key");
    let certificate = CertificateParams::new(vec!["www.test".to_owned()]).expect("a name").self_signed(&key);
    let chain = vec![certificate.expect("a certificate").der().clone()];
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.expect("both versions").with_no_client_auth();
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    let config = config.with_single_cert(chain, key).expect("they fit");
    Session::new(Side::Server(UnbufferedServerConnection::new(Arc::new(config)).expect("a connection")))
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
    let received = session.receive(|room| {
        room[..request.len()].copy_from_slice(request);
        Ok(request.len())
    });
    assert_eq!(received.map_err(|error| error.kind()), Err(io::ErrorKind::InvalidData));
    let alert = sent(&mut session);
    assert_eq!((alert[0], alert.len()), (21, 7), "{alert:?}");
    session.announce_end();
    assert!(session.encrypt(&[b"late"]).is_err());
    assert!(session.receive(|_| Ok(0)).is_err());
    assert_eq!(sent(&mut session), b"");
}
