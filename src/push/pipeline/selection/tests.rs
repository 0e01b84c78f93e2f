use super::*;
use crate::fleet::parse;

fn fleet() -> Fleet {
    let host = |name: &str, location: &str, role: &str| {
        format!(r#""{name}": {{ "location": "{location}", "roles": ["{role}"], "addresses": ["192.0.2.1"] }}"#)
    };
    let hosts = [host("px-nl", "nl", "proxy"), host("px-ch", "ch", "proxy"), host("ns-ch", "ch", "nameserver")];
    let text = format!(
        r#"{{ "version": 1, "hosts": {{ {} }}, "zones": {{}}, "pools": {{}}, "systems": {{}} }}"#,
        hosts.join(",")
    );
    parse("f".as_ref(), &text).unwrap()
}

fn select(only: &[&str], skip: &[&str]) -> Result<Selected, Error> {
    let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    Selection { only: owned(only), skip: owned(skip) }.of(&fleet())
}

#[test]
fn without_a_word_all_are_meant() {
    assert_eq!(select(&[], &[]).unwrap().chosen, ["ns-ch", "px-ch", "px-nl"]);
}

#[test]
fn a_host_a_role_and_a_location_can_be_named_and_a_skipped_host_is_neither_asked_nor_changed() {
    assert_eq!(select(&["proxy"], &[]).unwrap().chosen, ["px-ch", "px-nl"]);
    assert_eq!(select(&["ch"], &[]).unwrap().chosen, ["ns-ch", "px-ch"]);
    let selected = select(&["ch"], &["px-ch"]).unwrap();
    assert_eq!(
        (selected.chosen, selected.unskipped),
        (vec!["ns-ch".to_owned()], vec!["ns-ch".to_owned(), "px-nl".to_owned()])
    );
}

#[test]
fn a_word_that_names_nothing_is_told_with_what_was_meant() {
    let why = select(&["px-n1"], &[]).unwrap_err().to_string();
    assert!(why.contains("did you mean px-nl?"), "{why}");
    assert!(select(&[], &["nl"]).is_err(), "a location is not skipped: only hosts are");
}
