//! What a reload does with a key that both documents have: the same in both daemons.

use std::net::TcpStream;

use serde_json::json;

use crate::site::{Site, assert_says};

#[test]
fn a_changed_admin_address_is_served_in_place() {
    let site = Site::new();
    for (mut daemon, address) in
        [(site.proxy(0, &[]), site.addresses.proxy(1)), (site.nameserver(), site.addresses.nameserver(1))]
    {
        daemon.run();
        let process = daemon.status()["pid"].clone();
        let before = daemon.document["admin"]["address"].clone();
        daemon.write_changed(|document| document["admin"]["address"] = json!(address));
        daemon.reload().unwrap();
        TcpStream::connect(address).expect("the new address is served");
        if let Some(before) = before.as_str() {
            TcpStream::connect(before).expect_err("the address before is closed");
        }
        assert_eq!(daemon.status()["pid"], process);
        daemon.assert_serves();
    }
}

#[test]
fn a_changed_name_or_state_directory_is_taken_up_by_a_successor() {
    let site = Site::new();
    let other = site.path("other-state");
    std::fs::create_dir(&other).unwrap();
    for (key, value) in [("state_dir", json!(other)), ("name", json!("another"))] {
        for mut daemon in [site.proxy(0, &[]), site.nameserver()] {
            daemon.run();
            daemon.write_changed(|document| document[key] = value.clone());
            let done = daemon.reload().unwrap();
            assert_says(&done.to_string(), &["handed over to process"]);
            let _successor = daemon.adopt_successor();
            let status = daemon.status();
            assert_eq!(status["ready"], true);
            assert_eq!(status["name"] == "another", key == "name");
        }
    }
}
