#![allow(clippy::unwrap_used)]

use super::*;

const HASH: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

#[test]
fn the_stores_registrations_are_read_with_references_in_order() {
    let said = format!(
        "/nix/store/a\n{HASH}\n120\n/nix/store/a.drv\n2\n/nix/store/z\n/nix/store/a\n/nix/store/z\n{HASH}\n96\n\n0\n"
    );
    let infos = registrations(&said).unwrap();
    assert_eq!(infos.len(), 2);
    assert_eq!(
        (infos[0].nar_size, &infos[0].references[..]),
        (120, &["/nix/store/a".to_owned(), "/nix/store/z".to_owned()][..])
    );
    assert!(infos[1].references.is_empty());
    for broken in [said.replace("120", "x"), said.replace("\n0\n", "\n1\n"), said.replace(HASH, "short")] {
        assert_eq!(registrations(&broken), None, "{broken}");
    }
}

#[test]
fn hashes_are_told_as_nix_tells_them() {
    // `nix-hash --type sha256 --to-base32` of the SHA-256 of nothing.
    assert_eq!(nix32(HASH).unwrap(), "0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73");
    assert_eq!(nix32("xx"), None);
}

#[test]
fn signatures_are_those_behind_their_path() {
    let said = "/nix/store/a   admin-nl-1:AA== cache:BB==\n/nix/store/b\n/nix/store/c ultimate\n";
    let lines = signature_lines(said);
    assert_eq!(lines["/nix/store/a"], ["admin-nl-1:AA==", "cache:BB=="]);
    assert!(lines["/nix/store/b"].is_empty());
    assert_eq!(lines["/nix/store/c"], ["ultimate"]);
}

#[test]
fn a_digest_is_of_paths_and_contents_in_any_order() {
    let info = |path: &str, hash: &str| PathInfo {
        path: path.to_owned(),
        nar_hash: hash.to_owned(),
        nar_size: 1,
        references: Vec::new(),
    };
    let one = digest_of(&[info("a", "1"), info("b", "2")]);
    assert_eq!(one, digest_of(&[info("b", "2"), info("a", "1")]));
    assert_ne!(one, digest_of(&[info("a", "1"), info("b", "3")]));
    assert_ne!(one, digest_of(&[info("a", "1")]));
}

#[test]
fn only_paths_of_the_store_itself_are_taken_for_such() {
    let store = Path::new("/nix/store");
    let good = "/nix/store/00000000000000000000000000000000-nixos-system-px-nl-26.05";
    assert!(in_store(store, Path::new(good)).is_ok());
    for bad in [
        "/etc".to_owned(),
        "/nix/store".to_owned(),
        "/nix/store/../../etc".to_owned(),
        format!("{good}/sw"),
        format!("{good}/../x"),
        "/nix/store/.links".to_owned(),
        "/nix/store/short-name".to_owned(),
        "/nix/store/e0000000000000000000000000000000-x".to_owned(),
        "/nix/store/00000000000000000000000000000000-x y".to_owned(),
    ] {
        assert!(in_store(store, Path::new(&bad)).is_err(), "{bad}");
    }
}
