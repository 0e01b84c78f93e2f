use std::path::Path;

use super::super::note::Became;
use super::super::tree::Tree;
use super::*;
use crate::config::proxy;

/// A frontend and what it needs around it.
fn imported(text: &str) -> Imported {
    import(text, &|_| None).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn service<'a>(imported: &'a Imported, name: &str) -> &'a Table {
    let services = imported.document.get("services").and_then(Tree::table).expect("services");
    services.get(name).and_then(Tree::table).unwrap_or_else(|| panic!("{name} in {}", imported.json()))
}

/// A key of a service, as JSON on one line.
fn key(imported: &Imported, service_name: &str, key: &str) -> String {
    let Some(value) = service(imported, service_name).get(key) else { return "-".to_owned() };
    let text = super::super::json::print(value);
    text.lines().map(str::trim).collect::<Vec<_>>().join(" ").replace("[ ", "[").replace(" ]", "]")
}

fn told(imported: &Imported) -> Vec<(u32, Became, &str)> {
    imported.notes.iter().map(|note| (note.line, note.became, note.why.as_str())).collect()
}

/// Lines 1 to 7; what is tested begins in line 8.
const HEAD: &str = "defaults\n mode http\nbackend web\n server a 192.0.2.1:80 check\n server b 192.0.2.2:80 check\nfrontend f\n bind :80\n";

