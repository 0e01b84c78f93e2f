//! A real browser: Chromium, headless, speaks HTTP/2 with a proxy. Needs `chromium`; run with `-- --ignored`.

use std::io::Write;
use std::process::Command;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{KeyPair, PublicKeyData};
use tempfile::TempDir;

use crate::authority::Authority;
use crate::harness::{Proxy, Script, Setup, field};
use crate::tls::acceptor;

/// Sends forms side by side, and shows what came back and by which protocol the page itself came.
const PAGE: &str = "<!doctype html><body><script>
const form = n => fetch('/form/' + n, { method: 'POST', body: 'x'.repeat(100000) }).then(response => response.text());
Promise.all([...Array(20).keys()].map(form)).then(answers => {
    const page = performance.getEntriesByType('navigation')[0];
    document.body.textContent = page.nextHopProtocol + ' ' + answers.join(',');
});
</script>";

#[test]
#[ignore = "needs chromium"]
fn a_browser_speaks_http_2_with_the_proxy_and_gets_the_same_backend_by_its_cookie() {
    let authority = Authority::new();
    let files = authority.issue("www", &["www.test"]);
    let key = KeyPair::from_pem(&std::fs::read_to_string(&files.key_file).unwrap()).unwrap();
    let pin = STANDARD.encode(digest(&SHA256, &key.subject_public_key_info()));
    let backend = |name: &'static str| {
        Script::start(move |served, _| {
            while let Some(head) = served.head() {
                let length = field(&head, "Content-Length").map_or(0, |length| length.parse().unwrap());
                served.bytes(length);
                let body = if length > 0 { name } else { PAGE };
                let kind = if length > 0 { "text/plain" } else { "text/html" };
                let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n", body.len());
                let _ = served.stream.write_all((head + body).as_bytes());
            }
        })
    };
    let (first, second) = (backend("first"), backend("second"));
    let tls = Some(acceptor(&[("www.test", &[&files])], false));
    let proxy = Proxy::start(Setup { tls, sticky: true, ..Setup::default() }, &[first.address, second.address]);

    let profile = TempDir::new().unwrap();
    let browser = Command::new("chromium")
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--dump-dom"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args(["--virtual-time-budget=60000", &format!("--user-data-dir={}", profile.path().display())])
        .arg(format!("--ignore-certificate-errors-spki-list={pin}"))
        .arg(format!("--host-resolver-rules=MAP www.test:443 {}", proxy.address))
        .arg("https://www.test/")
        .output()
        .expect("chromium is installed (apt-get install chromium)");
    let shown = String::from_utf8_lossy(&browser.stdout);
    let answers = |name: &str| format!("h2 {}", vec![name; 20].join(","));
    assert!(
        shown.contains(&answers("first")) || shown.contains(&answers("second")),
        "{shown}\n{}",
        String::from_utf8_lossy(&browser.stderr)
    );
}
