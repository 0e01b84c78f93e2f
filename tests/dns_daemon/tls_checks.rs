//! Members that are probed over TLS.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::json;

use crate::fleet::{Daemon, Members, POOL, wait_for};

/// A member, and the requests that it has had.
struct Member {
    requests: Arc<Mutex<Vec<String>>>,
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

impl Member {
    /// With a certificate for `proxy.test`.
    fn serve(listener: TcpListener, authority: &CertifiedIssuer<'static, KeyPair>) -> Member {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["proxy.test".to_owned()]).unwrap();
        let chain = vec![params.signed_by(&key, authority).unwrap().der().clone()];
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = Arc::new(config.with_no_client_auth().with_single_cert(chain, key).unwrap());
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let kept = Arc::clone(&requests);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mut stream = StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), stream);
                let mut head = [0; 1024];
                let Ok(length) = stream.read(&mut head) else { continue };
                kept.lock().unwrap().push(String::from_utf8_lossy(&head[..length]).into_owned());
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            }
        });
        Member { requests }
    }
}

/// One port at 127.0.0.1 and 127.0.0.2.
fn listeners() -> [TcpListener; 2] {
    wait_for("one port on two addresses", || {
        let first = TcpListener::bind("127.0.0.1:0").unwrap();
        let second = TcpListener::bind(("127.0.0.2", first.local_addr().unwrap().port())).ok()?;
        Some([first, second])
    })
}

#[test]
fn a_member_whose_certificate_is_not_to_be_believed_is_answered_only_where_nothing_is_verified() {
    let (ours, others) = (authority(), authority());
    let [first, second] = listeners();
    let port = first.local_addr().unwrap().port();
    let (member, _other) = (Member::serve(first, &ours), Member::serve(second, &others));
    let mut daemon = Daemon::prepare(&Members::start(1));
    let ca_file = daemon.folder.path().join("ca.pem");
    let write = |path: &Path, text: &str| std::fs::write(path, text).unwrap();
    write(&ca_file, &ours.pem());
    daemon.document["pools"][POOL]["members"] = json!({
        "m1": { "addresses": ["127.0.0.1"] }, "m2": { "addresses": ["127.0.0.2"] }
    });
    daemon.document["pools"][POOL]["check"] = json!({
        "port": port, "interval": "50ms", "tls": { "ca_file": ca_file, "server_name": "proxy.test" }
    });
    daemon.write_document();
    daemon.run();
    daemon.wait_answer(POOL, &["127.0.0.1"]);
    let asked = member.requests.lock().unwrap()[0].clone();
    assert!(asked.starts_with("GET /.polder/ready HTTP/1.1\r\n"), "{asked}");
    assert!(asked.to_lowercase().contains("\r\nhost: proxy.test\r\n"), "{asked}");
    let why = format!("TLS: its certificate is not from an authority in {}", ca_file.display());
    assert!(daemon.get("/status").unwrap().to_string().contains(&why), "{}", daemon.get("/status").unwrap());

    // Whoever may have issued them, in the file that is read again.
    let beside = daemon.folder.path().join("new.pem");
    write(&beside, &(ours.pem() + &others.pem()));
    std::fs::rename(&beside, &ca_file).unwrap();
    daemon.wait_answer(POOL, &["127.0.0.1", "127.0.0.2"]);

    write(&ca_file, "rubbish");
    let output = daemon.output(&["--check-config"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("check.tls: ") && said.contains("ca.pem"), "{said}");
    wait_for("an alarm", || {
        let status = daemon.status();
        status.daemon.alarms.iter().any(|alarm| alarm.contains("a file has changed and is not used")).then_some(())
    });

    write(&ca_file, &ours.pem());
    daemon.document["pools"][POOL]["check"]["tls"] = json!({ "verify": false, "server_name": "proxy.test" });
    daemon.write_document();
    daemon.post("/reload", &json!({})).unwrap();
    daemon.wait_answer(POOL, &["127.0.0.1", "127.0.0.2"]);
}
