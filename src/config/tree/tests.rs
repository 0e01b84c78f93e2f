#![allow(clippy::unwrap_used, clippy::print_stdout)]
use super::*;

fn fault(text: &str) -> (u32, String) {
    let fault = parse(text).unwrap_err();
    (fault.line, fault.message)
}

#[test]
fn every_value_and_key_knows_its_line() {
    let text = "{\n \"a\":\n  [1,\r\n   \"x\"],\n\n \"b\": null }";
    let Json::Object(entries) = parse(text).unwrap().json else { unreachable!() };
    assert_eq!(entries[0].line, 2);
    assert_eq!(entries[0].node.line, 3);
    assert_eq!(entries[1].line, 6);
    let Json::Array(values) = &entries[0].node.json else { unreachable!() };
    assert_eq!(values[1], Node { line: 4, json: Json::Text("x".to_owned()) });
}

#[test]
fn each_fault_of_the_syntax_is_told_with_its_line() {
    for (text, line, message) in [
        ("", 1, "the document is empty: expected an object with \"version\": 1"),
        (" \n\n ", 1, "the document is empty: expected an object with \"version\": 1"),
        ("\u{feff}{}", 1, "the document begins with a byte order mark; save it without one"),
        ("{\n// c\n}", 2, "not JSON: comments are not allowed"),
        ("{\n/* c */\n}", 2, "not JSON: comments are not allowed"),
        ("{\n// don't \"quote\n}", 2, "not JSON: comments are not allowed"),
        ("{\n/* c", 2, "not JSON: comments are not allowed"),
        ("{\n\"a\": 1,\n}", 2, "not JSON: a comma after the last value"),
        ("[\n1,\n]", 2, "not JSON: a comma after the last value"),
        ("{\n\"a\": 1\n\"b\": 2}", 2, "not JSON: a comma is missing after this value"),
        ("[1\n2]", 1, "not JSON: a comma is missing after this value"),
        ("{\na: 1}", 2, "not JSON: a key must be a string in double quotes"),
        ("{\n'a': 1}", 2, "not JSON: a string must stand in double quotes"),
        ("{\n\"a\" 1}", 2, "not JSON: a colon is missing after this key"),
        ("{\n\"a\":", 2, "not JSON: a value is missing after this colon"),
        ("{\n\"a\": }", 2, "not JSON: unexpected \"}\""),
        ("{\n\"a\": yes}", 2, "not JSON: unexpected \"yes\""),
        ("{\n\"a\": 0x10}", 2, "not JSON: hexadecimal numbers are not allowed"),
        ("{\n\"a\": +1}", 2, "not JSON: unary plus on numbers is not allowed"),
        ("{\n\"a\": \"\\x41\"}", 2, "not JSON: invalid escape"),
        ("{\n\"a\": \"foo,\n\"b\": 1}", 2, "not JSON: this string is never closed"),
        ("{\n\"a", 2, "not JSON: this string is never closed"),
        ("{\n\"a\u{7}\": 1}", 2, "not JSON: the control character U+0007 in a string; write it as \\u0007"),
        ("{\n\u{a0}\"a\": 1}", 2, "not JSON: '\\u{a0}' outside of a string"),
        ("{\n“a”: 1}", 2, "not JSON: '“' outside of a string"),
        ("{}\n{}", 2, "not JSON: something stands after the end of the document"),
        ("{}\n}", 2, "not JSON: something stands after the end of the document"),
        ("{\n\"a\": {\n\"b\": 1\n", 2, "not JSON: this object is never closed"),
        ("{\n\"a\": [\n1\n", 2, "not JSON: this array is never closed"),
    ] {
        assert_eq!(fault(text), (line, message.to_owned()), "{text:?}");
    }
}

#[test]
fn nesting_has_a_limit() {
    let text = "[".repeat(100_000);
    assert_eq!(fault(&text), (1, "not JSON: values are nested too deep".to_owned()));
}

#[test]
fn a_number_beyond_any_float_is_kept_as_it_is_written() {
    assert_eq!(parse("1E501").unwrap().json, Json::Number("1E501".to_owned()));
}

/// The second statement of what JSON is: serde_json's.
#[test]
fn accepts_what_a_strict_parser_accepts_and_nothing_else() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let alphabet = [
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\\",
        "\\u00e9",
        "\\ud83d\\ude00",
        "\\ud83d",
        "0",
        "1",
        "-",
        ".",
        "e",
        "E5",
        "+",
        "true",
        "null",
        "a",
        "'",
        "/",
        "//",
        "/*",
        "\n",
        "\r",
        "\t",
        " ",
        "\u{b}",
        "\u{c}",
        "\u{a0}",
        "\u{0}",
        "é",
        "Infinity",
        "NaN",
        "0x1",
        "\"k\":",
        "\"s\"",
        "{}",
        "[]",
    ];
    for _ in 0..200_000 {
        let text: String = (0..random.usize(0..8)).map(|_| alphabet[random.usize(..alphabet.len())]).collect();
        let strict = serde_json::from_str::<serde_json::Value>(&text);
        // How large a number may be is no matter of JSON: the tree keeps it as it is written, and serde_json reads no further.
        if strict.as_ref().is_err_and(|error| error.to_string().starts_with("number out of range")) {
            continue;
        }
        let ours = parse(&text);
        assert_eq!(ours.is_ok(), strict.is_ok(), "seed {seed}: {text:?}: {ours:?}, {strict:?}");
    }
}

#[test]
fn a_fingerprint_goes_by_what_is_said_and_not_by_how_it_is_laid_out() {
    let of = |text: &str| parse(text).unwrap().json.fingerprint();
    assert_eq!(of(r#"{"a": [1, "x"], "b": null}"#), of("{\n \"b\":null,\n\n\"a\":[1,\"x\"]}"));
    assert_eq!(of(r#"{"key_file": "/etc/a", "a": 1}"#), of(r#"{"a": 1, "key_file": "b"}"#), "files lie where they lie");
    let different = [
        r#"{"a":[1,"x"]}"#,
        r#"{"a":["x",1]}"#,
        r#"{"a":["1","x"]}"#,
        r#"{"a":[1],"x":[]}"#,
        r#"["a",[1,"x"]]"#,
        "{}",
        "[]",
        "null",
    ];
    let distinct: std::collections::BTreeSet<u64> = different.into_iter().map(of).collect();
    assert_eq!(distinct.len(), different.len());
}
