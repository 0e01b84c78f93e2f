use std::time::Duration;

use serde_json::json;

use super::*;

fn value(n: usize) -> String {
    format!("{n:0>43}")
}

fn read(message: &serde_json::Value) -> Result<Told, String> {
    Told::read(message.to_string().as_bytes()).map_err(|error| error.to_string())
}

fn message(values: usize) -> serde_json::Value {
    let values: Vec<String> = (0..values).map(value).collect();
    json!({ "version": 1, "hold_ms": 60_000, "challenges": { "_acme-challenge.www.example.net": values } })
}

#[test]
fn a_message_is_read_as_it_was_written() {
    let told = read(&message(3)).expect("a message");
    assert_eq!(told.hold, Duration::from_secs(60));
    assert_eq!(told.challenges.values().map(|values| values.len()).sum::<usize>(), 3);
    let written = told.write().expect("it can be written");
    assert_eq!(Told::read(&written).expect("what was written"), told);
}

#[test]
fn a_message_with_more_values_than_a_proxy_may_have_is_refused_as_a_whole() {
    assert!(read(&message(MOST_VALUES)).is_ok());
    assert_eq!(read(&message(MOST_VALUES + 1)), Err("257 values at a time, expected at most 256".to_owned()));
}

#[test]
fn nothing_is_held_for_longer_than_an_hour() {
    let mut message = message(1);
    message["hold_ms"] = json!(u64::MAX);
    assert_eq!(read(&message).expect("a message").hold, LONGEST_HOLD);
}

#[test]
fn names_are_those_of_challenges_in_lower_case_and_values_are_digests() {
    let name = |text: &str| Name::try_from(text.to_owned()).map(|name| name.to_string()).map_err(|why| why.to_string());
    assert_eq!(name("_ACME-Challenge.WWW.example.net."), Ok("_acme-challenge.www.example.net".to_owned()));
    for other in
        ["www.example.net", "_acme-challenge", "_acme-challenge.", "_acme-challenge..net", "x._acme-challenge.net"]
    {
        assert!(name(other).is_err(), "{other}");
    }
    let value = |text: &str| Value::try_from(text.to_owned()).is_ok();
    assert!(value(&"a-_Z".repeat(11)[..43]));
    for other in ["", "v=spf1 -all", &"a".repeat(42), &"a".repeat(44), &"a".repeat(42).replace('a', "\"")] {
        assert!(!value(other), "{other}");
    }
    assert_eq!(Name::for_domain("*.Example.net").expect("a name").as_str(), "_acme-challenge.example.net");
}

#[test]
fn another_version_is_refused_in_words() {
    let mut message = message(1);
    message["version"] = json!(2);
    assert_eq!(read(&message), Err("a message of version 2, expected 1: upgrade both sides".to_owned()));
}
