#![allow(clippy::unwrap_used)]

use super::*;

/// Those of a service's backends.
fn addresses() -> impl Iterator<Item = SocketAddr> {
    ["192.0.2.1:80", "192.0.2.2:80", "[2001:db8::1]:8080"].iter().map(|text| text.parse().unwrap())
}

fn sealed(service: &str, keys: &[[u8; 32]]) -> Cookie {
    Cookie::sealed("polder-shop", service, keys).unwrap()
}

/// What a visitor sends back of a Set-Cookie field.
fn value(set: &str) -> &[u8] {
    set.split_once(';').unwrap().0.split_once('=').unwrap().1.as_bytes()
}

#[test]
fn either_encoding_opens_what_it_set_for_both_families() {
    for cookie in [Cookie::address("polder-shop"), sealed("shop", &[[1; 32]])] {
        for (index, address) in addresses().enumerate() {
            let set = cookie.set(address, false);
            assert!(set.starts_with("polder-shop=") && set.ends_with("; path=/; HttpOnly"), "{set}");
            assert_eq!(cookie.open(value(&set), addresses()), Some(index), "{set}");
            assert!(cookie.set(address, true).ends_with("; HttpOnly; Secure"));
        }
    }
}

#[test]
fn every_value_is_made_of_cookie_octets() {
    let octet = |byte: &u8| matches!(byte, 0x21 | 0x23..=0x2b | 0x2d..=0x3a | 0x3c..=0x5b | 0x5d..=0x7e);
    for cookie in [Cookie::address("polder-shop"), sealed("shop", &[[1; 32]])] {
        for address in addresses() {
            let set = cookie.set(address, false);
            assert!(value(&set).iter().all(octet), "RFC 6265, 4.1.1: {set}");
        }
    }
    assert_eq!(value(&Cookie::address("c").set(addresses().nth(2).unwrap(), false)), b"[2001:db8::1]:8080");
}

#[test]
fn the_first_key_seals_and_all_open() {
    let old = sealed("shop", &[[1; 32]]);
    let both = sealed("shop", &[[2; 32], [1; 32]]);
    let new = sealed("shop", &[[2; 32]]);
    let address = addresses().nth(1).unwrap();
    assert_eq!(both.open(value(&old.set(address, false)), addresses()), Some(1));
    assert_eq!(new.open(value(&both.set(address, false)), addresses()), Some(1));
    assert_eq!(old.open(value(&both.set(address, false)), addresses()), None);
    assert!(Cookie::sealed("c", "shop", &[]).is_none());
}

#[test]
fn a_sealed_cookie_hides_the_address_and_differs_each_time() {
    let cookie = sealed("shop", &[[1; 32]]);
    let (one, two) = (cookie.set(addresses().next().unwrap(), false), cookie.set(addresses().next().unwrap(), false));
    assert_ne!(one, two);
    assert!(!one.contains("192.0.2"));
    assert_eq!(
        one.len(),
        cookie.set(addresses().nth(2).unwrap(), false).len(),
        "the length says nothing of the family"
    );
}

#[test]
fn a_sealed_cookie_of_another_service_or_with_any_bit_changed_is_nothing() {
    let cookie = sealed("shop", &[[1; 32]]);
    let set = cookie.set(addresses().next().unwrap(), false);
    assert_eq!(sealed("other", &[[1; 32]]).open(value(&set), addresses()), None);
    for at in 0..value(&set).len() {
        let mut forged = value(&set).to_vec();
        forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
        assert_eq!(cookie.open(&forged, addresses()), None, "byte {at}");
    }
}

#[test]
fn a_stale_oversized_or_malformed_value_is_nothing() {
    let strange = ["", "192.0.2.9:80", "192.0.2.1", "192.0.2.1:81", "192.0.2.1:80 ", "web1", "\u{feff}", "[::1]:80"];
    for cookie in [Cookie::address("c"), sealed("shop", &[[1; 32]])] {
        for value in strange {
            assert_eq!(cookie.open(value.as_bytes(), addresses()), None, "{value:?}");
        }
        assert_eq!(cookie.open(&vec![b'1'; 1 << 20], addresses()), None);
        assert_eq!(cookie.open(&[0xff; 63], addresses()), None);
    }
}

#[test]
fn the_value_is_found_among_others_quoted_or_spaced() {
    let cookie = Cookie::address("polder-shop");
    for (field, found) in [
        ("polder-shop=1.2.3.4:80", Some("1.2.3.4:80")),
        ("a=b; polder-shop=x; c=d", Some("x")),
        ("a=b;polder-shop=\"x\";c=d", Some("x")),
        ("a=b ;  polder-shop = x ", Some("x")),
        ("polder-shop=", Some("")),
        ("polder-shop=one; polder-shop=two", Some("one")),
        ("polder-shop=a=b", Some("a=b")),
        ("polder-shop=\"", Some("\"")),
        ("xpolder-shop=x; polder-shopx=x; Polder-Shop=x; a=polder-shop", None),
        ("polder-shop", None),
        ("", None),
    ] {
        assert_eq!(cookie.find(field.as_bytes()), found.map(str::as_bytes), "{field:?}");
    }
}

#[test]
fn stripping_takes_every_occurrence_of_ours_and_leaves_the_others() {
    let cookie = Cookie::address("polder-shop");
    for (field, left, any) in [
        ("polder-shop=x", "", true),
        ("a=b; polder-shop=x; c=\"d e\"", "a=b; c=\"d e\"", true),
        ("polder-shop=x; a=b; polder-shop=\"y\"", "a=b", true),
        ("polder-shop=x;a=b;c", "a=b; c", true),
        ("a=b;c=d ; e", "a=b;c=d ; e", false),
        ("", "", false),
    ] {
        let mut out = b"kept".to_vec();
        assert_eq!(cookie.strip(field.as_bytes(), &mut out), any, "{field:?}");
        assert_eq!(out, [b"kept", left.as_bytes()].concat(), "{field:?}");
    }
}

#[test]
fn whatever_is_sent_nothing_of_ours_is_left_after_stripping() {
    let cookie = Cookie::address("c");
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    for _ in 0..20_000 {
        let field: Vec<u8> = (0..random.usize(..20)).map(|_| b"c=;\" \tx"[random.usize(..7)]).collect();
        let mut out = Vec::new();
        cookie.strip(&field, &mut out);
        assert_eq!(cookie.find(&out), None, "seed {seed}: {:?}", field.escape_ascii().to_string());
    }
}
