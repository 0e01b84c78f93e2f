//! What is signed, against the examples of the standards and against what other programs have made.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::secret::{Halves, Secret};
use super::*;
use crate::zone::number::rtype;
use crate::zone::{name, text};

fn wire(text: &str) -> Box<[u8]> {
    name::from_text(text).unwrap()
}

fn base64(text: &str) -> Vec<u8> {
    STANDARD.decode(text).unwrap()
}

fn hex(digits: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    (0..digits.len()).step_by(2).map(digit).collect()
}

/// Keys that dnssec-keygen and ldns-keygen have made.
fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/dnssec")
}

fn dnskey(flags: u16, algorithm: Algorithm, public: &str) -> Vec<u8> {
    [&flags.to_be_bytes()[..], &[3, algorithm.number()], &base64(public)].concat()
}

/// A pair of files in a folder of their own.
fn folder_with(pair: &str, record: &str, private: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(format!("{pair}.key")), format!("{record}\n")).unwrap();
    std::fs::write(folder.path().join(format!("{pair}.private")), private).unwrap();
    folder
}

/// The signed set of an example: a record of the zone.
struct Example {
    algorithm: Algorithm,
    tag: u16,
    zone: &'static str,
    owner: &'static str,
    labels: u8,
    rtype: u16,
    rdata: Vec<u8>,
    /// Inception and expiration.
    times: [u32; 2],
}

impl Example {
    /// What its signature is over (RFC 4034, 3.1.8.1), its TTL being 3600.
    fn message(&self) -> Vec<u8> {
        let (ttl, [inception, expiration]) = (3600u32.to_be_bytes(), self.times);
        let length = (self.rdata.len() as u16).to_be_bytes();
        [
            &self.rtype.to_be_bytes()[..],
            &[self.algorithm.number(), self.labels],
            &ttl,
            &expiration.to_be_bytes(),
            &inception.to_be_bytes(),
            &self.tag.to_be_bytes(),
            &wire(self.zone),
            &wire(self.owner),
            &self.rtype.to_be_bytes(),
            &[0, 1],
            &ttl,
            &length,
            &self.rdata,
        ]
        .concat()
    }
}

#[test]
fn ecdsa_is_as_in_the_example_of_its_standard() {
    // RFC 6605, 6.1.
    let public = "GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA==";
    let folder = folder_with(
        "Kexample.net.+013+55648",
        &format!("example.net. 3600 IN DNSKEY 257 3 13 ({public})"),
        "Private-key-format: v1.2\nAlgorithm: 13 (ECDSAP256SHA256)\nPrivateKey: GU6SnQ/Ou+xC5RumuIUIuJZteXT2z0O/ok1s38Et6mQ=\n",
    );
    let keys = read_keys(folder.path(), &wire("example.net")).unwrap();
    let key = &keys[0];
    assert_eq!((keys.len(), key.tag(), key.flags(), key.is_ksk()), (1, 55648, 257, true));
    assert_eq!((key.algorithm(), key.dnskey()), (Algorithm::EcdsaP256, &dnskey(257, Algorithm::EcdsaP256, public)[..]));
    let ds = "55648 13 2 b4c8c1fe2e7477127b27115656ad6256f424625bf5c1e2770ce6d6e37df61d17";
    assert_eq!(text::rdata(rtype::DS, &key.ds(Digest::Sha256)), ds);

    let message = Example {
        algorithm: Algorithm::EcdsaP256,
        tag: 55648,
        zone: "example.net",
        owner: "www.example.net",
        labels: 3,
        rtype: rtype::A,
        rdata: vec![192, 0, 2, 1],
        times: [1_281_607_479, 1_284_026_679],
    }
    .message();
    let signature = base64("qx6wLYqmh+l9oCKTN6qIc+bw6ya+KJ8oMz0YP107epXAyGmt+3SNruPFKG7tZoLBLlUzGGus7ZwmwWep666VCw==");
    assert!(verify(key.dnskey(), &message, &signature));
    assert!(verify(key.dnskey(), &message, &key.sign(&message)));
    assert!(!verify(key.dnskey(), &message[1..], &signature));
    assert!(!verify(key.dnskey(), &message, &signature[1..]));
}

