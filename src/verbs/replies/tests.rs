use super::*;

#[test]
fn a_status_without_a_role_is_not_that_of_a_polder_daemon() {
    let error = from_json(serde_json::json!({"hello": 1})).unwrap_err().to_string();
    assert_eq!(error, "it is no polder daemon: its status has no role");
}
