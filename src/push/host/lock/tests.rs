use super::*;

fn wanted(token: &str) -> Lock {
    Lock {
        token: token.to_owned(),
        holder: "alice@admin-nl".to_owned(),
        location: "nl".to_owned(),
        reason: "push".to_owned(),
        expires: 0,
    }
}

#[test]
fn of_two_who_want_it_one_gets_it_and_the_other_learns_who_has_it_but_not_the_token() {
    let held = grant(None, wanted("a"), 60, 1_000).unwrap();
    let refused = grant(Some(held.clone()), wanted("b"), 60, 2_000).unwrap_err();
    assert_eq!((refused.holder.as_str(), refused.token.as_str()), ("alice@admin-nl", ""));
    assert!(presented(Some(held.clone()), "a", 2_000).is_ok());
    assert_eq!(presented(Some(held), "b", 2_000), Err(Some(refused)));
}

#[test]
fn its_holder_renews_it_by_asking_again() {
    let held = grant(None, wanted("a"), 60, 1_000).unwrap();
    assert_eq!(grant(Some(held), wanted("a"), 60, 50_000).unwrap().expires, 110_000);
}

#[test]
fn a_renewal_leaves_it_its_longer_time() {
    let held = grant(None, wanted("a"), 1800, 1_000).unwrap();
    assert_eq!(grant(Some(held), wanted("a"), 60, 50_000).unwrap().expires, 1_801_000);
}

#[test]
fn an_expired_lock_is_nobodys() {
    let held = grant(None, wanted("a"), 60, 1_000).unwrap();
    assert_eq!(presented(Some(held.clone()), "a", 61_000), Err(None));
    assert!(grant(Some(held), wanted("b"), 60, 61_000).is_ok());
}

#[test]
fn no_token_is_no_ones_token() {
    let held = grant(None, wanted(""), 60, 1_000).unwrap();
    assert!(presented(Some(held), "", 2_000).is_err());
}

#[test]
fn the_file_keeps_it_and_a_broken_one_holds_nobody_up() {
    let dir = tempfile::tempdir().unwrap();
    let file = LockFile::new(dir.path());
    assert_eq!(file.read(), None);
    file.write(Some(&wanted("a"))).unwrap();
    assert_eq!(file.read(), Some(wanted("a")));
    file.write(None).unwrap();
    assert_eq!(file.read(), None);
    std::fs::write(dir.path().join("lock.json"), "garbage").unwrap();
    assert_eq!(file.read(), None);
}
