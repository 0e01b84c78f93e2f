//! `$GENERATE` as a part of a zone.

use super::*;

fn read(text: &str) -> Vec<String> {
    let files = Files::new(&[("main", &format!("{HEAD}{text}\n"))]);
    let zone = files.load().unwrap_or_else(|findings| panic!("{text}\n{findings}"));
    shown(&zone)[3..].to_vec()
}

#[test]
fn generated_records_are_those_that_would_be_written_out() {
    assert_eq!(
        read("$GENERATE 1-3 h$ 60 A 192.0.2.$"),
        read("h1 60 A 192.0.2.1\nh2 60 A 192.0.2.2\nh3 60 A 192.0.2.3")
    );
    assert_eq!(
        read("$GENERATE 0-2/2 $ PTR host-${1,3}.example.org."),
        read("0 PTR host-001.example.org.\n2 PTR host-003.example.org.")
    );
    assert_eq!(read("$GENERATE 1-2 @ MX \"10 mail$\""), read("@ MX 10 mail1\n@ MX 10 mail2"));
    assert_eq!(read("$GENERATE 1-2 t$ IN TXT \"a b $\" $"), read("t1 TXT \"a b 1\" 1\nt2 TXT \"a b 2\" 2"));
    assert_eq!(read("$ORIGIN l\n$GENERATE 7-7 $ CNAME $.x"), read("7.l CNAME 7.x.l"));
}

#[test]
fn the_records_of_one_zone_have_a_bound() {
    let text = "$GENERATE 0-65535 a$ TXT x\n".repeat(17);
    let files = Files::new(&[("main", &format!("{HEAD}{text}"))]);
    let findings = files.findings();
    assert!(
        findings.contains("main:21: $GENERATE: more than 1048576 records are generated in this zone"),
        "{findings}"
    );
}
