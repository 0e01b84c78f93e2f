use super::about;

#[test]
fn each_feature_that_is_used_is_a_sentence() {
    let read = |keys: &str| {
        let text = format!(
            r#"{{ "version": 1, "name": "px", "admin": {{ "socket": "/a.sock" }}, "state_dir": "/s",
            "listeners": [{{ "name": "https", "address": "0.0.0.0:443", "protocol": "https" }}],
            "services": {{ "s": {{ "hosts": ["s.test"], "mode": "stateless", "backends": [{{ "name": "a", "address": "192.0.2.1:80" }}],
                "tls": {{ "certificates": [{{ "chain_file": "/c", "key_file": "/k" }}]{keys} }} }} }}"#
        );
        let document = crate::config::proxy::parse(std::path::Path::new("p"), &text).expect("it is read");
        about(&document.services["s"])
    };
    assert_eq!(read("}"), [""; 0]);
    assert_eq!(
        read(
            r#", "client_certificates": { "ca_file": "/ca.pem" } },
            "request_headers": { "set": { "X-Real-IP": "{client}", "Host": "a.test" }, "remove": ["X-Debug-*", "Cookie"] },
            "response_headers": { "add": { "Vary": "Origin" } }"#
        ),
        [
            "visitors are asked for a certificate of /ca.pem; whoever has shown none is answered 403",
            "of the header fields to the backend it sets Host, X-Real-IP, removes X-Debug-*, Cookie",
            "of the header fields to the visitor it adds Vary",
        ]
    );
}
