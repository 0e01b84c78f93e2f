use serde_json::json;

use super::*;

#[test]
fn a_proxy_that_orders_nothing_says_nothing_and_an_earlier_version_is_understood() {
    assert_eq!(json!(AcmeMessage::default()), json!({}));
    let earlier: AcmeMessage = serde_json::from_value(json!({ "version": 1, "latches": {} })).unwrap();
    assert_eq!(earlier, AcmeMessage::default());
}

#[test]
fn what_cannot_be_a_challenge_is_not_answered_with_and_more_than_an_order_has_are_too_many() {
    let challenge = |token: &str, answer: &str| (token.to_owned(), Secret::new(answer));
    let mut message = AcmeMessage {
        challenges: [challenge("good", "good.digest"), challenge("../x", "x.y"), challenge("bad", "<html>")].into(),
        ..AcmeMessage::default()
    };
    message.vet();
    assert_eq!(message.challenges.keys().collect::<Vec<_>>(), ["good"]);
    message.challenges = (0..1000).map(|number| challenge(&number.to_string(), "a.b")).collect();
    message.vet();
    assert_eq!(message.challenges.len(), MOST_CHALLENGES);
}
