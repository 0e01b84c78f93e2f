//! A service's own pages in place of the proxy's errors.

use std::fs;
use std::net::TcpListener;
use std::path::Path;

use serde_json::{Value, json};

use crate::client::{Client, get};
use crate::daemon::{Daemon, eventually};
use crate::ports::free_address;

const BROWSER: (&str, &str) = ("Accept", "text/html,application/xhtml+xml,*/*;q=0.8");

fn prepare(folder: &Path) {
    for (name, content) in [
        ("503.html", "<p>away {request_id}"),
        ("504.html", "<p>late"),
        ("502.html", "<p>bad"),
        ("painting.html", "<p>painting {request_id}"),
        ("404.html", "<p>lost"),
    ] {
        fs::write(folder.join(name), content).unwrap();
    }
}

fn service(backends: &[(&str, String)], pages: Value) -> Value {
    let backends: Vec<Value> =
        backends.iter().map(|(name, address)| json!({ "name": name, "address": address })).collect();
    json!({ "hosts": ["www.test"], "mode": "stateless", "backends": backends, "error_pages": pages,
        "check": { "type": "tcp", "interval": "50ms", "fast_interval": "50ms", "rise": 1, "fall": 1 } })
}

#[test]
fn visitors_see_the_page_of_the_service_and_programs_an_object() {
    let pages = json!({ "503": "503.html" });
    let services = json!({ "www": service(&[("a", free_address().to_string())], pages) });
    let daemon = Daemon::start_unready(prepare, services);
    eventually("no backend is up", || daemon.explain("www.test", "/").contains("no backend may serve it"));
    let mut client = Client::connect(daemon.address);
    let page = client.ask("GET", "www.test/", &[BROWSER]);
    assert_eq!((page.status(), page.field("content-type")), (503, Some("text/html; charset=utf-8")));
    assert_eq!((page.field("retry-after"), page.field("cache-control")), (Some("5"), Some("no-store")));
    let id = page.text().strip_prefix("<p>away ").unwrap().to_owned();
    assert!(id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    let json = client.ask("GET", "www.test/", &[("Accept", "application/json, */*")]);
    assert_eq!((json.status(), json.field("content-type")), (503, Some("application/json")));
    let object: Value = serde_json::from_str(json.text()).unwrap();
    assert_eq!((&object["status"], &object["error"]), (&json!(503), &json!("Service Unavailable")));
    assert_ne!(object["request_id"], id.as_str());
    let head = client.ask("HEAD", "www.test/", &[BROWSER]);
    let length = page.body.len().to_string();
    assert_eq!((head.status(), head.field("content-length")), (503, Some(length.as_str())));
    let image = client.ask("GET", "www.test/a.png", &[("Accept", "image/webp,image/png")]);
    assert_eq!(image.status(), 503);
    assert!(
        image.text().starts_with("Service Unavailable\n\nThis page cannot be shown at the moment."),
        "{}",
        image.text()
    );
    let unrouted = client.ask("GET", "other.test/", &[BROWSER]);
    assert_eq!((unrouted.status(), unrouted.text()), (404, "Not Found\n"), "no service, no page");
    let log = daemon.log(5);
    assert_eq!((&log[0]["request_id"], &log[0]["end"]), (&json!(id), &json!("SC")));
    assert_eq!(log[1]["request_id"], object["request_id"]);
    assert!(image.text().contains(log[3]["request_id"].as_str().unwrap()), "{}", image.text());
    assert_eq!(log[4].get("request_id"), None, "nobody has seen one");
    assert_eq!(daemon.metric("polder_error_pages_total"), 3);
}

#[test]
fn a_service_whose_backends_are_all_in_maint_shows_its_page_for_that() {
    let backend = TcpListener::bind("127.0.0.1:0").unwrap();
    let pages = json!({ "503": "503.html", "maintenance": "painting.html", "maintenance_retry_after": "10m" });
    let services = json!({ "www": service(&[("a", backend.local_addr().unwrap().to_string())], pages) });
    let daemon = Daemon::start_with(prepare, services, false);
    let set = |state: &str| {
        let command = json!({ "subject": "www/a", "state": state, "who": "test", "why": "painting", "force": true });
        let (status, words) = daemon.post("/operator", &command);
        assert_eq!(status, 200, "{words}");
    };
    set("maint");
    let page = get(daemon.address, "www.test/", &[BROWSER]);
    let id = page.text().strip_prefix("<p>painting ").unwrap();
    assert_eq!((page.status(), page.field("retry-after"), id.len()), (503, Some("600"), 16), "{}", page.text());
    let log = daemon.log(1);
    assert_eq!(
        (&log[0]["end"], &log[0]["request_id"]),
        (&json!("LQ"), &json!(id)),
        "what a visitor is shown finds his request"
    );
    let again = get(daemon.address, "www.test/", &[BROWSER]);
    assert_ne!(again.text(), page.text(), "each has its own");
    assert!(daemon.explain("www.test", "/").contains("an operator has all backends in maint"));
}

#[test]
fn what_a_backend_answers_is_passed_on_as_it_is_and_what_it_breaks_is_our_page() {
    let backend = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = backend.local_addr().unwrap();
    std::thread::spawn(move || {
        use std::io::{Read, Write};
        for stream in backend.incoming() {
            let mut stream = stream.unwrap();
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
                head.push(byte[0]);
            }
            if head.starts_with(b"GET /own") {
                let _ = stream.write_all(b"HTTP/1.1 503 Mine\r\nContent-Length: 4\r\nConnection: close\r\n\r\nmine");
            } else if !head.is_empty() {
                let _ = stream.write_all(b"nonsense\r\n\r\n");
            }
        }
    });
    let pages = json!({ "502": "502.html", "503": "503.html" });
    let daemon = Daemon::start_with(prepare, json!({ "www": service(&[("a", address.to_string())], pages) }), false);
    let own = get(daemon.address, "www.test/own", &[BROWSER]);
    assert_eq!((own.status(), own.text()), (503, "mine"));
    let broken = get(daemon.address, "www.test/broken", &[BROWSER]);
    assert_eq!((broken.status(), broken.text()), (502, "<p>bad"));
    assert_eq!(daemon.log(2)[1]["end"], "PH");
}

