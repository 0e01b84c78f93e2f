//! Files, as a browser asks for them.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use serde_json::json;

use crate::client::{Client, get};
use crate::daemon::{Daemon, eventually};

const BROWSER: [(&str, &str); 3] = [
    ("Accept", "text/html,application/xhtml+xml,*/*;q=0.8"),
    ("Accept-Encoding", "gzip, deflate, br, zstd"),
    ("User-Agent", "Mozilla/5.0"),
];

fn write(folder: &Path, files: &[(&str, &str)]) {
    for (name, content) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
}

fn serving(files: &[(&str, &str)], more: serde_json::Value) -> Daemon {
    let mut config = json!({ "folder": "www" });
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let service = json!({ "hosts": ["www.test"], "paths": ["/", "/docs"], "files": config });
    Daemon::start_with(|folder| write(folder, files), json!({ "site": service }), false)
}

#[test]
fn visitors_who_do_not_take_their_files_hold_no_more_of_them_open_than_may_be() {
    let daemon = serving(&[("www/index.html", "<p>home")], json!({}));
    File::create(daemon.folder.path().join("www/large")).unwrap().set_len(1 << 30).unwrap();
    let path = daemon.folder.path().join("proxy.json");
    let mut document: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    document["limits"] = json!({ "connections": 8 });
    fs::write(&path, document.to_string()).unwrap();
    assert_eq!(daemon.post("/reload", &json!({})).0, 200);
    let mut stalled: Vec<Client> = (0..4).map(|_| Client::connect(daemon.address)).collect();
    for client in &mut stalled {
        client.send(b"GET /large HTTP/1.1\r\nHost: www.test\r\n\r\n");
        assert!(client.head().starts_with("HTTP/1.1 200"));
    }
    let refused = get(daemon.address, "www.test/", &BROWSER);
    assert_eq!(refused.status(), 503, "{refused:?}");
    assert_eq!(daemon.log(1)[0]["end"], "RO");
    stalled.pop();
    eventually("another one is served", || get(daemon.address, "www.test/", &BROWSER).status() == 200);
}

