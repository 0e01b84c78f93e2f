//! Clients that others have written resolve through polder-dns over encrypted transports: kdig over TLS and HTTPS, curl over HTTPS.
//!
//! Debian 12's kdig does not speak QUIC; what does is tested with the `quinn` crate's client (tests/dns_daemon/encrypted_streams.rs).
//! Needs kdig and curl (Debian's knot-dnsutils and curl), and so is apart from `cargo test`: `cargo test --test encrypted -- --ignored --nocapture`.

#![allow(clippy::disallowed_methods, reason = "blocking clients poll with a limit")]
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod nameserver;
#[path = "../common/ports.rs"]
mod ports;

use std::process::Command;

use nameserver::{NAME, Nameserver};

/// What a program prints, errors too.
fn printed(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

fn kdig(nameserver: &Nameserver, port: u16, arguments: &[&str]) -> String {
    let (port, ca) = (port.to_string(), format!("+tls-ca={}", nameserver.ca_file().display()));
    let host = format!("+tls-hostname={NAME}");
    let common = ["@127.0.0.1", "-p", &port, &ca, &host, "+retry=0", "+timeout=20"];
    printed("kdig", &[&common[..], arguments].concat())
}

/// The length of an answer, as kdig prints it.
fn length(printed: &str) -> usize {
    let (_, line) = printed.split_once(";; Received ").unwrap_or_else(|| panic!("{printed}"));
    line.split_once(' ').unwrap().0.parse().unwrap()
}

#[test]
#[ignore = "needs kdig: see CONTRIBUTING.md"]
fn kdig_resolves_over_tls_with_a_certificate_that_it_verifies() {
    let nameserver = Nameserver::start();
    for (arguments, expected) in [
        (&["www.example.net", "A"][..], "192.0.2.80"),
        (&["www.example.net", "AAAA"], "2001:db8::80"),
        (&["nothing.example.net", "A"], "NXDOMAIN"),
        (&["many.example.net", "TXT"], "text 199 "),
    ] {
        let printed = kdig(&nameserver, nameserver.tls, &[&["+tls"], arguments].concat());
        assert!(printed.contains(expected) && printed.contains("TLS1.3"), "{printed}");
    }
    // Of a transfer it says nothing about TLS, which is all that is spoken there.
    let zone = kdig(&nameserver, nameserver.tls, &["+tls", "example.net", "AXFR"]);
    assert!(zone.contains("text 199 ") && zone.contains("1 messages, 207 records"), "{zone}");
    let elsewhere = printed(
        "kdig",
        &[
            "@127.0.0.1",
            "-p",
            &nameserver.tls.to_string(),
            &format!("+tls-ca={}", nameserver.ca_file().display()),
            "+tls-hostname=elsewhere.example",
            "+retry=0",
            "www.example.net",
        ],
    );
    assert!(!elsewhere.contains("192.0.2.80"), "a certificate of another name: {elsewhere}");
}

#[test]
#[ignore = "needs kdig: see CONTRIBUTING.md"]
fn answers_to_queries_that_are_padded_are_all_of_one_length_but_long_ones() {
    let nameserver = Nameserver::start();
    let padded = |arguments: &[&str]| length(&kdig(&nameserver, nameserver.tls, &[&["+tls"], arguments].concat()));
    for name in ["www.example.net", "nothing.example.net", "example.org"] {
        assert_eq!(padded(&["+padding=128", name]), 468, "{name}");
    }
    let long = padded(&["+padding=128", "many.example.net", "TXT"]);
    assert!(long > 468 && long % 468 == 0, "{long}");
    assert!(padded(&["+nopadding", "www.example.net"]) < 100);
}

#[test]
#[ignore = "needs kdig: see CONTRIBUTING.md"]
fn queries_that_are_sent_one_after_the_other_share_a_connection() {
    let nameserver = Nameserver::start();
    let printed = kdig(
        &nameserver,
        nameserver.tls,
        &["+tls", "+keepopen", "www.example.net", "A", "example.net", "SOA", "nothing.example.net", "A"],
    );
    assert!(
        printed.contains("192.0.2.80") && printed.contains("hostmaster") && printed.contains("NXDOMAIN"),
        "{printed}"
    );
    nameserver.wait_metric("polder_connections_accepted_total{daemon=\"nameserver\",transport=\"tls\"} ", 1);
}

#[test]
#[ignore = "needs kdig: see CONTRIBUTING.md"]
fn kdig_resolves_over_https_by_get_and_by_post() {
    let nameserver = Nameserver::start();
    for method in ["+https", "+https-get"] {
        for (arguments, expected) in [
            (&["www.example.net", "A"][..], "192.0.2.80"),
            (&["nothing.example.net", "A"], "NXDOMAIN"),
            (&["many.example.net", "TXT"], "text 199 "),
        ] {
            let printed = kdig(&nameserver, nameserver.https, &[&["+https", method], arguments].concat());
            assert!(printed.contains(expected) && printed.contains("HTTP/2"), "{printed}");
        }
    }
    let elsewhere = kdig(&nameserver, nameserver.https, &["+https=127.0.0.1/elsewhere", "www.example.net"]);
    assert!(elsewhere.contains("404"), "{elsewhere}");
    assert_eq!(length(&kdig(&nameserver, nameserver.https, &["+https", "+padding=128", "www.example.net"])), 468);
}

#[test]
#[ignore = "needs curl: see CONTRIBUTING.md"]
fn curl_finds_a_host_over_https() {
    let nameserver = Nameserver::start();
    let (url, ca) = (format!("https://{NAME}:{}/dns-query", nameserver.https), nameserver.ca_file());
    // Where the nameserver itself is it is told; where the host is only the nameserver can tell.
    let resolve = format!("{NAME}:{}:127.0.0.1", nameserver.https);
    let printed = printed(
        "curl",
        &[
            "-sv",
            "--max-time",
            "20",
            "--doh-url",
            &url,
            "--doh-insecure",
            "--cacert",
            &ca.display().to_string(),
            "--resolve",
            &resolve,
            "http://self.example.net:9/",
        ],
    );
    assert!(printed.contains("127.0.0.9"), "{printed}");
    nameserver.wait_metric("polder_responses_total{daemon=\"nameserver\",transport=\"https\",rcode=\"NOERROR\"} ", 2);
}
