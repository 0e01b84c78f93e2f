use super::*;

const THEN: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
const LATER: &str = "Sun, 06 Nov 1994 08:49:38 GMT";
const BEFORE: &str = "Sun, 06 Nov 1994 08:49:36 GMT";

fn now() -> Validators {
    Validators { etag: "\"a-1\"".into(), modified: date(THEN.as_bytes()) }
}

fn judged(fields: &[(&str, &str)]) -> Judged {
    let mut conditions = Conditions::default();
    for (name, value) in fields {
        let value = value.as_bytes();
        match *name {
            "if-match" => conditions.if_match.push(value),
            "if-unmodified-since" => conditions.if_unmodified_since = Some(value),
            "if-none-match" => conditions.if_none_match.push(value),
            "if-modified-since" => conditions.if_modified_since = Some(value),
            _ => panic!("{name}"),
        }
    }
    conditions.judge(&now())
}

#[test]
fn each_condition_is_judged_in_its_order() {
    for (fields, expected) in [
        (&[][..], Judged::Send),
        (&[("if-none-match", "\"a-1\"")], Judged::NotModified),
        (&[("if-none-match", "\"b\", W/\"a-1\"")], Judged::NotModified),
        (&[("if-none-match", "*")], Judged::NotModified),
        (&[("if-none-match", "\"b\""), ("if-none-match", "\"c\", \"a-1\"")], Judged::NotModified),
        (&[("if-none-match", "\"b\""), ("if-none-match", "\"c\"")], Judged::Send),
        (&[("if-match", "\"b\""), ("if-match", "\"a-1\"")], Judged::Send),
        (&[("if-match", "\"b\""), ("if-match", "\"c\"")], Judged::Failed),
        (&[("if-none-match", "\"b\"")], Judged::Send),
        (&[("if-none-match", "\"b\""), ("if-modified-since", LATER)], Judged::Send),
        (&[("if-modified-since", THEN)], Judged::NotModified),
        (&[("if-modified-since", LATER)], Judged::NotModified),
        (&[("if-modified-since", BEFORE)], Judged::Send),
        (&[("if-modified-since", "yesterday")], Judged::Send),
        (&[("if-match", "\"a-1\"")], Judged::Send),
        (&[("if-match", "*")], Judged::Send),
        (&[("if-match", "W/\"a-1\"")], Judged::Failed),
        (&[("if-match", "\"b\"")], Judged::Failed),
        (&[("if-match", "\"b\""), ("if-none-match", "\"a-1\"")], Judged::Failed),
        (&[("if-match", "\"a-1\""), ("if-unmodified-since", BEFORE)], Judged::Send),
        (&[("if-unmodified-since", BEFORE)], Judged::Failed),
        (&[("if-unmodified-since", THEN)], Judged::Send),
    ] {
        assert_eq!(judged(fields), expected, "{fields:?}");
    }
}

#[test]
fn a_part_is_sent_of_the_version_alone_that_the_visitor_has() {
    for (field, allowed) in [
        (None, true),
        (Some("\"a-1\""), true),
        (Some("W/\"a-1\""), false),
        (Some("\"b\""), false),
        (Some(THEN), true),
        (Some(LATER), false),
        (Some("yesterday"), false),
    ] {
        let conditions = Conditions { if_range: field.map(str::as_bytes), ..Conditions::default() };
        assert_eq!(conditions.allow_part(&now()), allowed, "{field:?}");
    }
}

#[test]
fn where_the_time_is_not_known_dates_decide_nothing() {
    let unknown = Validators { modified: None, ..now() };
    let conditions = Conditions { if_modified_since: Some(LATER.as_bytes()), ..Conditions::default() };
    assert_eq!(conditions.judge(&unknown), Judged::Send);
}
