#![allow(clippy::unwrap_used)]

use std::os::unix::net::UnixListener;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

/// What a client is told by a daemon that answers every connection with these bytes.
async fn told(answer: &'static str) -> Result<Value, ClientError> {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("admin.sock");
    let listener = tokio::net::UnixListener::bind(&socket).unwrap();
    let daemon = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        assert!(stream.read(&mut [0; 4096]).await.unwrap() > 0);
        stream.write_all(answer.as_bytes()).await.unwrap();
    };
    let client = Client::new(&socket);
    tokio::join!(client.get("/status"), daemon).0
}

fn words(result: Result<Value, ClientError>) -> String {
    result.unwrap_err().to_string()
}

#[tokio::test]
async fn nobody_there_says_that_it_is_not_running_and_how_to_start_it() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.sock");
    let leftover = folder.path().join("leftover.sock");
    drop(UnixListener::bind(&leftover).unwrap());
    for socket in [missing, leftover] {
        let error = words(Client::new(&socket).get("/status").await);
        assert!(error.contains(&socket.display().to_string()) && error.contains("not running"), "{error}");
        assert!(error.contains("systemctl start"), "{error}");
    }
}

#[test]
fn permission_denied_names_the_user_and_group_who_may() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("admin.sock");
    let _listener = UnixListener::bind(&socket).unwrap();
    let error = unreachable(&socket, &io::ErrorKind::PermissionDenied.into()).to_string();
    let user = nix::unistd::User::from_uid(nix::unistd::geteuid()).unwrap().unwrap().name;
    assert!(error.contains(&format!("belongs to user {user} and group")), "{error}");
}

#[tokio::test]
async fn a_frozen_daemon_is_called_frozen() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("admin.sock");
    let _listener = UnixListener::bind(&socket).unwrap();
    let client = Client { socket, timeout: Duration::from_millis(20), users: None };
    let error = words(client.get("/status").await);
    assert!(error.contains("did not answer within 20ms") && error.contains("frozen"), "{error}");
}

#[tokio::test]
async fn an_answer_that_is_not_json_is_quoted() {
    let error = words(told("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n<html>").await);
    assert!(error.contains("not JSON") && error.contains("\"<html>\""), "{error}");
}

#[tokio::test]
async fn a_daemon_that_hangs_up_is_told_from_one_that_is_not_there() {
    let error = words(told("").await);
    assert!(error.contains("ended the connection without an answer"), "{error}");
}

#[tokio::test]
async fn a_refusal_without_json_gives_its_text() {
    let error = told("HTTP/1.1 500 No\r\ncontent-length: 5\r\n\r\noops\n").await.unwrap_err();
    assert!(matches!(&error, ClientError::Refused { status: 500, message } if message == "oops"), "{error:?}");
}

#[tokio::test]
async fn a_daemon_of_another_user_is_not_believed_where_it_matters() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("admin.sock");
    let _listening = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let somebody_else = nix::unistd::geteuid().as_raw() + 1;
    let client = Client { users: Some(vec![somebody_else]), ..Client::new(&socket) };
    let error = client.get("/status").await.unwrap_err().to_string();
    assert!(error.contains("runs as user") && error.contains("is not trusted"), "{error}");
}
