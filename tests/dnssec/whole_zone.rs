//! The zone as a whole, as another nameserver gets it: programs that verify zones find it complete and every signature good.

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::process::Command;

use crate::keys::Signing;
use crate::lab::Lab;
use crate::programs::{program, run, told_by};
use crate::zone::ZONE;

/// All of its records, as dig writes them.
pub fn transferred(server: SocketAddr) -> String {
    let (at, port) = (format!("@{}", server.ip()), server.port().to_string());
    let mut dig = Command::new("dig");
    let text = told_by(dig.args([&at, "-p", &port, ZONE, "AXFR", "+onesoa", "+noall", "+answer"]));
    assert!(text.lines().count() > 100, "{text}");
    text
}

/// The same, in lower case, and of signatures everything but from when to when they are good, and what was computed.
pub fn records(server: SocketAddr) -> BTreeSet<String> {
    let in_words = |line: &str| {
        let mut words: Vec<String> = line.split_whitespace().map(str::to_lowercase).collect();
        if words[3] == "rrsig" {
            words.drain(8..10);
            words.truncate(10);
        }
        words.join(" ")
    };
    transferred(server).lines().map(in_words).collect()
}

/// All of its records, each as one line, names in lower case.
pub fn whole(server: SocketAddr) -> BTreeSet<String> {
    transferred(server)
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase())
        .collect()
}

/// What they find wrong with it.
pub fn findings(lab: &Lab, signing: Signing) -> Vec<String> {
    let folder = lab.folder.path();
    let (zone, anchor) = (folder.join("transferred"), folder.join("anchor"));
    fs::write(&zone, transferred(lab.parent())).unwrap();
    fs::write(&anchor, lab.anchor.in_zone_text()).unwrap();

    let mut ldns = program("ldns-verify-zone");
    ldns.arg("-k").arg(&anchor).arg(&zone);
    let mut bind = program("dnssec-verify");
    bind.args(["-o", ZONE]).args((!signing.is_split).then_some("-z")).arg(&zone);
    let mut knot = program("kzonecheck");
    knot.args(["-o", ZONE, "-d", "on"]).arg(&zone);
    let mut verifiers = [ldns, bind, knot];
    let wrong = verifiers.iter_mut().filter_map(|verifier| {
        let ended = run(verifier);
        (!ended.is_success).then(|| format!("{}:\n{}", verifier.get_program().display(), ended.said))
    });
    wrong.collect()
}

/// What ldns says of its digest, if it is not good.
pub fn wrong_digest(lab: &Lab) -> Option<String> {
    let zone = lab.folder.path().join("transferred");
    fs::write(&zone, transferred(lab.parent())).unwrap();
    // Twice: it has to be signed too.
    let ended = run(program("ldns-verify-zone").args(["-Z", "-Z"]).arg(&zone));
    (!ended.is_success).then_some(ended.said)
}
