#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn the_key_is_told_without_the_address_and_other_kinds_are_passed_over() {
    assert_eq!(key_of("192.0.2.1 ssh-ed25519 AAAA"), Some("ssh-ed25519 AAAA".to_owned()));
    assert_eq!(key_of("192.0.2.1 ssh-rsa AAAA"), None);
    assert_eq!(key_of("# 192.0.2.1:22 SSH-2.0-OpenSSH_9.9"), None);
}

/// What the script does where `switch-to-configuration test` ends with a code: its own exit code, and the steps.
fn installed(code: i32) -> (Option<i32>, String) {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let program = |path: &Path, script: String| {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, script).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    };
    let (steps, system) = (dir.path().join("steps"), dir.path().join("system"));
    let steps_path = steps.display();
    let switch = format!("#!/bin/sh\necho $1 >> {steps_path}\n[ $1 = boot ] || exit {code}\n");
    program(&system.join("bin/switch-to-configuration"), switch);
    program(&dir.path().join("nix-env"), format!("#!/bin/sh\necho profile >> {steps_path}\n"));
    let path = format!("{}:{}", dir.path().display(), std::env::var("PATH").unwrap());
    let ran = Command::new("/bin/sh").args(["-c", INSTALL, "sh"]).arg(&system).env("PATH", path).status().unwrap();
    (ran.code(), std::fs::read_to_string(steps).unwrap().split_whitespace().collect::<Vec<_>>().join(" "))
}

#[test]
fn the_profile_is_set_once_the_system_runs_or_will_from_the_next_boot_on() {
    assert_eq!(installed(0), (Some(0), "test profile boot".to_owned()));
    // Units may have failed: a daemon waits for its keys.
    assert_eq!(installed(4), (Some(4), "test profile boot".to_owned()));
    // NixOS refuses to switch while the machine runs.
    assert_eq!(installed(1), (Some(FROM_NEXT_BOOT), "test profile boot".to_owned()));
    // The activation failed: the machine boots what it had.
    assert_eq!(installed(2), (Some(2), "test".to_owned()));
}
