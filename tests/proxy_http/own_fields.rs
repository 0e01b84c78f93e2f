//! Backends that two services share, of which one tells them who its visitors are: docs/access.md.

use bytes::Bytes;
use polder::config::proxy::parse;
use polder::proxy::edge::own_fields;
use serde_json::{Value, json};

use crate::h2_client::{H2, soon};
use crate::harness::{Client, OK, Proxy, Script, Setup, eventually, field, refusing};
use crate::https_daemon::Daemon;
use crate::tls::www;

/// A service for whoever comes to this host.
fn service(host: &str, backend: &Script, more: Value) -> Value {
    let mut service = json!({ "hosts": [host], "mode": "stateless", "check": { "type": "tcp" },
        "backends": [{ "name": "web", "address": backend.address.to_string() }] });
    service.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    service
}

fn document(folder: &std::path::Path, services: Value) -> Value {
    json!({ "version": 1, "name": "px", "admin": { "socket": folder.join("admin.sock") }, "state_dir": folder, "workers": 1,
        "listeners": [{ "name": "http", "address": refusing().to_string() }], "services": services })
}

const FORGED: &str = "X-Remote-User: root\r\nRemote_Groups: admins\r\nX-Plain: 1\r\n";

#[test]
fn what_one_service_tells_a_backend_of_visitors_no_visitor_of_another_service_can() {
    let (shared, apart) = (Script::answering(OK), Script::answering(OK));
    let pass = json!({ "pass_fields": ["X-Remote-User"] });
    let daemon = Daemon::start_with(|folder| {
        std::fs::write(folder.join("users"), "alice:$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW\n")
            .unwrap();
        let guards = json!({
            "basic_auth": { "users_file": folder.join("users") },
            "forward_auth": { "address": refusing().to_string(), "copy": ["Remote-Groups"] },
        });
        let services = json!({
            "staff": service("staff.test", &shared, guards),
            "open": service("open.test", &shared, pass.clone()),
            "apart": service("apart.test", &apart, pass.clone()),
        });
        let mut document = document(folder, services);
        // From them alone X-Remote-User is passed on.
        document["trusted_proxies"] = json!(["127.0.0.0/8"]);
        document
    });
    eventually("the daemon is ready", || daemon.status().is_some_and(|status| status["ready"] == true));
    let listener = daemon.status().unwrap()["listeners"][0].as_str().unwrap().parse().unwrap();
    for (host, backend, is_told) in [("open.test", &shared, false), ("apart.test", &apart, true)] {
        let mut client = Client::connect(listener);
        client.send(&format!(
            "POST / HTTP/1.1\r\nHost: {host}\r\n{FORGED}Transfer-Encoding: chunked\r\n\r\n0\r\nRemote-Groups: admins\r\n\r\n"
        ));
        assert_eq!(client.response().status(), 200);
        // The backend takes the chunks for a second head.
        eventually("the request's end comes", || backend.heads().len() == 2);
        let heads = backend.heads();
        assert_eq!(field(&heads[0], "X-Plain"), Some("1"), "{}", heads[0]);
        assert_eq!(heads[0].contains("root"), is_told, "{}", heads[0]);
        assert_eq!(heads[0].contains("admins"), is_told, "{}", heads[0]);
        assert_eq!(heads[1].contains("admins"), is_told, "{}", heads[1]);
    }
    let explained = daemon.call("GET /explain?host=open.test&path=/").unwrap();
    assert!(explained.contains("Remote-Groups"), "{explained}");
}

#[test]
fn nor_can_a_visitor_of_a_service_that_asks_this_backend_about_him() {
    let (shared, backend) = (Script::answering(OK), Script::answering(OK));
    let daemon = Daemon::start_with(|folder| {
        let asking = |server: Value| {
            let mut auth = json!({ "host": "auth.test", "send": ["Remote-Groups", "X-Plain"] });
            auth.as_object_mut().unwrap().extend(server.as_object().unwrap().clone());
            json!({ "forward_auth": auth })
        };
        let copying = json!({ "forward_auth": { "address": refusing().to_string(), "copy": ["Remote-Groups"] } });
        let services = json!({
            "staff": service("staff.test", &shared, copying),
            "auth": service("auth.test", &shared, json!({})),
            "one": service("one.test", &backend, asking(json!({ "service": "auth" }))),
            "two": service("two.test", &backend, asking(json!({ "address": shared.address.to_string() }))),
        });
        document(folder, services)
    });
    eventually("the daemon is ready", || daemon.status().is_some_and(|status| status["ready"] == true));
    let listener = daemon.status().unwrap()["listeners"][0].as_str().unwrap().parse().unwrap();
    for (asked, host) in ["one.test", "two.test"].into_iter().enumerate() {
        let mut client = Client::connect(listener);
        client.send(&format!("GET / HTTP/1.1\r\nHost: {host}\r\nRemote-Groups: admins\r\nX-Plain: 1\r\n\r\n"));
        assert_eq!(client.response().status(), 200);
        let question = &shared.heads()[asked];
        assert_eq!((field(question, "X-Plain"), field(question, "Remote-Groups")), (Some("1"), None), "{question}");
    }
}

#[tokio::test]
async fn over_http_2_no_visitor_can_either() {
    let backend = Script::answering(OK);
    let guards = json!({ "forward_auth": { "address": "192.0.2.1:1", "copy": ["Remote-Groups"] } });
    let text = document("/run".as_ref(), json!({ "staff": service("staff.test", &backend, guards) })).to_string();
    let own_fields = own_fields::by_address(&parse("proxy.json".as_ref(), &text).unwrap());
    let (authority, setup) = www();
    let own_fields = Some(own_fields[&backend.address].clone());
    let proxy = Proxy::start(Setup { own_fields, ..setup }, &[backend.address]);
    let mut client = H2::connect(&proxy, &authority).await;
    let request = http::Request::post("https://www.test/").header("remote-groups", "admins").header("x-plain", "1");
    let (response, mut body) = client.sender.send_request(request.body(()).unwrap(), false).unwrap();
    body.send_data(Bytes::from_static(b"body"), false).unwrap();
    body.send_trailers([("remote-groups".parse().unwrap(), "admins".parse().unwrap())].into_iter().collect()).unwrap();
    assert_eq!(soon(response).await.unwrap().status(), 200);
    crate::h2_client::eventually("the request's end comes", || backend.heads().len() == 2).await;
    let heads = backend.heads();
    assert!(heads[0].contains("x-plain: 1") && !heads.concat().contains("admins"), "{heads:?}");
}
