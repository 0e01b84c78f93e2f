//! Requests that run while a reload takes away where they run.

use serde_json::{Value, json};

use crate::harness::{Client, OK, Script, eventually, refusing};
use crate::https_daemon::Daemon;

/// A document with these services, each with these backends.
fn document(folder: &std::path::Path, listener: &str, services: &[(&str, &[&Script])]) -> Value {
    let services: serde_json::Map<String, Value> = services
        .iter()
        .map(|(name, backends)| {
            let backends: Vec<Value> = backends
                .iter()
                .map(|backend| json!({ "name": backend.address.port().to_string(), "address": backend.address.to_string() }))
                .collect();
            let service = json!({ "hosts": [format!("{name}.test")], "mode": "stateless", "check": { "type": "tcp" },
                "backends": backends });
            ((*name).to_owned(), service)
        })
        .collect();
    json!({ "version": 1, "name": "px", "admin": { "socket": folder.join("admin.sock") }, "state_dir": folder, "workers": 1,
        "listeners": [{ "name": "http", "address": listener }], "services": services })
}

#[test]
fn requests_end_where_they_run_though_a_reload_takes_the_backend_or_the_service_away() {
    let (of_service, first) = Script::held();
    let (of_backend, second) = Script::held();
    let other = Script::answering(OK);
    let listener = refusing();
    let text =
        |folder: &std::path::Path, services: &[(&str, &[&Script])]| document(folder, &listener.to_string(), services);
    let daemon = Daemon::start_with(|folder| text(folder, &[("gone", &[&of_service]), ("stays", &[&of_backend])]));
    eventually("the daemon is ready", || daemon.status().is_some_and(|status| status["ready"] == true));
    let get = |host: &str| {
        let mut client = Client::connect(listener);
        client.send(&format!("GET / HTTP/1.1\r\nHost: {host}.test\r\n\r\n"));
        client
    };
    let mut running = [get("gone"), get("stays")];
    eventually("both run", || of_service.heads().len() == 1 && of_backend.heads().len() == 1);
    let next = text(daemon.folder.path(), &[("stays", &[&other])]);
    std::fs::write(daemon.folder.path().join("proxy.json"), next.to_string()).unwrap();
    daemon.call("POST /reload").unwrap();
    eventually("newcomers meet the new document", || get("gone").response().status() == 404);
    eventually("and its backend", || get("stays").response().status() == 200);
    let asked = other.heads().len();
    drop((first, second));
    assert_eq!(running.each_mut().map(|client| client.response().status()), [200, 200]);
    assert_eq!(other.heads().len(), asked, "nothing was asked again");
}
