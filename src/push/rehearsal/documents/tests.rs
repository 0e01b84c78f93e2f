#![allow(clippy::unwrap_used)]
use super::*;

fn substitutes(listeners: &[SocketAddr]) -> Substitutes<'_> {
    Substitutes {
        system: Path::new("/nowhere/system"),
        folder: Path::new("/tmp/r"),
        key: Path::new("/tmp/r/key"),
        listeners,
    }
}

#[test]
fn a_rehearsed_proxy_touches_nothing_of_the_running_one_and_routes_as_the_new_one() {
    let check = json!({ "path": "/healthz" });
    let document = json!({
        "version": 1, "name": "px-1", "peers": { "key_file": "/keys/peers" }, "access_log": { "path": "/var/log/p" },
        "listeners": [{ "name": "http", "address": "0.0.0.0:80" }], "state_dir": "/var/lib/polder-proxy",
        "admin": { "socket": "/run/polder-proxy/admin.sock", "address": "10.0.0.1:8404" },
        "services": {
            "shop": { "check": check, "cookie": { "key_file": "/keys/cookies" }, "without_agreement": "keep" },
            "api": { "check": check, "backend_tls": { "ca_file": "/keys/ca.pem",
                "client_certificate": { "chain_file": "/keys/us.pem", "key_file": "/keys/us.key" } } },
            "www": { "check": check, "https": "redirect", "hsts": {},
                "request_headers": { "set": { "Host": "app.internal", "X-Tls": "v={tls_version}", "X-Cert": "{client_cert_subject}" } },
                "response_headers": { "remove": ["Server"] }, "tls": {
                "certificates": [{ "chain_file": "/keys/www.pem", "key_file": "/keys/www.key" }] } },
        },
        "tls": { "default": "www" },
        "agreement": { "engine": "etcd", "endpoints": ["https://192.0.2.11:2379"] },
        "acme": { "terms_of_service_agreed": true, "key_file": "/keys/peers", "nameservers": {} },
    });
    let listeners = ["127.0.0.1:4711".parse().unwrap()];
    assert_eq!(
        of_proxy(&document, &substitutes(&listeners), &["shop"]),
        json!({
            "version": 1, "name": "px-1", "listeners": [{ "name": "rehearsal-0", "address": "127.0.0.1:4711" }],
            "state_dir": "/tmp/r/state", "admin": { "socket": "/tmp/r/admin.sock" },
            "services": {
                "shop": { "check": check, "cookie": { "key_file": "/tmp/r/key" }, "start_grace": "0s" },
                "www": { "check": check, "request_headers": { "set": { "Host": "app.internal" } },
                    "response_headers": { "remove": ["Server"] } },
            },
        })
    );
}

#[test]
fn a_rehearsed_nameserver_has_no_secrets_of_others_and_leaves_them_alone() {
    let document = json!({
        "tsig_keys": { "k.test": { "algorithm": "hmac-sha256", "secret_file": "/keys/tsig" } },
        "zones": {
            "a.test": { "file": "/zones/a", "dnssec": { "keys": "/keys/dnssec" }, "transfer": { "allow": [{ "key": "k.test" }], "notify": [{ "address": "192.0.2.53" }] } },
            "b.test": { "primaries": [{ "address": "192.0.2.54", "key": "k.test" }] },
            "c.test": { "catalog": {}, "transfer": { "allow": [{ "key": "k.test" }] } },
        },
    });
    let altered = of_nameserver(&document, &substitutes(&[]));
    assert_eq!(altered["zones"], json!({ "a.test": { "file": "/zones/a" } }));
    assert!(altered.get("tsig_keys").is_none(), "{altered}");
    assert_eq!(key_files(&document), ["/keys/tsig", "/keys/dnssec"], "without them the daemon would not start");
}

#[test]
fn every_key_file_of_a_document_is_found() {
    let document = json!({ "peers": { "key_file": "/keys/peers", "members": { "px-2": { "keys": ["public"] } } }, "services": {
        "shop": { "cookie": { "key_file": "/keys/cookies" }, "tls": { "certificates": [{ "key_file": "/keys/shop" }] } } } });
    assert_eq!(key_files(&document), ["/keys/peers", "/keys/cookies"], "certificates may come later");
}

#[test]
fn zones_beside_the_document_are_those_of_the_new_system() {
    let document = json!({ "zones": { "a.test": { "file": "zones/a" }, "b.test": { "file": "/nix/store/x/b" } },
        "acme_challenges": { "listen": "192.0.2.1:8406", "key_file": "/keys/peers" },
        "encrypted": { "tls": ["192.0.2.1:853"], "certificates": [] } });
    let altered = of_nameserver(&document, &substitutes(&[]));
    assert_eq!(altered["zones"]["a.test"]["file"], "/nowhere/system/etc/polder/zones/a");
    assert_eq!(altered.get("acme_challenges"), None, "the running daemon listens there");
    assert_eq!(altered.get("encrypted"), None, "and there, with keys that no rehearsal reads");
    assert_eq!(altered["zones"]["b.test"]["file"], "/nix/store/x/b");
}

#[test]
fn what_a_new_system_has_under_etc_is_taken_from_there() {
    let system = tempfile::tempdir().unwrap();
    std::fs::create_dir(system.path().join("etc")).unwrap();
    std::fs::write(system.path().join("etc/zone"), "").unwrap();
    assert_eq!(placed("/etc/zone", system.path()), system.path().join("etc/zone").to_str().unwrap());
    assert_eq!(placed("/etc/key", system.path()), "/etc/key");
}

#[test]
fn a_wildcard_listener_is_reached_on_loopback() {
    for (listener, at) in [("0.0.0.0:80", "127.0.0.1:80"), ("[::]:80", "[::1]:80"), ("192.0.2.1:80", "192.0.2.1:80")] {
        assert_eq!(reached(listener.parse().unwrap()), at.parse().unwrap());
    }
}
