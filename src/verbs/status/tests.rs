pub mod examples;

use super::*;
use crate::api::status::Status;
use crate::push::error::Error;
use crate::verbs::endpoint::Endpoint;

fn reply(answer: Result<Status, Error>) -> DaemonReply {
    DaemonReply {
        endpoint: Endpoint { name: Some("ns-2".to_owned()), ..Endpoint::at(std::path::Path::new("/nowhere")) },
        answer,
    }
}

#[test]
fn the_screen_shows_what_checks_say_beside_what_the_operator_says() {
    let screen = screen(&[reply(Ok(Status::Proxy(Box::new(examples::proxy()))))]);
    let screen = anstream::adapter::strip_str(&screen).to_string();
    assert!(!screen.contains("ANSWERED BY"), "{screen}");
    let web2 = screen.lines().find(|line| line.starts_with("www      web2")).expect("www/web2 has a line");
    assert!(web2.contains("up") && web2.contains("drain"), "{screen}");
}

#[test]
fn services_that_need_no_backend_have_a_table_of_their_own() {
    let mut proxy = examples::proxy();
    let target = Some("redirect 302 to https://www.example.net/…".to_owned());
    let service = crate::api::proxy::ServiceStatus {
        name: "old".to_owned(),
        target,
        backends: Vec::new(),
        ..proxy.services[0].clone()
    };
    proxy.services.push(service);
    let screen = screen(&[reply(Ok(Status::Proxy(Box::new(proxy))))]);
    let screen = anstream::adapter::strip_str(&screen).to_string();
    let lines: Vec<&str> = screen.lines().filter(|line| line.starts_with("old ")).collect();
    assert_eq!(lines.len(), 1, "{screen}");
    assert!(lines[0].contains("redirect 302 to https://www.example.net/…") && lines[0].ends_with("px-1"), "{screen}");
}
