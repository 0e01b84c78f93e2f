//! Zones that programs of others have signed, served by polder-dns as they are: each answer is the one that NSD and BIND give from the same file, and
//! validators find it proved.

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use hickory_proto::op::Message;
use hickory_proto::rr::Record;
use hickory_proto::serialize::binary::{BinDecodable, BinEncodable};

use crate::ask::{exchange, query};
use crate::keys::{self, SIGNINGS, Signing};
use crate::lab::{Lab, wait};
use crate::ports::free_address;
use crate::programs::{Running, program, run, told_by};
use crate::validators::{Kind, Validator, unproved_by_delv};
use crate::whole_zone;
use crate::zone::{QUESTIONS, ZONE, absolute};

/// Who signs a zone, and how it denies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signer {
    Bind,
    BindHashed,
    BindOptOut,
    Ldns,
    LdnsHashed,
    LdnsOptOut,
}

impl Signer {
    const ALL: [Signer; 6] =
        [Signer::Bind, Signer::BindHashed, Signer::BindOptOut, Signer::Ldns, Signer::LdnsHashed, Signer::LdnsOptOut];

    /// Where delegations opt out, hardly anything that is not there is proved not to be (RFC 5155, 9.2).
    fn opts_out(self) -> bool {
        matches!(self, Signer::BindOptOut | Signer::LdnsOptOut)
    }

    /// Signs the file `zone` with the keys that are in the same folder; gives the text.
    pub fn sign(self, at: &Path, keys: &Path, signing: Signing) -> String {
        let mut command = match self {
            Signer::Bind | Signer::BindHashed | Signer::BindOptOut => bind(keys, signing),
            Signer::Ldns | Signer::LdnsHashed | Signer::LdnsOptOut => program("ldns-signzone"),
        };
        command.current_dir(at).args(["-o", ZONE, "-f", "signed"]);
        command.args(match self {
            Signer::Bind | Signer::Ldns => &[][..],
            Signer::BindHashed => &["-3", "aabbccdd", "-H", "5"],
            Signer::BindOptOut => &["-3", "-", "-H", "0", "-A"],
            Signer::LdnsHashed => &["-n", "-s", "aabbccdd", "-t", "3"],
            Signer::LdnsOptOut => &["-n", "-t", "0", "-p"],
        });
        command.arg("zone");
        if matches!(self, Signer::Ldns | Signer::LdnsHashed | Signer::LdnsOptOut) {
            command.args(key_files(keys));
        }
        told_by(&mut command);
        fs::read_to_string(at.join("signed")).unwrap()
    }
}

fn bind(keys: &Path, signing: Signing) -> Command {
    let mut command = program("dnssec-signzone");
    command.args(["-S", "-K"]).arg(keys).arg(if signing.is_split { "-x" } else { "-z" });
    command
}

/// The pairs of a folder, without their endings.
fn key_files(keys: &Path) -> Vec<std::path::PathBuf> {
    let files = fs::read_dir(keys).unwrap().map(|file| file.unwrap().path());
    files
        .filter(|file| file.extension().is_some_and(|ending| ending == "key"))
        .map(|file| file.with_extension(""))
        .collect()
}

/// More names, which are asked for here alone: a delegation below nothing, and one whose nameserver has its own name.
pub const MORE: &str = "far.below.hollow NS ns.insecure\nself NS self\nself A 127.0.0.2\n";

/// What is asked besides [`QUESTIONS`].
const BESIDES: &[(&str, &str)] = &[
    ("far.below.hollow", "DS"),
    ("x.far.below.hollow", "A"),
    ("below.hollow", "A"),
    ("other.below.hollow", "A"),
    ("hollow", "TXT"),
    ("self", "DS"),
    ("self", "A"),
    ("x.self", "A"),
    ("host.secure", "A"),
    ("host.insecure", "A"),
    ("@", "TYPE51"),
    ("mail", "NSEC"),
    ("ent", "NSEC"),
    ("nothing-here", "NSEC"),
    ("@", "TYPE59"),
    ("below.any.wild", "A"),
    ("*.any.wild", "A"),
];

/// Of hashed names NSD proves these otherwise: it adds to a wildcard that is asked for by its own name that this is there, and to a name below one that
/// has opted out another record than BIND does. Validators take either.
const NSD_PROVES_OTHERWISE: [(&str, &str); 2] = [("*.wild", "MX"), ("other.below.hollow", "A")];

