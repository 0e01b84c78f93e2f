//! Hashes of others' making, and what is refused.
#![allow(clippy::unwrap_used)]

use super::*;

/// As long as what bcrypt reads, and longer.
const LONG: [u8; 100] = [b'x'; 100];

#[test]
fn what_others_have_hashed_is_verified() {
    for (hash, password) in [
        // Of libxcrypt.
        ("$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a", "secret".as_bytes()),
        ("$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW", b"secret"),
        ("$2y$04$ABCDEFGHIJKLMNOPQRSTUutlBuUdeDR0ZnzoKNtEvRlhuE1NRx6b6", b"pass:word"),
        ("$2y$04$ABCDEFGHIJKLMNOPQRSTUu8j1U7juAKgrFqRuEfOyY5KZo6M4DNqm", b""),
        ("$2y$04$ABCDEFGHIJKLMNOPQRSTUumfqoYvfaNMEKlAYHjc/aXz5jXHkg1nm", "grüße".as_bytes()),
        ("$2y$04$ABCDEFGHIJKLMNOPQRSTUuuPMGVdMuE6yqNwaDAANxW.7cK/ZbrX6", &LONG),
        // Of the reference implementation's own test.
        ("$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4", b"password"),
        ("$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc", b"password"),
        ("$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", b"password"),
    ] {
        let hash = Hash::parse(hash).unwrap_or_else(|error| panic!("{hash}: {error}"));
        assert!(hash.verify(password));
        let mut other = password.to_vec();
        other.insert(0, b'a');
        assert!(!hash.verify(&other));
    }
}

#[test]
fn what_is_no_hash_or_costs_too_much_is_refused_without_being_shown() {
    let bcrypt = "abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a";
    for (hash, why) in [
        ("secret".to_owned(), "neither of bcrypt nor of argon2id"),
        (String::new(), "neither of bcrypt nor of argon2id"),
        ("$apr1$salt$hash".to_owned(), "neither of bcrypt nor of argon2id"),
        ("$6$salt$hash".to_owned(), "neither of bcrypt nor of argon2id"),
        ("$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQM".to_owned(), "neither of bcrypt nor of argon2id"),
        (format!("$2y$15${bcrypt}"), "has cost 15: expected 4 to 14"),
        (format!("$2y$03${bcrypt}"), "has cost 3: expected 4 to 14"),
        (format!("$2y$10${bcrypt}a"), "malformed"),
        (format!("$2y$10${}", &bcrypt[1..]), "malformed"),
        (format!("$2y${bcrypt}"), "malformed"),
        (format!("$2y$10$ä{}", &bcrypt[2..]), "malformed"),
        ("$argon2id$v=16$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQM".to_owned(), "version 1.3"),
        ("$argon2id$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQM".to_owned(), "malformed"),
        ("$argon2id$v=19$t=2,m=256,p=1$c29tZXNhbHQ$nf65EOgLrQM".to_owned(), "malformed"),
        ("$argon2id$v=19$m=256,t=2,p=1,x=1$c29tZXNhbHQ$nf65EOgLrQM".to_owned(), "malformed"),
        ("$argon2id$v=19$m=256,t=2,p=1$c2FsdA$nf65EOgLrQM".to_owned(), "malformed"),
        ("$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf".to_owned(), "malformed"),
        ("$argon2id$v=19$m=0,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQM".to_owned(), "malformed"),
        ("$argon2id$v=19$m=65537,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQM".to_owned(), "m=65537,t=2,p=1"),
        ("$argon2id$v=19$m=65536,t=9,p=1$c29tZXNhbHQ$nf65EOgLrQM".to_owned(), "m=65536,t=9,p=1"),
        ("$argon2id$v=19$m=65536,t=1,p=17$c29tZXNhbHQ$nf65EOgLrQM".to_owned(), "m=65536,t=1,p=17"),
    ] {
        let error = Hash::parse(&hash).err().unwrap_or_else(|| panic!("{hash} was taken")).to_string();
        assert!(error.contains(why), "{hash}: {error}");
        assert!(!error.contains("nf65EOg") && !error.contains("QiyCxlgf"), "{error}");
    }
}
