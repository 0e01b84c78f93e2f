//! Keys of a zone, made by polder or by BIND, and what a validator has to know of them.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::programs::{program, told_by};

/// How a zone is signed.
#[derive(Debug, Clone, Copy)]
pub struct Signing {
    pub algorithm: &'static str,
    /// A key that signs the keys, and another one for all else; not one for both.
    pub is_split: bool,
    pub denial: &'static str,
}

/// Each algorithm, each kind of denial and both ways to have keys.
pub const SIGNINGS: [Signing; 4] = [
    Signing { algorithm: "ECDSAP256SHA256", is_split: false, denial: "nsec" },
    Signing { algorithm: "ED25519", is_split: false, denial: "nsec3" },
    Signing { algorithm: "RSASHA256", is_split: true, denial: "nsec" },
    Signing { algorithm: "ECDSAP256SHA256", is_split: true, denial: "nsec3" },
];

/// A key that is trusted: that of a zone with which its keys are signed.
pub struct Anchor {
    pub zone: String,
    /// Flags, protocol, algorithm and key, as in a zone's text.
    pub dnskey: String,
}

impl Anchor {
    /// A line of a zone's text.
    pub fn in_zone_text(&self) -> String {
        format!("{}. 3600 IN DNSKEY {}\n", self.zone, self.dnskey)
    }

    /// As named and delv have it.
    pub fn for_bind(&self) -> String {
        let mut fields = self.dnskey.splitn(4, ' ');
        let [flags, protocol, algorithm, key] = [(); 4].map(|()| fields.next().unwrap());
        let key = key.replace(' ', "");
        format!("trust-anchors {{ {}. static-key {flags} {protocol} {algorithm} \"{key}\"; }};\n", self.zone)
    }
}

/// Makes the keys of a zone in a folder: one by polder, two by BIND.
pub fn make(folder: &Path, zone: &str, signing: Signing) -> Anchor {
    fs::create_dir_all(folder).unwrap();
    if signing.is_split {
        told_by(by_bind(folder, signing).args(["-f", "KSK", zone]));
        told_by(by_bind(folder, signing).arg(zone));
    } else {
        let mut polder = Command::new(env!("CARGO_BIN_EXE_polder"));
        polder.args(["dnssec", "keygen", zone, "--folder"]).arg(folder);
        told_by(polder.args(["--algorithm", &signing.algorithm.to_lowercase()]));
    }
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let texts = files.filter(|file| file.extension().is_some_and(|ending| ending == "key"));
    let dnskeys = texts.filter_map(|file| {
        let text = fs::read_to_string(file).unwrap();
        let record = text.lines().find(|line| !line.starts_with(';'))?;
        record.split_once("DNSKEY ").map(|(_, dnskey)| dnskey.to_owned())
    });
    let dnskey = dnskeys.into_iter().find(|dnskey| dnskey.starts_with("257 ")).expect("a key that signs the keys");
    Anchor { zone: zone.to_owned(), dnskey }
}

fn by_bind(folder: &Path, signing: Signing) -> Command {
    let mut command = program("dnssec-keygen");
    command.arg("-q").arg("-K").arg(folder).args(["-a", signing.algorithm]);
    if signing.algorithm.starts_with("RSA") {
        command.args(["-b", "2048"]);
    }
    command
}

/// A copy of all of them.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for file in fs::read_dir(from).unwrap().map(Result::unwrap) {
        fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

/// The zone with signatures, by BIND; the DS for its parent is in `dsset-ZONE.` in the same folder.
pub fn signed_by_bind(folder: &Path, keys: &Path, zone: &str, file: &str, signing: Signing) -> String {
    let mut command = program("dnssec-signzone");
    command.current_dir(folder).args(["-S", "-K"]).arg(keys).args(["-o", zone]);
    // One key signs all; of two one signs the keys, and nothing else does.
    command.arg(if signing.is_split { "-x" } else { "-z" });
    if signing.denial == "nsec3" {
        command.args(["-3", "-", "-H", "0"]);
    }
    told_by(command.args(["-f", "signed", file]));
    fs::read_to_string(folder.join("signed")).unwrap()
}
