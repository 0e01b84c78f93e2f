//! What visitors have tried everywhere else to get out of a folder: each target as it stands, over both versions of HTTP.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use serde_json::json;

use crate::client::Client;
use crate::daemon::Daemon;
use crate::h2::{Authority, ask};

const SECRET: &str = "this is not for visitors";

/// Beside the folder, above it, and hidden in it.
fn prepare(folder: &Path) {
    let www = folder.join("www");
    fs::create_dir_all(www.join("a/.hidden")).unwrap();
    fs::create_dir_all(www.join(".git")).unwrap();
    fs::create_dir_all(www.join(".well-known")).unwrap();
    fs::create_dir_all(folder.join("www-private")).unwrap();
    for secret in
        ["secret", "www-private/secret", "www/.env", "www/.git/config", "www/a/.hidden/secret", "www/a/.htpasswd"]
    {
        fs::write(folder.join(secret), SECRET).unwrap();
    }
    fs::write(www.join("index.html"), "index").unwrap();
    fs::write(www.join("a/file"), "file").unwrap();
    fs::write(www.join(".well-known/security.txt"), "security").unwrap();
    symlink("../secret", www.join("up")).unwrap();
    symlink(folder.join("secret"), www.join("absolute")).unwrap();
    symlink("../www-private", www.join("beside")).unwrap();
    symlink("..", www.join("parent")).unwrap();
    symlink("/", www.join("root")).unwrap();
    symlink("/proc/self", www.join("proc")).unwrap();
    symlink("a/../../secret", www.join("winding")).unwrap();
    symlink("loop", www.join("loop")).unwrap();
    symlink("a", www.join("inside")).unwrap();
}

/// Not one of them is a file, and what is refused is never 200. A raw byte that no target may have is 400 already.
const REFUSED: [&str; 66] = [
    "/..",
    "/../",
    "/../secret",
    "/../../../../etc/passwd",
    "/a/../../secret",
    "/a/../file",
    "/./index.html",
    "/a/./file",
    "/a/..",
    "/.",
    "/%2e%2e/secret",
    "/%2E%2E/secret",
    "/.%2e/secret",
    "/%2e./secret",
    "/%2e%2e%2fsecret",
    "/..%2fsecret",
    "/..%2Fsecret",
    "/a/..%2f..%2fsecret",
    "/a%2f..%2f..%2fsecret",
    "/a%2ffile",
    "/%2fetc%2fpasswd",
    "/%2e%2e/%2e%2e/etc/passwd",
    "//",
    "//secret",
    "//etc/passwd",
    "/a//file",
    "/a/file//",
    "///etc/passwd",
    "/%00",
    "/index.html%00",
    "/%00/../secret",
    "/index.html%00.png",
    "/a/%2e%2e/%2e%2e/secret",
    "/..\\secret",
    "/..%5csecret",
    "/..%5c..%5csecret",
    "/a\\..\\..\\secret",
    "/%5c..%5csecret",
    "/%c0%ae%c0%ae/secret",
    "/%c0%ae%c0%ae%c0%afsecret",
    "/..%c0%afsecret",
    "/%e0%80%ae%e0%80%ae/secret",
    "/%f0%80%80%ae/secret",
    "/..%u2215secret",
    "/%uff0e%uff0e/secret",
    "/%252e%252e/secret",
    "/..%252fsecret",
    "/%",
    "/%2",
    "/%zz",
    "/..;/secret",
    "/a/..;/..;/secret",
    "/.env",
    "/.git/config",
    "/%2egit/config",
    "/a/.htpasswd",
    "/a/.hidden/secret",
    "/.well-known/../.env",
    "/up",
    "/absolute",
    "/beside/secret",
    "/parent/secret",
    "/root/etc/passwd",
    "/proc/root/etc/passwd",
    "/winding",
    "/loop",
];

#[test]
fn no_raw_target_leads_out_of_the_folder_or_to_what_is_hidden_in_it() {
    let authority = Authority::new();
    let tls = authority.issue();
    let site = json!({ "hosts": ["www.test"], "files": { "folder": "www" }, "tls": tls });
    let daemon = Daemon::start_with(prepare, json!({ "site": site }), true);
    for path in REFUSED {
        let mut client = Client::connect(daemon.address);
        client.send(format!("GET {path} HTTP/1.1\r\nHost: www.test\r\n\r\n").as_bytes());
        let response = client.response(false);
        assert!(matches!(response.status(), 400 | 404), "{path}: {}", response.head);
        assert!(!response.text().contains(SECRET), "{path}");
        // What a client of HTTP/2 cannot even write down is left out.
        if let Some((status, body)) = ask(daemon.https, &authority, path, &[]) {
            assert!(matches!(status, 400 | 404), "{path} over HTTP/2: {status}");
            assert!(!String::from_utf8_lossy(&body).contains(SECRET), "{path} over HTTP/2");
        }
    }
    for (path, content) in [
        ("/", "index"),
        ("/a/file", "file"),
        ("/%61/fil%65", "file"),
        ("/inside/file", "file"),
        ("/.well-known/security.txt", "security"),
    ] {
        let response = crate::client::get(daemon.address, &format!("www.test{path}"), &[]);
        assert_eq!((response.status(), response.text()), (200, content), "{path}");
        let (status, body) = ask(daemon.https, &authority, path, &[]).unwrap();
        assert_eq!((status, body), (200, content.into()), "{path} over HTTP/2");
    }
}

