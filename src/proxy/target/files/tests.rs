#![allow(clippy::unwrap_used)]

use std::io;

use super::folder::status_of;
use super::*;

#[test]
fn what_may_not_be_read_is_forbidden_a_folder_that_is_gone_comes_back_and_all_else_is_our_fault() {
    use nix::libc::{EACCES, EIO, EMFILE, ENOENT, EPERM};
    let of = |number| status_of(&io::Error::from_raw_os_error(number));
    assert_eq!([EACCES, EPERM, ENOENT, EIO, EMFILE].map(of), [403, 403, 503, 500, 500]);
    assert_eq!(status_of(&io::Error::other("its reader failed")), 500);
}

#[test]
fn a_folder_that_is_gone_is_an_error_and_a_file_that_is_gone_is_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let config = FilesConfig {
        folder: folder.path().join("www"),
        index: Vec::new(),
        strip_prefix: false,
        precompressed: false,
        fallback: None,
    };
    let site = Site::new(&config, &["/".to_owned()], "services.site.files");
    let words = site.watched().error().unwrap().to_string();
    assert!(words.starts_with("services.site.files.folder: ") && words.contains("answered 503"), "{words}");
    assert!(!site.watched().refresh(), "it is as it was");
    let look = || site.look(&site.wanted(b"/a").unwrap(), &[]);
    assert_eq!(status_of(&look().unwrap_err()), 503);
    std::fs::create_dir(&config.folder).unwrap();
    assert!(matches!(look(), Ok(Look::Nothing)));
    assert!(site.watched().refresh());
    assert_eq!(site.watched().error(), None);
}
