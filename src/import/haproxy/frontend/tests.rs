use super::super::super::note::{Became, Note};
use super::super::super::settle::Imported;
use super::super::super::tree::Tree;
use super::super::import;

fn imported(text: &str) -> Imported {
    import(text, &|_| None).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// The document on one line.
fn document(imported: &Imported) -> String {
    imported.json().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a line is told of as a danger.
fn warns(notes: &[Note], line: u32, of: &str) -> bool {
    notes.iter().any(|note| note.line == line && note.why.contains(of) && note.why.ends_with("refuses is served here"))
}

const WEB: &str = "defaults\n mode http\nbackend web\n server a 192.0.2.1:80 check\n";

#[test]
fn a_frontend_that_alone_asks_for_certificates_is_told_as_a_danger() {
    let imported = imported(&format!(
        "{WEB}frontend open\n bind :443 ssl crt /a.pem\n default_backend web\n\
         frontend closed\n bind :8443 ssl crt /a.pem ca-file /ca.pem verify required\n default_backend web\n"
    ));
    assert!(warns(&imported.notes, 8, "another frontend"), "{:?}", imported.notes);
}

#[test]
fn of_listeners_that_ask_for_different_certificates_the_strictest_counts_and_that_is_told() {
    let imported = imported(&format!(
        "{WEB}frontend f\n bind :443 ssl crt /a.pem ca-file /o.pem verify optional\n \
         bind :8443 ssl crt /a.pem ca-file /r.pem verify required\n default_backend web\n"
    ));
    assert!(document(&imported).contains(r#""client_certificates": { "mode": "required", "ca_file": "/r.pem" }"#));
    assert!(warns(&imported.notes, 5, "different certificates"), "{:?}", imported.notes);
}

#[test]
fn certificates_without_the_file_of_their_authority_are_told_as_a_danger() {
    for authority in ["", "ca-file ca.pem "] {
        let text =
            format!("{WEB}frontend f\n bind :443 ssl crt /a.pem {authority}verify required\n default_backend web\n");
        let imported = imported(&text);
        assert!(!document(&imported).contains("client_certificates"));
        assert!(warns(&imported.notes, 6, "file of their authority"), "{:?}", imported.notes);
    }
}

#[test]
fn what_is_sent_to_a_backend_that_is_not_there_does_not_go_to_the_next_one() {
    let imported = imported(&format!(
        "{WEB}frontend f\n bind :80\n use_backend gone if {{ path_beg /x/ }}\n default_backend web\n"
    ));
    let all = document(&imported);
    assert!(all.contains(r#""paths": ["/x"], "answer": { "status": 404 }"#), "{all}");
    assert!(imported.notes.iter().any(|note| note.line == 7 && note.became == Became::LeftOut), "{:?}", imported.notes);
}

#[test]
fn what_is_sent_to_a_backend_without_servers_does_not_go_to_the_next_one() {
    let imported = imported(&format!(
        "{WEB}backend empty\n http-request deny if {{ src 203.0.113.9 }}\nfrontend f\n bind :80\n use_backend empty if {{ path_beg /x/ }}\n \
         default_backend web\n"
    ));
    let all = document(&imported);
    assert!(all.contains(r#""paths": ["/x"], "answer": { "status": 404 }"#), "{all}");
    assert!(imported.notes.iter().any(|note| note.line == 9 && note.why.contains("no server")), "{:?}", imported.notes);
}

#[test]
fn connections_are_rejected_before_any_rule_answers() {
    let imported = imported(&format!(
        "{WEB}frontend f\n bind :80\n http-request return status 200 string ok if {{ path_beg /ok/ }}\n \
         tcp-request connection reject if !{{ src 10.0.0.0/8 }}\n default_backend web\n"
    ));
    let all = document(&imported);
    assert_eq!(all.matches(r#""allow": ["10.0.0.0/8"]"#).count(), 2, "{all}");
}

#[test]
fn a_counter_of_addresses_is_of_its_table_whatever_digits_its_name_has() {
    let imported = imported(&format!(
        "{WEB}backend rates1\n stick-table type ip size 100k expire 30s store http_req_rate(10s)\nfrontend f\n bind :80\n \
         http-request track-sc0 src table rates1 if {{ path_beg /login/ }}\n \
         http-request deny if {{ src_http_req_rate(rates1) gt 5 }}\n default_backend web\n"
    ));
    let all = document(&imported);
    assert_eq!(all.matches(r#""rate_limit""#).count(), 1, "{all}");
    assert!(all.contains(r#""paths": ["/login"]"#), "{all}");
}

#[test]
fn of_two_rate_limits_of_a_service_the_second_is_told_as_a_danger() {
    let two = "http-request track-sc0 src\n http-request track-sc1 src table slow\n http-request deny if { sc_http_req_rate(0) gt 20 }\n";
    let imported = imported(&format!(
        "{WEB}backend slow\n stick-table type ip size 1m store http_req_rate(1m)\nfrontend f\n bind :80\n \
         stick-table type ip size 1m store http_req_rate(10s)\n {two} http-request deny if {{ sc_http_req_rate(1) gt 60 }}\n default_backend web\n"
    ));
    assert!(warns(&imported.notes, 13, "one rate limit"), "{:?}", imported.notes);
}

#[test]
fn of_two_rate_limits_of_frontends_that_share_a_service_one_is_told_as_a_danger() {
    let frontend = |name: &str, port: u16, most: u16| {
        format!(
            "frontend {name}\n bind :{port}\n stick-table type ip size 1m store http_req_rate(10s)\n http-request track-sc0 src\n \
             http-request deny if {{ sc_http_req_rate(0) gt {most} }}\n default_backend web\n"
        )
    };
    let imported = imported(&format!("{WEB}{}{}", frontend("f", 80, 20), frontend("g", 81, 40)));
    assert!(warns(&imported.notes, 15, "another rate limit"), "{:?}", imported.notes);
}

#[test]
fn a_guard_in_front_of_a_redirect_to_https_is_told_as_a_danger() {
    let imported = imported(&format!(
        "{WEB}frontend clear\n bind :80\n http-request deny if {{ src 203.0.113.9 }}\n http-request redirect scheme https code 308\n\
         frontend tls\n bind :443 ssl crt /a.pem\n default_backend web\n"
    ));
    assert!(warns(&imported.notes, 7, "sent to https before"), "{:?}", imported.notes);
}

#[test]
fn the_first_certificate_is_for_clients_that_name_no_host_as_with_haproxy() {
    let default = |binds: &str| {
        let imported = imported(&format!("listen web\n mode http\n{binds} server a 192.0.2.1:80 check\n"));
        let default = imported.document.get("tls").and_then(Tree::table).and_then(|tls| tls.get("default").cloned());
        let notes: Vec<_> = imported.notes.iter().map(|note| note.line).collect();
        (default.as_ref().and_then(Tree::text).map(str::to_owned), notes)
    };
    let web = Some("web".to_owned());
    assert_eq!(default(" bind :443 ssl crt /a.pem crt /b.pem\n"), (web.clone(), vec![]));
    assert_eq!(default(" bind :443 ssl crt /a.pem strict-sni\n"), (None, vec![]));
    assert_eq!(default(" bind :443 ssl crt /a.pem\n bind :8443 ssl crt /b.pem\n"), (web.clone(), vec![4]));
    assert_eq!(default(" bind :443 ssl crt /a.pem\n bind :8443 ssl crt /a.pem strict-sni\n"), (web, vec![4]));
    assert_eq!(default(" bind :80\n"), (None, vec![]));
}

#[test]
fn variables_in_addresses_need_no_quotes() {
    let text = "listen web\n mode http\n bind 0.0.0.0:$PORT\n server a ${BACK}:80 check\n";
    let environment = |name: &str| match name {
        "PORT" => Some("8080".to_owned()),
        "BACK" => Some("192.0.2.1".to_owned()),
        _ => None,
    };
    let imported = import(text, &environment).expect("it can be imported");
    assert!(imported.json().contains(r#""address": "0.0.0.0:8080""#), "{}", imported.json());
    assert!(imported.json().contains("192.0.2.1:80"), "{}", imported.json());
    let error = import(text, &|_| None).expect_err("they are not set").to_string();
    assert!(error.starts_with("line 3: the variable PORT is not set"), "{error}");
}

#[test]
fn what_is_left_out_says_what_to_do_and_not_also_what_it_is_now() {
    let text = "listen web\n mode http\n bind :80\n acl many src_conn_cur gt 10\n tcp-request content reject if many\n \
                http-request deny if !{ src -M -f /etc/allow.lst }\n server a 192.0.2.1:80 check\n";
    let imported = imported(text);
    let of = |line: u32| -> Vec<&str> {
        imported.notes.iter().filter(|note| note.line == line).map(|note| note.why.as_str()).collect()
    };
    assert_eq!(
        of(5),
        [
            "src_conn_cur: polder counts requests by \"rate_limit\" of a service: docs/limits.md (acl many, line 4); what it refuses is served here"
        ]
    );
    assert_eq!(
        of(6),
        [
            "a map (-M) is no list of networks: write them into the rule, and import again; what it refuses is served here"
        ]
    );
}

/// A public frontend that sends everybody to https, and a listener in clear text beside that of https: whatever rule has a request
/// there, it is sent to https.
#[test]
fn no_service_of_a_frontend_that_another_one_sends_to_https_is_in_clear_text() {
    let public = "frontend public\n bind :80\n http-request redirect scheme https code 301 unless { ssl_fc }\nfrontend secure\n bind :443 ssl crt /a.pem\n";
    for (bind, rules) in [
        (
            " bind :8081 accept-proxy\n",
            " use_backend api if { hdr(host) -i www.test } { path_beg /api/ }\n default_backend web\n",
        ),
        (
            " bind :8082\n",
            " use_backend api if { hdr(host) -i www.test } { path_beg /api/ }\n use_backend web if { hdr(host) -i www.test }\n",
        ),
    ] {
        let imported = imported(&format!("{WEB}backend api\n server b 192.0.2.2:80\n{public}{bind}{rules}"));
        let document = document(&imported);
        let services = document.matches(r#""hosts": ["#).count();
        assert_eq!(document.matches(r#""https": "redirect""#).count(), services, "{document}");
        let lost =
            |note: &Note| note.line == 13 && note.became == Became::LeftOut && note.why.starts_with("line 9 sends");
        assert!(imported.notes.iter().any(lost), "{:?}", imported.notes);
    }
}

#[test]
fn a_listener_that_refuses_all_hosts_but_its_own_does_not_refuse_those_of_another_one() {
    let imported = imported(&format!(
        "{WEB}frontend public\n bind :80\n use_backend web if {{ hdr(host) -i www.test }}\n default_backend web\n\
         listen intern\n bind 127.0.0.1:9000\n http-request deny unless {{ hdr(host) -i intern.test }}\n server a 192.0.2.2:80\n"
    ));
    let document = document(&imported);
    assert!(document.contains(r#""web": { "hosts": ["*"]"#), "{document}");
    assert!(document.contains(r#""intern": { "hosts": ["intern.test"]"#), "{document}");
    let refused = |note: &Note| note.line == 11 && note.why.ends_with("what it refuses is served here");
    assert!(imported.notes.iter().any(refused), "{:?}", imported.notes);
}

#[test]
fn networks_in_a_file_are_those_of_a_file_here() {
    for (rules, list) in [
        ("http-request deny unless { src -f /etc/office.lst }", r#""allow": [{ "file": "/etc/office.lst" }]"#),
        (
            "acl bad src 192.0.2.0/24 -f bad.lst\n tcp-request connection reject if bad",
            r#""deny": ["192.0.2.0/24", { "file": "bad.lst" }]"#,
        ),
        (
            "http-request deny if { src -f a.lst }\n http-request deny if { src -f b.lst }",
            r#""deny": [{ "file": "a.lst" }, { "file": "b.lst" }]"#,
        ),
    ] {
        let imported = imported(&format!("{WEB}frontend f\n bind :80\n {rules}\n default_backend web\n"));
        let all = document(&imported);
        assert!(all.contains(list), "{all}");
        assert!(
            imported.notes.iter().any(|note| note.line >= 7 && note.became == Became::Changed),
            "{:?}",
            imported.notes
        );
    }
}
