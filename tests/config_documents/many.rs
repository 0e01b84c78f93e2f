//! Documents with much wrong at once: all of it is told, in the document's order.

use super::{dns_findings, proxy_findings};

#[test]
fn everything_wrong_with_a_proxys_document_is_told() {
    let text = r##"{
  "versoin": 1,
  "name": "px nl",
  "listeners": [
    { "name": "http", "address": "0.0.0.0" },
    { "name": "http", "address": "[::]:80", "protocol": "h2" }
  ],
  "admin": { "sokcet": "/run/admin.sock" },
  "state_dir": "/var/lib/polder-proxy",
  "services": {
    "www": {
      "hosts": ["www.example.net:80", "www example.net"],
      "mode": "stateles",
      "backends": [
        { "name": "web1", "address": "10.0.0.300:80", "weight": -1 },
        { "name": "web1", "address": "192.0.2.22" }
      ],
      "check": { "interval": 2, "rise": 0, "expect": "ok" }
    },
    "shop": []
  }
}
"##;
    let expected = [
        r#"proxy.json:1: the key "version" is missing: expected "version": 1"#,
        r#"proxy.json:2: versoin: unknown key; did you mean "version"?"#,
        r#"proxy.json:3: name: "px nl" is not a name: expected 1 to 64 letters, digits, "-", "_" and ".", a letter or digit first"#,
        r#"proxy.json:5: listeners[0].address: "0.0.0.0" lacks a port: expected like "0.0.0.0:80""#,
        r#"proxy.json:6: listeners[1].name: "http" stands twice, also at listeners[0].name, line 5"#,
        r#"proxy.json:6: listeners[1].protocol: "h2" is not one of "http", "https""#,
        r#"proxy.json:8: admin.sokcet: unknown key; did you mean "socket"?"#,
        r#"proxy.json:12: services.www.hosts[0]: "www.example.net:80" is not a host: it has a port; write the name alone, it counts on every port"#,
        r#"proxy.json:12: services.www.hosts[1]: "www example.net" is not a host: it has ' ' in it"#,
        r#"proxy.json:13: services.www.mode: "stateles" is not one of "stateless", "stateful"; did you mean "stateless"?"#,
        r#"proxy.json:15: services.www.backends[0].address: "10.0.0.300:80" is not an address and port, like "192.0.2.21:80" or "[2001:db8::21]:80""#,
        "proxy.json:15: services.www.backends[0].weight: -1 is out of range: expected 0 to 1000",
        r#"proxy.json:16: services.www.backends[1].name: "web1" stands twice, also at services.www.backends[0].name, line 15"#,
        r#"proxy.json:16: services.www.backends[1].address: "192.0.2.22" lacks a port: expected like "192.0.2.22:80""#,
        r#"proxy.json:18: services.www.check.expect: "ok" is not a list of statuses from 100 to 599, like "200-399", "204" or "200,301-302""#,
        r#"proxy.json:18: services.www.check.interval: expected a duration like "2s" or "500ms", found the number 2"#,
        "proxy.json:18: services.www.check.rise: 0 is out of range: expected 1 to 100",
        "proxy.json:20: services.shop: expected an object, found an array",
    ];
    assert_eq!(proxy_findings(text), expected);
}

#[test]
fn everything_wrong_with_a_nameservers_document_is_told() {
    let text = r##"{ "version": 1, "name": "ns",
  "listeners": ["0.0.0.0", 53],
  "admin": {},
  "zones": { "example.net": { "file": 1 }, "exa mple.org": { "file": "z" } },
  "pools": {
    "a.example.net": { "ttl": -1, "members": { "m 1": { "addresses": ["x"] } } },
    "b.example.net": { "aliases": ["a.example.net"], "members": { "m1": { "addresses": ["192.0.2.1"] } }, "check": { "port": 80 } },
    "a.example.net": {}
  }
}
"##;
    let expected = [
        r#"dns.json:1: the key "state_dir" is missing"#,
        r#"dns.json:2: listeners[0]: "0.0.0.0" lacks a port: expected like "0.0.0.0:80""#,
        "dns.json:2: listeners[1]: expected an address and port, found the number 53",
        r#"dns.json:3: admin: the key "socket" is missing"#,
        r#"dns.json:4: zones["example.net"].file: expected the path of a file, found the number 1"#,
        r#"dns.json:4: zones["exa mple.org"]: "exa mple.org" is not a domain name: it has ' ' in it"#,
        r#"dns.json:6: pools["a.example.net"].ttl: -1 is out of range: expected 0 to 86400"#,
        r#"dns.json:6: pools["a.example.net"].members["m 1"]: "m 1" is not a name: expected 1 to 64 letters, digits, "-", "_" and ".", a letter or digit first"#,
        r#"dns.json:6: pools["a.example.net"]: the key "check" is missing"#,
        r#"dns.json:7: pools["b.example.net"].aliases[0]: the name a.example.net stands twice, also at pools["a.example.net"], line 6"#,
        r#"dns.json:8: pools["a.example.net"]: this key stands twice, in line 6 and in line 8"#,
    ];
    assert_eq!(dns_findings(text), expected);
}
