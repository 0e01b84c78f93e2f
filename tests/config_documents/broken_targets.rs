//! What is wrong with a service that the proxy answers by itself, in words for the operator.

use polder::config::proxy;

use super::proxy_findings;

/// The findings about the service of this text, on the second line.
fn of(service: &str) -> Vec<String> {
    proxy_findings(&format!(
        r#"{{ "version": 1, "name": "px", "listeners": [{{ "name": "http", "address": "0.0.0.0:80" }}], "admin": {{ "socket": "/run/a.sock" }}, "state_dir": "/var/lib/polder",
"services": {{ "s": {{ "hosts": ["www.example.net"], {service} }} }} }}"#
    ))
}

fn refuses(table: &[(&str, &[&str])]) {
    for (service, expected) in table {
        let expected: Vec<String> =
            expected.iter().map(|finding| format!("proxy.json:2: services.s{finding}")).collect();
        assert_eq!(of(service), expected, "{service}");
    }
}

#[test]
fn a_service_has_exactly_one_target() {
    refuses(&[
        (r#""answer": {}"#, &[]),
        (
            r#""paths": ["/"]"#,
            &[r#": one of the keys "backends", "redirect", "answer", "files" is missing: it says what answers"#],
        ),
        (
            r#""answer": {}, "files": { "folder": "w" }"#,
            &[
                r#".files: stands beside "answer", line 2: expected one of "backends", "redirect", "answer", "files", it says what answers"#,
            ],
        ),
        (r#""answer": {}, "compression": {}"#, &[]),
        (r#""files": { "folder": "w" }, "compression": {}"#, &[]),
        (
            r#""redirect": { "host": "www.example.net" }, "compression": {}"#,
            &[r#".compression: has no meaning beside "redirect": what is sent has no content; leave it out"#],
        ),
        (r#""redirects": {}"#, &[r#".redirects: unknown key; did you mean "redirect"?"#]),
        (
            r#""answer": {}, "mode": "stateless", "check": {}"#,
            &[
                r#".check: has no meaning beside "answer": it is about backends; leave it out"#,
                r#".mode: has no meaning beside "answer": it is about backends; leave it out"#,
            ],
        ),
        (
            r#""redirect": { "host": "www.example.net" }, "max_queue": 5, "queue_timeout": "1s", "slow_start": "1s""#,
            &[
                r#".max_queue: has no meaning beside "redirect": it is about backends; leave it out"#,
                r#".queue_timeout: has no meaning beside "redirect": it is about backends; leave it out"#,
                r#".slow_start: has no meaning beside "redirect": it is about backends; leave it out"#,
            ],
        ),
        (
            r#""redirect": { "host": "www.example.net" }, "retry_on": ["503"], "retry_budget": 10, "try_timeout": "1s", "hedge_after": "1s""#,
            &[
                r#".hedge_after: has no meaning beside "redirect": it is about backends; leave it out"#,
                r#".retry_budget: has no meaning beside "redirect": it is about backends; leave it out"#,
                r#".retry_on: has no meaning beside "redirect": it is about backends; leave it out"#,
                r#".try_timeout: has no meaning beside "redirect": it is about backends; leave it out"#,
            ],
        ),
    ]);
}

#[test]
fn every_key_about_backends_is_refused_beside_another_target_and_listed_in_the_reference() {
    let whoever_answers = "allow basic_auth compression deny error_pages forward_auth hosts hsts https max_request_body paths rate_limit \
                           response_headers tls backends redirect answer files";
    let whoever_answers: Vec<&str> = whoever_answers.split_whitespace().collect();
    let service = proxy::KEYS.iter().find(|keys| keys.object == "services.NAME").unwrap();
    let of_backends: Vec<&str> = service.names.iter().copied().filter(|key| !whoever_answers.contains(key)).collect();
    for key in &of_backends {
        let words = format!(
            r#"proxy.json:2: services.s.{key}: has no meaning beside "answer": it is about backends; leave it out"#
        );
        assert!(of(&format!(r#""answer": {{}}, "{key}": 1"#)).contains(&words), "{key}");
    }
    let (_, listed) = include_str!("../../docs/documents.md").split_once("are about backends are refused: ").unwrap();
    let (listed, _) = listed.split_once(".\n").unwrap();
    assert_eq!(listed.split('`').skip(1).step_by(2).collect::<Vec<_>>(), of_backends);
}

#[test]
fn a_redirect_leads_somewhere_else() {
    refuses(&[
        (r#""redirect": { "host": "[2001:db8::1]:8080", "path": "/a?b" }"#, &[]),
        (
            r#""redirect": { "status": 308 }"#,
            &[
                r#".redirect: sends visitors to where they are: expected at least one of "scheme", "host", "path" and "replace_prefix""#,
            ],
        ),
        (
            r#""redirect": { "path": "/a", "replace_prefix": "/b" }"#,
            &[r#".redirect: has both "path" and "replace_prefix": one path or the other is meant"#],
        ),
        (
            r#""redirect": { "host": "a.example.net", "status": 304 }"#,
            &[".redirect.status: 304 sends no visitor elsewhere: expected one of 301, 302, 303, 307, 308"],
        ),
        (
            r#""redirect": { "host": "a.example.net", "status": "301" }"#,
            &[
                r#".redirect.status: expected one of the numbers 301, 302, 303, 307, 308, found the string "301": a number is written without quotes"#,
            ],
        ),
        (
            r#""redirect": { "host": "a.example.net", "status": 3.5 }"#,
            &[".redirect.status: expected one of the numbers 301, 302, 303, 307, 308, found the number 3.5"],
        ),
        (
            r#""redirect": { "host": "a.example.net" }, "error_pages": { "405": "405.html" }"#,
            &[
                ".error_pages.405: unknown key; known here: 403, 404, 413, 429, 500, 502, 503, 504, maintenance, maintenance_retry_after",
            ],
        ),
        (
            r#""redirect": { "host": "https://a.example.net/", "scheme": "ftp" }"#,
            &[
                r#".redirect.scheme: "ftp" is not one of "http", "https""#,
                r#".redirect.host: "https://a.example.net/" is not a host: write scheme and path in keys of their own"#,
            ],
        ),
        (
            r#""redirect": { "path": "//evil.example" }"#,
            &[r#".redirect.path: "//evil.example" is not a path: it begins with two slashes"#],
        ),
        (
            r#""redirect": { "path": "/a\r\nX: y" }"#,
            &[
                r#".redirect.path: "/a\r\nX: y" is not a path: it has '\r' in it; write that percent-encoded, as clients send it"#,
            ],
        ),
        (
            r#""redirect": { "path": "/a?b", "keep_query": true }"#,
            &[
                r#".redirect.keep_query: has no meaning where "path" has a query of its own, which is the whole of it; leave it out"#,
            ],
        ),
    ]);
}

#[test]
fn an_answer_cannot_break_the_framing_or_the_head() {
    refuses(&[
        (r#""answer": { "status": 204, "headers": { "Content-Type": "text/css", "Location": "/a" } }"#, &[]),
        (
            r#""answer": { "headers": { "content-length": "1", "A B": "c", "X": "a\r\nb", "Y": " a", "Strict-Transport-Security": "x" } }"#,
            &[
                ".answer.headers.content-length: content-length cannot be set here: the proxy counts the body itself",
                r#".answer.headers["A B"]: "A B" is not a field's name: expected letters, digits and any of !#$%&'*+-.^_`|~"#,
                r#".answer.headers.X: "a\r\nb" has '\r' in it: expected printable ASCII, for a field is one line of that"#,
                r#".answer.headers.Y: " a" begins or ends with a space, which no reader of a field keeps"#,
                r#".answer.headers.Strict-Transport-Security: Strict-Transport-Security cannot be set here: write "hsts" in the service"#,
            ],
        ),
        (
            r#""answer": { "body": "a", "file": "b" }"#,
            &[r#".answer: has both "body" and "file": one of them is the content"#],
        ),
        (
            r#""answer": { "status": 204, "body": "a" }"#,
            &[".answer: a response 204 has no content (RFC 9110, 15): leave its body out"],
        ),
        (
            r#""answer": { "status": 206 }"#,
            &[".answer.status: 206 answers a request for a range, which this is not: expected another status"],
        ),
        (r#""answer": { "status": 100 }"#, &[".answer.status: 100 is out of range: expected 200 to 599"]),
    ]);
}

#[test]
fn files_stay_in_their_folder() {
    refuses(&[
        (r#""files": { "folder": "w", "index": [], "fallback": "a/b.html" }"#, &[]),
        (r#""files": {}"#, &[r#".files: the key "folder" is missing"#]),
        (
            r#""files": { "folder": "w", "index": ["../a"], "fallback": "../b" }"#,
            &[
                r#".files.index[0]: "../a" is not the name of a file: expected one without "/", and without a dot in front"#,
                r#".files.fallback: "../b" is not the path of a file in the folder: expected like "app/index.html""#,
            ],
        ),
    ]);
}

#[test]
fn pages_are_for_errors_of_the_proxy() {
    refuses(&[
        (r#""answer": {}, "error_pages": { "503": "a.html" }"#, &[]),
        (
            r#""answer": {}, "error_pages": { "maintenance": "a.html", "200": "b.html" }"#,
            &[
                r#".error_pages.200: unknown key; known here: 403, 404, 413, 429, 500, 502, 503, 504, maintenance, maintenance_retry_after"#,
                ".error_pages.maintenance: has no meaning where there are no backends to be in maint; leave it out",
            ],
        ),
    ]);
}
