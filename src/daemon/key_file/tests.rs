#![allow(clippy::unwrap_used)]
use std::fs;

use super::*;

const SECRET: &str = "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0MTI=";

fn read(content: &[u8]) -> Result<Keys, KeyError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("peers.key");
    fs::write(&path, content).unwrap();
    Keys::read(&path)
}

#[test]
fn keys_are_read_in_order_and_comments_and_empty_lines_passed_over() {
    let other = STANDARD.encode([7; 32]);
    let keys = read(format!("# made in May\r\n\n {SECRET} \r\n{other}").as_bytes()).unwrap();
    assert_eq!(keys.as_slice(), [*b"secretsecretsecretsecretsecret12", [7; 32]]);
    assert_eq!(keys.first(), b"secretsecretsecretsecretsecret12");
}

#[test]
fn errors_name_file_and_line_and_never_the_content() {
    for (content, line) in [
        (format!("{SECRET}\n\n!{SECRET}\n"), ":3: not base64"),
        (format!("{}\n", &SECRET[..40]), ":1: 30 bytes"),
        ("# nothing\n".to_owned(), "holds no key"),
    ] {
        let error = read(content.as_bytes()).unwrap_err().to_string();
        assert!(error.contains("peers.key") && error.contains(line), "{error}");
        assert!(!error.contains("c2Vj") && !error.contains("secret"), "{error}");
    }
    read(&[0xff, 0xfe, b'\n', 0]).unwrap_err();
    assert!(Keys::read(Path::new("/nowhere/peers.key")).unwrap_err().to_string().contains("/nowhere/peers.key"));
}

#[test]
fn debug_shows_no_key() {
    let shown = format!("{:?}", read(SECRET.as_bytes()).unwrap());
    assert_eq!(shown, "Keys(1 not shown)");
}
