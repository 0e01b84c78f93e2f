#![allow(clippy::unwrap_used)]
use super::*;

#[test]
fn content_kind_and_name_count_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a/b");
    fs::create_dir(folder.path().join("a")).unwrap();
    let now = || hash(&of(folder.path()).unwrap());
    fs::write(&file, "x").unwrap();
    let before = now();
    fs::write(&file, "x").unwrap();
    assert_eq!(now(), before, "written again, the same");

    let mut seen = vec![before];
    let mut differs = |what: &str| {
        let now = now();
        assert!(!seen.contains(&now), "{what}");
        seen.push(now);
    };
    fs::write(&file, "y").unwrap();
    differs("another content");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    differs("a program");
    fs::rename(&file, folder.path().join("a/c")).unwrap();
    differs("another name");
    fs::create_dir(folder.path().join("b")).unwrap();
    differs("a folder more");
}
