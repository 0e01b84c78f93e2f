#![allow(clippy::unwrap_used)]
use std::fs;
use std::os::unix::fs::symlink;

use nix::sys::stat::Mode as FifoMode;
use nix::unistd::mkfifo;

use super::*;

fn refusal<T>(read: io::Result<T>) -> String {
    read.map(drop).unwrap_err().to_string()
}

#[test]
fn only_a_regular_file_is_read_and_nothing_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let fifo = folder.path().join("fifo");
    mkfifo(&fifo, FifoMode::S_IRWXU).unwrap();
    symlink("/dev/zero", folder.path().join("link")).unwrap();
    for (path, found) in [
        (fifo, "it is a FIFO: expected a regular file"),
        (folder.path().to_owned(), "it is a directory: expected a regular file"),
        ("/dev/zero".into(), "it is a device: expected a regular file"),
        (folder.path().join("link"), "it is a device: expected a regular file"),
    ] {
        assert_eq!(refusal(read_regular_file(&path, 100)), found, "{}", path.display());
    }
}

#[test]
fn a_file_is_read_up_to_its_bound() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, [b'x'; 1024]).unwrap();
    assert_eq!(read_regular_file(&path, 1024).unwrap().len(), 1024);
    assert_eq!(refusal(read_regular_file(&path, 1023)), "it is larger than 1023 bytes, the most that is read of it");
    assert_eq!(in_words(MOST_DOCUMENT), "64 MiB");
    assert_eq!(in_words(MOST_KEYS), "64 KiB");
}

#[test]
fn nothing_outside_of_a_folder_is_opened_through_it() {
    let around = tempfile::tempdir().unwrap();
    let inner = around.path().join("inner");
    fs::create_dir_all(inner.join("sub")).unwrap();
    fs::write(around.path().join("secret"), "secret").unwrap();
    fs::write(inner.join("zone"), "zone").unwrap();
    symlink("../secret", inner.join("out")).unwrap();
    symlink("../inner/zone", inner.join("out-and-in")).unwrap();
    symlink(inner.join("zone"), inner.join("absolute")).unwrap();
    symlink("../zone", inner.join("sub/in")).unwrap();
    let folder = Folder::open(&inner).unwrap();
    for relative in ["../secret", "out", "out-and-in", "absolute", "sub/../../secret", "/etc/passwd"] {
        assert!(is_outside(&folder.file(Path::new(relative)).unwrap_err()), "{relative}");
    }
    symlink("sub", inner.join("folder")).unwrap();
    symlink("loop", inner.join("loop")).unwrap();
    let found = |relative: &str| folder.file(Path::new(relative)).unwrap_err();
    assert_eq!(found("loop").raw_os_error(), Some(Errno::LOOP.raw_os_error()));
    assert_eq!(found("zone/x").raw_os_error(), Some(Errno::NOTDIR.raw_os_error()));
    assert_eq!(found("none").kind(), io::ErrorKind::NotFound);
    for relative in ["sub", "sub/..", "folder", "."] {
        assert_eq!(found(relative).to_string(), "it is a directory: expected a regular file", "{relative}");
    }
    for relative in ["zone", "sub/in", "sub/../zone", "./zone", "folder/in", "folder/../zone"] {
        let file = folder.file(Path::new(relative)).unwrap();
        assert_eq!(read_all(&file, 100).unwrap(), b"zone", "{relative}");
    }
    assert!(Folder::open(&inner.join("zone")).is_err());
}
