use super::*;

#[test]
fn a_key_is_read_as_it_is_shown() {
    let key = PublicKey([7; 32]);
    assert_eq!(PublicKey::parse(&key.to_string()), Ok(key));
}

#[test]
fn what_is_no_key_is_refused_without_repeating_it() {
    for (text, why) in [
        ("c2VjcmV0", "6 bytes"),
        ("!", "not base64"),
        ("", "0 bytes"),
        ("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "all zero"),
    ] {
        let error = PublicKey::parse(text).map_or_else(|invalid| invalid.to_string(), |key| key.to_string());
        assert!(error.contains(why), "{error}");
        assert!(text.len() < 2 || !error.contains(text), "{error}");
    }
}