fn questions() -> impl Iterator<Item = (String, &'static str)> {
    let of_zone = QUESTIONS.iter().map(|question| (question.name(), question.rtype));
    // Which of its sets is answered to ANY is each server's own choice (RFC 8482, 4.1).
    of_zone.filter(|(_, rtype)| *rtype != "ANY").chain(BESIDES.iter().map(|(owner, rtype)| (absolute(owner), *rtype)))
}

/// A response byte for byte, names in lower case, the records of each section as a set. A positive answer's NS records, and what helps beyond glue, are
/// each server's own choice.
fn response(server: SocketAddr, name: &str, rtype: &str, wants_proof: bool) -> (u16, [BTreeSet<Vec<u8>>; 2]) {
    let mut query = query(name, rtype, false);
    if !wants_proof {
        let flags = query.len() - 4;
        query[flags] = 0;
    }
    let message = Message::from_vec(&exchange(server, &query).unwrap()).unwrap();
    let (ns, signature) = (2, 46u16);
    let is_choice = |record: &&Record| {
        let rtype = u16::from(record.record_type());
        let bytes = record.to_bytes().unwrap();
        let covered = || bytes.windows(2).nth(covered_at(&bytes)).is_some_and(|covered| covered == [0, 2]);
        !message.answers.is_empty() && (rtype == ns || rtype == signature && covered())
    };
    let bytes = |record: &Record| record.to_bytes().unwrap().to_ascii_lowercase();
    let answers = message.answers.iter().map(bytes).collect();
    let authorities = message.authorities.iter().filter(|record| !is_choice(record)).map(bytes).collect();
    (message.metadata.response_code.into(), [answers, authorities])
}

/// Where the type stands that a signature is of.
fn covered_at(record: &[u8]) -> usize {
    let mut at = 0;
    while record[at] != 0 {
        at += 1 + usize::from(record[at]);
    }
    at + 11
}

fn in_words(response: &(u16, [BTreeSet<Vec<u8>>; 2])) -> String {
    let show = |bytes: &Vec<u8>| {
        Record::from_bytes(bytes).map_or_else(|error| format!("{error}: {bytes:02x?}"), |record| record.to_string())
    };
    let [answers, authorities] = &response.1;
    let shown = |records: &BTreeSet<Vec<u8>>| records.iter().map(show).collect::<Vec<_>>().join("\n  ");
    format!("rcode {}\n  {}\n  --\n  {}", response.0, shown(answers), shown(authorities))
}

/// BIND with the same file.
fn named(lab: &Lab) -> (Running, SocketAddr) {
    let at = lab.folder.path().join("named");
    fs::create_dir(&at).unwrap();
    fs::copy(lab.folder.path().join("parent/signed"), at.join("signed")).unwrap();
    let server = free_address();
    let text = format!(
        "options {{ directory \"{}\"; pid-file none; session-keyfile none; listen-on port {} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; recursion no; \
         minimal-responses yes; empty-zones-enable no; check-names master ignore; }};\ncontrols {{ }};\nzone \"{ZONE}\" {{ type primary; file \"signed\"; }};\n",
        at.display(),
        server.port()
    );
    fs::write(at.join("conf"), text).unwrap();
    let mut command = program("named");
    command.args(["-g", "-4", "-n", "1", "-c"]).arg(at.join("conf"));
    let running = Running::start(&at, "log", command);
    wait(
        || format!("named does not answer:\n{}", running.log()),
        || exchange(server, &query(ZONE, "SOA", false)).is_ok_and(|answer| answer[3] & 0xf == 0),
    );
    (running, server)
}

