//! RFC 9018's test vectors, and the times between them.
#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;

fn bytes<const N: usize>(hex: &str) -> [u8; N] {
    std::array::from_fn(|n| u8::from_str_radix(&hex[2 * n..2 * n + 2], 16).unwrap())
}

fn issue(secret: &str, address: &str, now: u32, cookie: &str) -> (Standing, String) {
    let secrets = Secrets::one(bytes(secret));
    judge(&secrets, address, now, cookie)
}

fn judge(secrets: &Secrets, address: &str, now: u32, cookie: &str) -> (Standing, String) {
    let data: Vec<u8> = (0..cookie.len() / 2).map(|n| bytes::<1>(&cookie[2 * n..])[0]).collect();
    let issuer = Issuer { secrets, address: address.parse().unwrap(), now };
    let (standing, reply) = issuer.judge(&Presented::read(&data).unwrap());
    (standing, reply.iter().map(|byte| format!("{byte:02x}")).collect())
}

const SECRET: &str = "e5e973e5a6b2a43f48e7dc849e37bfcf";

#[test]
fn appendix_a_1_learning_a_new_server_cookie() {
    assert_eq!(
        issue(SECRET, "198.51.100.100", 1_559_731_985, "2464c4abcf10c957"),
        (Standing::Asked, "2464c4abcf10c957010000005cf79f111f8130c3eee29480".into())
    );
}

#[test]
fn appendix_a_2_the_same_client_learning_a_renewed_server_cookie() {
    assert_eq!(
        issue(SECRET, "198.51.100.100", 1_559_734_385, "2464c4abcf10c957010000005cf79f111f8130c3eee29480"),
        (Standing::Good, "2464c4abcf10c957010000005cf7a871d4a564a1442aca77".into())
    );
}

#[test]
fn appendix_a_3_another_client_learning_a_renewed_server_cookie() {
    // Its reserved bytes are not 0: they are hashed as they come. An hour and 52 minutes later it gets a new one.
    let cookie = "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5";
    assert_eq!(issue(SECRET, "203.0.113.203", 0x5cf7_8f71 + 60, cookie), (Standing::Good, cookie.into()));
    assert_eq!(
        issue(SECRET, "203.0.113.203", 1_559_734_700, cookie).1,
        "fc93fc62807ddb86010000005cf7a9acf73a7810aca2381e"
    );
}

#[test]
fn appendix_a_4_an_ipv6_client_and_a_rolled_over_secret() {
    let (old, new) = ("dd3bdf9344b678b185a6f5cb60fca715", "445536bcd2513298075a5d379663c962");
    let address = "2001:db8:220:1:59de:d0f4:8769:82b8";
    let cookie = "22681ab97d52c298010000005cf7c57926556bd0934c72f8";
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cookies.key");
    std::fs::write(&file, format!("{new}\n{old}\n")).unwrap();
    let both = Secrets::read(&file).unwrap();
    let fresh = "22681ab97d52c298010000005cf7c609a6bb79d16625507a";
    // The old secret verifies; the cookie is young and stays.
    assert_eq!(judge(&both, address, 1_559_741_961, cookie), (Standing::Good, cookie.into()));
    // Without it the client gets one of the new secret's.
    assert_eq!(issue(new, address, 1_559_741_961, cookie), (Standing::Bad, fresh.into()));
    assert_eq!(issue(old, address, 1_559_741_817, &cookie[..16]), (Standing::Asked, cookie.into()));
}

#[test]
fn a_cookie_is_good_for_an_hour_and_renewed_after_half_of_it() {
    let made = 1_000_000_000;
    let (_, cookie) = issue(SECRET, "192.0.2.1", made, "2464c4abcf10c957");
    let at = |now: u32| {
        let (standing, answered) = issue(SECRET, "192.0.2.1", now, &cookie);
        (standing, answered == cookie)
    };
    assert_eq!(at(made), (Standing::Good, true));
    assert_eq!(at(made + 1800), (Standing::Good, true));
    assert_eq!(at(made + 1801), (Standing::Good, false));
    assert_eq!(at(made + 3600), (Standing::Good, false));
    assert_eq!(at(made + 3601), (Standing::Bad, false));
    assert_eq!(at(made - 300), (Standing::Good, true));
    assert_eq!(at(made - 301), (Standing::Bad, false));
    assert_eq!(at(made.wrapping_add(1 << 31)), (Standing::Bad, false));
}

#[test]
fn the_clock_may_wrap() {
    let (_, cookie) = issue(SECRET, "192.0.2.1", u32::MAX - 10, "2464c4abcf10c957");
    assert_eq!(issue(SECRET, "192.0.2.1", 20, &cookie), (Standing::Good, cookie));
}

#[test]
fn a_cookie_of_another_address_client_secret_or_version_is_bad() {
    let now = 1_000_000_000;
    let (_, cookie) = issue(SECRET, "192.0.2.1", now, "2464c4abcf10c957");
    let standing = |secret, address, cookie: &str| issue(secret, address, now, cookie).0;
    assert_eq!(standing(SECRET, "192.0.2.1", &cookie), Standing::Good);
    assert_eq!(standing(SECRET, "192.0.2.2", &cookie), Standing::Bad);
    assert_eq!(standing(SECRET, "::c000:201", &cookie), Standing::Bad);
    assert_eq!(standing(SECRET, "192.0.2.1", &cookie.replacen("2464", "2465", 1)), Standing::Bad);
    assert_eq!(standing("e5e973e5a6b2a43f48e7dc849e37bfce", "192.0.2.1", &cookie), Standing::Bad);
    assert_eq!(standing(SECRET, "192.0.2.1", &cookie.replacen("5701", "5702", 1)), Standing::Bad);
    assert_eq!(standing(SECRET, "192.0.2.1", &cookie[..40]), Standing::Bad);
}

#[test]
fn only_the_lengths_of_rfc_7873_are_read() {
    for length in 0..60 {
        let possible = length == 8 || (16..=40).contains(&length);
        assert_eq!(Presented::read(&vec![1; length]).is_some(), possible, "{length} bytes");
    }
}
