use super::*;

#[test]
fn a_status_without_a_role_is_not_that_of_a_polder_daemon() {
    let error = from_json(serde_json::json!({"hello": 1})).unwrap_err().to_string();
    assert_eq!(error, "it is no polder daemon: its status has no role");
}

#[tokio::test]
async fn a_daemon_that_accepts_and_says_nothing_is_waited_for_no_longer_than_asked() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("admin.sock");
    let _frozen = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let endpoint = Endpoint { limit: Duration::from_millis(20), ..Endpoint::at(&socket) };
    let replies = ask_all(&[endpoint.clone(), endpoint]).await;
    assert_eq!(replies.len(), 2);
    for reply in replies {
        let why = reply.answer.unwrap_err().to_string();
        assert!(why.starts_with("nothing came within 20ms: its process is frozen"), "{why}");
        assert!(why.contains("--timeout"), "{why}");
    }
}
