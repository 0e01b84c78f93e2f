use super::*;
use crate::api::status::Status;
use crate::verbs::status::tests::examples;

fn replies() -> Vec<DaemonReply> {
    let endpoint =
        |name: &str| Endpoint { name: Some(name.to_owned()), ..Endpoint::at(std::path::Path::new("/nowhere")) };
    vec![
        DaemonReply { endpoint: endpoint("px-1"), answer: Ok(Status::Proxy(Box::new(examples::proxy()))) },
        DaemonReply { endpoint: endpoint("ns-1"), answer: Ok(Status::Nameserver(Box::new(examples::nameserver()))) },
    ]
}

#[test]
fn a_bare_name_means_every_use_of_it() {
    let subjects: Vec<String> = find_subjects("web2", &replies()).into_keys().collect();
    assert_eq!(subjects, ["shop/web2", "www/web2"]);
}

#[test]
fn a_whole_subject_means_that_use_only() {
    let subjects: Vec<String> = find_subjects("www/web2", &replies()).into_keys().collect();
    assert_eq!(subjects, ["www/web2"]);
}

#[test]
fn a_part_of_a_name_means_nothing() {
    assert!(find_subjects("eb2", &replies()).is_empty());
}

#[test]
fn nameservers_that_were_not_reached_are_named_with_how_long_their_answers_last() {
    let results = |daemon: &str, outcome| CommandResult {
        daemon: daemon.to_owned(),
        subject: "http0.l.example.net/px-1".to_owned(),
        outcome,
        words: String::new(),
        cached_until: None,
    };
    let replies = replies();
    assert_eq!(missed_nameservers(&[results("ns-1", Outcome::Done)], &replies, OperatorState::Drain), None);
    let all = [results("ns-1", Outcome::Done), results("ns-2", Outcome::Missed)];
    let said = missed_nameservers(&all, &replies, OperatorState::Drain).unwrap_or_default();
    assert!(said.starts_with("Not reached: ns-2. A nameserver that runs all the same goes on"), "{said}");
    assert!(said.contains("for 300 s more"), "{said}");
    let said = missed_nameservers(&all, &replies, OperatorState::Ready).unwrap_or_default();
    assert!(!said.contains(" s more"), "{said}");
}

#[test]
fn a_member_is_told_to_nameservers_only() {
    let args =
        StateArgs::from(TargetArgs { subject: "px-1".to_owned(), why: String::new(), fleet: FleetArg::default() });
    let replies = replies();
    let subjects = find_subjects(&args.target.subject, &replies);
    let results = commands(OperatorState::Drain, &args, &replies, &subjects);
    assert_eq!(results.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["ns-1"]);
    assert_eq!(results[0].body["subject"], "http0.l.example.net/px-1");
}

#[test]
fn a_state_that_is_over_at_once_is_refused() {
    assert!(parse_length("0s").unwrap_err().to_string().contains("like 10m"));
    assert_eq!(parse_length("10m").unwrap(), Duration::from_secs(600));
}
