#![allow(clippy::unwrap_used)]

use super::*;
use crate::config::dns::Checks;
use crate::zone;

const TODAY: u32 = 20_261_123;

#[test]
fn a_serial_follows_its_own_habit() {
    for (present, above, expected, why) in [
        (1, None, 2, "a number is counted"),
        (41, None, 42, "a number is counted"),
        (2_026_112_301, None, 2_026_112_302, "the second change of a day"),
        (2_026_112_299, None, 2_026_112_301, "the first change of a day"),
        (2_001_010_107, None, 2_026_112_301, "an old date"),
        (2_026_112_399, None, 2_026_112_400, "the hundredth change of a day"),
        (2_027_010_101, None, 2_027_010_102, "a day that has not come"),
        (2_026_139_901, None, 2_026_139_902, "no date at all"),
        (41, Some(50), 51, "above what is served"),
        (41, Some(7), 42, "what is served is older"),
        (2_026_112_200, Some(2_026_112_305), 2_026_112_306, "above what is served today"),
        (u32::MAX, None, 1, "round the end, and never 0"),
        (u32::MAX, Some(5), 6, "what is served has gone round the end"),
    ] {
        let next = next(present, above, TODAY);
        assert_eq!(next, expected, "{why}: {present} above {above:?}");
        assert!(is_newer(next, present), "{why}: {next} is newer than {present}");
    }
}

/// RFC 1982, 3.2, in its own words.
fn newer_as_the_rfc_says(one: u32, other: u32) -> bool {
    let (i1, i2) = (u64::from(other), u64::from(one));
    const HALF: u64 = 1 << 31;
    (i1 < i2 && i2 - i1 < HALF) || (i1 > i2 && i1 - i2 > HALF)
}

#[test]
fn newer_is_what_rfc_1982_says() {
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    let edges = [0, 1, 2, (1 << 31) - 1, 1 << 31, (1 << 31) + 1, u32::MAX - 1, u32::MAX];
    let drawn: Vec<u32> = (0..300).map(|_| random.u32(..)).chain(edges).collect();
    for one in &drawn {
        for other in &drawn {
            assert_eq!(is_newer(*one, *other), newer_as_the_rfc_says(*one, *other), "{one} {other}, seed {seed}");
        }
    }
}

fn bumped(text: &str) -> (String, Bumped) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("example.net.zone");
    std::fs::write(&file, text).unwrap();
    let bumped = bump(&zone::load("example.net", &file, Checks::Strict).unwrap(), None, TODAY).unwrap();
    assert_eq!(zone::load("example.net", &file, Checks::Strict).unwrap().serial(), Some(bumped.after));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside the file");
    (std::fs::read_to_string(&file).unwrap(), bumped)
}

const REST: &str = "\n@ IN NS ns.example.org.\n@ IN NS ns2.example.org. ; 41 stays\n";

#[test]
fn only_the_serial_changes_however_the_record_is_laid_out() {
    for (soa, expected, line) in [
        ("$TTL 1h\n@ IN SOA ns.example.org. h.example.org. ( 41 2 3 4 5 )", "( 42 2 3 4 5 )", 2),
        ("@ 3600 IN SOA ns.example.org. h.example.org. 41 41 3 41 5", " 42 41 3 41 5", 1),
        (
            "@\t41\tsoa ns.example.org. h.example.org. (\n\t\t41\t; serial 41\n\t\t41 3 4 5 )",
            "\t\t42\t; serial 41\n",
            2,
        ),
        ("; SOA 41\n$TTL 41\nexample.net. IN SOA ns.example.org. h.example.org. 41 2 3 4 5", " 42 2 3 4 5", 3),
        ("@ 1h SOA ns.example.org. soa.example.org. ( ; SOA\r\n 41 ) 2 3 4 5", "\r\n 42 ) 2 3 4 5", 2),
    ] {
        let before = format!("{soa}{REST}");
        let (after, bumped) = bumped(&before);
        assert!(after.contains(expected), "{after}");
        assert_eq!((bumped.before, bumped.after, bumped.line), (41, 42, line), "{after}");
        let changed = before.bytes().zip(after.bytes()).filter(|(a, b)| a != b).count();
        assert_eq!((changed, after.len()), (1, before.len()), "one digit of\n{before}");
    }
}

#[test]
fn a_serial_that_grows_a_digit_moves_only_what_is_behind_it() {
    let before = "$TTL 1h\n@ SOA ns.example.org. h.example.org. ( 99 ; serial\n 2 3 4 5 )\n@ NS ns.example.org.\n";
    let (after, _) = bumped(before);
    assert_eq!(after, before.replace("99", "100"));
}

#[test]
fn a_serial_in_an_included_file_is_raised_there_and_a_link_stays_one() {
    let folder = tempfile::tempdir().unwrap();
    let (main, soa, link) =
        (folder.path().join("main"), folder.path().join("soa"), folder.path().join("example.net.zone"));
    std::fs::write(&main, "$TTL 1h\n$INCLUDE soa\n@ NS ns.example.org.\n@ NS ns2.example.org.\n").unwrap();
    std::fs::write(&soa, "@ SOA ns.example.org. h.example.org. 41 2 3 4 5\n").unwrap();
    std::os::unix::fs::symlink("main", &link).unwrap();
    let bumped = bump(&zone::load("example.net", &link, Checks::Strict).unwrap(), None, TODAY).unwrap();
    assert_eq!(bumped.file.file_name(), soa.file_name());
    assert_eq!(std::fs::read_to_string(&soa).unwrap(), "@ SOA ns.example.org. h.example.org. 42 2 3 4 5\n");
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
}

#[test]
fn permissions_stay() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("example.net.zone");
    std::fs::write(&file, format!("$TTL 1h\n@ SOA ns.example.org. h.example.org. 41 2 3 4 5{REST}")).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o664)).unwrap();
    bump(&zone::load("example.net", &file, Checks::Strict).unwrap(), None, TODAY).unwrap();
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o664);
}

#[test]
fn a_serial_that_is_hidden_in_hex_is_left_to_the_operator() {
    let hex: String = b"\x02ns\x07example\x03org\x00\x01h\x07example\x03org\x00"
        .iter()
        .copied()
        .chain([0, 0, 0, 41, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5])
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("example.net.zone");
    std::fs::write(&file, format!("$TTL 1h\n@ TYPE6 \\# {} {hex}{REST}", hex.len() / 2)).unwrap();
    let refused = bump(&zone::load("example.net", &file, Checks::Strict).unwrap(), None, TODAY).unwrap_err();
    assert!(refused.to_string().contains("write it as a plain number"), "{refused}");
}
