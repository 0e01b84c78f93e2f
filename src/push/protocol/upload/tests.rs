#![allow(clippy::unwrap_used)]

use super::*;
use crate::push::protocol::signing::tests::key;

const EMPTY: &str = "0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73";
const STORE: &str = "/nix/store";

/// A path that is called so, with a NAR of so many bytes.
pub(crate) fn info(name: &str, nar_size: u64) -> PathInfo {
    let path = format!("{STORE}/00000000000000000000000000000000-{name}");
    PathInfo { references: vec![path.clone()], path, nar_hash: EMPTY.to_owned(), nar_size }
}

#[test]
fn what_an_admin_signed_is_taken_and_nothing_that_differs_from_it() {
    let (signing, keys) = key("admin-nl-1", 1);
    let (stranger, _) = key("admin-xx-1", 2);
    let header = Header::signed(&info("a", 7), &signing);
    let store = Path::new(STORE);
    assert_eq!(header.check(store, &keys), Ok(()));

    let forged = Header::signed(&info("a", 7), &stranger);
    assert!(forged.check(store, &keys).unwrap_err().to_string().contains("not a key of this fleet"));
    let altered = [
        Header { nar_size: 8, ..header.clone() },
        Header { nar_hash: header.nar_hash.replace('0', "1"), ..header.clone() },
        Header { references: Vec::new(), ..header.clone() },
        Header { path: header.path.replace("-a", "-b"), ..header.clone() },
        Header { path: "/etc/shadow".to_owned(), ..header.clone() },
        Header { references: vec!["/etc/shadow".to_owned()], ..header.clone() },
    ];
    for header in altered {
        assert!(header.check(store, &keys).is_err(), "{header:?}");
    }
}

#[test]
fn a_line_break_in_a_field_never_reaches_the_cache() {
    let (signing, keys) = key("admin-nl-1", 1);
    let mut info = info("a", 7);
    info.references.push(format!("{STORE}/00000000000000000000000000000000-b\nCA: text:sha256:x"));
    let header = Header::signed(&info, &signing);
    assert!(header.check(Path::new(STORE), &keys).is_err());
}
