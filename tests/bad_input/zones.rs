//! Zone files that are missing, unreadable, or wrong in a file they include.

use std::fs;

use crate::site::{Site, assert_says, eventually};

const ZONE_FILE: &str = "polder.test.zone";

/// Spoils the zone of a running nameserver: a reload and a takeover refuse it with these words and the zone in force is
/// answered; a start serves its last good copy with these words.
fn assert_refused(spoil: impl FnOnce(&Site), words: &[&str]) {
    let site = Site::new();
    let mut nameserver = site.nameserver();
    nameserver.run();
    nameserver.assert_serves();
    spoil(&site);
    let refused = nameserver.reload().unwrap_err();
    assert_says(&refused, &["the document is not valid; nothing was changed"]);
    assert_says(&refused, words);
    nameserver.wait_said(words);
    assert_says(&nameserver.alarms(), &["the last reload was refused"]);
    nameserver.assert_serves();
    nameserver.ends(&["--takeover"]).assert(1, words);
    nameserver.assert_serves();
    let copy = nameserver.state_file("zones").with_extension("").join(ZONE_FILE);
    eventually("the zone's copy", || nameserver.said(), || copy.exists().then_some(()));
    nameserver.kill();
    nameserver.run();
    nameserver.assert_serves();
    assert_says(&nameserver.alarms(), &["last good copy"]);
    nameserver.wait_said(words);
    nameserver.ends(&["--check-config"]).assert(1, words);
}

#[test]
fn a_zone_file_that_is_missing_is_named_and_the_zone_in_force_is_answered() {
    assert_refused(
        |site| fs::remove_file(site.path(ZONE_FILE)).unwrap(),
        &["polder.test.zone: cannot be read: No such file or directory"],
    );
}

#[test]
fn a_zone_file_that_is_a_directory_is_named_and_the_zone_in_force_is_answered() {
    assert_refused(
        |site| {
            fs::remove_file(site.path(ZONE_FILE)).unwrap();
            fs::create_dir(site.path(ZONE_FILE)).unwrap();
        },
        &["polder.test.zone: cannot be read: it is a directory"],
    );
}

#[test]
fn errors_in_an_included_file_are_named_with_that_file_and_line_beside_those_of_the_zone() {
    assert_refused(
        |site| {
            let zone = fs::read_to_string(site.path(ZONE_FILE)).unwrap();
            let more = "$INCLUDE hosts.inc\n$INCLUDE gone.inc\n";
            fs::write(site.path(ZONE_FILE), zone + more).unwrap();
            fs::write(site.path("hosts.inc"), "one A 192.0.2.1\ntwo A 192.0.2.300\nthree QQ 1\n").unwrap();
        },
        &[
            "hosts.inc:2: two.polder.test. A: ",
            "192.0.2.300",
            "hosts.inc:3: three.polder.test.",
            "gone.inc cannot be read: No such file",
        ],
    );
}
