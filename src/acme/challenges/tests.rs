use super::*;

#[test]
fn a_token_that_is_known_is_answered_and_every_other_path_goes_its_normal_way() {
    let challenges = Challenges::new([("tok-En_1".to_owned(), "tok-En_1.digest".to_owned())]);
    assert_eq!(challenges.answer(b"/.well-known/acme-challenge/tok-En_1"), Some("tok-En_1.digest"));
    for path in [
        "/.well-known/acme-challenge/",
        "/.well-known/acme-challenge/other",
        "/.well-known/acme-challenge/tok-En_1/",
        "/.well-known/acme-challenge/tok-En_1%20",
        "/.well-known/acme-challeng/tok-En_1",
        "/tok-En_1",
        "/",
        "",
    ] {
        assert_eq!(challenges.answer(path.as_bytes()), None, "{path}");
    }
    assert_eq!(Challenges::default().answer(b"/.well-known/acme-challenge/tok-En_1"), None);
    assert!(!format!("{challenges:?}").contains("digest"));
}

#[test]
fn a_token_is_base64_for_urls_and_nothing_that_could_be_another_path() {
    assert!(is_token("evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"));
    for text in ["", "a/b", "..", "a b", "a.b", "ä", &"a".repeat(201)] {
        assert!(!is_token(text), "{text}");
    }
    assert!(
        is_key_authorization("token.digest") && !is_key_authorization("token") && !is_key_authorization("a.b\r\nc")
    );
}
