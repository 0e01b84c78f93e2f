#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn a_unit_is_its_file_and_then_its_drop_ins_in_order() {
    let system = tempfile::tempdir().unwrap();
    let folder = system.path().join("etc/systemd/system");
    for (file, text) in [
        ("a.service", "[Service]\nUser=a\n"),
        ("a.service.d/2.conf", "[Service]\nUser=c\n"),
        ("a.service.d/1.conf", "[Service]\nUser=b\n"),
        ("b.service.d/overrides.conf", "[Unit]\n"),
        ("multi-user.target.wants/a.service", "[Service]\n"),
    ] {
        let file = folder.join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    std::os::unix::fs::symlink("/dev/null", folder.join("masked.service")).unwrap();
    let units = running(&fs::canonicalize(system.path()).unwrap(), system.path()).units;
    assert_eq!(units.keys().collect::<Vec<_>>(), ["a.service", "b.service"]);
    let users: Vec<&str> = units["a.service"].lines().filter(|line| line.starts_with("User")).collect();
    assert_eq!(users, ["User=a", "User=b", "User=c"]);
}

#[test]
fn what_no_switch_may_change_is_read_from_the_system_and_compared_with_the_next_one() {
    let inhibitors = |text: &str| {
        let system = tempfile::tempdir().unwrap();
        fs::write(system.path().join("switch-inhibitors"), text).unwrap();
        running(&fs::canonicalize(system.path()).unwrap(), system.path())
    };
    let old = inhibitors(r#"{"dbus-implementation":"dbus","gone":"1","stays":"1"}"#);
    let new = inhibitors(r#"{"dbus-implementation":"broker","fresh":"2","stays":"1"}"#);
    assert_eq!(old.inhibitors_changed_by(&new), ["dbus-implementation: dbus -> broker"]);
    // A release of NixOS before them, or a file that is none.
    assert!(inhibitors("none").inhibitors_changed_by(&new).is_empty());
}

#[test]
fn links_that_lead_out_of_the_store_and_devices_that_never_end_are_not_read() {
    use std::os::unix::fs::symlink;
    let root = tempfile::tempdir().unwrap();
    let root = fs::canonicalize(root.path()).unwrap();
    let (store, secret) = (root.join("store"), root.join("secret"));
    let system = store.join("0-forged");
    fs::create_dir_all(system.join("etc/polder")).unwrap();
    fs::create_dir_all(system.join("etc/systemd/system/a.service.d")).unwrap();
    fs::write(&secret, "SECRET").unwrap();
    let zones = serde_json::json!({ "zones": {
        "secret": { "file": secret }, "out": { "file": store.join("../secret") }, "zero": { "file": "/dev/zero" },
    }});
    fs::write(system.join("etc/polder/dns.json"), zones.to_string()).unwrap();
    symlink("/dev/zero", system.join("etc/polder/proxy.json")).unwrap();
    symlink(&secret, system.join("etc/systemd/system/secret.service")).unwrap();
    symlink(&secret, system.join("etc/systemd/system/a.service.d/secret.conf")).unwrap();
    nix::unistd::mkfifo(&system.join("etc/systemd/system/fifo.service"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let running = running(&store, &system);
    assert_eq!(running.documents.keys().collect::<Vec<_>>(), ["dns.json"]);
    assert!(running.zones.is_empty() && running.units.is_empty(), "{running:?}");
}

#[test]
fn no_more_is_read_than_an_answer_holds() {
    let root = tempfile::tempdir().unwrap();
    let store = fs::canonicalize(root.path()).unwrap();
    let folder = store.join("0-large/etc/systemd/system");
    fs::create_dir_all(&folder).unwrap();
    for (name, size) in [
        ("a.service", FILE_BYTES + 1),
        ("b.service", FILE_BYTES),
        ("c.service", FILE_BYTES),
        ("d.service", FILE_BYTES),
        ("e.service", 1),
    ] {
        fs::File::create(folder.join(name)).unwrap().set_len(size).unwrap();
    }
    let running = running(&store, &store.join("0-large"));
    assert_eq!(running.units.keys().collect::<Vec<_>>(), ["b.service", "c.service", "d.service"]);
}
