//! Pebble, with a certificate of its own and a nameserver of ours.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::json;

use super::eventually;
use super::nameserver::Nameserver;

/// A CA that may not have been started yet: where it will be is known.
pub struct Ca {
    folder: tempfile::TempDir,
    directory: SocketAddr,
    management: SocketAddr,
    own_roots: RootCertStore,
    /// The keys of its customers by their names; with any it makes accounts for customers alone.
    customers: BTreeMap<String, String>,
}

/// A CA that runs.
pub struct Running {
    ca: Ca,
    process: Child,
    pub nameserver: Nameserver,
}

impl Drop for Running {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("Pebble:\n{}", self.log());
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The same at a host of its own, from which no connection comes: nobody takes the port before it is used.
fn free_for_long() -> SocketAddr {
    let host = [127, fastrand::u8(1..=254), fastrand::u8(1..=254), fastrand::u8(2..=254)];
    std::net::TcpListener::bind((std::net::Ipv4Addr::from(host), 0)).unwrap().local_addr().unwrap()
}

impl Ca {
    /// Makes what it needs.
    pub fn new() -> Ca {
        let folder = tempfile::tempdir().unwrap();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root = params.self_signed(&key).unwrap();
        let own_key = KeyPair::generate().unwrap();
        let (directory, management) = (free_for_long(), free_for_long());
        let hosts = [directory, management].map(|address| address.ip().to_string());
        let own = CertificateParams::new(hosts.to_vec()).unwrap();
        let own = own.signed_by(&own_key, &Issuer::from_params(&params, &key)).unwrap();
        std::fs::write(folder.path().join("root.pem"), root.pem()).unwrap();
        std::fs::write(folder.path().join("own.pem"), own.pem()).unwrap();
        std::fs::write(folder.path().join("own.key"), own_key.serialize_pem()).unwrap();
        let mut own_roots = RootCertStore::empty();
        own_roots.add(root.der().clone()).unwrap();
        Ca { folder, directory, management, own_roots, customers: BTreeMap::new() }
    }

    /// The same, but it makes accounts for those alone who show that they have this key, in base64 for URLs (RFC 8555, 7.3.4).
    pub fn for_customer(self, key_id: &str, key: &str) -> Ca {
        Ca { customers: [(key_id.to_owned(), key.to_owned())].into(), ..self }
    }

    /// The URL of its directory.
    pub fn url(&self) -> String {
        format!("https://{}/dir", self.directory)
    }

    /// The roots of its own https.
    pub fn ca_file(&self) -> PathBuf {
        self.folder.path().join("root.pem")
    }

    /// Roots that none of the proxies' certificates is from.
    pub fn unrelated_roots(&self) -> RootCertStore {
        self.own_roots.clone()
    }

    /// Starts it: it asks hosts at this port, and its certificates are valid for so many seconds.
    pub fn start(self, http_port: u16, seconds: &str) -> Running {
        self.start_with(http_port, seconds, &[("PEBBLE_WFE_NONCEREJECT", "0")])
    }

    pub fn start_with(self, http_port: u16, seconds: &str, environment: &[(&str, &str)]) -> Running {
        let nameserver = Nameserver::start();
        let at = nameserver.address();
        self.start_at((nameserver, at), http_port, seconds, environment)
    }

    /// The same, but it asks a nameserver elsewhere.
    pub fn start_asking(self, at: SocketAddr, http_port: u16, seconds: &str) -> Running {
        self.start_at((Nameserver::start(), at), http_port, seconds, &[("PEBBLE_WFE_NONCEREJECT", "0")])
    }

    fn start_at(
        self,
        (nameserver, asked): (Nameserver, SocketAddr),
        http_port: u16,
        seconds: &str,
        environment: &[(&str, &str)],
    ) -> Running {
        let file = |name: &str| self.folder.path().join(name).display().to_string();
        let config = json!({ "pebble": {
            "listenAddress": self.directory.to_string(),
            "managementListenAddress": self.management.to_string(),
            "certificate": file("own.pem"),
            "privateKey": file("own.key"),
            "httpPort": http_port,
            "tlsPort": http_port,
            "ocspResponderURL": "",
            "externalAccountBindingRequired": !self.customers.is_empty(),
            "externalAccountMACKeys": self.customers,
            "certificateValidityPeriod": seconds.parse::<u64>().unwrap(),
        } });
        std::fs::write(file("pebble.json"), config.to_string()).unwrap();
        let log = std::fs::File::create(file("pebble.log")).unwrap();
        let process = Command::new("pebble")
            .args(["-config", &file("pebble.json"), "-dnsserver", &asked.to_string()])
            .env("PEBBLE_VA_NOSLEEP", "1")
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .expect("Pebble can be started: see CONTRIBUTING.md");
        let running = Running { ca: self, process, nameserver };
        eventually("Pebble listens", || TcpStream::connect(running.ca.directory).is_ok());
        running
    }
}

impl Running {
    /// What it has said.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.ca.folder.path().join("pebble.log")).unwrap()
    }

    /// The roots of the certificates that it issues.
    pub fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.root().as_bytes()).unwrap()).unwrap();
        roots
    }

    /// The same in a file.
    pub fn roots_file(&self) -> PathBuf {
        let root = self.root();
        let file = self.ca.folder.path().join("issuing-root.pem");
        std::fs::write(&file, &root[root.find("-----BEGIN").unwrap()..]).unwrap();
        file
    }

    fn root(&self) -> String {
        let request = "GET /roots/0 HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
        let management = self.ca.management;
        over_tls(management, &management.ip().to_string(), &self.ca.own_roots, request).unwrap().1
    }
}

/// Asks over TLS: gives the server's certificate, and all that it says.
pub fn over_tls(
    at: SocketAddr,
    name: &str,
    roots: &RootCertStore,
    request: &str,
) -> Result<(CertificateDer<'static>, String), String> {
    exchange_over_tls(at, name, roots, request.as_bytes(), |tls| {
        let mut answer = String::new();
        // Who closes without close_notify has said all that there is.
        let _ = tls.read_to_string(&mut answer);
        Ok(answer)
    })
}

/// The same of any bytes, whose answer `read` takes.
pub fn exchange_over_tls<T>(
    at: SocketAddr,
    name: &str,
    roots: &RootCertStore,
    request: &[u8],
    read: impl FnOnce(&mut dyn Read) -> std::io::Result<T>,
) -> Result<(CertificateDer<'static>, T), String> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(roots.clone()).with_no_client_auth();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let stream = TcpStream::connect(at).map_err(|error| error.to_string())?;
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut tls = StreamOwned::new(ClientConnection::new(Arc::new(config), name).unwrap(), stream);
    tls.write_all(request).map_err(|error| format!("{error:?}"))?;
    let certificate = tls.conn.peer_certificates().unwrap()[0].clone().into_owned();
    let answer = read(&mut tls).map_err(|error| error.to_string())?;
    Ok((certificate, answer))
}
