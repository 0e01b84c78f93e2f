//! What is wrong with a service, in words for the operator.

use super::PROXY;

#[test]
fn a_broken_backend_is_refused() {
    PROXY.refuses(&[
        (
            &[
                (r#""address": "192.0.2.22:80""#, r#""address": "127.0.0.2:80""#),
                (r#""[::]:80""#, r#""127.0.0.2:80""#),
            ],
            &["proxy.json:28: services.www.backends[1].address: 127.0.0.2:80 is one of this proxy's own listeners: requests would go in circles"],
        ),
        (
            &[(r#""weight": 100 },"#, r#""weight": 1001 },"#)],
            &["proxy.json:27: services.www.backends[0].weight: 1001 is out of range: expected 0 to 1000"],
        ),
        (
            &[(r#""weight": 100"#, r#""weight": 0"#)],
            &["proxy.json:26: services.www.backends: every primary has weight 0: no new visitor could be sent anywhere"],
        ),
        (
            &[(r#""name": "web2", "address": "192.0.2.22:80""#, r#""name": "web1", "address": "192.0.2.22:80""#)],
            &[r#"proxy.json:28: services.www.backends[1].name: "web1" stands twice, also at services.www.backends[0].name, line 27"#],
        ),
        (
            &[(r#""name": "web2", "address": "192.0.2.22:80""#, r#""name": "web2", "address": "192.0.2.21:80""#)],
            &[r#"proxy.json:28: services.www.backends[1].address: "192.0.2.21:80" stands twice, also at services.www.backends[0].address, line 27"#],
        ),
        (
            &[(r#""address": "192.0.2.22:80""#, r#""address": "10.0.0.300:80""#)],
            &[r#"proxy.json:28: services.www.backends[1].address: "10.0.0.300:80" is not an address and port, like "192.0.2.21:80" or "[2001:db8::21]:80""#],
        ),
        (
            &[(r#""address": "192.0.2.22:80""#, r#""address": "web2.example.net:80""#)],
            &[r#"proxy.json:28: services.www.backends[1].address: "web2.example.net:80" is not an address and port, like "192.0.2.21:80" or "[2001:db8::21]:80""#],
        ),
        (
            &[(r#""address": "192.0.2.22:80""#, r#""address": "192.0.2.22""#)],
            &[r#"proxy.json:28: services.www.backends[1].address: "192.0.2.22" lacks a port: expected like "192.0.2.22:80""#],
        ),
        (
            &[(r#""address": "192.0.2.22:80""#, r#""address": "192.0.2.22:0""#)],
            &[r#"proxy.json:28: services.www.backends[1].address: "192.0.2.22:0" has port 0: expected 1 to 65535"#],
        ),
        (
            &[(r#""address": "192.0.2.22:80""#, r#""address": "0.0.0.0:8080""#)],
            &[r#"proxy.json:28: services.www.backends[1].address: "0.0.0.0:8080" is not the address of one host"#],
        ),
        (
            &[(r#""address": "192.0.2.22:80""#, r#""address": "224.0.0.1:80""#)],
            &[r#"proxy.json:28: services.www.backends[1].address: "224.0.0.1:80" is not the address of one host"#],
        ),
        (
            &[(r#""address": "192.0.2.22:80""#, r#""address": "[::ffff:192.0.2.22]:80""#)],
            &[r#"proxy.json:28: services.www.backends[1].address: "[::ffff:192.0.2.22]:80" is an IPv4 address in IPv6 form: expected 192.0.2.22"#],
        ),
        (
            &[(r#""weight": 100 },"#, r#""weight": 100, "backup": "yes" },"#)],
            &[r#"proxy.json:27: services.www.backends[0].backup: expected true or false, found the string "yes""#],
        ),
        (
            &[(r#""weight": 100 },"#, r#""weight": 100, "adress": "192.0.2.21:80" },"#)],
            &[r#"proxy.json:27: services.www.backends[0].adress: unknown key; did you mean "address"?"#],
        ),
        (
            &[
                (r#""address": "192.0.2.21:80", "weight": 100"#, r#""address": "192.0.2.21:80", "backup": true"#),
                (r#""address": "192.0.2.22:80", "weight": 100"#, r#""address": "192.0.2.22:80", "backup": true"#),
            ],
            &["proxy.json:26: services.www.backends: every backend is a backup: one must be a primary"],
        ),
        (
            &[("\"backends\": [\n        { \"name\": \"web1\", \"address\": \"192.0.2.21:80\", \"weight\": 100 },\n        { \"name\": \"web2\", \"address\": \"192.0.2.22:80\", \"weight\": 100 }\n      ]", r#""backends": []"#)],
            &["proxy.json:26: services.www.backends: needs at least one backend"],
        ),
    ]);
}

#[test]
fn broken_paths_are_refused() {
    PROXY.refuses(&[
        (
            &[(r#""paths": ["/"]"#, r#""paths": ["shop"]"#)],
            &[r#"proxy.json:23: services.www.paths[0]: "shop" is not a path prefix: it must begin with "/""#],
        ),
        (
            &[(r#""paths": ["/"]"#, r#""paths": ["/shop/"]"#)],
            &[r#"proxy.json:23: services.www.paths[0]: "/shop/" is not a path prefix: it ends with "/"; leave that out, a prefix covers everything below it"#],
        ),
        (
            &[(r#""paths": ["/"]"#, r#""paths": ["/a//b"]"#)],
            &[r#"proxy.json:23: services.www.paths[0]: "/a//b" is not a path prefix: it has an empty segment"#],
        ),
        (
            &[(r#""paths": ["/"]"#, r#""paths": ["/a/../b"]"#)],
            &[r#"proxy.json:23: services.www.paths[0]: "/a/../b" is not a path prefix: it has a dot segment"#],
        ),
        (
            &[(r#""paths": ["/"]"#, r#""paths": ["/a?b=c"]"#)],
            &[r#"proxy.json:23: services.www.paths[0]: "/a?b=c" is not a path prefix: it has a query"#],
        ),
        (
            &[(r#""paths": ["/"]"#, r#""paths": ["/a b"]"#)],
            &[r#"proxy.json:23: services.www.paths[0]: "/a b" is not a path prefix: it has ' ' in it; write that percent-encoded, as clients send it"#],
        ),
        (
            &[(r#""paths": ["/"]"#, r#""paths": ["/.polder/ready"]"#)],
            &[r#"proxy.json:23: services.www.paths[0]: "/.polder/ready" is not a path prefix: "/.polder" is reserved for the proxy itself"#],
        ),
        (
            &[(r#""paths": ["/"]"#, r#""paths": ["/a", "/a"]"#)],
            &[r#"proxy.json:23: services.www.paths[1]: "/a" stands twice, also at services.www.paths[0], line 23"#],
        ),
        (&[(r#""paths": ["/"]"#, r#""paths": []"#)], &["proxy.json:23: services.www.paths: needs at least one path"]),
    ]);
}

/// What an operator is told about a key that is missing.
const HOW: &str = r#"cookies are sealed by default, with a key that every proxy has: write "cookie": { "key_file": "/var/lib/polder-keys/cookies" } and put 32 random bytes in base64 into that file (`openssl rand -base64 32`), or write "cookie": { "value": "address" } to show visitors the backend's address"#;

#[test]
fn a_broken_cookie_is_refused() {
    PROXY.refuses(&[
        (
            &[(r#""cookie": { "name": "shop""#, r#""cookie": { "name": "my shop""#)],
            &[r#"proxy.json:40: services.shop.cookie.name: "my shop" is not a cookie name: expected letters, digits and any of !#$%&'*+-.^_`|~"#],
        ),
        (
            &[(r#""cookie": { "name": "shop""#, r#""cookie": { "name": "__Host-shop""#)],
            &[r#"proxy.json:40: services.shop.cookie.name: "__Host-shop" begins with a prefix that browsers accept over TLS only (RFC 6265bis, 4.1.3)"#],
        ),
        (
            &[(r#""value": "address""#, r#""value": "sealed""#)],
            &[&format!(r#"proxy.json:40: services.shop.cookie: the key "key_file" is missing; {HOW}"#)],
        ),
        (
            &[(r#", "value": "address""#, "")],
            &[&format!(r#"proxy.json:40: services.shop.cookie: the key "key_file" is missing; {HOW}"#)],
        ),
        (
            &[("      \"cookie\": { \"name\": \"shop\", \"value\": \"address\" },\n", "")],
            &[&format!("proxy.json:32: services.shop: a stateful service needs a cookie; {HOW}")],
        ),
        (
            &[(r#""value": "address""#, r#""value": "address", "key_file": "/run/keys/cookies""#)],
            &[r#"proxy.json:40: services.shop.cookie.key_file: has no meaning where the value is "address"; leave it out"#],
        ),
        (
            &[(r#""value": "address""#, r#""value": "encrypted""#)],
            &[r#"proxy.json:40: services.shop.cookie.value: "encrypted" is not one of "address", "sealed""#],
        ),
        (
            &[
                (r#""mode": "stateless""#, r#""mode": "stateful", "cookie": { "name": "shop", "value": "address" }"#),
                (r#""www.example.net""#, r#""*.example.net""#),
            ],
            &[r#"proxy.json:40: services.shop.cookie.name: the cookie "shop" is also the one at services.www.cookie.name, line 24, and both services are reached under shop.example.net: give one of them another cookie name"#],
        ),
    ]);
}

#[test]
fn broken_hosts_are_refused() {
    PROXY.refuses(&[
        (
            &[(r#""hosts": ["www.example.net"]"#, r#""hosts": []"#)],
            &["proxy.json:22: services.www.hosts: needs at least one host"],
        ),
        (
            &[("      \"hosts\": [\"www.example.net\"],\n", "")],
            &[r#"proxy.json:21: services.www: the key "hosts" is missing"#],
        ),
        (
            &[(r#""hosts": ["www.example.net"]"#, r#""hosts": ["www.example.net:8080"]"#)],
            &[r#"proxy.json:22: services.www.hosts[0]: "www.example.net:8080" is not a host: it has a port; write the name alone, it counts on every port"#],
        ),
        (
            &[(r#""hosts": ["www.example.net"]"#, r#""hosts": ["www example.net"]"#)],
            &[r#"proxy.json:22: services.www.hosts[0]: "www example.net" is not a host: it has ' ' in it"#],
        ),
        (
            &[(r#""hosts": ["www.example.net"]"#, r#""hosts": ["www..example.net"]"#)],
            &[r#"proxy.json:22: services.www.hosts[0]: "www..example.net" is not a host: it has an empty label"#],
        ),
        (
            &[(r#""hosts": ["www.example.net"]"#, r#""hosts": ["-www.example.net"]"#)],
            &[r#"proxy.json:22: services.www.hosts[0]: "-www.example.net" is not a host: the label "-www" begins or ends with "-""#],
        ),
        (
            &[(r#""hosts": ["www.example.net"]"#, r#""hosts": ["w*.example.net"]"#)],
            &[r#"proxy.json:22: services.www.hosts[0]: "w*.example.net" is not a host: a "*" may only be its whole first label, as in "*.example.net", or all of it"#],
        ),
        (
            &[(r#""hosts": ["www.example.net"]"#, r#""hosts": ["**"]"#)],
            &[r#"proxy.json:22: services.www.hosts[0]: "**" is not a host: a "*" may only be its whole first label, as in "*.example.net", or all of it"#],
        ),
        (
            &[(r#""hosts": ["www.example.net"]"#, r#""hosts": ["bücher.example.net"]"#)],
            &[r#"proxy.json:22: services.www.hosts[0]: "bücher.example.net" is not a host: it is not ASCII; write it in its "xn--" form"#],
        ),
        (
            &[(r#""hosts": ["www.example.net"]"#, r#""hosts": ["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example.net"]"#)],
            &[r#"proxy.json:22: services.www.hosts[0]: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example.net" is not a host: a label has 64 characters, more than 63"#],
        ),
        (
            &[(r#""hosts": ["www.example.net"]"#, r#""hosts": ["abcdefg.abcdefg.abcdefg.abcdefg.abcdefg.abcdefg.abcdefg.abcdefg.abcdefg.abcdefg.abcdefg.abcdefg.abcdefg.abcdefg.abcdefg.abcdefg.abcdefg.abcdefg.abcdefg.abcdefg.abcdefg.abcdefg.abcdefg.abcdefg.abcdefg.abcdefg.abcdefg.abcdefg.abcdefg.abcdefg.abcdefg.abcdefg.net"]"#)],
            &[r#"proxy.json:22: services.www.hosts[0]: "abcdefg.abcdefg.abcdefg.abcdefg.abcdefg.abcdefg.abcdefg.abcdefg.abcdefg.abcdefg.abcdefg.abcdefg.abcdefg.abcdefg.abcdefg.abcdefg.abcdefg.abcdefg.abcdefg.abcdefg.abcdefg.abcdefg.abcdefg.abcdefg.abcdefg.abcdefg.abcdefg.abcdefg.abcdefg.abcdefg.abcdefg.abcdefg.net" is not a host: it has 259 characters, more than 253"#],
        ),
        (
            &[(r#""hosts": ["www.example.net"]"#, r#""hosts": ["http://www.example.net"]"#)],
            &[r#"proxy.json:22: services.www.hosts[0]: "http://www.example.net" is not a host: it has ':' in it"#],
        ),
        (
            &[(r#""hosts": ["www.example.net"]"#, r#""hosts": ["www.example.net", "WWW.example.net."]"#)],
            &[r#"proxy.json:22: services.www.hosts[1]: "WWW.example.net." stands twice, also at services.www.hosts[0], line 22"#],
        ),
        (
            &[(r#""hosts": ["www.example.net"]"#, r#""hosts": "www.example.net""#)],
            &[r#"proxy.json:22: services.www.hosts: expected an array of hosts, found the string "www.example.net""#],
        ),
        (
            &[(r#""hosts": ["www.example.net"]"#, r#""hosts": ["shop.example.net"]"#)],
            &[r#"proxy.json:33: services.shop.hosts[0]: the host shop.example.net with the path "/" stands twice, also at services.www.hosts[0], line 22"#],
        ),
    ]);
}

#[test]
fn a_broken_mode_name_or_balance_is_refused() {
    PROXY.refuses(&[
        (
            &[(r#""mode": "stateless""#, r#""mode": "statless""#)],
            &[r#"proxy.json:24: services.www.mode: "statless" is not one of "stateless", "stateful"; did you mean "stateless"?"#],
        ),
        (
            &[(r#""mode": "stateless""#, r#""mode": "sticky""#)],
            &[r#"proxy.json:24: services.www.mode: "sticky" is not one of "stateless", "stateful""#],
        ),
        (&[("      \"mode\": \"stateless\",\n", "")], &[r#"proxy.json:21: services.www: the key "mode" is missing"#]),
        (
            &[(r#""balance": "round-robin""#, r#""balance": "roundrobin""#)],
            &[r#"proxy.json:25: services.www.balance: "roundrobin" is not one of "round-robin", "least-connections", "random-two-choices"; did you mean "round-robin"?"#],
        ),
        (
            &[(r#""balance": "round-robin""#, r#""balance": "source""#)],
            &[r#"proxy.json:25: services.www.balance: "source" is not one of "round-robin", "least-connections", "random-two-choices""#],
        ),
        (
            &[(r#""mode": "stateless""#, r#""mode": "stateless", "cookie": {}, "failover": "permanent", "start_grace": "1s", "last_resort": true, "failover_drain": "1s""#)],
            &[
                "proxy.json:24: services.www.cookie: has no meaning in a stateless service; leave it out",
                "proxy.json:24: services.www.failover: has no meaning in a stateless service; leave it out",
                "proxy.json:24: services.www.start_grace: has no meaning in a stateless service; leave it out",
                "proxy.json:24: services.www.last_resort: has no meaning in a stateless service; leave it out",
                "proxy.json:24: services.www.failover_drain: has no meaning in a stateless service; leave it out",
            ],
        ),
        (
            &[(r#", "backup": true"#, "")],
            &[r#"proxy.json:35: services.shop.failover: permanent failover needs a backup: mark a backend with "backup": true"#],
        ),
        (
            &[(r#"{ "name": "web2", "address": "192.0.2.22:8080" },"#, r#"{ "name": "web1", "address": "192.0.2.21:8080" }, { "name": "web2", "address": "192.0.2.22:8080" },"#)],
            &[r#"proxy.json:35: services.shop.failover: permanent failover has one primary and ordered backups, found 2 primaries: mark all but one with "backup": true, or write "failover": "automatic""#],
        ),
        (
            &[(r#""failover": "permanent""#, r#""failover": "automatic""#)],
            &["proxy.json:41: services.shop.start_grace: has no meaning where failover is automatic; leave it out"],
        ),
        (
            &[(r#""failover": "permanent""#, r#""failover": "manual""#)],
            &[r#"proxy.json:35: services.shop.failover: "manual" is not one of "permanent", "automatic""#],
        ),
        (
            &[(r#""start_grace": "10s""#, r#""start_grace": "2h""#)],
            &[r#"proxy.json:41: services.shop.start_grace: "2h" is out of range: expected 0s to 1h"#],
        ),
        (
            &[(r#""start_grace": "10s""#, r#""last_resort": "no""#)],
            &[r#"proxy.json:41: services.shop.last_resort: expected true or false, found the string "no""#],
        ),
        (
            &[(r#""www": {"#, r#""w/w": {"#)],
            &[r#"proxy.json:21: services["w/w"]: "w/w" is not a name: expected 1 to 64 letters, digits, "-", "_" and ".", a letter or digit first"#],
        ),
    ]);
}

#[test]
fn a_broken_check_is_refused() {
    PROXY.refuses(&[
        (
            &[(r#""path": "/healthz""#, r#""path": "healthz""#)],
            &[r#"proxy.json:30: services.www.check.path: "healthz" is not a path: it must begin with "/""#],
        ),
        (
            &[(r#""path": "/healthz""#, r#""path": "/health z""#)],
            &[r#"proxy.json:30: services.www.check.path: "/health z" is not a path: it has ' ' in it; write that percent-encoded, as clients send it"#],
        ),
        (
            &[(r#""path": "/healthz""#, r#""host": "www.example.net:99999""#)],
            &[r#"proxy.json:30: services.www.check.host: "www.example.net:99999" is not a host: expected a host name or an address, with or without a port"#],
        ),
        (
            &[(r#""path": "/healthz""#, r#""host": "a\r\nb""#)],
            &[r#"proxy.json:30: services.www.check.host: "a\r\nb" is not a host: expected a host name or an address, with or without a port"#],
        ),
        (
            &[(r#""path": "/healthz""#, r#""port": 0"#)],
            &["proxy.json:30: services.www.check.port: 0 is out of range: expected 1 to 65535"],
        ),
        (
            &[(r#""path": "/healthz""#, r#""type": "tcp", "path": "/healthz""#)],
            &[
                r#"proxy.json:30: services.www.check.path: has no meaning in a check of type "tcp"; leave it out"#,
                r#"proxy.json:30: services.www.check.expect: has no meaning in a check of type "tcp"; leave it out"#,
            ],
        ),
        (
            &[(r#""path": "/healthz""#, r#""type": "icmp""#)],
            &[r#"proxy.json:30: services.www.check.type: "icmp" is not one of "http", "tcp""#],
        ),
        (
            &[(r#""interval": "2s""#, r#""interval": "1ms""#)],
            &[r#"proxy.json:30: services.www.check.interval: "1ms" is out of range: expected 10ms to 1h"#],
        ),
        (
            &[(r#""interval": "2s""#, r#""interval": "2s", "fast_interval": "3s""#)],
            &[r#"proxy.json:30: services.www.check.fast_interval: "3s" is out of range: expected 1ms to 2s"#],
        ),
        (
            &[(r#""interval": "2s""#, r#""interval": "2s", "fast_intervall": "1s""#)],
            &[r#"proxy.json:30: services.www.check.fast_intervall: unknown key; did you mean "fast_interval"?"#],
        ),
        (
            &[(r#""timeout": "1s""#, r#""timeout": "2m""#)],
            &[r#"proxy.json:30: services.www.check.timeout: "2m" is out of range: expected 1ms to 1m"#],
        ),
        (
            &[(r#""rise": 2"#, r#""rise": 0"#)],
            &["proxy.json:30: services.www.check.rise: 0 is out of range: expected 1 to 100"],
        ),
        (
            &[(r#""fall": 3"#, r#""fall": 101"#)],
            &["proxy.json:30: services.www.check.fall: 101 is out of range: expected 1 to 100"],
        ),
        (
            &[(r#""expect": "200-399""#, r#""expect": "2xx""#)],
            &[r#"proxy.json:30: services.www.check.expect: "2xx" is not a list of statuses from 100 to 599, like "200-399", "204" or "200,301-302""#],
        ),
        (
            &[(r#""expect": "200-399""#, r#""expect": "399-200""#)],
            &[r#"proxy.json:30: services.www.check.expect: "399-200" is not a list of statuses from 100 to 599, like "200-399", "204" or "200,301-302""#],
        ),
        (
            &[(r#""expect": "200-399""#, r#""expect": "200-600""#)],
            &[r#"proxy.json:30: services.www.check.expect: "200-600" is not a list of statuses from 100 to 599, like "200-399", "204" or "200,301-302""#],
        ),
        (
            &[(r#""expect": "200-399""#, r#""expect": 200"#)],
            &[r#"proxy.json:30: services.www.check.expect: expected statuses, like "200-399", found the number 200"#],
        ),
    ]);
}

#[test]
fn a_broken_compression_is_refused() {
    const PLACE: &str = r#""mode": "stateless","#;
    let with = |compression: &str| format!(r#""mode": "stateless", "compression": {compression},"#);
    for (compression, expected) in [
        (
            r#"{ "algorithms": ["gzip", "gzip"] }"#,
            r#"algorithms[1]: "gzip" stands twice, also at services.www.compression.algorithms[0], line 24"#,
        ),
        (r#"{ "algorithms": ["deflate"] }"#, r#"algorithms[0]: "deflate" is not one of "zstd", "br", "gzip""#),
        (r#"{ "algorithms": [] }"#, "algorithms: needs at least one algorithm"),
        (
            r#"{ "types": ["html"] }"#,
            r#"types[0]: "html" is no type of content, like "text/html" or "text/*", without parameters"#,
        ),
        (r#"{ "min_size": 2000000 }"#, "min_size: 2000000 is out of range: expected 0 to 1048576"),
    ] {
        let found = (PROXY.findings)(&PROXY.document.replace(PLACE, &with(compression)));
        assert_eq!(found, [format!("proxy.json:24: services.www.compression.{expected}")]);
    }
}
