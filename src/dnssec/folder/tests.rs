use std::os::unix::fs::PermissionsExt;

use super::*;

fn wire(text: &str) -> Box<[u8]> {
    name::from_text(text).unwrap()
}

/// A copy of the keys that other programs have made, to be damaged.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/dnssec");
    for file in fs::read_dir(fixtures).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), folder.path().join(file.file_name())).unwrap();
    }
    folder
}

/// What is wrong with a folder, without its path.
fn fault(folder: &Path, zone: &str) -> String {
    let error = read_keys(folder, &wire(zone)).unwrap_err().to_string();
    error.replace(&format!("{}/", folder.display()), "").replace(&folder.display().to_string(), "FOLDER")
}

const PAIR: &str = "Kttl.example.+013+01986";

#[test]
fn files_are_named_as_bind_names_them() {
    for (zone, stem) in [
        ("example.com", "Kexample.com."),
        (".", "K."),
        ("0/25.2.0.192.in-addr.arpa", "K0%2F25.2.0.192.in-addr.arpa."),
        ("a_b*c\\.d.example", "Ka_b%2Ac%2Ed.example."),
    ] {
        assert_eq!(file_stem(&wire(zone)), stem);
    }
}

#[test]
fn only_names_of_the_zone_are_those_of_its_keys() {
    for (pair, numbers_of) in [
        ("Kexample.com.+013+12345", Some((13, 12345))),
        ("KExample.COM.+008+00001", Some((8, 1))),
        ("Kexample.com.+13+12345", None),
        ("Kexample.com.+013+99999", None),
        ("Kexample.com.+013+1234x", None),
        ("Kexample.com.+013++1234", None),
        ("Kexample.com.au.+013+12345", None),
        ("Kwww.example.com.+013+12345", None),
        ("Kexample.com.", None),
        ("K", None),
        ("Ké", None),
    ] {
        assert_eq!(numbers(pair, "Kexample.com."), numbers_of, "{pair}");
    }
}

#[test]
fn keys_come_in_the_same_order_everywhere_and_tags_with_them() {
    let folder = folder();
    let keys = read_keys(folder.path(), &wire("example.com")).unwrap();
    let order: Vec<_> = keys.iter().map(|key| (key.algorithm().number(), key.flags(), key.tag())).collect();
    let mut sorted = order.clone();
    sorted.sort();
    assert_eq!(order, sorted);
    let mut taken = tags(folder.path(), &wire("example.com")).unwrap();
    taken.sort();
    assert_eq!(taken, [3264, 10703, 15361, 37618, 62176, 64236]);
}

#[test]
fn a_folder_that_is_not_there_or_has_no_key_of_the_zone_says_what_belongs_in_it() {
    let folder = folder();
    assert_eq!(
        fault(folder.path(), "example.org"),
        "FOLDER: no key of example.org; expected files Kexample.org.+ALGORITHM+TAG.key and .private: copy those of the zone's other nameservers here; only if it has none anywhere yet, `polder dnssec keygen example.org --folder FOLDER` makes them, once for all nameservers"
    );
    drop(fs::remove_dir_all(folder.path()));
    assert_eq!(
        fault(folder.path(), "example.org"),
        "FOLDER: cannot be read: No such file or directory (os error 2); expected a folder of keys, such as Kexample.org.+013+12345.key with its .private"
    );
}

#[test]
fn half_a_pair_is_an_error_that_names_the_other_half() {
    let folder = folder();
    fs::rename(folder.path().join(format!("{PAIR}.private")), folder.path().join("away")).unwrap();
    assert_eq!(
        fault(folder.path(), "ttl.example"),
        format!(
            "{PAIR}.private: is not there; it is the secret of {PAIR}.key, and a key without its secret cannot sign: bring it, or take that away"
        )
    );
    fs::rename(folder.path().join("away"), folder.path().join(format!("{PAIR}.private"))).unwrap();
    fs::remove_file(folder.path().join(format!("{PAIR}.key"))).unwrap();
    assert_eq!(
        fault(folder.path(), "ttl.example"),
        format!("{PAIR}.key: is not there; it is the public half of {PAIR}.private: bring it, or take that away")
    );
}