/// Bytes that are no characters of a target at all.
#[test]
fn raw_bytes_in_a_target_are_refused_before_any_folder_is_asked() {
    let daemon =
        Daemon::start_with(prepare, json!({ "site": { "hosts": ["www.test"], "files": { "folder": "www" } } }), false);
    for raw in [&b"/..\\..\\secret"[..], b"/\x00", b"/\xc0\xae\xc0\xae/secret", b"/a\x7f", b"/a\tb", b"/\xff\xfe"] {
        let mut client = Client::connect(daemon.address);
        client.send(&[b"GET ", raw, b" HTTP/1.1\r\nHost: www.test\r\n\r\n"].concat());
        let response = client.response(false);
        assert!(matches!(response.status(), 400 | 404), "{raw:?}: {}", response.head);
        assert!(!response.text().contains(SECRET), "{raw:?}");
    }
}

#[test]
fn a_guarded_path_is_not_open_under_another_spelling() {
    let authority = Authority::new();
    let tls = authority.issue();
    let service_with = |more: serde_json::Value| {
        let mut service =
            json!({ "hosts": ["www.test"], "answer": { "status": 200, "body": "open" }, "tls": tls.clone() });
        service.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        service
    };
    let users = |folder: &Path| {
        let line = "alice:$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW\n";
        fs::write(folder.join("users"), line).unwrap();
    };
    // Nobody answers at port 1.
    let services = json!({
        "open": service_with(json!({})),
        "private": service_with(json!({ "paths": ["/private"], "allow": ["192.0.2.0/24"] })),
        "staff": service_with(json!({ "paths": ["/staff"], "basic_auth": { "users_file": "users" } })),
        "asked": service_with(json!({ "paths": ["/asked"], "forward_auth": { "address": "127.0.0.1:1" } })),
    });
    let daemon = Daemon::start_with(users, services, true);
    for (path, status) in [
        ("/private/x", 403),
        ("/%70rivate/x", 400),
        ("//private/x", 400),
        ("/a/../private/x", 400),
        ("/private;v=1/x", 400),
        ("/x%5cy/../private/x", 400),
        ("/z/../private/;/../x", 400),
        ("/staff/x", 401),
        ("/staf%66/x", 400),
        ("/asked/x", 503),
        ("/aske%64/x", 400),
        ("/public%20page", 200),
        ("/privately", 200),
    ] {
        let mut client = Client::connect(daemon.address);
        client.send(format!("GET {path} HTTP/1.1\r\nHost: www.test\r\nConnection: close\r\n\r\n").as_bytes());
        assert_eq!(client.response(false).status(), status, "{path}");
        let (over_http2, _) = ask(daemon.https, &authority, path, &[]).unwrap();
        assert_eq!(over_http2, status, "{path} over HTTP/2");
    }
}

#[test]
fn what_a_path_takes_at_most_is_not_evaded_by_another_spelling() {
    // Nobody answers at port 1.
    let limited = |path: &str, key: &str, limit: serde_json::Value| {
        json!({ "hosts": ["www.test"], "paths": [path], "mode": "stateless",
                "backends": [{ "name": "nobody", "address": "127.0.0.1:1" }], key: limit })
    };
    let services = json!({
        "open": { "hosts": ["www.test"], "answer": { "status": 200, "body": "open" } },
        "login": limited("/login", "rate_limit", json!({ "client": { "rate": "1/h" } })),
        "upload": limited("/upload", "max_request_body", json!(10)),
    });
    let daemon = Daemon::start_unready(|_| {}, services);
    for (path, status) in [("/%6cogin", 400), ("/x/../upload", 400), ("/login", 503), ("/open", 200)] {
        let mut client = Client::connect(daemon.address);
        client.send(format!("GET {path} HTTP/1.1\r\nHost: www.test\r\nConnection: close\r\n\r\n").as_bytes());
        assert_eq!(client.response(false).status(), status, "{path}");
    }
}
