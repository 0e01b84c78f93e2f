//! Cookies, in clear and sealed: only what the proxy has set names a backend, and no backend sees it.

use std::net::SocketAddr;
use std::sync::LazyLock;

use polder::proxy::choose::cookie::Cookie;

const NAME: &str = "polder-shop";
const KEYS: [[u8; 32]; 2] = [[7; 32], [9; 32]];
const ADDRESSES: [&str; 3] = ["192.0.2.21:80", "[2001:db8::21]:8080", "192.0.2.22:65535"];

struct Cookies {
    clear: Cookie,
    sealed: Cookie,
    /// Sealed for another service with the same keys.
    other: Cookie,
    backends: Vec<SocketAddr>,
}

static COOKIES: LazyLock<Cookies> = LazyLock::new(|| {
    let sealed = |service| Cookie::sealed(NAME, service, &KEYS).expect("there are keys");
    let backends = ADDRESSES.iter().map(|address| address.parse().expect("an address")).collect();
    Cookies { clear: Cookie::address(NAME), sealed: sealed("shop"), other: sealed("forum"), backends }
});

/// The value of a `Cookie` field. Its first two bytes also say which byte of a cookie of ours is changed, and how.
pub fn check(field: &[u8]) {
    let Cookies { clear, sealed, other, backends } = &*COOKIES;
    stripped(clear, field);
    let found = clear.find(field);
    for value in [Some(field), found].into_iter().flatten() {
        if let Some(index) = clear.open(value, backends.iter().copied()) {
            let text = std::str::from_utf8(value).expect("an address is text");
            assert_eq!(text.parse(), Ok(backends[index]), "another address than it says");
        }
        assert_eq!(sealed.open(value, backends.iter().copied()), None, "opened, though nobody sealed it");
    }
    let [at, change, ..] = field else { return };
    for cookie in [clear, sealed] {
        for (index, backend) in backends.iter().enumerate() {
            let set = cookie.set(*backend, false);
            let pair = set.split(';').next().expect("a pair comes first").as_bytes();
            let sent = [pair, b"; ", field].concat();
            let value = cookie.find(&sent).expect("our cookie is found");
            assert_eq!(cookie.open(value, backends.iter().copied()), Some(index), "ours does not open");
        }
    }
    let mut value = sealed.set(backends[0], false).into_bytes();
    value.drain(..=NAME.len());
    value.truncate(value.iter().position(|byte| *byte == b';').unwrap_or(value.len()));
    assert_eq!(other.open(&value, backends.iter().copied()), None, "one service opens the cookie of another");
    let at = usize::from(*at) % value.len();
    if *change != 0 {
        value[at] ^= change;
        assert_eq!(sealed.open(&value, backends.iter().copied()), None, "opened, though it was changed");
    }
}

/// The other cookies are left, in their order; a naive reader finds none of ours.
fn stripped(cookie: &Cookie, field: &[u8]) {
    let mut left = Vec::new();
    let ours = cookie.strip(field, &mut left);
    assert_eq!(ours, cookie.find(field).is_some(), "whether there was one");
    if !ours {
        return assert_eq!(left, field, "changed, though there was nothing to take out");
    }
    let pairs = |text: &[u8]| -> Vec<Vec<u8>> {
        let pairs = text.split(|byte| *byte == b';').map(|pair| pair.trim_ascii().to_vec());
        pairs.filter(|pair| !pair.is_empty() && !is_ours(pair)).collect()
    };
    assert_eq!(pairs(&left), pairs(field), "the other cookies");
    assert!(cookie.find(&left).is_none(), "one of ours is left");
    assert!(left.split(|byte| *byte == b';').all(|pair| !is_ours(pair.trim_ascii())), "one of ours is left");
}

fn is_ours(pair: &[u8]) -> bool {
    match pair.iter().position(|byte| *byte == b'=') {
        Some(equals) => pair[..equals].trim_ascii() == NAME.as_bytes(),
        None => false,
    }
}
