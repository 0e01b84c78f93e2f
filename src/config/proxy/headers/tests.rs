use std::path::Path;

use super::template::Variable;
use super::{HeaderEdits, Part, RemovedFields};
use crate::config::proxy::{HeadersConfig, parse};

/// What a document with this service says of headers, or what is wrong with it.
fn read(service: &str) -> Result<HeadersConfig, String> {
    let text = format!(
        r#"{{ "version": 1, "name": "px", "admin": {{ "socket": "/run/admin.sock" }}, "state_dir": "/var/lib/polder",
        "listeners": [{{ "name": "http", "address": "0.0.0.0:80" }}, {{ "name": "https", "address": "0.0.0.0:443", "protocol": "https" }}],
        "services": {{
          "other": {{ "hosts": ["other.test"], "mode": "stateless", "backends": [{{ "name": "a", "address": "192.0.2.1:80" }}],
            "tls": {{ "certificates": [{{ "chain_file": "/c", "key_file": "/k" }}] }} }},
          "s": {{ "hosts": ["s.test"], "backends": [{{ "name": "a", "address": "192.0.2.1:80" }}], {service} }} }} }}"#
    );
    match parse(Path::new("p"), &text) {
        Ok(document) => Ok(document.services["s"].headers.clone()),
        Err(findings) => {
            Err(findings.0.iter().map(|finding| format!("{}: {}\n", finding.path, finding.message)).collect())
        }
    }
}

fn stateless(rest: &str) -> Result<HeadersConfig, String> {
    read(&format!(r#""mode": "stateless", {rest}"#))
}

#[test]
fn fields_are_set_added_and_removed_on_both_ways() {
    let headers = stateless(
        r#""request_headers": { "set": { "X-Real-IP": "{client}", "Host": "app.internal:8080" }, "remove": ["X-Debug-*", "Cookie"] },
           "response_headers": { "add": { "Link": "</{{x}}>; rel={service}" } }"#,
    )
    .unwrap();
    let HeaderEdits { remove, set, add } = headers.request;
    assert_eq!(remove, [RemovedFields::Beginning("X-Debug-".to_owned()), RemovedFields::Named("Cookie".to_owned())]);
    let names: Vec<&str> = set.iter().map(|field| &*field.name).collect();
    assert_eq!((&names[..], add.len()), (&["Host", "X-Real-IP"][..], 0));
    assert_eq!(set[0].value.literal(), Some("app.internal:8080"));
    assert_eq!(set[1].value.parts(), [Part::Variable(Variable::Client)]);
    let link = [Part::Text("</{x}>; rel=".into()), Part::Variable(Variable::Service)];
    assert_eq!(headers.response.add[0].value.parts(), link);
}

#[test]
fn what_could_split_a_message_or_speak_for_the_proxy_is_refused() {
    for (edits, why) in [
        (r#""request_headers": { "set": { "Content-Length": "5" } }"#, "it frames messages"),
        (r#""request_headers": { "remove": ["transfer_encoding"] }"#, "it frames messages"),
        (r#""response_headers": { "add": { "Connection": "close" } }"#, "it frames messages"),
        (r#""response_headers": { "remove": ["Keep-Alive"] }"#, "it frames messages"),
        (r#""request_headers": { "set": { "X-Forwarded-For": "{client}" } }"#, "the proxy writes it itself"),
        (r#""request_headers": { "remove": ["Via"] }"#, "the proxy writes it itself"),
        (r#""request_headers": { "add": { "Host": "a.test" } }"#, "a request has one Host"),
        (r#""request_headers": { "set": { "Host": "a b" } }"#, "is not a host"),
        (r#""request_headers": { "set": { "Host": "{host}" } }"#, "Host takes no variables"),
        (r#""request_headers": { "set": { "Authorization": "Basic eDp5" } }"#, "a document holds no secrets"),
        (r#""request_headers": { "set": { "Proxy": "x" } }"#, "HTTP_PROXY"),
        (
            r#""basic_auth": { "users_file": "/u" }, "request_headers": { "set": { "X_Remote-User": "a" } }"#,
            "X_Remote-User cannot be set here: with \"basic_auth\" the proxy writes it itself",
        ),
        (
            r#""basic_auth": { "users_file": "/u" }, "request_headers": { "remove": ["X-Remote-User"] }"#,
            "X-Remote-User cannot be removed here: with \"basic_auth\"",
        ),
        (
            r#""forward_auth": { "address": "192.0.2.9:80", "copy": ["Remote-User"] }, "request_headers": { "add": { "remote_user": "a" } }"#,
            "remote_user cannot be added here: \"copy\" of \"forward_auth\" has it",
        ),
        (r#""request_headers": { "set": { "X Y": "a" } }"#, "is not a field's name"),
        (r#""request_headers": { "set": { "X:": "a" } }"#, "is not a field's name"),
        (r#""request_headers": { "set": { "X": "a\r\nHost: b" } }"#, "has '\\r' in it"),
        (r#""request_headers": { "set": { "X": "a\u0000" } }"#, "has '\\0' in it"),
        (r#""request_headers": { "set": { "X": "é" } }"#, "printable ASCII"),
        (r#""request_headers": { "set": { "X": "" } }"#, "list it in \"remove\""),
        (r#""request_headers": { "set": { "X": " a" } }"#, "begins or ends with a space"),
        (r#""request_headers": { "set": { "X": "{" } }"#, "a brace without its other one"),
        (r#""request_headers": { "set": { "X": "a}b" } }"#, "a brace without its other one"),
        (r#""request_headers": { "set": { "X": "{clinet}" } }"#, "did you mean {client}?"),
        (r#""request_headers": { "set": { "X": "{remote}" } }"#, "none of {client}, {client_cert_fingerprint}"),
        (r#""request_headers": { "set": { "X": "{tls_version}" } }"#, "the service has no \"tls\""),
        (r#""request_headers": { "set": { "X": "a" }, "remove": ["x"] }"#, "stands twice"),
        (r#""request_headers": { "set": { "X": "a" }, "add": { "x": "b" } }"#, "stands twice"),
        (r#""request_headers": { "remove": ["*"] }"#, "does not say which fields"),
        (r#""response_headers": { "set": { "Set-Cookie": "a=b" } }"#, "\"add\" one"),
        (r#""response_headers": { "set": { "Strict-Transport-Security": "max-age=1" } }"#, "\"hsts\" of the service"),
        (r#""response_headers": { "add": { "WWW-Authenticate": "Negotiate" } }"#, "only the server that checks"),
        (r#""response_headers": { "set": { "Sec-WebSocket-Accept": "x" } }"#, "handshake of a WebSocket"),
    ] {
        let told = stateless(edits).expect_err(edits);
        assert!(told.contains(why), "{edits}: {told}");
    }
}

#[test]
fn the_cookie_of_the_service_is_set_by_the_proxy_alone() {
    let sticky = |value: &str| {
        read(&format!(
            r#""mode": "stateful", "failover": "automatic", "cookie": {{ "name": "own", "value": "address" }},
               "response_headers": {{ "add": {{ "Set-Cookie": "{value}" }} }}"#
        ))
    };
    assert!(sticky("other={request_id}; Path=/").is_ok());
    for value in ["own=x", "own =x", "{host}=x", "own"] {
        let told = sticky(value).unwrap_err();
        assert!(told.contains("it could be own, by which the service knows its visitors again"), "{value}: {told}");
    }
}
