//! What is wrong beside the services of a `proxy.json`, in words for the operator.

use super::PROXY;

#[test]
fn a_broken_listener_is_refused() {
    PROXY.refuses(&[
        (
            &[(r#""name": "http6""#, r#""name": "http""#)],
            &[r#"proxy.json:6: listeners[1].name: "http" stands twice, also at listeners[0].name, line 5"#],
        ),
        (
            &[(r#""address": "[::]:80""#, r#""address": "0.0.0.0:80""#)],
            &[r#"proxy.json:6: listeners[1].address: "0.0.0.0:80" stands twice, also at listeners[0].address, line 5"#],
        ),
        (
            &[(r#""address": "[::]:80""#, r#""address": "[::]""#)],
            &[r#"proxy.json:6: listeners[1].address: "[::]" is not an address and port, like "192.0.2.21:80" or "[2001:db8::21]:80""#],
        ),
        (
            &[(r#""address": "[::]:80""#, r#""address": "::""#)],
            &[r#"proxy.json:6: listeners[1].address: "::" lacks a port: expected like "[::]:80""#],
        ),
        (
            &[(r#""address": "[::]:80""#, r#""address": "[::]:0""#)],
            &[r#"proxy.json:6: listeners[1].address: "[::]:0" has port 0: expected 1 to 65535"#],
        ),
        (
            &[(r#""address": "[::]:80""#, r#""address": "[::]:80", "http2": true"#)],
            &["proxy.json:6: listeners[1].http2: has no meaning without TLS, where it is not spoken; leave it out"],
        ),
        (
            &[(r#""address": "[::]:80""#, r#""address": "[::]:80", "protocol": "htps""#)],
            &[r#"proxy.json:6: listeners[1].protocol: "htps" is not one of "http", "https"; did you mean "https"?"#],
        ),
        (
            &[(r#""address": "[::]:80""#, r#""address": "[::]:80", "proxy_protocol": true, "trusted_proxies": []"#)],
            &[concat!(
                "proxy.json:6: listeners[1].proxy_protocol: any client could say that it is somebody else: list in ",
                r#""trusted_proxies", of the listener or of the document, who may connect there"#
            )],
        ),
        (
            &[(r#""address": "[::]:80""#, r#""address": "[::]:80", "trusted_proxies": ["10.0.0.1"]"#)],
            &[r#"proxy.json:6: listeners[1].trusted_proxies: has no meaning without "proxy_protocol": true; leave it out"#],
        ),
        (
            &[(r#""address": "[::]:80""#, r#""address": "[::]:80", "tls": true"#)],
            &["proxy.json:6: listeners[1].tls: unknown key; known here: address, http2, name, protocol, proxy_protocol, trusted_proxies"],
        ),
        (
            &[(r#""address": "[::]:80""#, r#""address": 80"#)],
            &["proxy.json:6: listeners[1].address: expected an address and port, found the number 80"],
        ),
        (
            &[(r#"{ "name": "http6", "address": "[::]:80" }"#, r#"{ "name": "http6" }"#)],
            &[r#"proxy.json:6: listeners[1]: the key "address" is missing"#],
        ),
        (
            &[(r#"{ "name": "http6", "address": "[::]:80" }"#, r#""[::]:80""#)],
            &[r#"proxy.json:6: listeners[1]: expected an object, found the string "[::]:80""#],
        ),
        (
            &[("[\n    { \"name\": \"http\", \"address\": \"0.0.0.0:80\" },\n    { \"name\": \"http6\", \"address\": \"[::]:80\" }\n  ]", "[]")],
            &["proxy.json:4: listeners: needs at least one listener"],
        ),
    ]);
}

#[test]
fn a_broken_admin_is_refused() {
    PROXY.refuses(&[
        (
            &[(r#""address": "127.0.0.1:8404""#, r#""address": "127.0.0.1:8404", "hosts": ["px-nl.example.net:8404"]"#)],
            &[r#"proxy.json:8: admin.hosts[0]: "px-nl.example.net:8404" is not a host: it has a port; write the name alone, it counts on every port"#],
        ),
        (
            &[(r#""address": "127.0.0.1:8404""#, r#""address": "127.0.0.1:8404", "hosts": "px-nl.example.net""#)],
            &[r#"proxy.json:8: admin.hosts: expected an array of hosts, found the string "px-nl.example.net""#],
        ),
        (
            &[(r#""address": "127.0.0.1:8404""#, r#""address": "0.0.0.0:80""#)],
            &[r#"proxy.json:8: admin.address: "0.0.0.0:80" stands twice, also at listeners[0].address, line 5"#],
        ),
        (
            &[(r#""address": "127.0.0.1:8404""#, r#""address": "127.0.0.1:0""#)],
            &[r#"proxy.json:8: admin.address: "127.0.0.1:0" has port 0: expected 1 to 65535"#],
        ),
        (
            &[(r#""socket": "/run/polder-proxy/admin.sock""#, r#""socket": "admin.sock""#)],
            &[r#"proxy.json:8: admin.socket: "admin.sock" is not an absolute path: it must begin with "/""#],
        ),
        (
            &[(r#""socket": "/run/polder-proxy/admin.sock""#, r#""socket": "/run/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx""#)],
            &["proxy.json:8: admin.socket: a socket's path has at most 107 bytes, this has 115"],
        ),
        (
            &[(r#""socket": "/run/polder-proxy/admin.sock", "#, "")],
            &[r#"proxy.json:8: admin: the key "socket" is missing"#],
        ),
        (
            &[(r#"{ "socket": "/run/polder-proxy/admin.sock", "address": "127.0.0.1:8404" }"#, r#""/run/admin.sock""#)],
            &[r#"proxy.json:8: admin: expected an object, found the string "/run/admin.sock""#],
        ),
    ]);
}

#[test]
fn a_page_that_no_browser_could_be_sent_to_is_refused() {
    PROXY.refuses(&[
        (
            &[(r#""address": "127.0.0.1:8404""#, r#""address": "127.0.0.1:8404", "pages": { "proxies": { "px": "//px:8404/" } }"#)],
            &[r#"proxy.json:8: admin.pages.proxies.px: "//px:8404/" is not a URL of a page: it begins neither with "http://" nor with "https://"; expected one like "http://192.0.2.11:8404/""#],
        ),
        (
            &[(r#""address": "127.0.0.1:8404""#, r#""address": "127.0.0.1:8404", "pages": { "proxies": { "px": "javascript:alert(1)" } }"#)],
            &[r#"proxy.json:8: admin.pages.proxies.px: "javascript:alert(1)" is not a URL of a page: it begins neither with "http://" nor with "https://"; expected one like "http://192.0.2.11:8404/""#],
        ),
        (
            &[(r#""address": "127.0.0.1:8404""#, r#""address": "127.0.0.1:8404", "pages": { "proxies": { "px": "http://px:8404/a\u0007b" } }"#)],
            &[r#"proxy.json:8: admin.pages.proxies.px: "http://px:8404/a\u{7}b" is not a URL of a page: it has '\u{7}' in it, which is written percent-encoded; expected one like "http://192.0.2.11:8404/""#],
        ),
        (
            &[(r#""address": "127.0.0.1:8404""#, r#""address": "127.0.0.1:8404", "pages": { "proxies": { "px": "https://bob:secret@px/" } }"#)],
            &[r#"proxy.json:8: admin.pages.proxies.px: "https://bob:secret@px/" is not a URL of a page: it has a user in it, and whoever reads the page would learn the password; expected one like "http://192.0.2.11:8404/""#],
        ),
        (
            &[(r#""address": "127.0.0.1:8404""#, r#""address": "127.0.0.1:8404", "pages": { "proxies": { "px": "http:///status" } }"#)],
            &[r#"proxy.json:8: admin.pages.proxies.px: "http:///status" is not a URL of a page: "" is neither a host nor a host and a port; expected one like "http://192.0.2.11:8404/""#],
        ),
        (
            &[(r#""address": "127.0.0.1:8404""#, r#""address": "127.0.0.1:8404", "pages": { "nameservers": { "ns": "http://ns:84x/" } }"#)],
            &[r#"proxy.json:8: admin.pages.nameservers.ns: "http://ns:84x/" is not a URL of a page: "ns:84x" is neither a host nor a host and a port; expected one like "http://192.0.2.11:8404/""#],
        ),
        (
            &[(r#""address": "127.0.0.1:8404""#, r#""address": "127.0.0.1:8404", "pages": { "nameservers": { "n s": "http://ns/" } }"#)],
            &[r#"proxy.json:8: admin.pages.nameservers["n s"]: "n s" is not a name: expected 1 to 64 letters, digits, "-", "_" and ".", a letter or digit first"#],
        ),
        (
            &[(r#""address": "127.0.0.1:8404""#, r#""address": "127.0.0.1:8404", "pages": { "px": "http://px/" }"#)],
            &[r#"proxy.json:8: admin.pages.px: unknown key; known here: nameservers, proxies"#],
        ),
        (
            &[(r#""address": "127.0.0.1:8404""#, r#""address": "127.0.0.1:8404", "pages": { "proxis": { "px": "http://px/" } }"#)],
            &[r#"proxy.json:8: admin.pages.proxis: unknown key; did you mean "proxies"?"#],
        ),
    ]);
}

#[test]
fn broken_peers_are_refused() {
    PROXY.refuses(&[
        (
            &[(r#""listen": "192.0.2.11:8405""#, r#""listen": "192.0.2.11:0""#)],
            &[r#"proxy.json:11: peers.listen: "192.0.2.11:0" has port 0: expected 1 to 65535"#],
        ),
        (
            &[(r#""listen": "192.0.2.11:8405""#, r#""listen": "127.0.0.1:8404""#)],
            &[r#"proxy.json:11: peers.listen: "127.0.0.1:8404" stands twice, also at admin.address, line 8"#],
        ),
        (
            &[("    \"key_file\": \"/run/keys/identity\",\n", "")],
            &[r#"proxy.json:10: peers: the key "key_file" is missing"#],
        ),
        (
            &[(r#"{ "px-nl": { "address": "192.0.2.11:8405", "keys": ["bm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm4="] }, "px-ch": { "address": "198.51.100.11:8405", "keys": ["Y2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2M="] } }"#, "{}")],
            &["proxy.json:13: peers.members: needs at least one peer"],
        ),
        (
            &[(r#", "px-ch": { "address": "198.51.100.11:8405", "keys": ["Y2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2M="] }"#, "")],
            &[r#"proxy.json:13: peers.members: needs at least one peer besides this daemon itself, "px-nl""#],
        ),
        (
            &[(r#""198.51.100.11:8405""#, r#""192.0.2.11:8405""#)],
            &[r#"proxy.json:13: peers.members.px-ch.address: "192.0.2.11:8405" stands twice, also at peers.members.px-nl.address, line 13"#],
        ),
        (
            &[(r#""px-nl": {"#, r#""px-nl1": {"#)],
            &[r#"proxy.json:13: peers.members.px-nl1: this is where this daemon listens for its peers itself; its own name is "px-nl""#],
        ),
        (
            &[(r#""px-ch": {"#, r#""px/ch": {"#)],
            &[r#"proxy.json:13: peers.members["px/ch"]: "px/ch" is not a name: expected 1 to 64 letters, digits, "-", "_" and ".", a letter or digit first"#],
        ),
        (
            &[(r#""198.51.100.11:8405""#, r#""0.0.0.0:8405""#)],
            &[r#"proxy.json:13: peers.members.px-ch.address: "0.0.0.0:8405" is not the address of one host"#],
        ),
        (
            &[("Y2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2M=", "Y2NjY2M=")],
            &["proxy.json:13: peers.members.px-ch.keys[0]: not a public key: 5 bytes; expected 32 bytes in base64, as `polder keys identity FILE` prints them"],
        ),
        (
            &[("Y2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2M=", "the key of px-ch")],
            &["proxy.json:13: peers.members.px-ch.keys[0]: not a public key: not base64; expected 32 bytes in base64, as `polder keys identity FILE` prints them"],
        ),
        (
            &[("Y2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2M=", "bm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm4=")],
            &[r#"proxy.json:13: peers.members.px-ch.keys[0]: "bm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm4=" stands twice, also at peers.members.px-nl.keys[0], line 13"#],
        ),
        (
            &[(
                r#"["Y2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2M="]"#,
                r#"["MTExMTExMTExMTExMTExMTExMTExMTExMTExMTExMTE=", "MjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjI=", "MzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzM="]"#,
            )],
            &["proxy.json:13: peers.members.px-ch.keys: 3 keys: expected at most 2, the present one and, while it is replaced, the next one"],
        ),
    ]);
}

#[test]
fn broken_timeouts_limits_and_logs_are_refused() {
    PROXY.refuses(&[
        (
            &[(r#""workers": 2"#, r#""threads": 2"#)],
            &["proxy.json:15: threads: unknown key"],
        ),
        (
            &[(r#""connect": "1s""#, r#""connect": "0s""#)],
            &[r#"proxy.json:17: timeouts.connect: "0s" is out of range: expected 1ms to 1h"#],
        ),
        (
            &[(r#""connect": "1s""#, r#""connect": 1"#)],
            &[r#"proxy.json:17: timeouts.connect: expected a duration like "2s" or "500ms", found the number 1"#],
        ),
        (
            &[(r#""connect": "1s""#, r#""connect": "1 second""#)],
            &[r#"proxy.json:17: timeouts.connect: "1 second" is not a duration: expected a whole number and one of ms, s, m, h, d, like "2s" or "500ms""#],
        ),
        (
            &[(r#""connect": "1s""#, r#""connect": "2h""#)],
            &[r#"proxy.json:17: timeouts.connect: "2h" is out of range: expected 1ms to 1h"#],
        ),
        (
            &[(r#""connect": "1s""#, r#""conect": "1s""#)],
            &[r#"proxy.json:17: timeouts.conect: unknown key; did you mean "connect"?"#],
        ),
        (
            &[(r#""connect": "1s""#, r#""connection_timeout": "1s""#)],
            &["proxy.json:17: timeouts.connection_timeout: unknown key; known here: backend_keep_alive, body_idle, connect, drain, keep_alive, proxy_protocol, request_head, response_head, tls_handshake, tunnel_idle"],
        ),
        (
            &[(r#""tries": 3"#, r#""tries": 11"#)],
            &["proxy.json:18: limits.tries: 11 is out of range: expected 1 to 10"],
        ),
        (
            &[(r#""tries": 3"#, r#""request_head": 100"#)],
            &["proxy.json:18: limits.request_head: 100 is out of range: expected 1024 to 1048576"],
        ),
        (
            &[(r#""path": "-""#, r#""path": "access.log""#)],
            &[r#"proxy.json:19: access_log.path: "access.log" is not an absolute path: it must begin with "/""#],
        ),
        (
            &[(r#""format": "json""#, r#""format": "clf""#)],
            &[r#"proxy.json:19: access_log.format: "clf" is not one of "json", "haproxy""#],
        ),
        (
            &[(r#""format": "json""#, r#""sample": 0"#)],
            &["proxy.json:19: access_log.sample: 0 is out of range: expected 1 to 1000000"],
        ),
        (
            &[(r#""path": "-""#, r#""path": "journal""#)],
            &["proxy.json:19: access_log.format: has no meaning in the journal, which has fields and no lines; leave it out"],
        ),
        (
            &[(r#""format": "json""#, r#""format": "haproxy", "fields": ["referer"]"#)],
            &["proxy.json:19: access_log.fields: has no meaning in a line like HAProxy's, which has no place for them; leave it out"],
        ),
        (
            &[(r#""format": "json""#, r#""fields": ["referer", "cookie", "referer"]"#)],
            &[
                r#"proxy.json:19: access_log.fields[1]: "cookie" is not one of "user_agent", "referer""#,
                "proxy.json:19: access_log.fields[2]: the field referer stands twice, also at access_log.fields[0], line 19",
            ],
        ),
        (
            &[(r#""format": "json" },"#, r#""format": "json" }, "request_id": "X-Request","#)],
            &[r#"proxy.json:19: request_id: "X-Request" does not say that it is an id: expected a name like "X-Request-Id""#],
        ),
        (
            &[(r#""format": "json" },"#, r#""format": "json" }, "request_id": "X Request-Id","#)],
            &[r#"proxy.json:19: request_id: "X Request-Id" is not the name of a field, like "Remote-User": expected 1 to 64 letters, digits and hyphens"#],
        ),
    ]);
}

#[test]
fn broken_networks_are_refused() {
    PROXY.refuses(&[
        (
            &[(r#"["10.0.0.0/8"]"#, r#"["10.0.0.1/8"]"#)],
            &[r#"proxy.json:16: trusted_proxies[0]: "10.0.0.1/8" has bits beyond its prefix: expected "10.0.0.0/8""#],
        ),
        (
            &[(r#"["10.0.0.0/8"]"#, r#"["10.0.0.0/33"]"#)],
            &[r#"proxy.json:16: trusted_proxies[0]: "10.0.0.0/33" is not a network, like "10.0.0.0/8" or "2001:db8::/32""#],
        ),
        (
            &[(r#"["10.0.0.0/8"]"#, r#""10.0.0.0/8""#)],
            &[r#"proxy.json:16: trusted_proxies: expected an array of networks, found the string "10.0.0.0/8""#],
        ),
    ]);
}

#[test]
fn a_broken_name_directory_or_count_is_refused() {
    PROXY.refuses(&[
        (
            &[(r#""workers": 2"#, r#""worker": 2"#)],
            &[r#"proxy.json:15: worker: unknown key; did you mean "workers"?"#],
        ),
        (&[(r#""workers": 2"#, r#""workers": 0"#)], &["proxy.json:15: workers: 0 is out of range: expected 1 to 256"]),
        (
            &[(r#""workers": 2"#, r#""workers": "2""#)],
            &[r#"proxy.json:15: workers: expected a whole number from 1 to 256, found the string "2": a number is written without quotes"#],
        ),
        (
            &[(r#""workers": 2"#, r#""workers": 2.5"#)],
            &["proxy.json:15: workers: expected a whole number from 1 to 256, found the number 2.5"],
        ),
        (
            &[(r#""workers": 2"#, r#""workers": null"#)],
            &["proxy.json:15: workers: null says nothing here: leave the key out instead"],
        ),
        (
            &[(r#""workers": 2"#, r#""workers": -1"#)],
            &["proxy.json:15: workers: -1 is out of range: expected 1 to 256"],
        ),
        (
            &[(r#""workers": 2"#, r#""workers": 99999999999999999999"#)],
            &["proxy.json:15: workers: 99999999999999999999 is out of range: expected 1 to 256"],
        ),
        (
            &[(r#""name": "px-nl""#, r#""name": "px nl""#)],
            &[r#"proxy.json:3: name: "px nl" is not a name: expected 1 to 64 letters, digits, "-", "_" and ".", a letter or digit first"#],
        ),
        (
            &[(r#""name": "px-nl""#, r#""name": """#)],
            &[r#"proxy.json:3: name: "" is not a name: expected 1 to 64 letters, digits, "-", "_" and ".", a letter or digit first"#],
        ),
        (
            &[(r#""state_dir": "/var/lib/polder-proxy""#, r#""state_dir": "var/lib""#)],
            &[r#"proxy.json:9: state_dir: "var/lib" is not an absolute path: it must begin with "/""#],
        ),
        (
            &[(r#""state_dir": "/var/lib/polder-proxy""#, r#""state_dir": """#)],
            &["proxy.json:9: state_dir: expected an absolute path, found an empty string"],
        ),
        (
            &[("  \"state_dir\": \"/var/lib/polder-proxy\",\n", "")],
            &[r#"proxy.json:1: the key "state_dir" is missing"#],
        ),
    ]);
}

#[test]
fn a_broken_agreement_is_refused() {
    const TLS: &str = r#""tls": { "ca": "ca.pem", "certificate": "px.pem", "key": "px.key" }"#;
    let findings = |agreement: &str| {
        let document =
            PROXY.document.replace(r#""version": 1,"#, &format!(r#""version": 1, "agreement": {{ {agreement} }},"#));
        assert_ne!(document, PROXY.document);
        (PROXY.findings)(&document).join("\n")
    };
    let with = |endpoints: &str| format!(r#""engine": "etcd", "endpoints": [{endpoints}], {TLS}"#);
    assert_eq!(findings(&with(r#""https://192.0.2.5:2379""#)), "");
    for (agreement, expected) in [
        (
            with(r#""192.0.2.5:2379""#),
            r#"agreement.endpoints[0]: "192.0.2.5:2379" is not the URL of a member of etcd: expected a URL like "https://10.0.0.5:2379""#,
        ),
        (
            with(r#""https://192.0.2.5""#),
            r#"agreement.endpoints[0]: "https://192.0.2.5" has no port: expected a URL like"#,
        ),
        (with(r#""https://192.0.2.5:0""#), r#""https://192.0.2.5:0" is not the URL of a member of etcd"#),
        (with(r#""https://a b:2379""#), r#""https://a b:2379" is not the URL of a member of etcd"#),
        (with(""), "agreement.endpoints: needs at least one member's URL"),
        (
            with(r#""http://192.0.2.5:2379""#),
            "is in clear text and not on this machine: whoever is on the way could move every service",
        ),
        (with(r#""http://127.0.0.1:2379""#), r#"http://127.0.0.1:2379 is in clear text beside "tls": write https://"#),
        (
            with(r#""https://192.0.2.5:2379", "https://192.0.2.5:2379/""#),
            "agreement.endpoints[1]: https://192.0.2.5:2379 stands twice, also at agreement.endpoints[0]",
        ),
        (
            r#""engine": "etcd", "endpoints": ["https://192.0.2.5:2379"]"#.to_owned(),
            r#"agreement.endpoints: https://192.0.2.5:2379 needs "tls" beside it, with ca, certificate and key"#,
        ),
        (
            r#""engine": "consul", "endpoints": ["http://[::1]:2379"]"#.to_owned(),
            r#"agreement.engine: "consul" is not one of "etcd""#,
        ),
        (
            r#""engine": "etcd", "endpoints": ["http://[::1]:2379"], "lease": "2500ms""#.to_owned(),
            "agreement.lease: is no number of whole seconds, in which etcd counts",
        ),
        (
            r#""engine": "etcd", "endpoints": ["http://localhost:2379"], "lease": "1s""#.to_owned(),
            r#"agreement.lease: "1s" is out of range: expected 2s to 1m"#,
        ),
    ] {
        let found = findings(&agreement);
        assert!(found.contains(expected), "{agreement}: {found:?}");
    }
}