/// What others answer otherwise.
fn differing(
    lab: &Lab,
    other: SocketAddr,
    who: &str,
    questions: impl Iterator<Item = (String, &'static str)>,
) -> Vec<String> {
    let mut differing = Vec::new();
    for (name, rtype) in questions {
        for wants_proof in [true, false] {
            let ours = response(lab.parent(), &name, rtype, wants_proof);
            let theirs = response(other, &name, rtype, wants_proof);
            if ours != theirs {
                let (ours, theirs) = (in_words(&ours), in_words(&theirs));
                differing.push(format!("{name} {rtype}, DO {wants_proof}:\nours: {ours}\n{who}: {theirs}"));
            }
        }
    }
    differing
}

#[test]
#[ignore = "needs BIND, ldns and NSD: see CONTRIBUTING.md"]
fn a_zone_that_others_have_signed_is_answered_as_nsd_and_bind_answer_it() {
    let mut wrong = Vec::new();
    for signer in Signer::ALL {
        let lab = Lab::of_presigned(SIGNINGS[0], signer);
        let (_running, nsd) = lab.the_same_by_nsd();
        let (_running, named) = named(&lab);
        let of_nsd = questions().filter(|(name, rtype)| {
            !NSD_PROVES_OTHERWISE.iter().any(|(owner, of)| absolute(owner) == *name && of == rtype)
        });
        let mut others = differing(&lab, nsd, "NSD", of_nsd);
        others.extend(differing(&lab, named, "named", questions()));
        wrong.extend(others.into_iter().map(|differing| format!("{signer:?} {differing}")));
        let [ours, theirs] = [lab.parent(), nsd].map(whole_zone::whole);
        assert_eq!(ours, theirs, "{signer:?}: all records are transferred as they are");
    }
    assert!(wrong.is_empty(), "{} differ\n{}", wrong.len(), wrong.join("\n\n"));
}

#[test]
#[ignore = "needs BIND, unbound, Knot and its resolver, ldns and NSD: see CONTRIBUTING.md"]
fn every_answer_of_a_zone_that_others_have_signed_is_proved_to_every_validator() {
    for (signer, signing) in Signer::ALL.into_iter().zip(SIGNINGS.into_iter().cycle()) {
        eprintln!("{signer:?} {signing:?}");
        let lab = Lab::of_presigned(signing, signer);
        let mut wrong = whole_zone::findings(&lab, signing);
        for question in QUESTIONS.iter().filter(|question| !question.is_below_a_cut() && !signer.opts_out()) {
            let unproved = unproved_by_delv(&lab, &question.name(), question.rtype);
            wrong.extend(unproved.map(|said| format!("delv, {question:?}:\n{said}")));
        }
        for validator in Kind::ALL.map(|kind| Validator::start(kind, &lab, 1)) {
            for question in QUESTIONS.iter().filter(|question| validator.kind.can_be_asked(question)) {
                wrong.extend(crate::misjudged(&validator, question, signer.opts_out()));
            }
        }
        assert!(wrong.is_empty(), "{signer:?}: {} wrong:\n\n{}\n\n{}", wrong.len(), wrong.join("\n\n"), lab.log());
    }
}

#[test]
#[ignore = "needs BIND and ldns: see CONTRIBUTING.md"]
fn what_others_have_signed_has_no_flaw_and_what_is_damaged_has_one() {
    for (signer, signing) in Signer::ALL.into_iter().zip(SIGNINGS.into_iter().cycle()) {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        keys::make(&at.join("keys"), ZONE, signing);
        fs::write(at.join("zone"), crate::zone::text(&(crate::zone::pool_as_records() + MORE))).unwrap();
        let signed = signer.sign(at, &at.join("keys"), signing);
        let check = |text: &str| {
            fs::write(at.join("changed"), text).unwrap();
            let mut polder = Command::new(env!("CARGO_BIN_EXE_polder"));
            run(polder.args(["zone", "check", ZONE]).arg(at.join("changed")))
        };
        let sound = check(&signed);
        assert!(sound.is_success, "{signer:?}: {}", sound.said);
        assert!(!sound.said.contains("is not") && !sound.said.contains("missing"), "{signer:?}: {}", sound.said);
        let forged = check(&signed.replace("192.0.2.25", "192.0.2.66"));
        assert!(!forged.is_success && forged.said.contains("over these records"), "{signer:?}: {}", forged.said);
    }
}

#[test]
#[ignore = "needs BIND, ldns and NSD: see CONTRIBUTING.md"]
fn a_zone_that_comes_signed_from_a_primary_is_answered_as_the_primary_answers_it() {
    for signer in [Signer::Bind, Signer::LdnsOptOut] {
        let lab = Lab::of_presigned(SIGNINGS[0], signer);
        let (_running, nsd) = lab.the_same_by_nsd();
        let (_running, secondary) = lab.secondary_of(nsd);
        let answer = |server, (name, rtype): &(String, &str)| response(server, name, rtype, true);
        let differ = questions().find(|question| answer(secondary, question) != answer(lab.parent(), question));
        assert_eq!(differ, None, "{signer:?}");
        assert_eq!(whole_zone::whole(secondary), whole_zone::whole(nsd), "{signer:?}");
    }
}
