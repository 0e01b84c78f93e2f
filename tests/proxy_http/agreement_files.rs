//! The files by which members of etcd are spoken with: what cannot be used is refused before anybody relies on it.

use serde_json::json;

use crate::authority::Authority;
use crate::harness::{OK, Script, eventually};
use crate::https_daemon::{Daemon, document, program};

#[test]
fn the_files_of_an_agreement_are_checked_and_refused_at_a_reload_and_an_alarm_after_a_start() {
    let authority = Authority::new();
    authority.issue("www", &["www.test"]);
    let px = authority.issue("px", &["px.test"]);
    let other = authority.issue("other", &["other.test"]);
    let backend = Script::answering(OK);
    let with_agreement = |folder: &std::path::Path| {
        let mut document = document(folder, backend.address, &authority);
        let tls = json!({ "ca": authority.ca_file(), "certificate": px.chain_file, "key": px.key_file });
        // Nobody listens there: what is tried here comes before that.
        document["agreement"] = json!({ "engine": "etcd", "endpoints": ["https://127.0.0.1:1"], "tls": tls });
        document
    };
    let daemon = Daemon::start_with(with_agreement);
    eventually("the daemon is ready", || daemon.status().is_some_and(|status| status["ready"] == true));
    let check = |more: &[&str]| {
        let arguments = [&["--check-config"], more].concat();
        let output = program(daemon.folder.path(), &arguments).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    assert_eq!(check(&["--live"]), (Some(0), String::new()));
    assert!(daemon.call("POST /reload").unwrap().contains("reloaded"));

    let good = std::fs::read(&px.key_file).unwrap();
    std::fs::copy(&other.key_file, &px.key_file).unwrap();
    let why = format!("agreement.tls: {}: is the key of another certificate", px.key_file.display());
    let refused = daemon.call("POST /reload").unwrap();
    assert!(refused.contains(&why), "{refused}");
    assert_eq!(check(&[]), (Some(0), String::new()), "no key is read");
    let (code, words) = check(&["--live"]);
    assert!(code == Some(1) && words.contains(&why), "{code:?} {words}");
    let alarms = || daemon.alarms();
    eventually("the next connection says so", || alarms().contains("px.key: is the key of another certificate"));
    std::fs::write(&px.key_file, good).unwrap();

    std::fs::write(&px.chain_file, "no certificate").unwrap();
    let why = format!("agreement.tls: {}: holds no certificate", px.chain_file.display());
    let refused = daemon.call("POST /reload").unwrap();
    assert!(refused.contains(&why), "{refused}");
    let (code, words) = check(&[]);
    assert!(code == Some(1) && words.contains(&why), "{code:?} {words}");

    std::fs::remove_file(&px.chain_file).unwrap();
    let why = format!("agreement.tls: {}: cannot be read", px.chain_file.display());
    let refused = daemon.call("POST /reload").unwrap();
    assert!(refused.contains(&why), "{refused}");
    let (code, words) = check(&[]);
    assert!(code == Some(0) && words.contains("warning: ") && words.contains(&why), "it may be there in time: {words}");

    // What needs no agreement is served by one that starts.
    let started = Daemon::start_with(with_agreement);
    eventually("the daemon is ready", || started.status().is_some_and(|status| status["ready"] == true));
    eventually("and says why it cannot agree", || started.alarms().contains("px.pem: cannot be read"));
}
