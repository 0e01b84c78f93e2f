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
    let web2 = screen.lines().find(|line| line.starts_with("www      web2")).expect("www/web2 has a line");
    assert!(web2.contains("up") && web2.contains("drain"), "{screen}");
}
