use super::*;
use crate::acme::samples::{issue, told};
use crate::config::proxy::{ChallengeKind, HostPattern};

const CA: &str = "https://ca.test/dir";

fn desired(hosts: &[&str]) -> Desired {
    let hosts = hosts.iter().map(|host| HostPattern::parse(host).unwrap()).collect();
    Desired { hosts, challenge: ChallengeKind::Http01 }
}

#[test]
fn a_certificate_comes_back_from_its_file_with_its_key() {
    let told = told(&["www.test"], 0, 90);
    let file = told.to_file("www");
    assert_eq!(Told::of_file(file.reveal()).unwrap(), told);
    assert!(Issued::new(told.clone()).unwrap().chain().names.cover("www.test"));
    for broken in
        ["", "directory: x\nobtained: 1\n", "obtained: 1\n-----BEGIN", "directory: x\nobtained: y\n-----BEGIN"]
    {
        assert!(Told::of_file(broken).is_err(), "{broken}");
    }
}

#[test]
fn what_has_no_key_or_anothers_or_is_too_large_is_not_taken_and_no_error_or_debug_shows_a_key() {
    let (one, other) = (told(&["www.test"], 0, 90), told(&["www.test"], 0, 90));
    let split = |told: &Told| {
        let at = told.pem.reveal().find("-----BEGIN CERTIFICATE").unwrap();
        (told.pem.reveal()[..at].to_owned(), told.pem.reveal()[at..].to_owned())
    };
    let ((key, chain), (_, other_chain)) = (split(&one), split(&other));
    let with = |pem: String| Issued::new(Told { pem: Secret::new(pem), ..one.clone() }).unwrap_err().0;
    let errors = [
        (with(chain.clone()), "no private key"),
        (with(format!("{key}{other_chain}")), "another certificate"),
        (with(key.clone()), "no certificate"),
        (with(format!("{key}{chain}{}", " ".repeat(MOST_BYTES))), "bytes"),
    ];
    let secret = key.lines().nth(1).unwrap();
    for (error, words) in errors {
        assert!(error.contains(words), "{error}");
        assert!(!error.contains(secret));
    }
    assert!(!format!("{one:?} {:?}", Issued::new(one.clone())).contains(secret));
}

#[test]
fn of_two_certificates_everybody_uses_the_same_the_one_that_serves_and_was_issued_later() {
    let desired = desired(&["www.test"]);
    let better = |one: &Issued, other: &Issued| one.is_better(other, &desired, CA);
    let old = issue(&["www.test"], 0, 90);
    let new = issue(&["www.test"], 60, 150);
    assert!(better(&new, &old) && !better(&old, &new));
    // Another profile of the CA: it ends earlier, and is what the document wants now.
    let short = issue(&["www.test"], 61, 67);
    assert!(better(&short, &new) && !better(&new, &short));
    let of_other_hosts = issue(&["other.test"], 70, 200);
    assert!(better(&old, &of_other_hosts) && !better(&of_other_hosts, &old));
    let of_other_ca = Issued::new(Told { directory: "https://staging.test".into(), ..told(&["www.test"], 70, 200) });
    assert!(better(&old, &of_other_ca.unwrap()));
    // Two that were ordered at once.
    let (one, two) = (issue(&["www.test"], 5, 95), issue(&["www.test"], 5, 95));
    assert_ne!(better(&one, &two), better(&two, &one));
    assert!(!better(&one, &one));
}

#[test]
fn a_failure_that_an_earlier_version_has_written_down_is_past_once_a_certificate_has_come_after_it() {
    const DAY: u64 = 86_400_000;
    let text = format!(
        r#"{{ "count": 3, "at": {}, "until": {}, "cause": "refused", "by": "px1", "why": "no", "of": 7 }}"#,
        60 * DAY,
        61 * DAY
    );
    let failures: Failures = serde_json::from_str(&text).unwrap();
    assert_eq!(failures.replaces, None);
    let (old, new) = (issue(&["www.test"], 0, 90), issue(&["www.test"], 61, 151));
    assert!(!failures.is_past(None) && !failures.is_past(Some(&old)), "the renewal of that one has failed");
    assert!(failures.is_past(Some(&new)));
    assert!(!serde_json::to_string(&failures).unwrap().contains("replaces"), "an earlier version expects a number");
    let ours = Failures { replaces: Some(old.number()), ..failures };
    assert!(!ours.is_past(Some(&old)) && ours.is_past(Some(&new)));
}
