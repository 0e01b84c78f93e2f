//! What is wrong with who may come to a service, in words for the operator.

use super::PROXY;

#[test]
fn broken_rules_of_who_may_come_are_refused() {
    let hosts = r#""hosts": ["www.example.net""#;
    for (keys, finding) in [
        (r#""allow": []"#, "allow: needs at least one network"),
        (r#""allow": "10.0.0.0/8""#, "allow: expected an array of networks, found the string \"10.0.0.0/8\""),
        (r#""deny": ["10.0.0.1/8"]"#, "deny[0]: \"10.0.0.1/8\" has bits beyond its prefix: expected \"10.0.0.0/8\""),
        (
            r#""deny": ["example.net"]"#,
            "deny[0]: \"example.net\" is not a network, like \"10.0.0.0/8\" or \"2001:db8::/32\"",
        ),
        (
            r#""deny": ["::ffff:10.0.0.0/104"]"#,
            "deny[0]: \"::ffff:10.0.0.0/104\" is an IPv4 network in IPv6 form: expected \"10.0.0.0/8\"",
        ),
        (
            r#""allow": ["10.0.0.0/8"], "deny": ["10.0.0.0/8"]"#,
            "deny[0]: \"10.0.0.0/8\" stands twice, also at services.www.allow[0], line 22",
        ),
        (r#""allow": [{ "fiel": "a" }]"#, "allow[0].fiel: unknown key; did you mean \"file\"?"),
        (
            r#""allow": [{ "file": "a" }], "deny": [{ "file": "a" }]"#,
            "deny[0].file: the file a stands twice, also at services.www.allow[0].file, line 22",
        ),
        (r#""basic_auth": {}"#, "basic_auth: the key \"users_file\" is missing"),
        (
            r#""basic_auth": { "users_file": "u", "realm": "a\"b" }"#,
            "basic_auth.realm: \"a\\\"b\" cannot be a realm: expected 1 to 128 printable characters of ASCII, without quotes and backslashes",
        ),
        (
            r#""forward_auth": { "path": "/" }"#,
            r#"forward_auth: one of the keys "address", "service" is missing: it says who is asked"#,
        ),
        (
            r#""forward_auth": { "service": "nobody", "host": "auth.test" }"#,
            r#"forward_auth.service: "nobody" is no service of this document: its name in "services" is expected"#,
        ),
        (r#""forward_auth": { "service": "www" }"#, r#"forward_auth: the key "host" is missing"#),
        (
            r#""forward_auth": { "address": "auth.example.net:80" }"#,
            "forward_auth.address: \"auth.example.net:80\" is not an address and port, like \"192.0.2.21:80\" or \"[2001:db8::21]:80\"",
        ),
        (
            r#""forward_auth": { "address": "192.0.2.9:80", "path": "verify" }"#,
            "forward_auth.path: \"verify\" is not a path, like \"/api/verify\": it begins with \"/\", and what is not ASCII is percent-encoded",
        ),
        (
            r#""forward_auth": { "address": "192.0.2.9:80", "host": "a b" }"#,
            "forward_auth.host: \"a b\" is not a host, like \"auth.example.net\"",
        ),
        (
            r#""forward_auth": { "address": "192.0.2.9:80", "timeout": "2m" }"#,
            "forward_auth.timeout: \"2m\" is out of range: expected 50ms to 1m",
        ),
        (
            r#""forward_auth": { "address": "192.0.2.9:80", "copy": ["Content-Length"] }"#,
            "forward_auth.copy[0]: \"Content-Length\" belongs to one connection or one message, or is set by the proxy itself: it never goes from one message to another; leave it out",
        ),
        (
            r#""forward_auth": { "address": "192.0.2.9:80", "copy": ["Remote_User"] }"#,
            "forward_auth.copy[0]: \"Remote_User\" is not the name of a field, like \"Remote-User\": expected 1 to 64 letters, digits and hyphens",
        ),
        (
            r#""forward_auth": { "address": "192.0.2.9:80", "send": ["Cookie", "cookie"] }"#,
            "forward_auth.send[1]: the field cookie stands twice, also at services.www.forward_auth.send[0], line 22",
        ),
        (
            r#""basic_auth": { "users_file": "u" }, "forward_auth": { "address": "192.0.2.9:80", "copy": ["X-Remote-User"] }"#,
            "forward_auth.copy: X-Remote-User is the user of basic_auth: no answer can set it, too",
        ),
    ] {
        let expected = format!("proxy.json:22: services.www.{finding}");
        let document = PROXY.document.replacen(hosts, &format!("{keys}, {hosts}"), 1);
        assert_eq!(super::proxy_findings(&document), [expected], "{keys}");
    }
}
