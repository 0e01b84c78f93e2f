//! What is wrong with TLS, in words for the operator.

use super::PROXY;

const LISTENER: (&str, &str) = (r#""address": "[::]:80""#, r#""address": "[::]:443", "protocol": "https""#);
const TLS: (&str, &str) = (
    r#""mode": "stateless","#,
    r#""mode": "stateless", "tls": { "certificates": [{ "chain_file": "/c.pem", "key_file": "/k.pem" }] },"#,
);

#[test]
fn a_service_and_a_listener_of_tls_need_each_other() {
    PROXY.refuses(&[
        (&[LISTENER, TLS], &[]),
        (
            &[TLS],
            &["proxy.json:24: services.www.tls: no listener speaks https, so nobody could reach it over TLS: add a listener with \"protocol\": \"https\", or take this out"],
        ),
        (
            &[LISTENER],
            &["proxy.json:4: listeners: a listener speaks https, and no service has \"tls\": every connection there would be refused; give a service its certificates, or take the listener out"],
        ),
    ]);
}

#[test]
fn a_default_names_a_service_with_tls() {
    PROXY.refuses(&[
        (&[LISTENER, TLS, (r#"  "workers": 2,"#, r#"  "workers": 2, "tls": { "default": "www" },"#)], &[]),
        (
            &[LISTENER, TLS, (r#"  "workers": 2,"#, r#"  "workers": 2, "tls": { "default": "shop" },"#)],
            &[r#"proxy.json:15: tls.default: the service "shop" has no "tls""#],
        ),
        (
            &[LISTENER, TLS, (r#"  "workers": 2,"#, r#"  "workers": 2, "tls": { "default": "shops" },"#)],
            &[r#"proxy.json:15: tls.default: there is no service "shops""#],
        ),
    ]);
}

#[test]
fn visitors_are_sent_to_https_only_where_there_is_https() {
    PROXY.refuses(&[
        (&[LISTENER, TLS, (r#""mode": "stateless","#, r#""mode": "stateless", "https": "redirect", "hsts": {},"#)], &[]),
        (
            &[(r#""mode": "stateless","#, r#""mode": "stateless", "https": "redirect", "hsts": {},"#)],
            &[
                r#"proxy.json:24: services.www.https: visitors cannot come over https: the service has no "tls""#,
                r#"proxy.json:24: services.www.hsts: has no meaning where the service has no "tls"; leave it out"#,
            ],
        ),
        (
            &[LISTENER, TLS, (r#""mode": "stateless","#, r#""mode": "stateless", "https": "always","#)],
            &[r#"proxy.json:24: services.www.https: "always" is not one of "optional", "redirect""#],
        ),
        (
            &[LISTENER, TLS, (r#""mode": "stateless","#, r#""mode": "stateless", "hsts": { "preload": true },"#)],
            &["proxy.json:24: services.www.hsts: \"preload\" needs a \"max_age\" of 365d or more, and \"include_subdomains\": browsers' lists take no other (hstspreload.org)"],
        ),
    ]);
}

#[test]
fn a_certificate_is_two_files() {
    PROXY.refuses(&[
        (
            &[LISTENER, TLS, (r#", "key_file": "/k.pem""#, "")],
            &[r#"proxy.json:24: services.www.tls.certificates[0]: the key "key_file" is missing"#],
        ),
        (
            &[LISTENER, TLS, (r#"{ "chain_file": "/c.pem", "key_file": "/k.pem" }"#, "")],
            &["proxy.json:24: services.www.tls.certificates: needs at least one certificate"],
        ),
    ]);
}

const ASKS: (&str, &str) = (
    r#""mode": "stateless","#,
    r#""mode": "stateless", "tls": { "certificates": [{ "chain_file": "/c.pem", "key_file": "/k.pem" }], "client_certificates": { "ca_file": "/ca.pem" } },"#,
);

#[test]
fn visitors_are_asked_for_certificates_of_an_authority_and_of_one_for_each_host() {
    const MISSPELT: (&str, &str) = (r#"{ "ca_file": "/ca.pem" }"#, r#"{ "mode": "always", "ca": "/ca.pem" }"#);
    const BESIDE: (&str, &str) = (
        r#""services": {"#,
        r#""services": { "docs": { "hosts": ["www.example.net"], "paths": ["/docs"], "mode": "stateful", "cookie": { "name": "docs", "value": "address" },
          "backends": [{ "name": "web9", "address": "192.0.2.99:80" }], "failover": "automatic",
          "tls": { "certificates": [{ "chain_file": "/c.pem", "key_file": "/k.pem" }], "client_certificates": { "ca_file": "/other.pem" } } },"#,
    );
    PROXY.refuses(&[
        (&[LISTENER, ASKS], &[]),
        (
            &[LISTENER, ASKS, MISSPELT],
            &[
                r#"proxy.json:24: services.www.tls.client_certificates.ca: unknown key; known here: ca_file, crl_file, mode"#,
                r#"proxy.json:24: services.www.tls.client_certificates.mode: "always" is not one of "optional", "required""#,
                r#"proxy.json:24: services.www.tls.client_certificates: the key "ca_file" is missing"#,
            ],
        ),
        (
            &[LISTENER, ASKS, BESIDE],
            &["proxy.json:26: services.www.tls: visitors of www.example.net are asked for certificates of another authority at services.docs.tls, line 22, and a handshake, which knows the host and no path, asks by one: give both services the same \"ca_file\" and \"crl_file\""],
        ),
    ]);
}

const BACKEND_TLS: (&str, &str) = (
    r#""mode": "stateless","#,
    r#""mode": "stateless", "backend_tls": { "ca_file": "/ca.pem", "server_name": "web.test" },"#,
);

#[test]
fn tls_to_backends_says_whom_to_believe() {
    PROXY.refuses(&[
        (&[BACKEND_TLS], &[]),
        (
            &[BACKEND_TLS, (r#""ca_file": "/ca.pem", "#, "")],
            &[r#"proxy.json:24: services.www.backend_tls: the key "ca_file" is missing"#],
        ),
        (
            &[BACKEND_TLS, ("web.test", "web.test:443")],
            &[r#"proxy.json:24: services.www.backend_tls.server_name: "web.test:443" is not a host: it has a port; write the name alone, it counts on every port"#],
        ),
        (
            &[BACKEND_TLS, (r#""server_name""#, r#""verify": false, "server_name""#)],
            &[r#"proxy.json:24: services.www.backend_tls.verify: unknown key; known here: ca_file, client_certificate, server_name"#],
        ),
    ]);
}

#[test]
fn a_protocol_of_backends_fits_what_else_the_service_says() {
    const H2C: (&str, &str) = (r#""mode": "stateless","#, r#""mode": "stateless", "protocol": "h2c","#);
    const H2: (&str, &str) = (r#""mode": "stateless","#, r#""mode": "stateless", "protocol": "h2","#);
    PROXY.refuses(&[
        (&[H2C], &[]),
        (&[BACKEND_TLS, H2], &[]),
        (
            &[H2],
            &[r#"proxy.json:24: services.www.protocol: "h2" is HTTP/2 over TLS, and the service has no "backend_tls": add it, or say "h2c" for clear text"#],
        ),
        (
            &[BACKEND_TLS, H2C],
            &[r#"proxy.json:24: services.www.protocol: "h2c" is HTTP/2 in clear text, and the service has "backend_tls": say "h2""#],
        ),
        (
            &[H2C, (r#""protocol": "h2c","#, r#""protocol": "h2c", "send_proxy": "v2","#)],
            &[concat!(
                "proxy.json:24: services.www.send_proxy: connections of HTTP/2 carry the requests of all visitors at a time, and ",
                r#"the header names one: leave it out, or say "protocol": "http1""#
            )],
        ),
        (
            &[(r#""mode": "stateless","#, r#""mode": "stateless", "send_proxy": "v1", "reuse": "safe","#)],
            &[concat!(
                r#"proxy.json:24: services.www.reuse: with "send_proxy" a connection is of the visitor whom it names, and nobody "#,
                r#"else's requests go over it: say "never", or leave it out"#
            )],
        ),
        (
            &[H2C, (r#""protocol": "h2c","#, r#""protocol": "h2c", "reuse": "never","#)],
            &["proxy.json:24: services.www.reuse: connections of HTTP/2 carry the requests of all visitors at a time: take this out"],
        ),
    ]);
}

const ACME: (&str, &str) = (r#""workers": 2,"#, r#""workers": 2, "acme": { "terms_of_service_agreed": true },"#);
const BOTH: (&str, &str) =
    (r#""address": "[::]:80""#, r#""address": "[::]:80" }, { "name": "s", "address": "[::]:443", "protocol": "https""#);
const HOST: &str = r#""hosts": ["www.example.net"]"#;
const DNS: (&str, &str) = (r#""tls": "acme""#, r#""tls": { "acme": { "challenge": "dns-01" } }"#);
const TWO_SOURCES: &str =
    r#""tls": { "acme": {}, "certificates": [{ "chain_file": "/c.pem", "key_file": "/k.pem" }] }"#;
const ORDERED: (&str, &str) = (r#""mode": "stateless","#, r#""mode": "stateless", "tls": "acme","#);

#[test]
fn a_certificate_from_a_ca_needs_a_ca_whose_terms_are_agreed_to() {
    let without = r#"proxy.json:24: services.www.tls: its certificate is to come from a CA, and the document does not say from which: add "acme": { "terms_of_service_agreed": true } beside "services""#;
    let terms = r#"proxy.json:15: acme: the CA gives certificates to those who agree to its terms of service, which https://acme-v02.api.letsencrypt.org/directory links to: read them and write "terms_of_service_agreed": true"#;
    PROXY.refuses(&[
        (&[BOTH, ACME, ORDERED], &[]),
        (&[BOTH, ORDERED], &[without]),
        (&[BOTH, ACME, ORDERED, ("\"terms_of_service_agreed\": true", "")], &[terms]),
    ]);
}

/// The nameservers that answer challenges.
const OURS: (&str, &str) = (
    "\"terms",
    r#""nameservers": { "key_file": "/keys/peers", "members": { "ns-1": { "address": "192.0.2.53:8455", "keys": ["BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="] } } }, "terms"#,
);

#[test]
fn what_no_ca_would_do_is_refused_before_it_is_asked() {
    PROXY.refuses(&[
        (&[BOTH, ACME, ORDERED, DNS, OURS, (HOST, r#""hosts": ["*.example.net"]"#)], &[]),
        (
            &[BOTH, ACME, ORDERED, DNS, (HOST, r#""hosts": ["*.example.net"]"#)],
            &[r#"proxy.json:15: acme: the certificate of the service www is ordered by dns-01, for which the CA asks our nameservers, and the key "nameservers" does not say which they are"#],
        ),
        (
            &[BOTH, ACME, ORDERED, (HOST, r#""hosts": ["*.example.net"]"#)],
            &[r#"proxy.json:24: services.www.tls: no certificate can be ordered for the host *.example.net: CAs give certificates for wildcards by dns-01 alone: write { "acme": { "challenge": "dns-01" } }"#],
        ),
        (
            &[BOTH, ACME, ORDERED, (HOST, r#""hosts": ["*"]"#)],
            &["proxy.json:24: services.www.tls: no certificate can be ordered for the host *: CAs give certificates for names: write which ones, or give it certificates from files"],
        ),
        (
            &[BOTH, ACME, ORDERED, (HOST, r#""hosts": ["[2001:db8::1]"]"#)],
            &["proxy.json:24: services.www.tls: no certificate can be ordered for the host [2001:db8::1]: CAs give certificates for names: take the address out, or give it certificates from files"],
        ),
        (
            &[LISTENER, (r#""address": "0.0.0.0:80""#, r#""address": "0.0.0.0:443", "protocol": "https""#), ACME, ORDERED],
            &["proxy.json:4: listeners: the certificate of the service www is ordered by http-01, for which the CA asks at port 80, and no listener speaks http: add one, or let the service use dns-01"],
        ),
        (
            &[BOTH, ACME, ORDERED, ("\"terms", r#""directory": "http://ca.example/dir", "terms"#)],
            &[r#"proxy.json:15: acme.directory: "http://ca.example/dir" is not the URL of a CA's directory: expected one like "https://ca.example/directory""#],
        ),
    ]);
}

#[test]
fn a_service_has_its_certificates_from_a_ca_or_from_files() {
    PROXY.refuses(&[
        (
            &[BOTH, ACME, ORDERED, (r#""tls": "acme""#, TWO_SOURCES)],
            &[r#"proxy.json:24: services.www.tls: has both "acme" and "certificates": a service's certificates come from a CA or from files"#],
        ),
        (
            &[BOTH, ACME, ORDERED, (r#""tls": "acme""#, r#""tls": {}"#)],
            &[r#"proxy.json:24: services.www.tls: the key "certificates" is missing, or "acme" to get them from a CA"#],
        ),
        (
            &[BOTH, ACME, ORDERED, (r#""tls": "acme""#, r#""tls": "acmes""#)],
            &[r#"proxy.json:24: services.www.tls: "acmes" is not one of "acme""#],
        ),
    ]);
}
