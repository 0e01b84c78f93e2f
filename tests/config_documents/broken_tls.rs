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
            &[H2C, (r#""protocol": "h2c","#, r#""protocol": "h2c", "reuse": "never","#)],
            &["proxy.json:24: services.www.reuse: connections of HTTP/2 carry the requests of all visitors at a time: take this out"],
        ),
    ]);
}
