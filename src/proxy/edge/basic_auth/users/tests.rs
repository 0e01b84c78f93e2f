//! Who is a user, and for how long that is remembered.
#![allow(clippy::unwrap_used)]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::*;

/// `secret`.
const SECRET: &str = "$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW";

/// `pass:word`.
const OTHER: &str = "$2y$04$ABCDEFGHIJKLMNOPQRSTUutlBuUdeDR0ZnzoKNtEvRlhuE1NRx6b6";

fn users(text: &str) -> Result<Users, String> {
    Users::parse(text.as_bytes(), &[7; 32]).map_err(|Fault { line, why }| format!("{line:?} {why}"))
}

fn two() -> Users {
    users(&format!("# staff\n\nalice:{SECRET}\r\n  bob:{OTHER}\n")).unwrap()
}

fn credentials(name: &str, password: &str) -> Credentials {
    Credentials::parse(format!("Basic {}", STANDARD.encode(format!("{name}:{password}"))).as_bytes()).unwrap()
}

const NOW: Duration = Duration::from_secs(1000);

#[test]
fn a_user_is_known_by_his_own_password_alone() {
    let users = two();
    for (name, password, is_right) in [
        ("alice", "secret", true),
        ("bob", "pass:word", true),
        ("alice", "pass:word", false),
        ("bob", "secret", false),
        ("carol", "secret", false),
        ("carol", "pass:word", false),
        ("", "secret", false),
        ("Alice", "secret", false),
        ("alice", "", false),
    ] {
        assert_eq!(users.verify(&credentials(name, password), NOW), is_right, "{name}:{password}");
        let remembered = users.remembered(&users.digest(&credentials(name, password)), NOW);
        assert_eq!(remembered, is_right, "{name}:{password}");
    }
}

#[test]
fn who_is_no_user_is_no_user_with_the_password_of_whoever_stands_in_for_him() {
    let users = two();
    let mut stood_in = [0, 0];
    for number in 0..40 {
        let name = format!("guest{number}");
        stood_in[users.stand_in(name.as_bytes())] += 1;
        assert_eq!(users.stand_in(name.as_bytes()), users.stand_in(name.as_bytes()));
        assert!(!users.verify(&credentials(&name, "secret"), NOW));
        assert!(!users.verify(&credentials(&name, "pass:word"), NOW));
    }
    assert!(stood_in.iter().all(|count| *count > 0), "each name costs as one of the users: {stood_in:?}");
}

#[test]
fn a_password_that_was_verified_is_remembered_for_a_while_by_the_same_users_alone() {
    let (users, alice) = (two(), credentials("alice", "secret"));
    let digest = users.digest(&alice);
    assert!(!users.remembered(&digest, NOW));
    assert!(users.verify(&alice, NOW));
    let last = NOW + REMEMBERED - Duration::from_millis(1);
    assert!(users.remembered(&digest, last));
    assert!(!users.remembered(&digest, NOW + REMEMBERED));
    let of_others = Users::parse(format!("alice:{SECRET}\n").as_bytes(), &[8; 32]).ok().unwrap();
    assert_ne!(of_others.digest(&alice), digest);
    assert!(!of_others.remembered(&digest, NOW));
}

#[test]
fn as_many_are_remembered_as_there_is_room_for() {
    let users = two();
    let digest = |number: u64| {
        let mut digest = [0; 32];
        digest[..8].copy_from_slice(&number.to_le_bytes());
        digest
    };
    let most = MOST_REMEMBERED as u64;
    let filled = (0..most).map(|number| (digest(number), NOW + Duration::from_millis(number + 1))).collect();
    users.verified.store(Arc::new(filled));
    users.remember(digest(most), NOW);
    let verified = users.verified.load();
    assert_eq!(verified.len(), MOST_REMEMBERED);
    assert!(!verified.contains_key(&digest(0)), "the first one goes");
    assert!(verified.contains_key(&digest(1)) && verified.contains_key(&digest(most)));
    users.remember(digest(0), NOW + REMEMBERED / 2);
    assert_eq!(users.verified.load().len(), 2, "what is over goes");
}

#[test]
fn a_file_that_is_not_right_is_refused_with_its_line() {
    for (text, why) in [
        (String::new(), "None names no user"),
        ("# nobody\n".to_owned(), "None names no user"),
        (format!("alice:{SECRET}\nbob\n"), "Some(2) not a line of a user"),
        (format!(":{SECRET}\n"), "Some(1) its name is empty"),
        (format!("al ice:{SECRET}\n"), "Some(1) its name is empty or has a character"),
        (format!("älice:{SECRET}\n"), "Some(1) its name is empty or has a character"),
        (format!("a:{SECRET}\n#\nb:{OTHER}\na:{OTHER}\n"), "Some(4) the user \"a\" stands twice, also in line 1"),
        ("alice:secret\n".to_owned(), "Some(1) its hash is neither"),
    ] {
        let error = users(&text).unwrap_err();
        assert!(error.starts_with(why), "{text}: {error}");
    }
    assert!(Users::parse(b"a\xff:b", &[0; 32]).is_err());
}

#[test]
fn a_file_that_is_not_there_is_told_with_what_is_expected() {
    let error = Users::read(Path::new("/nowhere/users")).unwrap_err().to_string();
    assert!(error.starts_with("/nowhere/users: cannot be read: ") && error.contains("htpasswd -nB USER"), "{error}");
}
