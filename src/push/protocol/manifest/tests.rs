#![allow(clippy::unwrap_used)]

use super::*;
use crate::push::ledger::tests::record;
use crate::push::protocol::signing::tests::key;
use crate::push::protocol::{Origin, Target};

const NOW: u64 = 1_800_000_000_000;

fn unlock(host: &str, counter: u64, expires: u64) -> Manifest {
    let instruction = Instruction::Unlock { token: "t".to_owned() };
    Manifest { host: host.to_owned(), counter, expires, instruction }
}

fn activate(counter: u64) -> Manifest {
    let target = Target { system: "/nix/store/a".into(), origin: Origin::RanBefore { old_keys: false } };
    let instruction = Instruction::Activate {
        token: "t".to_owned(),
        target,
        expected: "/nix/store/b".into(),
        confirm_within: 90,
        reboot: false,
        record: record("p"),
    };
    Manifest { host: "px-nl".to_owned(), counter, expires: NOW + 1000, instruction }
}

fn admit(taken: &AcceptedManifests, manifest: &Manifest) -> Result<AcceptedManifests, ManifestRejection> {
    taken.admit(manifest, "px-nl", NOW)
}

fn why(result: Result<AcceptedManifests, ManifestRejection>) -> String {
    match result.unwrap_err() {
        ManifestRejection::Refused(why) => format!("refused: {why}"),
        ManifestRejection::Stale(why) => format!("stale: {why}"),
    }
}

#[test]
fn what_was_sealed_opens_with_the_name_of_its_key_and_a_changed_letter_does_not() {
    let (signing, keys) = key("admin-nl-1", 1);
    let line = seal(&activate(NOW), &signing).unwrap();
    let (manifest, signer) = open(&line, &keys).unwrap();
    assert_eq!((manifest.host.as_str(), signer), ("px-nl", "admin-nl-1"));
    let changed = line.replace("px-nl", "px-ch");
    assert!(open(&changed, &keys).unwrap_err().to_string().contains("does not match"));
    let unsigned = line.split_once(' ').unwrap().1;
    assert!(open(unsigned, &keys).is_err());
}

#[test]
fn a_signature_of_the_bare_text_is_none_of_a_manifest() {
    let (signing, keys) = key("admin-nl-1", 1);
    let text = serde_json::to_string(&unlock("px-nl", 1, NOW)).unwrap();
    let line = format!("{} {text}", signing.sign(text.as_bytes()));
    assert!(open(&line, &keys).is_err());
}

#[test]
fn what_was_signed_for_another_host_is_refused_here() {
    let said = why(admit(&AcceptedManifests::default(), &unlock("px-ch", NOW, NOW + 1000)));
    assert!(said.starts_with("refused: this was signed for px-ch"), "{said}");
}

#[test]
fn a_manifest_is_taken_once() {
    let manifest = unlock("px-nl", NOW, NOW + 1000);
    let taken = admit(&AcceptedManifests::default(), &manifest).unwrap();
    assert!(why(admit(&taken, &manifest)).contains("was used already"));
}

#[test]
fn a_manifest_that_has_ended_is_refused_also_when_the_clock_is_set_back_behind_it() {
    let manifest = unlock("px-nl", NOW - 1000, NOW - 1);
    assert!(why(admit(&AcceptedManifests::default(), &manifest)).starts_with("stale: it expired"));
    let taken = AcceptedManifests::default().admit(&manifest, "px-nl", NOW - 500).unwrap();
    let later = admit(&taken, &unlock("px-nl", NOW, NOW + 1000)).unwrap();
    assert!(why(later.admit(&manifest, "px-nl", NOW - 500)).contains("was used already"));
}

#[test]
fn nobody_signs_for_years_ahead_nor_uses_the_counters_up() {
    let said = why(admit(&AcceptedManifests::default(), &unlock("px-nl", NOW, NOW + LONGEST + 1)));
    assert!(said.contains("a manifest is valid for 300 s at most"), "{said}");
    for counter in [NOW + FARTHEST + 1, u64::MAX] {
        assert!(
            why(admit(&AcceptedManifests::default(), &unlock("px-nl", counter, NOW + 1000))).contains("a day ahead")
        );
    }
    // Where another admin machine's clock was ahead, one goes on from there.
    let ahead = admit(&AcceptedManifests::default(), &unlock("px-nl", NOW + FARTHEST, NOW + 1000)).unwrap();
    assert!(admit(&ahead, &unlock("px-nl", NOW + FARTHEST + 1, NOW + 1000)).is_ok());
}

#[test]
fn instructions_that_overtake_each_other_are_all_taken_but_no_older_activation_after_a_newer() {
    let taken = admit(&AcceptedManifests::default(), &unlock("px-nl", NOW + 5, NOW + 1000)).unwrap();
    let taken = admit(&taken, &activate(NOW + 3)).unwrap();
    assert!(why(admit(&taken, &activate(NOW + 2))).contains("has begun here"));
    assert!(admit(&taken, &activate(NOW + 4)).is_ok());
}

#[test]
fn what_is_remembered_is_bounded() {
    let mut taken = AcceptedManifests::default();
    for counter in 0..2 * REMEMBERED as u64 {
        taken = admit(&taken, &unlock("px-nl", NOW + counter, NOW + 1000)).unwrap();
    }
    assert!(taken.recent.len() <= REMEMBERED);
    assert_eq!(taken.highest(), NOW + 2 * REMEMBERED as u64 - 1);
    assert!(why(admit(&taken, &unlock("px-nl", NOW + 1, NOW + 1000))).contains("was used already"));
}