#[test]
fn ecdsa_takes_its_nonce_from_key_and_message() {
    // RFC 6979, A.2.5, with SHA-256.
    let number = hex("C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721");
    let Halves { secret, public } = Secret::ecdsa_p256(&number).unwrap();
    let point = "60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB67903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299";
    assert_eq!(public, hex(point));
    for (message, r, s) in [
        (
            "sample",
            "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716",
            "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8",
        ),
        (
            "test",
            "F1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367",
            "019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083",
        ),
    ] {
        assert_eq!(secret.sign(message.as_bytes()), [hex(r), hex(s)].concat(), "{message}");
    }
}

#[test]
fn ed25519_is_as_in_the_examples_of_its_standard() {
    // RFC 8080, 6.1, with the signatures of its erratum 4935.
    for (tag, secret, public, ds, signature) in [
        (
            3613,
            "ODIyNjAzODQ2MjgwODAxMjI2NDUxOTAyMDQxNDIyNjI=",
            "l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=",
            "3aa5ab37efce57f737fc1627013fee07bdf241bd10f3b1964ab55c78e79a304b",
            "oL9krJun7xfBOIWcGHi7mag5/hdZrKWw15jPGrHpjQeRAvTdszaPD+QLs3fx8A4M3e23mRZ9VrbpMngwcrqNAg==",
        ),
        (
            35217,
            "DSSF3o0s0f+ElWzj9E/Osxw8hLpk55chkmx0LYN5WiY=",
            "zPnZ/QwEe7S8C5SPz2OfS5RR40ATk2/rYnE9xHIEijs=",
            "401781b934e392de492ec77ae2e15d70f6575a1c0bc59c5275c04ebe80c6614c",
            "zXQ0bkYgQTEFyfLyi9QoiY6D8ZdYo4wyUhVioYZXFdT410QPRITQSqJSnzQoSm5poJ7gD7AQR0O7KuI5k2pcBg==",
        ),
    ] {
        let folder = folder_with(
            &format!("Kexample.com.+015+{tag:05}"),
            &format!("example.com. 3600 IN DNSKEY 257 3 15 {public}"),
            &format!("Private-key-format: v1.2\nAlgorithm: 15 (ED25519)\nPrivateKey: {secret}\n"),
        );
        let key = read_keys(folder.path(), &wire("example.com")).unwrap().remove(0);
        assert_eq!(text::rdata(rtype::DS, &key.ds(Digest::Sha256)), format!("{tag} 15 2 {ds}"));
        let message = Example {
            algorithm: Algorithm::Ed25519,
            tag,
            zone: "example.com",
            owner: "example.com",
            labels: 2,
            rtype: rtype::MX,
            rdata: [&[0, 10], &*wire("mail.example.com")].concat(),
            times: [1_438_207_200, 1_440_021_600],
        }
        .message();
        assert_eq!(key.sign(&message), base64(signature), "{tag}");
        assert!(verify(key.dnskey(), &message, &base64(signature)), "{tag}");
    }
}

#[test]
fn a_signature_of_rsa_is_verified_as_in_the_example_of_its_standard_and_a_key_of_512_bits_is_none() {
    // RFC 5702, 6.2 and 6.1.
    for (algorithm, tag, public, signature, is_taken) in [
        (
            Algorithm::RsaSha512,
            3740,
            "AwEAAdHoNTOW+et86KuJOWRDp1pndvwb6Y83nSVXXyLA3DLroROUkN6X0O6pnWnjJQujX/AyhqFDxj13tOnD9u/1kTg7cV6rklMrZDtJCQ5PCl/D7QNPsgVsMu1J2Q8gpMpztNFLpPBz1bWXjDtaR7ZQBlZ3PFY12ZTSncorffcGmhOL",
            "tsb4wnjRUDnB1BUi+t6TMTXThjVnG+eCkWqjvvjhzQL1d0YRoOe0CbxrVDYd0xDtsuJRaeUw1ep94PzEWzr0iGYgZBWm/zpq+9fOuagYJRfDqfReKBzMweOLDiNa8iP5g9vMhpuv6OPlvpXwm9Sa9ZXIbNl1MBGk0fthPgxdDLw=",
            true,
        ),
        (
            Algorithm::RsaSha256,
            9033,
            "AwEAAcFcGsaxxdgiuuGmCkVImy4h99CqT7jwY3pexPGcnUFtR2Fh36BponcwtkZ4cAgtvd4Qs8PkxUdp6p/DlUmObdk=",
            "kRCOH6u7l0QGy9qpC9l1sLncJcOKFLJ7GhiUOibu4teYp5VE9RncriShZNz85mwlMgNEacFYK/lPtPiVYP4bwg==",
            false,
        ),
    ] {
        let dnskey = dnskey(256, algorithm, public);
        assert_eq!(key::tag(&dnskey), tag);
        let mut message = Example {
            algorithm,
            tag,
            zone: "example.net",
            owner: "www.example.net",
            labels: 3,
            rtype: rtype::A,
            rdata: vec![192, 0, 2, 91],
            times: [946_684_800, 1_893_456_000],
        }
        .message();
        assert_eq!(verify(&dnskey, &message, &base64(signature)), is_taken, "{algorithm}");
        message[0] ^= 1;
        assert!(!verify(&dnskey, &message, &base64(signature)), "{algorithm}");
    }
}

