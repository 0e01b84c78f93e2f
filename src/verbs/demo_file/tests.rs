use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;

use super::*;

fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn a_demo_file_whose_demo_has_ended_counts_for_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("demo.json");
    assert_eq!(read(&path).unwrap(), None);
    let demo = DemoFile { version: 1, daemons: Vec::new(), control: dir.path().join("control.sock") };
    write(&path, &serde_json::to_string(&demo).unwrap());
    assert_eq!(read(&path).unwrap(), None);
    let _listening = UnixListener::bind(&demo.control).unwrap();
    assert_eq!(read(&path).unwrap(), Some(demo));
}

#[test]
fn a_demo_file_of_another_shape_is_an_error_that_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("demo.json");
    write(&path, "{}");
    let error = read(&path).unwrap_err().to_string();
    assert!(error.contains("remove it if no demo is running"), "{error}");
}

#[test]
fn a_demo_file_that_another_could_have_written_is_not_believed_and_it_is_said_whose_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("polder");
    fs::create_dir(&folder).unwrap();
    let demo = DemoFile { version: 1, daemons: Vec::new(), control: dir.path().join("control.sock") };
    let _listening = UnixListener::bind(&demo.control).unwrap();
    let path = folder.join("demo.json");
    write(&path, &serde_json::to_string(&demo).unwrap());
    fs::set_permissions(&folder, Permissions::from_mode(0o777)).unwrap();
    let error = read(&path).unwrap_err().to_string();
    let whose = format!("{} belongs to user", folder.canonicalize().unwrap().display());
    assert!(error.contains(&whose) && error.contains("(mode 777): everybody may write there"), "{error}");
    assert!(error.contains("--socket PATH speaks to a daemon without it"), "{error}");

    fs::set_permissions(&folder, Permissions::from_mode(0o700)).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o666)).unwrap();
    assert!(read(&path).unwrap_err().to_string().contains("is not trusted"));
}

#[test]
fn a_fifo_in_the_place_of_the_demo_file_is_not_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("demo.json");
    nix::unistd::mkfifo(&path, nix::sys::stat::Mode::from_bits_truncate(0o600)).unwrap();
    let error = read(&path).unwrap_err().to_string();
    assert!(error.contains("no regular file") && error.contains("remove it"), "{error}");
}
