use super::*;

#[test]
fn a_status_without_a_role_is_not_that_of_a_polder_daemon() {
    assert!(matches!(from_json(serde_json::json!({"hello": 1})), Err(StatusError::NoRole)));
}
