//! The same over TLS: which certificate is shown, who gets in with one of his own, and that HTTP/2 is spoken. By clients of OpenSSL.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::beside::Pair;

const VERSIONS: [&str; 2] = ["--http1.1", "--http2"];

/// What a visitor gets: status, version of HTTP and content; none, if the connection is refused.
fn visit(address: SocketAddr, url: &str, version: &str, own: Option<&Path>) -> Option<String> {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--insecure", "--max-time", "60", version]);
    curl.arg("--connect-to").arg(format!("::{address}"));
    if let Some(own) = own {
        curl.arg("--cert").arg(own);
    }
    let output = curl.args(["--write-out", " %{http_code} HTTP/%{http_version}", url]).output().unwrap();
    output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
}

/// Whose certificate is shown to who names this host, or none.
fn shown(address: SocketAddr, host: Option<&str>) -> Option<String> {
    let mut client = Command::new("openssl");
    client.args(["s_client", "-connect", &address.to_string()]).stdin(Stdio::null());
    match host {
        Some(host) => client.args(["-servername", host]),
        None => client.arg("-noservername"),
    };
    let output = client.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let certificate = text.split_once("-----BEGIN").and_then(|(_, rest)| rest.split_once("-----END"));
    certificate.map(|(certificate, _)| certificate.to_owned())
}

impl Pair {
    /// Beside named ones, clients that name `unnamed`.
    fn compare_over_tls(&self, unnamed: &[Option<&str>]) {
        let [theirs, ours] = [self.theirs.secure, self.ours.secure];
        for host in [Some("a.test"), Some("b.test"), Some("B.test")].iter().chain(unnamed) {
            let ours = shown(ours, *host);
            assert!(ours.is_some(), "{host:?}");
            assert_eq!(shown(theirs, *host), ours, "the certificate for {host:?}");
        }
        for url in ["https://a.test/x?y", "https://b.test/", "https://A.test/x"] {
            for version in VERSIONS {
                let [theirs, ours] = [theirs, ours].map(|address| visit(address, url, version, None));
                assert!(ours.as_ref().is_some_and(|got| got.contains(" 200 ")), "{url} {version}: {ours:?}");
                assert_eq!(theirs, ours, "{url} {version}");
            }
        }
    }

    /// Refused is refused, in the handshake or behind it.
    fn compare_visitors(&self) {
        let visitors =
            [None, Some("known.pem"), Some("stranger.pem")].map(|one| one.map(|one| self.folder.path().join(one)));
        for (visitor, is_let_in) in visitors.iter().zip([false, true, false]) {
            for version in VERSIONS {
                for address in [self.theirs.secure, self.ours.secure] {
                    let got = visit(address, "https://a.test/x", version, visitor.as_deref());
                    let served = got.as_ref().is_some_and(|got| got.contains(" 200 "));
                    assert_eq!(served, is_let_in, "{visitor:?} {version} at {address}: {got:?}");
                }
            }
        }
    }
}

#[test]
#[ignore = "needs HAProxy: see CONTRIBUTING.md"]
fn an_imported_site_shows_the_certificates_that_haproxy_does() {
    Pair::start("haproxy", "secure.cfg").compare_over_tls(&[Some("other.test"), None]);
}

#[test]
#[ignore = "needs HAProxy: see CONTRIBUTING.md"]
fn an_imported_site_lets_in_the_visitors_that_haproxy_does() {
    Pair::start("haproxy", "visitors.cfg").compare_visitors();
}

#[test]
#[ignore = "needs Caddy: see CONTRIBUTING.md"]
fn an_imported_site_shows_the_certificates_that_caddy_does() {
    // An unknown name is refused by Caddy 2.6, and told as changed by the import.
    Pair::start("caddy", "secure.Caddyfile").compare_over_tls(&[None]);
}

#[test]
#[ignore = "needs Caddy: see CONTRIBUTING.md"]
fn an_imported_site_lets_in_the_visitors_that_caddy_does() {
    Pair::start("caddy", "visitors.Caddyfile").compare_visitors();
}
