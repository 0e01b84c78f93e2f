//! What a pusher asks of a host: any line is a request or is refused, and no key of a request is ever shown.

use polder::push::protocol::Request;
use serde_json::Value;

/// One line.
pub fn check(line: &[u8]) {
    let Ok(request) = serde_json::from_slice::<Request>(line) else { return };
    let told = serde_json::to_value(&request).expect("a request can be written");
    let again: Request = serde_json::from_value(told.clone()).expect("what was written is a request");
    assert_eq!(serde_json::to_value(&again).expect("it can be written again"), told, "written anew it is another one");
    let key = told.pointer("/change/key").and_then(Value::as_str).filter(|key| key.len() > 20);
    assert!(key.is_none_or(|key| !format!("{request:?}").contains(key)), "a key is shown");
}