#[test]
fn halves_that_do_not_belong_together_are_no_key() {
    let folder = folder();
    let of_other = folder.path().join("Kexample.com.+013+10703.private");
    fs::copy(of_other, folder.path().join(format!("{PAIR}.private"))).unwrap();
    assert_eq!(
        fault(folder.path(), "ttl.example"),
        format!(
            "{PAIR}.private: it is not the secret of {PAIR}.key: two pairs were mixed up, as when the keys of two folders are put into one, and one has \
             the tag of another: bring both files as they were made together"
        )
    );
}

#[test]
fn a_pair_under_another_name_is_no_key() {
    let folder = folder();
    for ending in ["key", "private"] {
        let named = folder.path().join(format!("Kttl.example.+013+01987.{ending}"));
        fs::rename(folder.path().join(format!("{PAIR}.{ending}")), named).unwrap();
    }
    assert_eq!(
        fault(folder.path(), "ttl.example"),
        format!(
            "Kttl.example.+013+01987.key: the key in it is {PAIR}: the files were renamed, or changed after they were made"
        )
    );
}

#[test]
fn a_damaged_secret_of_rsa_is_no_key_and_is_not_shown() {
    let folder = folder();
    let path = folder.path().join("KExample.net.+008+43995.private");
    let text = fs::read_to_string(&path).unwrap();
    let [prime1, prime2] =
        ["Prime1: ", "Prime2: "].map(|name| text.lines().find_map(|line| line.strip_prefix(name)).unwrap().to_owned());
    fs::write(&path, text.replace(&prime1, &prime2)).unwrap();
    assert_eq!(
        fault(folder.path(), "example.net"),
        "KExample.net.+008+43995.private: its numbers are not those of one key of RSA: the file is damaged"
    );
}

#[test]
fn a_key_of_rsa_that_is_too_short_says_what_to_do() {
    assert_eq!(
        fault(folder().path(), "weak.example"),
        "Kweak.example.+008+48243.private: a key of RSA with 1024 bits is too short to sign with, 2048 to 4096 are needed: roll over to a new key first, \
         where the zone is signed now (`dnssec-keygen -a ECDSAP256SHA256`)"
    );
}

#[test]
fn what_is_no_text_or_no_file_is_an_error() {
    let folder = folder();
    let path = folder.path().join(format!("{PAIR}.key"));
    fs::write(&path, [0xff, 0xfe]).unwrap();
    assert_eq!(
        fault(folder.path(), "ttl.example"),
        format!("{PAIR}.key: is not a text; expected a file as dnssec-keygen writes it")
    );
    fs::write(&path, vec![b';'; 70_000]).unwrap();
    assert_eq!(
        fault(folder.path(), "ttl.example"),
        format!("{PAIR}.key: cannot be read: it is larger than 64 KiB, the most that is read of it")
    );
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert_eq!(
        fault(folder.path(), "ttl.example"),
        format!("{PAIR}.key: cannot be read: it is a directory: expected a regular file")
    );
}

#[test]
fn times_are_those_of_the_secret_half_and_else_those_of_the_public_one() {
    let folder = folder();
    let private = folder.path().join(format!("{PAIR}.private"));
    let text = fs::read_to_string(&private).unwrap();
    fs::write(&private, text.replace("Delete: 2027", "Delete: 2037")).unwrap();
    let delete = |folder: &Path| read_keys(folder, &wire("ttl.example")).unwrap()[0].times().delete;
    assert_eq!(delete(folder.path()), Some(2_116_857_491));
    let without: String = text.lines().take(3).map(|line| format!("{line}\n")).collect();
    fs::write(&private, without).unwrap();
    assert_eq!(delete(folder.path()), Some(1_801_238_291));
}

#[test]
fn a_secret_that_everybody_may_read_is_read_all_the_same() {
    let folder = folder();
    let private = folder.path().join(format!("{PAIR}.private"));
    fs::set_permissions(&private, fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(read_keys(folder.path(), &wire("ttl.example")).unwrap().len(), 1);
}

#[test]
fn whose_a_file_has_to_be_is_said_to_whoever_may_not_read_it() {
    let denied = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
    let why = unread(Path::new("K.private"), "the secret", &denied).to_string();
    assert!(why.starts_with("K.private: cannot be read by the user "), "{why}");
    assert!(why.ends_with("permission denied; it is to be that user's, with mode 0400"), "{why}");
}
