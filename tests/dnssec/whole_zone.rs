//! The zone as a whole, as another nameserver gets it: programs that verify zones find it complete and every signature good.

use std::fs;
use std::process::Command;

use crate::keys::Signing;
use crate::lab::Lab;
use crate::programs::{program, run, told_by};
use crate::zone::ZONE;

/// What they find wrong with it.
pub fn findings(lab: &Lab, signing: Signing) -> Vec<String> {
    let folder = lab.folder.path();
    let (zone, anchor) = (folder.join("transferred"), folder.join("anchor"));
    let mut dig = Command::new("dig");
    dig.args(["@127.0.0.1", "-p", &lab.port.to_string(), ZONE, "AXFR", "+onesoa", "+noall", "+answer"]);
    let text = told_by(&mut dig);
    assert!(text.lines().count() > 100, "{text}");
    fs::write(&zone, text).unwrap();
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
