use super::*;

const SEED: &str = "ODIyNjAzODQ2MjgwODAxMjI2NDUxOTAyMDQxNDIyNjI=";

fn text() -> String {
    format!(
        "Private-key-format: v1.3\nAlgorithm: 15 (ED25519)\nPrivateKey: {SEED}\nCreated: 20261130155811\nSyncPublish: 20261130155811\n"
    )
}

/// What is wrong with a text.
fn fault(text: &str) -> Fault {
    let read = PrivateFile::parse(text).and_then(|file| file.halves());
    let fault = read.err().expect("it is refused");
    assert!(!format!("{fault:?}").contains(&SEED[..8]), "{fault:?}");
    fault
}

#[test]
fn a_file_of_either_version_is_read() {
    let text = text();
    let file = PrivateFile::parse(&text).unwrap();
    assert_eq!(file.times, Times { created: Some(1_796_054_291), ..Times::default() });
    let Halves { public, .. } = file.halves().unwrap();
    assert_eq!(STANDARD.encode(public), "l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=");
    let old = format!("Private-key-format: v1.2\r\nAlgorithm: 15\r\nPrivateKey: {SEED}\r\n");
    assert!(PrivateFile::parse(&old).unwrap().halves().is_ok());
}

#[test]
fn what_is_wrong_with_a_file_is_said_and_never_its_secret() {
    let text = text();
    let version =
        Fault::at(1, "expected `Private-key-format: v1.3`, or v1.2, as dnssec-keygen and ldns-keygen write it");
    assert_eq!(fault(""), version);
    assert_eq!(fault(&text.replace("v1.3", "v2.0")), version);
    assert_eq!(fault(&text.replace("PrivateKey:", "PrivateKey")), Fault::at(3, "expected NAME: VALUE"));
    assert_eq!(fault(&text.replace(&SEED[4..], "!")), Fault::at(3, "PrivateKey is not in base64"));
    assert_eq!(
        fault(&text.replace(&SEED[4..], "")),
        Fault::at(3, "PrivateKey is not one of ED25519; expected 32 bytes in base64")
    );
    assert_eq!(
        fault(&text.replace("PrivateKey", "Key")),
        Fault::new("it has no line `PrivateKey: BASE64`, which a key of ED25519 has")
    );
    assert_eq!(
        fault(&text.replace("15 (ED25519)", "8 (RSASHA256)")),
        Fault::new("it has no line `Modulus: BASE64`, which a key of RSASHA256 has")
    );
    assert_eq!(
        fault(&text.replace("15 (ED25519)", "5 (RSASHA1)")),
        Fault::at(
            2,
            "the algorithm \"5 (RSASHA1)\", which zones are not signed with here; expected one of 8 (RSASHA256), 10 (RSASHA512), 13 (ECDSAP256SHA256), 15 (ED25519)"
        )
    );
    assert_eq!(
        fault(&text.replace("Algorithm: 15 (ED25519)\n", "")),
        Fault::new("it has no line of its algorithm, such as `Algorithm: 13 (ECDSAP256SHA256)`")
    );
    assert_eq!(
        fault(&format!("{text}Label: pkcs11:object=ksk\n")),
        Fault::at(6, "the secret is kept in a device (PKCS #11): it has to stand in the file")
    );
}

#[test]
fn a_number_outside_of_p_256_is_no_secret() {
    for number in [[0; 32], [0xff; 32]] {
        let text = format!(
            "Private-key-format: v1.3\nAlgorithm: 13 (ECDSAP256SHA256)\nPrivateKey: {}\n",
            STANDARD.encode(number)
        );
        assert_eq!(fault(&text), Fault::at(3, "PrivateKey is not one of ECDSAP256SHA256; expected 32 bytes in base64"));
    }
}
