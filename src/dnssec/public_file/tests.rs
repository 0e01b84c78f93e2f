use super::*;
use crate::dnssec::secret::Secret;

const RECORD: &str = "example.com. IN DNSKEY 257 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=";

fn parse(text: &str) -> Result<PublicFile, Fault> {
    PublicFile::parse(&name::from_text("example.com").unwrap(), text)
}

fn at_line_1(why: &str) -> Result<PublicFile, Fault> {
    Err(Fault::at(1, why))
}

#[test]
fn a_record_is_read_in_all_forms_that_programs_write() {
    let plain = parse(RECORD).unwrap();
    assert_eq!((plain.role, plain.algorithm, plain.dnskey.len()), (Role::Ksk, Algorithm::Ed25519, 36));
    for text in [
        "example.com.\tIN\tDNSKEY\t257 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4= ;{id = 3613 (ksk), size = 256b}\n",
        "; comment\n\nEXAMPLE.com. 3600 IN DNSKEY 257 3 ED25519 l02Woi0iS8Aa25FQkUd9 RMzZHJpBoRQwAQEX1SxZJA4=\r\n",
        "example.com 3600 DNSKEY 257 3 15 (\n  l02Woi0iS8Aa25FQkUd9RMzZHJpB ; first\n  oRQwAQEX1SxZJA4= )\n",
    ] {
        assert_eq!(parse(text), parse(RECORD), "{text}");
    }
}

#[test]
fn times_are_those_of_the_comments() {
    let text = format!(
        "; This is a key-signing key, keyid 3613, for example.com.\n; Created: 20261130155811 (Mon Nov 30 15:58:11 2026)\n; Activate: 20261201000000 (Tue Dec  1 00:00:00 2026)\n{RECORD}\n"
    );
    let times = Times { created: Some(1_796_054_291), activate: Some(1_796_083_200), ..Times::default() };
    assert_eq!(parse(&text).unwrap().times, times);
    let fault = parse(&format!("; Activate: tomorrow\n{RECORD}")).unwrap_err();
    assert_eq!(
        fault,
        Fault::at(
            1,
            "Activate: \"tomorrow\" is not a time; expected YYYYMMDDHHMMSS in UTC, as dnssec-settime writes it"
        )
    );
}

#[test]
fn what_is_written_reads_back() {
    let times = Times { created: Some(1_796_054_291), publish: Some(1_796_083_200), ..Times::default() };
    let secret = Secret::ed25519(&[7; 32]).unwrap();
    let key = ZoneKey::new(&name::from_text("example.com").unwrap(), Role::Zsk, Algorithm::Ed25519, secret, times);
    let text = write(&key);
    let expected = PublicFile { role: Role::Zsk, algorithm: Algorithm::Ed25519, dnskey: key.dnskey().to_vec(), times };
    assert_eq!(parse(&text), Ok(expected));
    let begins = format!(
        "; This is a zone-signing key, keyid {}, for example.com.\n; Created: 20261130155811 (Mon Nov 30 15:58:11 2026)\n",
        key.tag()
    );
    assert!(text.starts_with(&begins), "{text}");
}

#[test]
fn what_is_wrong_with_a_record_is_said_of_its_line() {
    let with = |from: &str, to: &str| parse(&RECORD.replace(from, to));
    assert_eq!(
        parse("; nothing\n"),
        Err(Fault::new("it holds no record; expected a DNSKEY record, as dnssec-keygen writes it"))
    );
    assert_eq!(with("example.com.", "example.net."), at_line_1("a key of example.net.; expected one of example.com."));
    assert_eq!(with("DNSKEY", "A"), at_line_1("expected a record such as `example.com. IN DNSKEY 257 3 13 BASE64`"));
    assert_eq!(
        with("257", "385"),
        at_line_1(
            "the flags 385; expected 257 (KSK, or the one key of a zone) or 256 (ZSK): a key that is revoked or is of no zone does not belong here"
        )
    );
    assert_eq!(with(" 3 ", " 2 "), at_line_1("the protocol 2; expected 3 (RFC 4034, 2.1.2)"));
    assert_eq!(with("l02W", "!02W"), at_line_1("the public key is not in base64"));
    for unknown in ["5", "14", "RSASHA1", "256"] {
        let why = format!(
            "the algorithm {unknown}, which zones are not signed with here; expected one of 8 (RSASHA256), 10 (RSASHA512), 13 (ECDSAP256SHA256), 15 (ED25519)"
        );
        assert_eq!(with(" 15 ", &format!(" {unknown} ")), at_line_1(&why));
    }
    let fault = parse(&format!("; one\n\n{}", RECORD.replace("257", "0"))).unwrap_err();
    assert_eq!(fault.of("K.key".as_ref()).to_string().split(" the").next(), Some("K.key:3:"));
}
