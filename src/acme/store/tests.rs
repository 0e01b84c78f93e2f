use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::acme::samples::told;
use crate::acme::schedule::Cause;
use crate::config::HostPattern;
use crate::config::acme::ChallengeKind;

/// A document that wants the certificate `www`.
fn wanted() -> BTreeMap<String, Desired> {
    let hosts = vec![HostPattern::Exact("www.test".into())];
    [("www".to_owned(), Desired { hosts, challenge: ChallengeKind::Http01 })].into()
}

#[test]
fn what_is_written_is_for_the_daemons_user_alone_and_is_read_again() {
    let state_dir = tempfile::tempdir().unwrap();
    assert!(read(state_dir.path(), &wanted()).certificates.is_empty(), "nothing is there yet, and that is no error");
    let folder = desired::folder(state_dir.path());
    let certificate = told(&["www.test"], 0, 90);
    write(&folder, &File::Certificate("www".into()), &certificate.to_file("www")).unwrap();
    let account = r#"{ "version": 1, "accounts": { "https://ca.test/dir": { "made": 7, "credentials": "x" } } }"#;
    write(&folder, &File::Accounts, &Secret::new(account)).unwrap();
    let failures = r#"{ "version": 1, "failures": { "www": { "count": 2, "at": 1, "until": 9, "cause": "refused", "by": "px", "why": "no" } } }"#;
    write(&folder, &File::Failures, &Secret::new(failures)).unwrap();
    let known = read(state_dir.path(), &wanted());
    assert_eq!(known.certificates["www"].told(), &certificate);
    assert_eq!(known.accounts["https://ca.test/dir"].made, 7);
    assert_eq!((known.failures["www"].until, known.failures["www"].cause), (9, Cause::Refused));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    for name in ["www.pem", "accounts.json", "failures.json"] {
        assert_eq!(mode(&folder.join(name)), 0o600, "{name}");
    }
}

#[test]
fn files_that_are_written_at_once_into_a_folder_that_is_not_there_yet_are_all_written() {
    for _ in 0..200 {
        let state_dir = tempfile::tempdir().unwrap();
        let folder = desired::folder(state_dir.path());
        let begin = std::sync::Barrier::new(2);
        let write = |file: File| {
            begin.wait();
            write(&folder, &file, &Secret::new("{}")).unwrap_or_else(|error| panic!("{error}"));
        };
        std::thread::scope(|scope| {
            scope.spawn(|| write(File::Accounts));
            write(File::Failures);
        });
    }
}

#[test]
fn a_file_that_is_damaged_is_passed_over_and_the_others_are_used() {
    let state_dir = tempfile::tempdir().unwrap();
    let folder = desired::folder(state_dir.path());
    write(&folder, &File::Accounts, &Secret::new("{")).unwrap();
    write(&folder, &File::Certificate("www".into()), &told(&["www.test"], 0, 90).to_file("www")).unwrap();
    let known = read(state_dir.path(), &wanted());
    assert!(known.accounts.is_empty() && known.certificates.contains_key("www"));
    let file = folder.join("www.pem");
    let half = fs::read(&file).unwrap();
    fs::write(&file, &half[..half.len() / 2]).unwrap();
    assert!(read(state_dir.path(), &wanted()).certificates.is_empty());
}

#[test]
fn the_files_of_services_that_have_left_are_known_with_the_day_on_which_that_was_seen() {
    let state_dir = tempfile::tempdir().unwrap();
    let folder = desired::folder(state_dir.path());
    let gone = File::Certificate("gone".into());
    write(&folder, &gone, &told(&["gone.test"], 0, 90).to_file("gone")).unwrap();
    write(&folder, &File::Certificate("new".into()), &Secret::new("broken")).unwrap();
    write(&folder, &File::Certificate("www".into()), &told(&["www.test"], 0, 90).to_file("www")).unwrap();
    write(&folder, &File::Unwanted, &Secret::new(r#"{ "version": 1, "unwanted": { "gone": 7, "lost": 8 } }"#)).unwrap();
    let known = read(state_dir.path(), &wanted());
    assert_eq!(known.certificates.keys().collect::<Vec<_>>(), ["gone", "www"]);
    let unwanted: Vec<_> = known.unwanted.into_iter().collect();
    assert_eq!(unwanted, [("gone".to_owned(), 7), ("new".to_owned(), u64::MAX)]);
    remove(&folder, "gone").unwrap();
    remove(&folder, "gone").unwrap();
    assert!(!folder.join("gone.pem").exists());
}
