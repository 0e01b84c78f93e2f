use super::*;

fn text(file: &KeptFile<Vec<u8>>) -> String {
    String::from_utf8(file.content().expect("it was read once").to_vec()).unwrap()
}

fn open(path: &Path) -> KeptFile<Vec<u8>> {
    KeptFile::open(path, "services.a.answer.file".into(), |bytes| bytes)
}

#[test]
fn a_file_that_has_changed_is_read_again_and_one_that_has_not_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("page");
    std::fs::write(&path, "one").unwrap();
    let file = open(&path);
    assert_eq!(file.refresh(), None);
    crate::files::replace(&path, b"two", crate::files::Access::Mode(0o644)).unwrap();
    assert_eq!(text(&file), "one");
    assert_eq!(file.refresh(), Some(Reread { path: path.clone(), error: None }));
    assert_eq!(text(&file), "two");
    assert_eq!(file.refresh(), None);
}

#[test]
fn a_file_that_cannot_be_read_any_more_stays_as_it_was_and_the_error_is_told_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("page");
    std::fs::write(&path, "one").unwrap();
    let file = open(&path);
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(file.refresh(), Some(Reread { error: Some(_), .. })));
    assert_eq!(file.refresh(), None);
    assert!(file.error().is_some());
    assert_eq!(text(&file), "one");
    std::fs::write(&path, vec![b'x'; MOST as usize + 1]).unwrap();
    let words = file.refresh().unwrap().error.unwrap().to_string();
    assert!(words.starts_with(&format!("services.a.answer.file: {}: cannot be read: ", path.display())), "{words}");
    assert!(words.contains("larger than 1 MiB"), "{words}");
    std::fs::write(&path, "three").unwrap();
    assert_eq!(file.refresh(), Some(Reread { path, error: None }));
    assert_eq!((text(&file), file.error()), ("three".into(), None));
}

#[test]
fn a_file_that_is_not_there_at_first_is_taken_when_it_comes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("page");
    let file = open(&path);
    assert!(file.content().is_none() && file.error().is_some());
    std::fs::write(&path, "one").unwrap();
    assert_eq!(file.refresh(), Some(Reread { path, error: None }));
    assert_eq!(text(&file), "one");
}