#[test]
fn a_page_that_changes_is_shown_anew_and_a_folder_has_a_page_for_what_is_not_there() {
    let site = json!({ "hosts": ["www.test"], "files": { "folder": "." }, "error_pages": { "404": "404.html" } });
    let daemon = Daemon::start_with(prepare, json!({ "site": site }), false);
    let shown = || get(daemon.address, "www.test/nothing", &[BROWSER]);
    assert_eq!((shown().status(), shown().text()), (404, "<p>lost"));
    fs::write(daemon.folder.path().join("404.html"), "<p>really lost").unwrap();
    eventually("the new page is shown", || shown().text() == "<p>really lost");
    fs::remove_file(daemon.folder.path().join("404.html")).unwrap();
    eventually("an alarm names the file", || daemon.alarms().contains("services.site.error_pages.404"));
    assert_eq!(shown().text(), "<p>really lost");
}

#[test]
fn whoever_comes_too_soon_sees_the_page_for_that_and_when_to_come_again() {
    let prepare = |folder: &Path| fs::write(folder.join("429.html"), "<p>slowly").unwrap();
    let service = json!({ "hosts": ["www.test"], "answer": { "body": "here" }, "error_pages": { "429": "429.html" },
        "rate_limit": { "client": { "rate": "1/h", "burst": 1 } } });
    let daemon = Daemon::start_with(prepare, json!({ "www": service }), false);
    assert_eq!(get(daemon.address, "www.test/", &[BROWSER]).text(), "here");
    let page = get(daemon.address, "www.test/", &[BROWSER]);
    assert_eq!((page.status(), page.text()), (429, "<p>slowly"));
    assert_eq!(page.head.matches("Retry-After: ").count(), 1, "{}", page.head);
}
