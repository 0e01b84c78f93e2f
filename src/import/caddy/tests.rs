use std::path::{Path, PathBuf};

use super::super::note::Became;
use super::*;
use crate::config::proxy;

fn imported(text: &str) -> Imported {
    import(text, &|_| None).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// A key of a service, as JSON on one line.
fn key(imported: &Imported, service: &str, key: &str) -> String {
    let services = imported.document.get("services").and_then(Tree::table).expect("services");
    let service =
        services.get(service).and_then(Tree::table).unwrap_or_else(|| panic!("{service} in {}", imported.json()));
    let Some(value) = service.get(key) else { return "-".to_owned() };
    let text = super::super::json::print(value);
    text.lines().map(str::trim).collect::<Vec<_>>().join(" ").replace("[ ", "[").replace(" ]", "]")
}

fn told(imported: &Imported) -> Vec<(u32, Became, &str)> {
    imported.notes.iter().map(|note| (note.line, note.became, note.why.as_str())).collect()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/import/caddy")
}

#[test]
fn a_site_by_name_has_a_certificate_from_the_ca_and_sends_clear_text_to_https() {
    let imported = imported("www.example.net {\n reverse_proxy 192.0.2.1:8080 {\n  health_uri /up\n }\n}\n");
    assert_eq!(key(&imported, "www.example.net", "hosts"), r#"["www.example.net"]"#);
    assert_eq!(key(&imported, "www.example.net", "tls"), r#""acme""#);
    assert_eq!(key(&imported, "www.example.net", "https"), r#""redirect""#);
    let listeners = imported.document.get("listeners").expect("listeners").list();
    let addresses: Vec<_> = listeners.iter().filter_map(|listener| listener.table()?.get("address")?.text()).collect();
    assert_eq!(addresses, ["0.0.0.0:80", "[::]:80", "0.0.0.0:443", "[::]:443"]);
    assert_eq!(told(&imported).len(), 1, "that you agree to the terms of the CA: {:?}", told(&imported));
}

#[test]
fn the_certificate_for_clients_that_name_no_host_is_that_of_default_sni() {
    let with = |options: &str| {
        let imported = imported(&format!(
            "{{\n {options}\n}}\nhttps://a.example.net {{\n tls /a.pem /a.key\n respond a\n}}\nb.example.net {{\n tls /b.pem /b.key\n respond b\n}}\n"
        ));
        let default = imported.document.get("tls").and_then(Tree::table).and_then(|tls| tls.get("default").cloned());
        let hosts = default.map(|name| key(&imported, name.text().expect("a name"), "hosts"));
        (hosts, told(&imported).into_iter().map(|(line, became, _)| (line, became)).collect::<Vec<_>>())
    };
    assert_eq!(
        with("default_sni B.example.net"),
        (Some(r#"["b.example.net"]"#.to_owned()), vec![(2, Became::Changed)])
    );
    assert_eq!(with("default_sni c.example.net"), (None, vec![(2, Became::LeftOut)]));
    assert_eq!(with("debug"), (None, vec![]), "Caddy refuses them, too");
}

#[test]
fn directives_are_asked_in_caddys_order_and_not_in_that_of_the_file() {
    let imported = imported(
        ":80 {\n reverse_proxy 192.0.2.1:80\n reverse_proxy /a/* 192.0.2.2:80\n reverse_proxy /a/b/* 192.0.2.3:80\n \
         handle /c/* {\n  reverse_proxy 192.0.2.4:80\n }\n}\n",
    );
    let at = |path: &str| {
        let services = imported.document.get("services").and_then(Tree::table).expect("services");
        let of_path = services.iter().find(|(name, _)| key(&imported, name, "paths") == path).expect(path).0.to_owned();
        key(&imported, &of_path, "backends")
    };
    for (path, address) in [
        (r#"["/a"]"#, "192.0.2.2:80"),
        (r#"["/a/b"]"#, "192.0.2.3:80"),
        (r#"["/c"]"#, "192.0.2.4:80"),
        ("-", "192.0.2.1:80"),
    ] {
        assert!(at(path).contains(address), "{path}: {}", at(path));
    }
}

#[test]
fn of_handle_blocks_the_first_that_matches_is_the_only_one() {
    let imported = imported(
        ":80 {\n @a path /a/*\n @b path /a/b/*\n handle @a {\n  reverse_proxy 192.0.2.1:80\n }\n handle @b {\n  reverse_proxy 192.0.2.2:80\n }\n \
         handle {\n  reverse_proxy 192.0.2.3:80\n }\n}\n",
    );
    let services = imported.document.get("services").and_then(Tree::table).expect("services");
    assert_eq!(services.iter().count(), 2, "{}", imported.json());
    assert!(
        told(&imported).iter().any(|(line, _, why)| *line == 8 && why.contains("no request comes to it")),
        "{:?}",
        told(&imported)
    );
}

#[test]
fn the_narrowest_site_has_a_request_alone() {
    let imported = imported(
        ":80 {\n reverse_proxy 192.0.2.1:80\n}\nhttp://a.example.net {\n reverse_proxy /x/* 192.0.2.2:80\n}\n",
    );
    assert_eq!(key(&imported, "a.example.net", "paths"), r#"["/x"]"#);
    assert_eq!(key(&imported, "all", "hosts"), r#"["*"]"#, "and nothing of a.example.net goes there");
    let services = imported.document.get("services").and_then(Tree::table).expect("services");
    assert_eq!(services.iter().count(), 2, "{}", imported.json());
}

#[test]
fn redirects_answers_and_files_become_services_of_their_own() {
    let imported = imported(
        ":80 {\n root * /srv/www\n redir /old/* https://new.example.net{uri} permanent\n respond /robots.txt \"User-agent: *\"\n error /gone/* 410\n \
         handle_path /docs/* {\n  root * /srv/docs\n  try_files {path} /index.html\n  file_server {\n   precompressed gzip\n  }\n }\n file_server\n}\n",
    );
    let all = imported.json().split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        r#""redirect": { "status": 301, "scheme": "https", "host": "new.example.net" }"#,
        r#""body": "User-agent: *""#,
        r#""answer": { "status": 410 }"#,
        r#""files": { "folder": "/srv/docs", "strip_prefix": true, "precompressed": true, "fallback": "index.html" }"#,
        r#""files": { "folder": "/srv/www" }"#,
    ] {
        assert!(all.contains(part), "{part}\n{all}");
    }
    assert!(told(&imported).iter().all(|(_, became, _)| *became == Became::Changed), "{:?}", told(&imported));
}

/// Each is a key of a service where polder's own reader has it, and is told where not; what guards is never open in silence.
#[test]
fn compression_bodies_and_who_may_come_are_taken_or_told() {
    let cases = [
        (" encode zstd gzip\n", 3, r#""compression": { "algorithms": ["zstd", "gzip"] }"#, ""),
        (" request_body {\n  max_size 10MB\n }\n", 3, r#""max_request_body": 10000000"#, ""),
        (" @out not remote_ip 10.0.0.0/8\n respond @out 403\n", 4, r#""allow": ["10.0.0.0/8"]"#, "is served here"),
        (
            " basic_auth /staff/* {\n  bob $2a$14$x\n }\n",
            3,
            r#""basic_auth": { "users_file": "/var/lib/polder-keys/all.users" }"#,
            "answered 403",
        ),
        (
            " forward_auth /app/* 192.0.2.7:9091 {\n  uri /verify\n }\n",
            3,
            r#""forward_auth": { "address": "192.0.2.7:9091", "path": "/verify" }"#,
            "answered 403",
        ),
    ];
    for (lines, line, key, danger) in cases {
        let imported = imported(&format!(":80 {{\n reverse_proxy 192.0.2.1:80\n{lines}}}\n"));
        let all = imported.json().split_whitespace().collect::<Vec<_>>().join(" ");
        let told = told(&imported);
        let is_told =
            told.iter().any(|(at, became, why)| *at == line && *became == Became::LeftOut && why.contains(danger));
        assert!(all.contains(key) != is_told, "{lines}: {told:?}\n{all}");
    }
}

#[test]
fn files_are_compressed_too_and_redirects_have_nothing_to_compress() {
    let imported = imported(
        ":80 {\n encode zstd gzip\n root * /srv/www\n redir /old/* https://new.test\n reverse_proxy /api/* 192.0.2.1:80\n file_server\n}\n",
    );
    let told: Vec<_> = told(&imported).into_iter().filter(|(_, became, _)| *became == Became::LeftOut).collect();
    assert!(told.is_empty(), "{told:?}");
    assert_eq!(imported.json().matches(r#""compression""#).count(), 2, "{}", imported.json());
}

#[test]
fn what_cannot_be_expressed_is_left_out_with_its_line_and_what_to_do() {
    let cases = [
        (" reverse_proxy @p 192.0.2.2:80\n @p method POST\n", 3, "method: polder routes by host and path alone"),
        (" reverse_proxy /x/* app:80\n", 3, "looks up no names"),
        (" reverse_proxy /x/* unix//run/a.sock\n", 3, "not to sockets of Unix"),
        (" import other.conf\n", 3, "files are not read"),
        (" uri strip_prefix /x\n", 3, "whole path"),
        (" encode {\n  gzip\n  minimum_length 9\n }\n", 5, "\"min_size\""),
        (" reverse_proxy /x/* 192.0.2.2:80 {\n  max_fails 3\n }\n", 4, "judges by checks"),
    ];
    for (lines, line, expected) in cases {
        let imported = imported(&format!(":80 {{\n reverse_proxy 192.0.2.1:80\n{lines}}}\n"));
        let told = told(&imported);
        assert!(
            told.iter().any(|(at, became, why)| *at == line && *became == Became::LeftOut && why.contains(expected)),
            "{lines}: {told:?}"
        );
    }
    let behind =
        imported("{\n servers {\n  client_ip_headers CF-Connecting-IP\n }\n}\n:80 {\n reverse_proxy 192.0.2.1:80\n}\n");
    assert!(
        told(&behind).iter().any(|(at, _, why)| *at == 3 && why.contains("X-Forwarded-For alone")),
        "{:?}",
        told(&behind)
    );
}

/// The examples, and beside each what it comes to. After a change that is wanted: POLDER_WRITE_GOLDEN=1 writes them anew.
#[test]
fn the_examples_come_to_the_documents_beside_them() {
    let mut found = 0;
    for entry in std::fs::read_dir(folder()).expect("the examples") {
        let file = entry.expect("an entry").path();
        if file.extension().is_none_or(|extension| extension != "Caddyfile") {
            continue;
        }
        found += 1;
        let imported = imported(&std::fs::read_to_string(&file).expect("text"));
        let mut text = imported.json();
        for note in &imported.notes {
            text.push_str(&format!("{}: {}: {}: {}\n", note.line, note.became.words(), note.statement, note.why));
        }
        let golden = file.with_extension("txt");
        if std::env::var_os("POLDER_WRITE_GOLDEN").is_some() {
            std::fs::write(&golden, &text).expect("it can be written");
        }
        let expected = std::fs::read_to_string(&golden).unwrap_or_default();
        assert!(text == expected, "{} is not what comes out any more:\n{text}", golden.display());
    }
    assert!(found >= 3, "{found} examples");
}

/// Pieces of the examples put together at random, cut, and spoiled: the result is a document that the daemon takes, or an error.
#[test]
fn whatever_comes_in_the_result_is_a_valid_document_or_an_error() {
    let seed = fastrand::u64(..);
    eprintln!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let examples = ["sites", "plain", "hard"].map(|name| folder().join(name).with_extension("Caddyfile"));
    let corpus = examples.map(|file| std::fs::read_to_string(file).expect("text"));
    let words: Vec<&str> = corpus.iter().flat_map(|text| text.split_ascii_whitespace()).collect();
    let lines: Vec<&str> = corpus.iter().flat_map(|text| text.lines()).collect();
    let mut good = 0;
    for _ in 0..200 {
        let mut text: Vec<String> = corpus[random.usize(..3)].lines().map(str::to_owned).collect();
        for _ in 0..random.usize(..8) {
            let place = random.usize(..text.len());
            match random.u32(..5) {
                0 => text[place].clear(),
                1 => text.insert(place, lines[random.usize(..lines.len())].to_owned()),
                2 | 3 => {
                    let mut parts: Vec<&str> = text[place].split(' ').collect();
                    let part = random.usize(..parts.len());
                    parts[part] = words[random.usize(..words.len())];
                    text[place] = parts.join(" ");
                }
                _ => text[place].push(random.char(..)),
            }
        }
        let text = text.join("\n");
        if let Ok(imported) = import(&text, &|_| Some("x y".to_owned())) {
            good += 1;
            proxy::parse(Path::new("proxy.json"), &imported.json())
                .unwrap_or_else(|findings| panic!("{findings}\n{text}"));
            let last = u32::try_from(text.lines().count()).expect("few lines").max(1);
            assert!(imported.notes.iter().all(|note| (1..=last).contains(&note.line)), "{:?}\n{text}", imported.notes);
            super::super::nix::print(&super::super::fleet::options(&imported.document));
        }
    }
    assert!(good > 20, "{good} good");
}

/// What each site answers, for names of services that the document has.
fn services(imported: &Imported) -> Vec<String> {
    let services = imported.document.get("services").and_then(Tree::table).expect("services");
    services.iter().map(|(name, _)| name.to_owned()).collect()
}

#[test]
fn a_site_of_all_hosts_at_a_port_of_its_own_is_not_served_at_the_public_one() {
    let text = "www.example.net {\n reverse_proxy 192.0.2.1:80\n}\n:9000 {\n reverse_proxy 127.0.0.1:9090\n}\n";
    let imported = imported(text);
    assert_eq!(services(&imported), ["www.example.net"]);
    assert_eq!(key(&imported, "www.example.net", "https"), r#""redirect""#);
    assert!(!imported.json().contains(":9000"), "{}", imported.json());
    assert!(
        told(&imported).iter().any(|(line, became, why)| {
            *line == 4 && *became == Became::LeftOut && why.contains("would be served at port 80, too")
        }),
        "{:?}",
        told(&imported)
    );
}

#[test]
fn a_site_of_all_hosts_in_clear_text_leaves_others_their_redirect_to_https() {
    let text = ":80 {\n reverse_proxy 192.0.2.2:80\n}\nwww.example.net {\n reverse_proxy 192.0.2.1:80\n}\n";
    let imported = imported(text);
    assert_eq!(key(&imported, "www.example.net", "https"), r#""redirect""#);
    assert_eq!(key(&imported, "all", "hosts"), r#"["*"]"#);
}

#[test]
fn sites_that_ports_keep_apart_are_told_as_a_danger() {
    let text = "http://a.example.net {\n reverse_proxy 192.0.2.1:80\n}\nhttp://b.example.net:9000 {\n reverse_proxy 127.0.0.1:9090\n}\n";
    let imported = imported(text);
    for site in [1, 4] {
        assert!(
            told(&imported).iter().any(|(line, _, why)| *line == site
                && why.contains("ports 80, 9000")
                && why.contains("is served here")),
            "{:?}",
            told(&imported)
        );
    }
}

#[test]
fn of_several_lines_of_paths_in_a_matcher_one_has_to_hold() {
    let imported = imported(
        ":80 {\n @a {\n  path /a/*\n  path /b/*\n }\n @c {\n  path /c/* /d/*\n  not path /c/x/*\n  not {\n   path /d/x/*\n  }\n }\n \
         respond @a 403\n respond @c 410\n reverse_proxy 192.0.2.1:80\n}\n",
    );
    let all = imported.json().split_whitespace().collect::<Vec<_>>().join(" ");
    for paths in [r#""paths": ["/a", "/b"], "answer": { "status": 403 }"#, r#""paths": ["/c", "/d"], "answer""#] {
        assert!(all.replace("[ ", "[").replace(" ]", "]").contains(paths), "{paths}\n{all}");
    }
    assert!(all.contains(r#""paths": ["/", "/c/x", "/d/x"]"#), "{all}");
}

#[test]
fn a_block_with_a_matcher_of_its_own_knows_those_around_it() {
    let imported = imported(
        ":80 {\n @out not remote_ip 10.0.0.0/8\n handle /admin/* {\n  @api path /admin/api/*\n  respond @out 403\n  reverse_proxy 192.0.2.1:80\n }\n \
         reverse_proxy 192.0.2.2:80\n}\n",
    );
    assert_eq!(key(&imported, "all", "allow"), r#"["10.0.0.0/8"]"#, "{}", imported.json());
}

#[test]
fn each_basic_auth_has_a_file_of_its_own_and_a_path_that_is_guarded_is_told_for_its_spelling() {
    let imported = imported(
        ":80 {\n basic_auth /a/* {\n  bob $2a$14$x\n }\n basic_auth /b/* {\n  alice $2a$14$x\n }\n respond /c 403\n reverse_proxy 192.0.2.1:80\n}\n",
    );
    let all = imported.json();
    assert!(all.contains("/all.users") && all.contains("/all-2.users"), "{all}");
    for guard in [2, 5, 8] {
        assert!(
            told(&imported).iter().any(|(line, _, why)| *line == guard && why.contains("capitals")),
            "{:?}",
            told(&imported)
        );
    }
}

#[test]
fn certificates_of_visitors_are_asked_for_or_that_is_told_as_a_danger() {
    let site = |auth: &str| {
        format!(
            "https://a.example.net {{\n tls {{\n  client_auth {{\n{auth}  }}\n }}\n reverse_proxy 192.0.2.1:80\n}}\n"
        )
    };
    let asked = imported(&site("   mode require_and_verify\n   trust_pool file /ca.pem\n"));
    let tls = key(&asked, "a.example.net", "tls");
    assert!(tls.contains(r#""client_certificates": { "mode": "required", "ca_file": "/ca.pem" }"#), "{tls}");
    let lost = imported(&site("   mode require\n"));
    assert!(told(&lost).iter().any(|(line, _, why)| *line == 3 && why.ends_with("served here")), "{:?}", told(&lost));
}

/// `handle` for some visitors, and one that refuses all others behind it.
#[test]
fn who_has_a_handle_of_his_own_before_one_that_refuses_is_allowed() {
    let site = |matcher: &str, rest: &str| {
        format!(
            ":80 {{\n @who {matcher}\n handle @who {{\n  reverse_proxy 192.0.2.1:80\n }}\n handle {{\n  {rest}\n }}\n}}\n"
        )
    };
    for refusal in ["respond 403", "respond \"Not here\" 404", "error 403", "abort"] {
        let allowed = imported(&site("remote_ip 10.0.0.0/8", refusal));
        assert_eq!(key(&allowed, "all", "allow"), r#"["10.0.0.0/8"]"#, "{refusal}: {}", allowed.json());
        assert!(allowed.json().contains("192.0.2.1:80") && !allowed.json().contains("answer"), "{}", allowed.json());
        assert!(told(&allowed).iter().all(|(_, became, _)| *became == Became::Changed), "{:?}", told(&allowed));
    }
    let denied = imported(&site("not remote_ip 10.0.0.0/8", "respond 403"));
    assert_eq!(key(&denied, "all", "deny"), r#"["10.0.0.0/8"]"#, "{}", denied.json());
    // Where the others get something, it is no guard.
    for rest in ["respond 200", "respond /x 403"] {
        assert!(!imported(&site("remote_ip 10.0.0.0/8", rest)).json().contains(r#""allow": ["10"#), "{rest}");
    }
    // A path with a block of its own is nobody's but that block's.
    let open = imported(
        ":80 {\n @who remote_ip 10.0.0.0/8\n handle /open/* {\n  reverse_proxy 192.0.2.2:80\n }\n handle @who {\n  reverse_proxy 192.0.2.1:80\n }\n \
         handle {\n  respond 403\n }\n}\n",
    );
    assert_eq!(open.json().matches(r#""allow""#).count(), 1, "{}", open.json());
    assert!(open.json().contains(r#""paths": ["/open"]"#), "{}", open.json());
}

#[test]
fn a_site_in_clear_text_at_another_port_that_has_the_requests_of_a_redirect_is_told() {
    let site = |port: &str| {
        imported(&format!(
            "www.example.net {{\n reverse_proxy 192.0.2.1:80\n}}\nhttp://www.example.net{port} {{\n respond \"lan\"\n}}\n"
        ))
    };
    let is_told = |imported: &Imported| {
        told(imported).iter().any(|(line, _, why)| *line == 1 && why.contains("sends visitors to https"))
    };
    assert!(is_told(&site(":8080")));
    assert!(!is_told(&site("")), "with Caddy there is no redirect either");
}
