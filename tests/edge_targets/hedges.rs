//! Copies of slow requests, as a document has them: taken by a reload, told and counted.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};

use serde_json::{Value, json};

use crate::client::Client;
use crate::daemon::Daemon;

/// A backend that answers with this, if anything.
fn backend(answer: Option<&'static str>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || {
                let mut piece = [0; 4096];
                while let Ok(1..) = stream.read(&mut piece) {
                    answer.map(|answer| stream.write_all(answer.as_bytes()));
                }
            });
        }
    });
    address
}

#[test]
fn a_reload_turns_hedges_on_and_they_are_told_counted_and_logged() {
    let slow = backend(None);
    let well = backend(Some("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
    let services = |more: Value| {
        let mut service = json!({ "hosts": ["www.test"], "mode": "stateless", "check": { "type": "tcp" }, "backends": [
            { "name": "slow", "address": slow.to_string() }, { "name": "well", "address": well.to_string() } ] });
        service.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({ "www": service })
    };
    let daemon = Daemon::start(services(json!({})));
    assert!(!daemon.explain("www.test", "/").contains("copy"));
    assert_eq!(daemon.reload(&services(json!({ "hedge_after": "1ms" }))).0, 200);
    let told = daemon.explain("www.test", "/");
    assert!(
        told.contains("after 1ms without a response's head a copy is sent to another primary")
            && told.contains("at most 20 of a hundred requests"),
        "{told}"
    );
    let mut client = Client::connect(daemon.address);
    // By turns each of them is the first.
    for _ in 0..2 {
        assert_eq!(client.ask("GET", "www.test/", &[]).status(), 200);
    }
    assert_eq!(daemon.metric("polder_hedges_won_total"), 1);
    assert!(daemon.metric("polder_hedges_total") >= 1);
    assert_eq!(
        (daemon.metric("polder_hedges_left_out_total"), daemon.metric("polder_retry_budget_spent_total")),
        (0, 0)
    );
    let log = daemon.log(2);
    let won = log.iter().filter(|line| line["hedge"] == "won").count();
    assert_eq!((won, log.iter().all(|line| line["backend"] == "well")), (1, true), "{log:?}");
}
