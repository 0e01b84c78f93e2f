#![allow(clippy::unwrap_used)]

use super::*;
use crate::push::protocol::upload::tests::info;

const OTHER: &str = "1111111111111111111111111111111111111111111111111111";

/// A header of other contents than here, signed by whom.
fn theirs(of: &PathInfo, signature: &str) -> String {
    let other = PathInfo { nar_hash: OTHER.to_owned(), ..of.clone() };
    serde_json::to_string(&Header::with_signature(&other, signature.to_owned())).unwrap()
}

fn agreed(comparison: &str) -> Result<Contents, Error> {
    agree(vec![info("a", 1), info("b", 2)], comparison, "px-nl", |header| header.signature.starts_with("admin"))
}

#[test]
fn what_a_host_lacks_is_sent_and_what_it_has_alike_is_not() {
    let contents = agreed(&format!("missing {}\n", info("b", 2).path)).unwrap();
    assert_eq!(contents.missing.into_iter().collect::<Vec<_>>(), [info("b", 2).path]);
    assert_eq!(contents.infos, [info("a", 1), info("b", 2)]);
}

#[test]
fn other_contents_on_the_host_are_those_that_are_signed_for_if_a_key_of_the_fleet_vouches_for_them() {
    let a = info("a", 1);
    let contents = agreed(&[theirs(&a, "cache:x"), theirs(&a, "admin-ch-1:x"), theirs(&a, "")].join("\n")).unwrap();
    assert_eq!(contents.infos[0].nar_hash, OTHER);
    assert_ne!(contents.digest(), agreed("").unwrap().digest());
    let why = agreed(&[theirs(&a, "cache:x"), theirs(&a, "")].join("\n")).err().unwrap().to_string();
    assert!(why.contains(&a.path) && why.contains("no key of the fleet has signed them"), "{why}");
    assert!(agreed("nonsense").is_err());
}