#[test]
fn keys_of_other_programs_are_read_and_what_they_sign_is_verified() {
    let mut seen = Vec::new();
    for zone in ["example.com", "example.net", "ttl.example"] {
        for key in read_keys(&fixtures(), &wire(zone)).unwrap() {
            let message = format!("{zone} {key:?}");
            let signature = key.sign(message.as_bytes());
            assert_eq!(signature, key.sign(message.as_bytes()), "{key:?}");
            assert!(verify(key.dnskey(), message.as_bytes(), &signature), "{key:?}");
            assert!(!verify(key.dnskey(), b"another", &signature), "{key:?}");
            seen.push((zone, key.algorithm().number(), key.flags(), key.tag()));
        }
    }
    let expected = [
        ("example.com", 8, 257, 15361),
        ("example.com", 10, 257, 37618),
        ("example.com", 13, 256, 10703),
        ("example.com", 13, 256, 62176),
        ("example.com", 13, 257, 3264),
        ("example.com", 15, 257, 64236),
        ("example.net", 8, 256, 43995),
        ("example.net", 13, 256, 31361),
        ("example.net", 15, 257, 61202),
        ("ttl.example", 13, 256, 1986),
    ];
    assert_eq!(seen, expected);
}

#[test]
fn a_key_is_published_and_signs_as_its_times_say() {
    let keys = read_keys(&fixtures(), &wire("ttl.example")).unwrap();
    let made = 1_796_054_291;
    let day = 86_400;
    let states = [made - 1, made, made + 30 * day - 1, made + 30 * day, made + 60 * day - 1, made + 60 * day]
        .map(|now| (keys[0].is_published(now), keys[0].is_active(now)));
    let expected = [(false, false), (true, true), (true, true), (true, false), (true, false), (false, false)];
    assert_eq!(states, expected);
    // One that dnssec-keygen -G has made waits to be given times; those of ldns have none and always count.
    let keys = read_keys(&fixtures(), &wire("example.com")).unwrap();
    let silent = keys.iter().find(|key| key.tag() == 62176).unwrap();
    assert!(!silent.is_published(u64::MAX) && !silent.is_active(u64::MAX));
    let keys = read_keys(&fixtures(), &wire("example.net")).unwrap();
    assert!(keys.iter().all(|key| key.is_published(0) && key.is_active(u64::MAX)));
}

#[test]
fn nothing_shows_a_secret() {
    let keys = read_keys(&fixtures(), &wire("ttl.example")).unwrap();
    assert_eq!(format!("{:?}", keys[0]), "ZoneKey(ttl.example. 256 13 1986, secret not shown)");
    let made = make(&wire("example.com"), Role::Ksk, Algorithm::Ed25519, Times::default(), &[]).unwrap();
    let tag = made.key().tag();
    assert_eq!(format!("{made:?}"), format!("MadeZoneKey(example.com. 257 15 {tag}, secret not shown)"));
}

#[test]
fn what_is_no_key_and_no_signature_is_refused_and_nothing_panics() {
    let keys = read_keys(&fixtures(), &wire("example.com")).unwrap();
    for key in keys.iter() {
        let signature = key.sign(b"message");
        for length in 0..key.dnskey().len() {
            assert!(!verify(&key.dnskey()[..length], b"message", &signature), "{key:?} {length}");
        }
        for length in 0..signature.len() {
            assert!(!verify(key.dnskey(), b"message", &signature[..length]), "{key:?} {length}");
        }
        let mut of_others = key.dnskey().to_vec();
        for algorithm in (0..=255).filter(|algorithm| *algorithm != key.algorithm().number()) {
            of_others[3] = algorithm;
            assert!(!verify(&of_others, b"message", &signature), "{key:?} {algorithm}");
        }
    }
}
