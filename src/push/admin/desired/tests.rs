#![allow(clippy::unwrap_used)]
use super::*;
use crate::push::admin::known_fleet::tests::admin_in;

#[test]
fn what_was_wanted_is_kept() {
    let kept = tempfile::tempdir().unwrap();
    let admin = admin_in(kept.path());
    assert_eq!(load(&admin), None);
    let systems = BTreeMap::from([("px-nl".to_owned(), PathBuf::from("/nix/store/a"))]);
    let wanted = DesiredState { push: "p1".to_owned(), at: 1, systems };
    store(&admin, &wanted).unwrap();
    assert_eq!(load(&admin), Some(wanted));
}
