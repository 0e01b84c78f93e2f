use super::*;
use crate::verbs::daemons::Located;

fn asked(answer: Result<Status, String>) -> Asked {
    Asked {
        located: Located { name: Some("ns-2".to_owned()), ..Located::at(std::path::Path::new("/nowhere")) },
        answer,
    }
}

#[test]
fn the_screen_shows_what_checks_say_beside_what_the_operator_says() {
    let screen = screen(&[asked(Ok(Status::Proxy(Box::new(examples::proxy()))))]);
    let screen = anstream::adapter::strip_str(&screen).to_string();
    let web2 = screen.lines().find(|line| line.starts_with("www      web2")).expect("www/web2 has a line");
    assert!(web2.contains("up") && web2.contains("drain"), "{screen}");
}

#[test]
fn spans_are_short() {
    assert_eq!([span(5), span(125), span(7_300), span(200_000)], ["5s", "2m", "2h", "2d"]);
}

#[test]
fn times_of_day_are_in_utc() {
    assert_eq!(time_of_day(1_700_000_000_000), "22:13:20Z");
}
