//! The example of docs/targets.md, as it stands there but for its addresses.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::client::{Client, get};
use crate::daemon::{Daemon, eventually};
use crate::ports::free_address;

const PAGE: &str = include_str!("../../docs/targets.md");

fn services() -> Value {
    let (_, example) = PAGE.split_once("```json file=proxy.json\n").expect("the page has an example");
    let (example, _) = example.split_once("\n```").unwrap();
    let document: Value = serde_json::from_str(example).unwrap();
    document["services"].clone()
}

fn prepare(folder: &Path) {
    for (name, content) in [
        ("pages/closed.html", "closed"),
        ("pages/404.html", "not found"),
        ("pages/503.html", "away"),
        ("www/index.html", "docs"),
        ("www/a.css", "a"),
        ("www/a.css.gz", "gz"),
    ] {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
}

#[test]
fn what_the_page_shows_does_what_it_says() {
    let mut services = services();
    services["www"]["backends"][0]["address"] = json!(free_address().to_string());
    let daemon = Daemon::start_unready(prepare, services);
    let mut client = Client::connect(daemon.address);
    let old = client.ask("GET", "example.com/blog?a", &[]);
    assert_eq!((old.status(), old.field("location")), (308, Some("https://www.example.net/blog?a")));
    let moved = client.ask("GET", "www.example.net/blog/a?b", &[]);
    assert_eq!((moved.status(), moved.field("location")), (302, Some("http://www.example.net/news/a?b")));
    let robots = client.ask("GET", "www.example.net/robots.txt", &[]);
    assert_eq!((robots.status(), robots.text()), (200, "User-agent: *\nDisallow: /cart\n"));
    let closed = client.ask("GET", "shop.example.net/any", &[]);
    assert_eq!((closed.status(), closed.text(), closed.field("retry-after")), (503, "closed", Some("3600")));
    let docs = client.ask("GET", "www.example.net/docs/a.css", &[("Accept-Encoding", "gzip")]);
    assert_eq!((docs.text(), docs.field("content-encoding")), ("gz", Some("gzip")));
    assert_eq!(client.ask("GET", "www.example.net/docs/", &[]).text(), "docs");
    assert_eq!(client.ask("GET", "www.example.net/docs/no", &[]).text(), "not found");
    eventually("the backend is down", || get(daemon.address, "www.example.net/", &[]).text() == "away");
}

/// The table of redirects, row by row.
#[test]
fn each_redirect_of_the_table_leads_where_it_says() {
    let rows = PAGE.lines().filter_map(|line| line.strip_prefix("| `\"")).filter(|row| row.contains("` | `http"));
    let mut tried = 0;
    for row in rows {
        let (keys, rest) = row.split_once("` | `").unwrap();
        let location = rest.split('`').next().unwrap();
        let redirect: Value = serde_json::from_str(&format!("{{\"{keys}}}")).unwrap();
        let daemon =
            Daemon::start(json!({ "a": { "hosts": ["example.com"], "paths": ["/blog"], "redirect": redirect } }));
        let sent = get(daemon.address, "example.com/blog/a?b", &[]);
        assert_eq!(sent.field("location"), Some(location), "{keys}");
        tried += 1;
    }
    assert_eq!(tried, 5);
}
