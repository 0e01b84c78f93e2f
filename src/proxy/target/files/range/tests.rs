use super::*;

#[test]
fn one_range_is_read_as_rfc_9110_has_it() {
    for (field, expected) in [
        ("bytes=0-0", Part::One(0..1)),
        ("bytes=0-", Part::One(0..10)),
        ("bytes=2-4", Part::One(2..5)),
        ("BYTES = 2-4", Part::One(2..5)),
        ("bytes=9-1000", Part::One(9..10)),
        ("bytes=-3", Part::One(7..10)),
        ("bytes=-1000", Part::One(0..10)),
        ("bytes=0-99999999999999999999999999", Part::One(0..10)),
        ("bytes=10-", Part::Beyond),
        ("bytes=99999999999999999999999999-", Part::Beyond),
        ("bytes=-0", Part::Beyond),
        // Not understood, or more than one: the whole.
        ("bytes=4-2", Part::Whole),
        ("bytes=0-1,4-5", Part::Whole),
        ("bytes=", Part::Whole),
        ("bytes=-", Part::Whole),
        ("bytes=a-b", Part::Whole),
        ("bytes=+1-2", Part::Whole),
        ("bytes=1", Part::Whole),
        ("pages=1-2", Part::Whole),
        ("", Part::Whole),
    ] {
        assert_eq!(part(field.as_bytes(), 10), expected, "{field}");
    }
}

#[test]
fn an_empty_file_has_no_part() {
    assert_eq!(part(b"bytes=0-", 0), Part::Beyond);
    assert_eq!(part(b"bytes=-1", 0), Part::Beyond);
}
