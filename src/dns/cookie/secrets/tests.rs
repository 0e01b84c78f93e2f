#![allow(clippy::unwrap_used)]
use super::*;

fn read(content: &str) -> Result<Secrets, KeyError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cookies.key");
    std::fs::write(&path, content).unwrap();
    Secrets::read(&path)
}

#[test]
fn both_forms_are_read_in_order() {
    let base64 = STANDARD.encode([7; 32]);
    let secrets = read(&format!("# May\n\n {base64}\r\ne5e973e5a6b2a43f48e7dc849e37BFCF")).unwrap();
    let second = [0xe5, 0xe9, 0x73, 0xe5, 0xa6, 0xb2, 0xa4, 0x3f, 0x48, 0xe7, 0xdc, 0x84, 0x9e, 0x37, 0xbf, 0xcf];
    assert_eq!(secrets.iter().copied().collect::<Vec<_>>(), [[7; 16], second]);
    assert_eq!(format!("{secrets:?}"), "Secrets(2 not shown)");
}

#[test]
fn errors_name_file_and_line_and_never_the_content() {
    for (content, line) in [
        ("hunter2\n", ":1: no key"),
        ("e5e973e5a6b2a43f48e7dc849e37bfcf\n\n+5e973e5a6b2a43f48e7dc849e37bfcf", ":3: no key"),
        ("aGVsbG8=\n", ":1: no key"),
        ("# none\n", "holds no key"),
    ] {
        let error = read(content).unwrap_err().to_string();
        assert!(error.contains("cookies.key") && error.contains(line), "{error}");
        assert!(!error.contains("hunter2") && !error.contains("e5e9"), "{error}");
    }
    assert!(Secrets::read(Path::new("/dev/zero")).unwrap_err().to_string().contains("it is a device"));
}