#[test]
fn hosts_and_paths_become_services_and_their_order_is_kept() {
    let text = format!(
        "{HEAD} acl one hdr(host) -i one.example.net\n acl one req.hdr(host),lower -m str uno.example.net\n \
         use_backend api if {{ path_beg /api/ }} !one\n use_backend one if one\n default_backend web\n\
         backend api\n server a 192.0.2.3:80 check\nbackend one\n server a 192.0.2.4:80 check\n"
    );
    let imported = imported(&text);
    assert_eq!(key(&imported, "api", "hosts"), r#"["*"]"#);
    assert_eq!(key(&imported, "api", "paths"), r#"["/api"]"#);
    assert_eq!(key(&imported, "one", "hosts"), r#"["one.example.net", "uno.example.net"]"#);
    assert_eq!(key(&imported, "one", "paths"), "-", "with all paths, for the rule before has none of these hosts");
    assert_eq!(key(&imported, "web", "hosts"), r#"["*"]"#);
    assert_eq!(told(&imported), [(10, Became::Changed, "/api itself belongs to it, too")]);
}

#[test]
fn a_redirect_to_https_and_its_frontend_become_services_with_tls() {
    let text = "defaults\n mode http\nfrontend clear\n bind :80\n http-request redirect scheme https code 308 unless { ssl_fc }\n\
                frontend tls\n bind :443 ssl crt /etc/ssl/site.pem alpn http/1.1\n \
                http-response set-header Strict-Transport-Security \"max-age=31536000; includeSubDomains\"\n default_backend web\n\
                backend web\n server a 192.0.2.1:80 check\n";
    let imported = imported(text);
    assert_eq!(key(&imported, "web", "https"), r#""redirect""#);
    assert!(
        key(&imported, "web", "tls").contains(r#""key_file": "/etc/ssl/site.pem""#),
        "{}",
        key(&imported, "web", "tls")
    );
    assert_eq!(key(&imported, "web", "hsts"), r#"{ "max_age": "365d", "include_subdomains": true }"#);
    let listeners = imported.document.get("listeners").expect("listeners").list();
    assert_eq!(listeners[1].table().and_then(|listener| listener.get("http2")), Some(&Tree::Flag(false)));
    assert_eq!(told(&imported), []);
}

#[test]
fn what_a_server_says_becomes_backends_and_one_check() {
    let text = "listen web\n mode http\n bind 192.0.2.9:8080,[::1]:8080\n option httpchk GET /up HTTP/1.1\\r\\nHost:\\ www.example.net\n \
                timeout check 900ms\n default-server inter 3s fall 5\n \
                server a 192.0.2.1:80 check weight 20\n server b [2001:db8::1]:8081 check backup\n server c 192.0.2.3:80 check disabled\n";
    let imported = imported(text);
    let check = key(&imported, "web", "check");
    for part in [
        r#""path": "/up""#,
        r#""host": "www.example.net""#,
        r#""interval": "3s""#,
        r#""timeout": "900ms""#,
        r#""fall": 5"#,
    ] {
        assert!(check.contains(part), "{part} in {check}");
    }
    let backends = key(&imported, "web", "backends");
    assert!(backends.contains(r#"{ "name": "a", "address": "192.0.2.1:80", "weight": 20 }"#), "{backends}");
    assert!(backends.contains(r#""address": "[2001:db8::1]:8081", "weight": 1, "backup": true"#), "{backends}");
    assert_eq!(imported.document.get("listeners").expect("listeners").list().len(), 2);
    assert_eq!(told(&imported).iter().map(|(line, ..)| *line).collect::<Vec<_>>(), [9]);
}

#[test]
fn backends_over_tls_are_verified_here_and_that_is_told() {
    let text =
        |server: &str| format!("listen web\n mode http\n bind :80\n server a 192.0.2.1:443 check ssl {server}\n");
    let verified = imported(&text("verify required ca-file /ca.pem sni str(web.internal) alpn h2"));
    assert!(key(&verified, "web", "backend_tls").contains(r#""server_name": "web.internal""#));
    assert_eq!(key(&verified, "web", "protocol"), r#""h2""#);
    assert_eq!(told(&verified), []);
    let blind = imported(&text("verify none"));
    assert_eq!(told(&blind).len(), 1);
    assert!(told(&blind)[0].2.contains("verifies backends always"), "{:?}", told(&blind));
}

#[test]
fn the_proxy_protocol_is_taken_both_ways_and_whom_it_is_believed_from_is_told() {
    let imported = imported(
        "listen web\n mode http\n bind :80 accept-proxy\n http-reuse safe\n server a 192.0.2.1:80 check send-proxy-v2\n",
    );
    assert_eq!(key(&imported, "web", "send_proxy"), r#""v2""#);
    assert_eq!(key(&imported, "web", "reuse"), "-");
    let listener = imported.document.get("listeners").expect("listeners").list()[0].table().expect("a listener");
    assert_eq!(listener.get("proxy_protocol"), Some(&Tree::Flag(true)));
    assert_eq!(told(&imported).iter().map(|(line, ..)| *line).collect::<Vec<_>>(), [3, 5]);
}

#[test]
fn a_rate_limit_by_a_stick_table_becomes_that_of_the_services() {
    let cases = [
        (
            " stick-table type ip size 100k expire 30s store http_req_rate(10s)\n http-request track-sc0 src\n \
          http-request deny deny_status 429 if { sc_http_req_rate(0) gt 20 }\n default_backend web\n",
            "2/s",
            "20",
        ),
        (
            " http-request track-sc1 src table rates\n acl often sc1_http_req_rate ge 101\n http-request deny if often\n default_backend web\n\
          backend rates\n stick-table type ipv6 size 1m store http_req_rate(1m)\n",
            "100/m",
            "100",
        ),
    ];
    for (lines, rate, burst) in cases {
        let imported = imported(&format!("{HEAD}{lines}"));
        let limit = key(&imported, "web", "rate_limit");
        assert!(limit.contains(&format!(r#""rate": "{rate}", "burst": {burst}"#)), "{limit}");
        assert_eq!(told(&imported).len(), 1, "{:?}", told(&imported));
        assert_eq!(told(&imported)[0].1, Became::Changed);
    }
}

#[test]
fn redirects_refusals_and_answers_become_services_of_their_own() {
    let imported = imported(&format!(
        "{HEAD} http-request deny if {{ path_beg /admin/ }}\n http-request return status 200 content-type text/plain string \"User-agent: *\" \
         if {{ path /robots.txt }}\n redirect prefix https://www.example.net code 301 if {{ hdr(host) -i example.net }}\n \
         http-request redirect location https://shop.example.net/new%[url] if {{ hdr(host) -i old.example.net }}\n \
         http-request redirect location /moved?x=1 if {{ path_beg /old/ }}\n default_backend web\n"
    ));
    let all = imported.json().split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        r#""answer": { "status": 403 }"#,
        r#""answer": { "status": 200, "headers": { "Content-Type": "text/plain" }, "body": "User-agent: *" }"#,
        r#""redirect": { "status": 301, "scheme": "https", "host": "www.example.net" }"#,
        r#""redirect": { "status": 302, "path": "/moved?x=1" }"#,
    ] {
        assert!(all.contains(part), "{part}\n{all}");
    }
    let left_out: Vec<u32> =
        told(&imported).iter().filter(|told| told.1 == Became::LeftOut).map(|told| told.0).collect();
    assert_eq!(left_out, [11], "a path in front of the one that was asked for");
}

#[test]
fn fields_of_requests_and_responses_are_edited_as_the_rules_say_one_after_the_other() {
    let imported = imported(&format!(
        "{HEAD} http-request set-header X-Real-Port %[src_port]\n http-request del-header X-Internal- -m beg\n http-response set-header \
         X-Frame-Options DENY\n http-response del-header Server\n http-response set-header X-Frame-Options SAMEORIGIN if {{ path_beg /embed/ }}\n \
         http-response add-header X-Id %[unique-id]%%\n http-request set-header X-Where %[src,map(/x)]\n default_backend web\n"
    ));
    let all = imported.json().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        all.contains(r#""request_headers": { "set": { "X-Real-Port": "{client_port}" }, "remove": ["X-Internal-*"] }"#),
        "{all}"
    );
    for part in [
        r#""X-Frame-Options": "DENY""#,
        r#""X-Frame-Options": "SAMEORIGIN""#,
        r#""remove": ["Server"]"#,
        r#""X-Id": "{request_id}%""#,
    ] {
        assert!(all.contains(part), "{part}\n{all}");
    }
    let left_out: Vec<u32> =
        told(&imported).iter().filter(|told| told.1 == Became::LeftOut).map(|told| told.0).collect();
    assert_eq!(left_out, [14], "{:?}", told(&imported));
    let why = "%[src,map(/x)]: polder has no such variable; docs/documents.md#header-fields lists them";
    assert!(told(&imported).contains(&(14, Became::LeftOut, why)), "{:?}", told(&imported));
}

/// Each is a key of a service where polder's own reader has it, and is told where not; what guards is never open in silence.
#[test]
fn compression_limits_and_who_may_come_are_taken_or_told() {
    let cases = [
        (
            " compression algo gzip\n compression type text/html text/css\n",
            8,
            r#""compression": { "algorithms": ["gzip"], "types": ["text/html", "text/css"] }"#,
            "",
        ),
        (
            " acl office src 10.0.0.0/8 192.0.2.0/24\n http-request deny unless office\n",
            9,
            r#""allow": ["10.0.0.0/8", "192.0.2.0/24"]"#,
            "is served here",
        ),
        (
            " http-request deny if { src 203.0.113.9 } { path_beg /x/ }\n",
            8,
            r#""deny": ["203.0.113.9"]"#,
            "is served here",
        ),
        (
            " http-request auth realm Staff unless { http_auth(people) }\n",
            8,
            r#""basic_auth": { "users_file": "/var/lib/polder-keys/people.users", "realm": "Staff" }"#,
            "",
        ),
    ];
    for (lines, line, key, danger) in cases {
        let imported = imported(&format!("{HEAD}{lines} default_backend web\n"));
        let all = imported.json().split_whitespace().collect::<Vec<_>>().join(" ");
        let told = told(&imported);
        let is_told =
            told.iter().any(|(at, became, why)| *at == line && *became == Became::LeftOut && why.contains(danger));
        assert!(all.contains(key) != is_told, "{lines}: {told:?}\n{all}");
    }
    let limited = imported(
        "listen web\n mode http\n bind :80\n timeout queue 3s\n server a 192.0.2.1:80 check maxconn 50 slowstart 20s\n",
    );
    let all = limited.json();
    for (key, what) in [(r#""max_connections": 50"#, "maxconn"), (r#""slow_start": "20s""#, "slowstart")] {
        assert!(
            all.contains(key) != told(&limited).iter().any(|(at, _, why)| *at == 5 && why.starts_with(what)),
            "{all}"
        );
    }
}

#[test]
fn a_path_that_is_refused_in_any_spelling_is_told_as_a_danger() {
    for rule in [
        " http-request deny if { path_beg -i /admin }\n",
        " http-request deny if { path,lower -m beg /admin }\n",
        " acl admin path_beg -i /admin\n http-request deny if admin\n",
    ] {
        let imported = imported(&format!("{HEAD}{rule} default_backend web\n"));
        let told = told(&imported);
        assert!(
            told.iter().any(|(line, _, why)| *line == 8
                && why.contains("capitals")
                && why.ends_with("what it refuses is served here")),
            "{told:?}"
        );
    }
}

#[test]
fn each_list_of_users_and_each_group_has_a_file_of_its_own() {
    let imported = imported(&format!(
        "{HEAD} http-request auth if {{ path_beg /a/ }} !{{ http_auth(admins) }}\n \
         http-request auth if {{ path_beg /b/ }} !{{ http_auth_group(staff) ops }}\n default_backend web\n"
    ));
    let all = imported.json();
    for file in ["admins.users", "staff-ops.users"] {
        assert!(all.contains(&format!("/var/lib/polder-keys/{file}")), "{file}: {all}");
    }
    assert!(
        told(&imported).iter().any(|(_, _, why)| why.contains("those of staff ops alone")),
        "{:?}",
        told(&imported)
    );
}

#[test]
fn a_rate_limit_is_of_what_its_own_counter_counts() {
    let table = "stick-table type ip size 100k expire 30s store http_req_rate(10s)";
    let some = imported(&format!(
        "{HEAD} {table}\n http-request track-sc1 src\n http-request track-sc0 src if {{ path_beg /login }}\n \
         http-request deny if {{ sc_http_req_rate(0) gt 5 }}\n default_backend web\n"
    ));
    let services = some.document.get("services").and_then(Tree::table).expect("services");
    let limited: Vec<String> = services
        .iter()
        .filter(|(_, service)| service.table().is_some_and(|service| service.get("rate_limit").is_some()))
        .map(|(name, _)| key(&some, name, "paths"))
        .collect();
    assert_eq!(limited, [r#"["/login"]"#], "{}", some.json());
    let lost = imported(&format!(
        "{HEAD} {table}\n http-request track-sc0 src if {{ method POST }}\n \
         http-request deny if {{ sc_http_req_rate(0) gt 5 }}\n default_backend web\n"
    ));
    assert!(!lost.json().contains("rate_limit"), "{}", lost.json());
    assert!(told(&lost).iter().any(|(line, _, why)| *line == 10 && why.ends_with("served here")), "{:?}", told(&lost));
}

#[test]
fn certificates_of_visitors_are_asked_for_as_the_listener_does() {
    let imported = imported(
        "listen web\n mode http\n bind :443 ssl crt /a.pem ca-file /ca.pem verify required\n server a 192.0.2.1:80 check\n",
    );
    let tls = key(&imported, "web", "tls");
    assert!(tls.contains(r#""client_certificates": { "mode": "required", "ca_file": "/ca.pem" }"#), "{tls}");
    assert_eq!(told(&imported), []);
}

#[test]
fn connections_that_are_rejected_are_requests_that_are_refused() {
    let imported =
        imported(&format!("{HEAD} tcp-request connection reject if !{{ src 10.0.0.0/8 }}\n default_backend web\n"));
    assert_eq!(key(&imported, "web", "allow"), r#"["10.0.0.0/8"]"#);
    let lost = super::import(
        &format!("{HEAD} tcp-request content reject if {{ req.len 7 }}\n default_backend web\n"),
        &|_| None,
    );
    let lost = lost.expect("the rest is good");
    assert!(told(&lost).iter().any(|(line, _, why)| *line == 8 && why.ends_with("served here")), "{:?}", told(&lost));
}

#[test]
fn a_backend_that_refuses_and_has_no_server_keeps_its_requests() {
    let denied = "backend denied\n http-request deny\n";
    let by_path = imported(&format!("{HEAD} use_backend denied if {{ path_beg /x/ }}\n default_backend web\n{denied}"));
    let all = by_path.json().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(all.contains(r#""paths": ["/x"], "answer": { "status": 403 }"#), "{all}");
    let by_address =
        imported(&format!("{HEAD} use_backend denied if !{{ src 10.0.0.0/8 }}\n default_backend web\n{denied}"));
    assert!(
        told(&by_address).iter().any(|(line, _, why)| *line == 8 && why.ends_with("what it refuses is served here")),
        "{:?}",
        told(&by_address)
    );
}

#[test]
fn what_cannot_be_expressed_is_left_out_with_its_line_and_what_to_do() {
    let cases = [
        (" use_backend web if { src 10.0.0.0/8 }\n default_backend web\n", "routes by host and path alone"),
        (
            " use_backend %[req.hdr(host),lower,map(/etc/hosts.map)]\n default_backend web\n",
            "write a use_backend line for each host",
        ),
        (" use_backend web if { hdr_beg(host) -i www. }\n default_backend web\n", "name the hosts"),
        (" http-request deny if { method POST }\n default_backend web\n", "what it refuses is served here"),
        (" stick-table type ip size 1m expire 10s store conn_cur\n default_backend web\n", "no stick tables"),
        (" use_backend gone if { path /x }\n default_backend web\n", "the backend gone is not there"),
        (" option forwardfor header X-Client\n default_backend web\n", "from {client}"),
        (" unique-id-header X-Id\n default_backend web\n", "from {request_id}"),
        (" default_backend web\nlisten db\n bind :5432\n mode tcp\n server a 192.0.2.7:5432\n", "proxies HTTP alone"),
        (" default_backend web\nlisten stats\n bind :8404\n stats enable\n stats uri /\n", "pages of its own"),
        (" default_backend web\nresolvers dns\n nameserver a 192.0.2.53:53\n", "looks up no names"),
        (" default_backend web\nbackend idle\n server a 192.0.2.5:80\n", "no rule that could be taken"),
        (" default_backend web\n bind :8443 ssl crt /etc/haproxy/certs/\n", "name each file"),
    ];
    for (lines, expected) in cases {
        let imported = imported(&format!("{HEAD}{lines}"));
        let told = told(&imported);
        assert!(
            told.iter().any(|(line, became, why)| *line >= 8 && *became == Became::LeftOut && why.contains(expected)),
            "{lines}: {told:?}"
        );
        assert_eq!(key(&imported, "web", "hosts"), r#"["*"]"#, "the rest is there: {lines}");
    }
}

#[test]
fn of_times_that_differ_between_sections_the_longest_counts_and_the_others_are_told() {
    let text = "defaults\n mode http\n timeout client 30s\n timeout server 30s\n timeout connect 5000\nlisten a\n bind :80\n \
                timeout server 5m\n acl x hdr(host) x.example.net\n use_backend b if x\n server a 192.0.2.1:80 check\n\
                backend b\n server a 192.0.2.2:80 check\n";
    let imported = imported(text);
    let timeouts = imported.document.get("timeouts").and_then(Tree::table).expect("timeouts");
    assert_eq!(timeouts.get("response_head"), Some(&Tree::from("5m")));
    assert_eq!(timeouts.get("body_idle"), Some(&Tree::from("5m")));
    assert_eq!(timeouts.get("connect"), Some(&Tree::from("5s")));
    assert!(told(&imported).iter().all(|(line, ..)| *line == 4), "{:?}", told(&imported));
}

#[test]
fn the_process_of_haproxy_needs_no_place_in_a_document() {
    let text = format!(
        "global\n log /dev/log local0\n chroot /var/lib/haproxy\n stats socket /run/haproxy/admin.sock\n user haproxy\n daemon\n \
         maxconn 500\n{HEAD} option forwardfor\n http-request set-header X-Forwarded-Proto https if {{ ssl_fc }}\n default_backend web\n"
    );
    let imported = imported(&text);
    assert_eq!(told(&imported), []);
    assert_eq!(imported.document.get("limits"), Some(&Table::new().with("connections", 500).into()));
}

#[test]
fn a_configuration_without_http_is_an_error_that_says_so() {
    let error = import("listen db\n bind :1\n server a 192.0.2.1:1\n", &|_| None).expect_err("tcp alone");
    assert!(error.to_string().contains("line 1: listen db: polder proxies HTTP alone"), "{error}");
    assert!(import("", &|_| None).is_err());
}

/// Pieces of the examples put together at random, cut, and spoiled: the result is a document that the daemon takes, or an error.
#[test]
fn whatever_comes_in_the_result_is_a_valid_document_or_an_error() {
    let seed = fastrand::u64(..);
    eprintln!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/import/haproxy");
    let mut files: Vec<_> =
        std::fs::read_dir(folder).expect("the examples").map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    let corpus: Vec<String> = files.iter().map(|file| std::fs::read_to_string(file).expect("text")).collect();
    let lines: Vec<&str> = corpus.iter().flat_map(|text| text.lines()).collect();
    let words: Vec<&str> = corpus.iter().flat_map(|text| text.split_ascii_whitespace()).collect();
    let (mut good, mut bad) = (0, 0);
    for _ in 0..150 {
        let mut text: Vec<String> = corpus[random.usize(..corpus.len())].lines().map(str::to_owned).collect();
        for _ in 0..random.usize(..12) {
            let place = random.usize(..text.len().max(1)).min(text.len());
            match random.u32(..6) {
                0 if place < text.len() => drop(text.remove(place)),
                1 => text.insert(place, lines[random.usize(..lines.len())].to_owned()),
                2 | 3 if place < text.len() => {
                    let mut parts: Vec<&str> = text[place].split(' ').collect();
                    let part = random.usize(..parts.len());
                    parts[part] = words[random.usize(..words.len())];
                    text[place] = parts.join(" ");
                }
                4 if place < text.len() => text[place].push(random.char(..)),
                _ => text.insert(
                    place,
                    format!(" {} {}", words[random.usize(..words.len())], words[random.usize(..words.len())]),
                ),
            }
        }
        let text = text.join("\n");
        match import(&text, &|_| Some("x y".to_owned())) {
            Ok(imported) => {
                good += 1;
                proxy::parse(Path::new("proxy.json"), &imported.json())
                    .unwrap_or_else(|findings| panic!("{findings}\n{text}"));
                let last = u32::try_from(text.lines().count()).expect("few lines");
                assert!(
                    imported.notes.iter().all(|note| (1..=last).contains(&note.line)),
                    "{:?}\n{text}",
                    imported.notes
                );
                super::super::nix::print(&super::super::fleet::options(&imported.document));
            }
            Err(error) => {
                bad += 1;
                assert!(!error.problem.is_empty());
            }
        }
    }
    assert!(good > 15 && bad > 0, "{good} good, {bad} bad");
}
