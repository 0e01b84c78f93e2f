use super::*;
use crate::verbs::status::tests::examples;

#[test]
fn a_few_names_are_all_listed_and_of_many_the_rest_is_counted() {
    assert_eq!(there_are(&[]), "there is none");
    assert_eq!(there_are(&["shop"]), "there is shop");
    assert_eq!(there_are(&["a", "b", "c"]), "there are a, b and c");
    let many: Vec<String> = (0..1000).map(|n| format!("web{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert!(there_are(&many).ends_with(", web11 and 988 more"), "{}", there_are(&many));
}

#[test]
fn a_name_that_is_near_is_suggested_alone_and_otherwise_all_are_listed() {
    assert_eq!(
        not_known("there is no row", "proxy-kiled", &["proxy-killed"]),
        "there is no row \"proxy-kiled\"; did you mean proxy-killed?"
    );
    assert_eq!(not_known("there is no row", "x", &["aa", "bb"]), "there is no row \"x\"; there are aa and bb");
}

#[test]
fn a_service_without_backends_is_not_told_to_drain_one() {
    let mut proxy = examples::proxy();
    (proxy.services[1].latch, proxy.services[1].backends) = (None, Vec::new());
    let said = no_stateful_service("www", &examples::replies_of(proxy, examples::nameserver()));
    assert_eq!(said, "www has no backends: the proxies answer it by themselves, and nothing can move");
    let said = no_stateful_service("www", &examples::replies());
    assert!(said.contains("`polder drain www/BACKEND`"), "{said}");
}
