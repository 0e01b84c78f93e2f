//! Damaged zones: whatever the text, an answer in words.

use super::*;

/// Pieces that mean something to the reader, so that damage reaches further than the first lexer error.
static PIECES: &[&str] = &[
    "(",
    ")",
    "\"",
    "\\",
    ";",
    "\n",
    "\r",
    "\t ",
    "@",
    ".",
    "..",
    "*",
    "=",
    ",",
    "$",
    "\\#",
    "\\# 4 c0000201",
    "\\065",
    "\\9",
    "$TTL 1",
    "$ORIGIN a",
    "$INCLUDE hosts",
    "$GENERATE",
    "IN",
    "CH",
    "CLASS1",
    "TYPE65280",
    "99999999999",
    "1w1w",
    "NS",
    "SOA",
    "CNAME",
    "DNAME",
    "HTTPS 1 . ",
    "mandatory=",
    "alpn=\"h2\"",
    "LOC 1 N 2 W 3m",
    "CSYNC 1 1 A",
    "\0",
    "\u{feff}",
    "ä",
];

fn damage(text: &str, random: &mut fastrand::Rng) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..=random.usize(..6) {
        let at = random.usize(..=bytes.len());
        let end = (at + random.usize(..40)).min(bytes.len());
        match random.u8(..5) {
            0 => drop(bytes.drain(at..end)),
            1 => bytes.splice(at..at, PIECES[random.usize(..PIECES.len())].bytes()).for_each(drop),
            2 => bytes.splice(at..end, PIECES[random.usize(..PIECES.len())].bytes()).for_each(drop),
            3 => {
                let copy = bytes[at..end].to_vec();
                let to = random.usize(..=bytes.len());
                bytes.splice(to..to, copy).for_each(drop);
            }
            _ => bytes.truncate(bytes.len() - random.usize(..=bytes.len().min(8))),
        }
    }
    bytes
}

#[test]
fn no_text_makes_loading_panic_and_every_finding_has_words() {
    let seed = 0x7a6f_6e65;
    let mut random = fastrand::Rng::with_seed(seed);
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/zones");
    let whole = std::fs::read_to_string(data.join("example.net.zone")).unwrap().replace("sub/hosts.inc", "hosts");
    let files = Files::new(&[("hosts", "web1 A 192.0.2.21\n")]);
    let (mut loaded, mut refused) = (0, 0);
    for round in 0..1500 {
        let text = damage(&whole, &mut random);
        std::fs::write(files.path("main"), &text).unwrap();
        match files.load() {
            Ok(zone) => {
                loaded += 1;
                check_records(&zone, &format!("seed {seed}, round {round}"));
            }
            Err(Findings(findings)) => {
                refused += 1;
                assert!(!findings.is_empty() && findings.len() <= 101, "seed {seed}, round {round}");
                assert!(findings.iter().all(|finding| !finding.message.contains('\n')), "seed {seed}, round {round}");
            }
        }
    }
    assert!(loaded > 50 && refused > 500, "{loaded} loaded, {refused} refused: the test tries too little");
}

/// What the readers of a [`ZoneFile`] rely on.
fn check_records(zone: &ZoneFile, what: &str) {
    let soas = zone.records.iter().filter(|record| record.rtype == number::rtype::SOA).count();
    assert_eq!(soas, 1, "{what}");
    for record in zone.records.iter() {
        assert_eq!(name::measure(record.owner), Ok(record.owner.len()), "{what}");
        assert!(name::is_within(record.owner, &zone.apex), "{what}");
        assert!(usize::from(record.file) < zone.files.len() && record.line > 0, "{what}");
        let generic = rdata::canonical(record.rtype, record.rdata);
        assert_eq!(generic.len(), record.rdata.len(), "{what}");
    }
}

/// RFC 2181, 5, stated again without any table.
fn tidy_naively<'r>(records: &[ZoneRecord<'r>]) -> Vec<ZoneRecord<'r>> {
    let same_rrset = |a: &ZoneRecord<'_>, b: &ZoneRecord<'_>| {
        name::to_absolute_text(a.owner).to_lowercase() == name::to_absolute_text(b.owner).to_lowercase()
            && a.rtype == b.rtype
    };
    let mut tidied: Vec<ZoneRecord<'_>> = Vec::new();
    for record in records {
        let equal = |other: &ZoneRecord<'_>| same_rrset(record, other) && record.rdata == other.rdata;
        if !tidied.iter().any(equal) {
            let ttl = records.iter().filter(|other| same_rrset(record, other)).map(|other| other.ttl).min().unwrap();
            tidied.push(ZoneRecord { ttl, ..*record });
        }
    }
    tidied
}

#[test]
fn tidying_agrees_with_a_naive_statement_of_the_rule() {
    let seed = 0x2181;
    let mut random = fastrand::Rng::with_seed(seed);
    for round in 0..300 {
        let written: Vec<([u8; 3], [u8; 2])> =
            (0..random.usize(..40)).map(|_| ([1, random.choice(*b"abAB").unwrap(), 0], [1, random.u8(..4)])).collect();
        let untidy: Vec<ZoneRecord<'_>> = (0..)
            .zip(&written)
            .map(|(line, (owner, rdata))| {
                let (rtype, ttl) = (random.u16(1..=2) * 16, random.u32(..4));
                ZoneRecord { owner, rtype, ttl, rdata, file: 0, line }
            })
            .collect();
        let mut records = Records::new(untidy.iter().copied()).unwrap();
        rrsets::tidy(&mut records);
        let expected = tidy_naively(&untidy);
        assert_eq!(records.iter().collect::<Vec<_>>(), expected, "seed {seed}, round {round}");
    }
}
