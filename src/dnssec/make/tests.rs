use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::dnssec::folder::read_keys;
use crate::dnssec::public_key::verify;
use crate::zone::name;

fn wire(text: &str) -> Box<[u8]> {
    name::from_text(text).unwrap()
}

#[test]
fn keys_of_all_algorithms_are_made_written_and_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let times = Times { created: Some(1_796_054_291), publish: Some(1_796_054_291), ..Times::default() };
    for (algorithm, role) in Algorithm::ALL.into_iter().zip([Role::Ksk, Role::Zsk, Role::Ksk, Role::Zsk]) {
        let made = make(&wire("a_b*c.example"), role, algorithm, times, &[]).unwrap();
        let written = made.write(folder.path()).unwrap();
        let mode = |file: &Path| fs::metadata(file).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&written.private), mode(&written.public)), (0o600, 0o644));
        let keys = read_keys(folder.path(), &wire("a_b*c.example")).unwrap();
        let key = keys.iter().find(|key| key.dnskey() == made.key().dnskey()).unwrap();
        assert_eq!((key.role(), key.algorithm(), *key.times()), (role, algorithm, times));
        assert!(verify(made.key().dnskey(), b"message", &key.sign(b"message")));
        if matches!(algorithm, Algorithm::RsaSha256 | Algorithm::RsaSha512) {
            assert_eq!(key.sign(b"message").len(), 2048 / 8);
        }
    }
    assert_eq!(read_keys(folder.path(), &wire("a_b*c.example")).unwrap().len(), 4);
}

#[test]
fn a_key_is_never_written_over_one_that_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let made = make(&wire("example.com"), Role::Zsk, Algorithm::Ed25519, Times::default(), &[]).unwrap();
    let written = made.write(folder.path()).unwrap();
    fs::write(&written.private, "of somebody else").unwrap();
    let error = made.write(folder.path()).unwrap_err().to_string();
    assert_eq!(error, format!("{}: is there already, and is not written over", written.private.display()));
    assert_eq!(fs::read_to_string(&written.private).unwrap(), "of somebody else");
    // Where only the public half is there, no secret is left behind.
    fs::remove_file(&written.private).unwrap();
    let error = made.write(folder.path()).unwrap_err().to_string();
    assert_eq!(error, format!("{}: is there already, and is not written over", written.public.display()));
    assert!(!written.private.exists());
}

#[test]
fn a_zone_whose_name_is_too_long_for_the_names_of_files_is_told_so() {
    let folder = tempfile::tempdir().unwrap();
    let label = "a".repeat(59);
    let made = |apex: &str| {
        let made = make(&wire(apex), Role::Zsk, Algorithm::Ed25519, Times::default(), &[]).unwrap();
        made.write(folder.path()).map_err(|error| error.to_string())
    };
    let fits = [&*label, &label, &label, &"b".repeat(55)].join(".");
    assert!(made(&fits).is_ok());
    let error = made(&format!("{fits}b")).unwrap_err();
    assert!(error.contains("would have a name of 256 bytes, and 255 is the most"), "{error}");
}

#[test]
fn a_new_key_has_a_tag_that_no_other_has() {
    let free = 7;
    let taken: Vec<u16> = (0..=u16::MAX).filter(|tag| tag % 8 != free).collect();
    for _ in 0..8 {
        let made = make(&wire("example.com"), Role::Zsk, Algorithm::Ed25519, Times::default(), &taken).unwrap();
        assert_eq!(made.key().tag() % 8, free);
    }
}

#[test]
fn a_key_gets_other_times_in_both_files_and_keeps_all_else() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/dnssec");
    let times = Times { created: Some(1_796_054_291), delete: Some(1_796_083_200), ..Times::default() };
    for (zone, pair) in [("ttl.example", "Kttl.example.+013+01986"), ("example.net", "KExample.net.+008+43995")] {
        let folder = tempfile::tempdir().unwrap();
        let files = KeyFiles::of(&folder.path().join(pair));
        let extra = [
            ("key", &files.public, "; SyncPublish: 20261130155811 (Mon Nov 30 15:58:11 2026)\n"),
            ("private", &files.private, ""),
        ];
        for (ending, file, extra) in extra {
            let text = fs::read_to_string(fixtures.join(format!("{pair}.{ending}"))).unwrap();
            fs::write(file, format!("{extra}{text}")).unwrap();
        }
        fs::set_permissions(&files.private, fs::Permissions::from_mode(0o640)).unwrap();
        let [before] = &read_keys(folder.path(), &wire(zone)).unwrap()[..] else { panic!("one key") };
        assert_eq!(set_times(folder.path(), before, &times).unwrap(), files);
        let [after] = &read_keys(folder.path(), &wire(zone)).unwrap()[..] else { panic!("one key") };
        assert_eq!((after.dnskey(), after.times()), (before.dnskey(), &times));
        assert_eq!(after.sign(b"message"), before.sign(b"message"));
        assert_eq!(fs::metadata(&files.private).unwrap().permissions().mode() & 0o777, 0o640);
        let public = fs::read_to_string(&files.public).unwrap();
        assert!(public.contains("; SyncPublish: 20261130155811"), "{public}");
        assert!(
            public.contains("; Delete: 20261201000000 (Tue Dec  1 00:00:00 2026)\n") && !public.contains("Inactive"),
            "{public}"
        );
        let private = fs::read_to_string(&files.private).unwrap();
        assert!(private.starts_with("Private-key-format: v1.3\nAlgorithm: "), "{pair}");
        assert!(private.ends_with("\nCreated: 20261130155811\nDelete: 20261201000000\n"), "{pair}");
        // Again: the same.
        set_times(folder.path(), after, &times).unwrap();
        assert_eq!(
            (fs::read_to_string(&files.public).unwrap(), fs::read_to_string(&files.private).unwrap()),
            (public, private)
        );
    }
}
