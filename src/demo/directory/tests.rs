#![allow(clippy::unwrap_used)]
use std::os::unix::fs::PermissionsExt;

use super::*;

#[test]
fn the_folder_is_ours_alone_and_goes_with_its_content() {
    let directory = Directory::make().unwrap();
    let path = directory.path().to_owned();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
    let inner = directory.folder("px-1/state").unwrap();
    crate::files::replace_own(&inner.join("key"), b"secret").unwrap();
    assert_eq!(fs::metadata(inner.join("key")).unwrap().permissions().mode() & 0o777, 0o600);
    drop(directory);
    assert!(!path.exists());
}
