use super::*;
use crate::api::status::Status;
use crate::verbs::endpoint::Endpoint;
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