#[test]
fn a_browser_gets_pages_with_their_types_and_does_not_get_them_twice() {
    let daemon = serving(
        &[("www/index.html", "<p>home"), ("www/a/app.js", "let a;"), ("www/a/x.png", "png"), ("www/a/x.unknown", "?")],
        json!({}),
    );
    let mut client = Client::connect(daemon.address);
    let home = client.ask("GET", "www.test/", &BROWSER);
    assert_eq!((home.status(), home.text()), (200, "<p>home"));
    assert_eq!(home.field("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!((home.field("accept-ranges"), home.field("content-encoding")), (Some("bytes"), None));
    for (path, media) in [
        ("/index.html", "text/html; charset=utf-8"),
        ("/a/app.js", "text/javascript; charset=utf-8"),
        ("/a/x.png", "image/png"),
        ("/a/x.unknown", "application/octet-stream"),
    ] {
        let response = client.ask("GET", &format!("www.test{path}?v=1"), &BROWSER);
        assert_eq!((response.status(), response.field("content-type")), (200, Some(media)), "{path}");
    }
    let (etag, modified) = (home.field("etag").unwrap(), home.field("last-modified").unwrap());
    for condition in [("If-None-Match", etag), ("If-Modified-Since", modified)] {
        let again = client.ask("GET", "www.test/", &[condition]);
        assert_eq!((again.status(), again.field("etag")), (304, Some(etag)), "{condition:?}");
        assert_eq!((again.field("content-length"), again.field("content-type")), (None, None));
    }
    let lines = [("If-None-Match", "\"other\""), ("If-None-Match", etag)];
    assert_eq!(client.ask("GET", "www.test/", &lines).status(), 304, "a list in several lines");
    let lines = [("If-Match", "\"other\""), ("If-Match", etag)];
    assert_eq!(client.ask("GET", "www.test/", &lines).status(), 200, "a list in several lines");
    let part = client.ask("GET", "www.test/", &[("Range", "bytes=0-1"), ("If-Range", etag), ("If-Range", "\"other\"")]);
    assert_eq!(part.status(), 200, "several versions are none");
    assert_eq!(client.ask("GET", "www.test/", &[("If-Match", "\"other\"")]).status(), 412);
    let head = client.ask("HEAD", "www.test/", &BROWSER);
    assert_eq!((head.status(), head.field("content-length"), head.field("etag")), (200, Some("7"), Some(etag)));
    write(daemon.folder.path(), &[("www/index.html", "<p>new page")]);
    assert_eq!(client.ask("GET", "www.test/", &[("If-None-Match", etag)]).text(), "<p>new page");
    assert_eq!(client.ask("GET", "www.test/nothing", &BROWSER).status(), 404);
    let refused = client.ask("DELETE", "www.test/", &[]);
    assert_eq!((refused.status(), refused.field("allow")), (405, Some("GET, HEAD")));
    assert_eq!(
        daemon.explain("www.test", "/a/app.js"),
        "it is answered with the file a/app.js in the folder www"
            .replace("www", &daemon.folder.path().join("www").display().to_string())
    );
    assert!(daemon.metric("polder_requests_for_files_total") >= 10);
}

#[test]
fn explain_looks_whether_the_file_is_there() {
    let daemon = serving(&[("www/index.html", "<p>page"), ("www/a/app.js", "let a;")], json!({}));
    let www = daemon.folder.path().join("www");
    std::os::unix::fs::symlink("/etc/hostname", www.join("out")).unwrap();
    let told = |path: &str| {
        let told: serde_json::Value =
            serde_json::from_str(&daemon.get(&format!("/explain?host=www.test&path={path}")).unwrap()).unwrap();
        (told["because"].as_array().unwrap().last().unwrap().as_str().unwrap().to_owned(), told["refusal"].clone())
    };
    for (path, words, refusal) in [
        ("/", "it is answered with the index of . in ", None),
        ("/nope", "there is nothing for the file nope in ", Some("404")),
        ("/a", "it is sent to /a/ (308)", None),
        ("/a/", "there is nothing for the index of a in ", Some("404")),
        ("/out", "a symbolic link leads out of the folder ", Some("404")),
    ] {
        let (said, refused) = told(path);
        assert!(said.contains(words), "{path}: {said}");
        assert_eq!(refused.as_str(), refusal, "{path}");
    }
    std::fs::rename(&www, daemon.folder.path().join("away")).unwrap();
    let (said, refused) = told("/");
    assert!(said.ends_with("it is answered 503") && refused == "503", "{said}: {refused}");
}

#[test]
fn a_part_is_sent_and_a_broken_download_goes_on() {
    let daemon = serving(&[("www/a.txt", "0123456789")], json!({}));
    let mut client = Client::connect(daemon.address);
    let mut ask = |fields: &[(&str, &str)]| {
        let response = client.ask("GET", "www.test/a.txt", fields);
        let range = response.field("content-range").map(str::to_owned);
        (response.status(), range, response.text().to_owned())
    };
    let part = |range: &str, text: &str| (206, Some(format!("bytes {range}/10")), text.to_owned());
    assert_eq!(ask(&[("Range", "bytes=2-4")]), part("2-4", "234"));
    assert_eq!(ask(&[("Range", "bytes=7-")]), part("7-9", "789"));
    assert_eq!(ask(&[("Range", "bytes=-1")]), part("9-9", "9"));
    assert_eq!(ask(&[("Range", "bytes=0-1,4-5")]), (200, None, "0123456789".into()));
    assert_eq!(ask(&[("Range", "bytes=10-")]), (416, Some("bytes */10".into()), "Range Not Satisfiable\n".into()));
    assert_eq!(ask(&[("Range", "bytes=2-4"), ("If-Range", "\"another\"")]), (200, None, "0123456789".into()));
    let whole = client.ask("HEAD", "www.test/a.txt", &[("Range", "bytes=2-4")]);
    assert_eq!((whole.status(), whole.field("content-length")), (200, Some("10")), "ranges are GET's (RFC 9110, 14.2)");
    let etag = whole.field("etag").unwrap();
    let rest = client.ask("GET", "www.test/a.txt", &[("Range", "bytes=2-4"), ("If-Range", etag)]);
    assert_eq!((rest.status(), rest.text()), (206, "234"));
}

#[test]
fn a_folder_has_a_slash_and_an_index_and_is_not_listed() {
    let daemon = serving(&[("www/a/index.html", "a"), ("www/b/c", "c")], json!({}));
    let mut client = Client::connect(daemon.address);
    let slash = client.ask("GET", "www.test/a?b=c", &[]);
    assert_eq!((slash.status(), slash.field("location")), (308, Some("/a/?b=c")));
    assert_eq!(client.ask("GET", "www.test/a/", &[]).text(), "a");
    assert_eq!(client.ask("GET", "www.test/b/", &[]).status(), 404);
    assert_eq!(client.ask("GET", "www.test/a/index.html/", &[]).status(), 404);
}

#[test]
fn the_path_of_the_service_may_be_left_out_and_an_application_may_know_its_paths_itself() {
    let daemon = serving(
        &[("www/a.txt", "a"), ("www/app.html", "app")],
        json!({ "strip_prefix": true, "fallback": "app.html", "index": ["app.html"] }),
    );
    let mut client = Client::connect(daemon.address);
    for (path, text) in
        [("/docs/a.txt", "a"), ("/a.txt", "a"), ("/docs/", "app"), ("/docs/some/page", "app"), ("/x", "app")]
    {
        assert_eq!(client.ask("GET", &format!("www.test{path}"), &[]).text(), text, "{path}");
    }
    assert_eq!(client.ask("GET", "www.test/docs", &[]).field("location"), Some("/docs/"));
    assert_eq!(client.ask("GET", "www.test/docs/.git/config", &[]).status(), 404, "no name is no page either");
}

#[test]
fn a_visitor_gets_the_compressed_file_that_he_likes_best() {
    let files = [("www/a.css", "plain"), ("www/a.css.br", "br"), ("www/a.css.zst", "zst"), ("www/a.css.gz", "gz")];
    let daemon = serving(&files, json!({ "precompressed": true }));
    let mut client = Client::connect(daemon.address);
    let mut tags = Vec::new();
    for (accept, coding, text) in [
        (None, None, "plain"),
        (Some("gzip, deflate, br, zstd"), Some("br"), "br"),
        (Some("gzip"), Some("gzip"), "gz"),
        (Some("gzip;q=0.5, zstd;q=0.8, br;q=0"), Some("zstd"), "zst"),
        (Some("*"), Some("br"), "br"),
        (Some("identity, *;q=0"), None, "plain"),
    ] {
        let fields: Vec<(&str, &str)> = accept.map(|accept| ("Accept-Encoding", accept)).into_iter().collect();
        let response = client.ask("GET", "www.test/a.css", &fields);
        assert_eq!((response.text(), response.field("content-encoding")), (text, coding), "{accept:?}");
        assert_eq!(response.field("content-type"), Some("text/css; charset=utf-8"), "{accept:?}");
        assert_eq!(response.field("vary"), Some("Accept-Encoding"));
        tags.push(response.field("etag").unwrap().to_owned());
    }
    tags.sort();
    tags.dedup();
    assert_eq!(tags.len(), 4, "each has a tag of its own: {tags:?}");
}

#[test]
fn a_large_file_comes_whole_also_to_one_who_takes_his_time() {
    let daemon = serving(&[], json!({}));
    let content: Vec<u8> = (0..20_000_000_u32).map(|index| (index % 251) as u8).collect();
    fs::create_dir_all(daemon.folder.path().join("www")).unwrap();
    File::create(daemon.folder.path().join("www/large")).unwrap().write_all(&content).unwrap();
    let mut slow = Client::connect(daemon.address);
    slow.send(b"GET /large HTTP/1.1\r\nHost: www.test\r\n\r\n");
    assert!(get(daemon.address, "www.test/large", &[]).body == content, "while the other one does not read");
    assert!(slow.response(false).body == content);
    let part = get(daemon.address, "www.test/large", &[("Range", "bytes=10000000-15000000")]);
    assert!(part.body == content[10_000_000..=15_000_000]);
    assert_eq!(daemon.log(3)[0]["bytes"], 20_000_000);
}

#[test]
fn a_release_is_exchanged_by_the_link_that_is_the_folder() {
    let files = [("one/index.html", "one"), ("two/index.html", "two")];
    let daemon = Daemon::start_with(
        |folder| {
            write(folder, &files);
            symlink("one", folder.join("www")).unwrap();
        },
        json!({ "site": { "hosts": ["www.test"], "files": { "folder": "www" } } }),
        false,
    );
    assert_eq!(get(daemon.address, "www.test/", &[]).text(), "one");
    symlink("two", daemon.folder.path().join("next")).unwrap();
    fs::rename(daemon.folder.path().join("next"), daemon.folder.path().join("www")).unwrap();
    assert_eq!(get(daemon.address, "www.test/", &[]).text(), "two");
}

#[test]
fn a_file_without_a_time_of_its_own_is_told_apart_by_its_place() {
    let daemon = serving(&[("www/a", "12345"), ("www/b", "54321")], json!({}));
    for name in ["a", "b"] {
        let file = File::options().write(true).open(daemon.folder.path().join("www").join(name)).unwrap();
        file.set_modified(UNIX_EPOCH + Duration::from_secs(1)).unwrap();
    }
    let (one, two) = (get(daemon.address, "www.test/a", &[]), get(daemon.address, "www.test/b", &[]));
    assert_eq!(one.field("last-modified"), None);
    assert_ne!(one.field("etag").unwrap(), two.field("etag").unwrap());
}

#[test]
fn a_folder_that_is_not_there_is_503_and_a_file_that_may_not_be_read_403() {
    let daemon = serving(&[], json!({}));
    assert_eq!(get(daemon.address, "www.test/a", &[]).status(), 503);
    assert_eq!(daemon.log(1)[0]["end"], "LH");
    let alarms = daemon.alarms();
    assert!(alarms.contains("services.site.files.folder: ") && alarms.contains("answered 503"), "{alarms}");
    write(daemon.folder.path(), &[("www/a", "a")]);
    assert_eq!(get(daemon.address, "www.test/a", &[]).text(), "a");
    eventually("the alarm is gone", || daemon.alarms() == "[]");
    // Root reads everything: which status an error becomes is proved beside the code, too.
    if !nix::unistd::geteuid().is_root() {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(daemon.folder.path().join("www/a"), fs::Permissions::from_mode(0o0)).unwrap();
        assert_eq!(get(daemon.address, "www.test/a", &[]).status(), 403);
        assert_eq!(daemon.log(3)[2]["end"], "LH");
    }
}

#[test]
fn check_config_warns_of_what_is_not_there_to_be_served_and_refuses_what_never_can_be() {
    let service = |host: &str, target: serde_json::Value| {
        let mut service = json!({ "hosts": [host] });
        service.as_object_mut().unwrap().extend(target.as_object().unwrap().clone());
        service
    };
    let services = json!({
        "a": service("a.test", json!({ "answer": { "file": "a.html" } })),
        "b": service("b.test", json!({ "redirect": { "host": "c.test" }, "error_pages": { "429": "429.html" } })),
        "c": service("c.test", json!({ "files": { "folder": "www" } })),
        "d": service("d.test", json!({ "mode": "stateless", "backends": [{ "name": "d", "address": "127.0.0.1:1" }],
            "error_pages": { "maintenance": "m.html" } })),
    });
    let daemon = Daemon::start(json!({ "a": service("a.test", json!({ "answer": { "body": "here" } })) }));
    let keys = ["a.answer.file", "b.error_pages.429", "c.files.folder", "d.error_pages.maintenance"];
    let (code, words) = daemon.check(&services);
    assert_eq!(code, Some(0), "{words}");
    let all_told = |words: &str| keys.iter().all(|key| words.contains(&format!("services.{key}: ")));
    assert!(all_told(&words), "{words}");
    assert_eq!(words.lines().filter(|line| line.starts_with("warning: ")).count(), keys.len(), "{words}");
    for name in ["a.html", "429.html", "m.html"] {
        fs::create_dir(daemon.folder.path().join(name)).unwrap();
    }
    fs::write(daemon.folder.path().join("www"), "no folder").unwrap();
    let (code, words) = daemon.check(&services);
    assert_eq!(code, Some(1), "{words}");
    assert!(all_told(&words) && !words.contains("warning: "), "{words}");
    assert!(words.contains("it is a directory: expected a regular file"), "{words}");
    assert!(words.contains("www: cannot be opened: Not a directory"), "{words}");
}

#[test]
fn a_file_that_becomes_shorter_ends_its_response_early() {
    let daemon = serving(&[], json!({}));
    fs::create_dir_all(daemon.folder.path().join("www")).unwrap();
    let path = daemon.folder.path().join("www/a");
    let file = File::create(&path).unwrap();
    file.set_len(200_000_000).unwrap();
    let mut client = Client::connect(daemon.address);
    client.send(b"GET /a HTTP/1.1\r\nHost: www.test\r\n\r\n");
    // It has begun; all of it does not fit into the sockets between.
    client.first_bytes();
    file.set_len(0).unwrap();
    assert!(client.rest().len() < 200_000_000);
    assert_eq!(daemon.log(1)[0]["end"], "LD");
}
