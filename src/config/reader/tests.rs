#![allow(clippy::unwrap_used)]
use super::*;

const KEYS: Keys = Keys { object: "thing", names: &["count", "list", "name", "table"] };

fn findings<T>(text: &str, read: impl FnOnce(&Value<'_>) -> Read<T>) -> Vec<String> {
    let result = read_text(Path::new("t.json"), text, read);
    result.err().map_or(Vec::new(), |findings| findings.0.iter().map(ToString::to_string).collect())
}

/// Reads every value of any document as a string, and so has a finding at each that is none.
fn only_strings(value: &Value<'_>) -> Read<()> {
    match value.node.json {
        Json::Object(_) => {
            value.table(|key| Ok::<_, String>(key.to_owned()), |_, _, value| only_strings(value)).map(drop)
        }
        Json::Array(_) => value.list("strings", only_strings).map(drop),
        _ => value.text("a string").map(drop),
    }
}

#[test]
fn a_path_leads_to_the_value_and_quotes_keys_that_are_no_plain_words() {
    let text = r#"{ "a": { "b-1": [[1]], "c.d": { "": 2, "e f": 3, "\"": [4] } } }"#;
    assert_eq!(
        findings(text, only_strings),
        [
            "t.json:1: a.b-1[0][0]: expected a string, found the number 1",
            "t.json:1: a[\"c.d\"][\"\"]: expected a string, found the number 2",
            "t.json:1: a[\"c.d\"][\"e f\"]: expected a string, found the number 3",
            "t.json:1: a[\"c.d\"][\"\\\"\"][0]: expected a string, found the number 4",
        ]
    );
}

#[test]
fn findings_stand_in_the_order_of_the_document_whatever_the_order_of_reading() {
    let text = "{\n\"name\": 1,\n\"count\": \"x\"\n}";
    let found = findings(text, |value| {
        let object = value.object(&KEYS)?;
        let count = object.required("count", |value| value.integer(0..=9));
        let name = object.required("name", |value| value.text("a name"));
        Ok((count?, name?.to_owned()))
    });
    assert_eq!(
        found,
        [
            "t.json:2: name: expected a name, found the number 1",
            "t.json:3: count: expected a whole number from 0 to 9, found the string \"x\"",
        ]
    );
}

#[test]
fn a_finding_that_the_reader_passed_over_still_refuses_the_document() {
    let found = findings(r#"{ "other_thing": 1 }"#, |value| value.object(&KEYS).map(drop));
    assert_eq!(found, ["t.json:1: other_thing: unknown key; known here: count, list, name, table"]);
}

#[test]
fn a_misspelt_key_is_not_called_missing_too() {
    let found = findings(r#"{ "nmae": "x" }"#, |value| {
        value.object(&KEYS)?.required("name", |value| value.text("a name")).map(drop)
    });
    assert_eq!(found, ["t.json:1: nmae: unknown key; did you mean \"name\"?"]);
}

#[test]
fn null_is_not_a_way_to_leave_a_key_out() {
    let found = findings(r#"{ "count": null }"#, |value| {
        value.object(&KEYS)?.with_default("count", 1, |value| value.integer(0..=9))
    });
    assert_eq!(found, ["t.json:1: count: null says nothing here: leave the key out instead"]);
}

#[test]
fn a_relative_file_lies_in_the_folder_of_the_document() {
    for (document, named, resolved) in [
        ("/etc/polder/dns.json", "zones/a.zone", "/etc/polder/zones/a.zone"),
        ("/etc/polder/dns.json", "/srv/a.zone", "/srv/a.zone"),
        ("dns.json", "a.zone", "a.zone"),
    ] {
        let read = read_text(Path::new(document), &format!("{named:?}"), |value| value.file());
        assert_eq!(read.unwrap(), Path::new(resolved));
    }
}

#[test]
fn a_whole_number_is_digits_only_and_as_large_as_its_type() {
    for (text, read) in [("0", true), ("255", true), ("256", false), ("-0", false), ("1.0", false), ("1e2", false)] {
        let result = read_text(Path::new("t.json"), text, |value| value.integer(0..=u8::MAX));
        assert_eq!(result.is_ok(), read, "{text}");
    }
}
