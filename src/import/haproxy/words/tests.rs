use super::words;

fn cut(text: &str) -> Vec<String> {
    let environment = |name: &str| match name {
        "FD_APP1" => Some("7".to_owned()),
        "LIST" => Some(" one  two ".to_owned()),
        "EMPTY" => Some(String::new()),
        _ => None,
    };
    words(3, text, &environment).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn fault(text: &str) -> String {
    words(3, text, &|_| None).expect_err(text).to_string()
}

/// The table and the example of the manual's section 2.2.
#[test]
fn quotes_and_escapes_are_read_as_the_manual_says() {
    let same = [
        r"log-format %{+Q}o\ %t\ %s\ %{-Q}r",
        r#"log-format "%{+Q}o %t %s %{-Q}r""#,
        r"log-format '%{+Q}o %t %s %{-Q}r'",
        r#"log-format "%{+Q}o %t"' %s %{-Q}r'"#,
        r#"log-format "%{+Q}o %t"' %s'\ %{-Q}r"#,
    ];
    for text in same {
        assert_eq!(cut(text), ["log-format", "%{+Q}o %t %s %{-Q}r"], "{text}");
    }
    let letters = [
        (r"a\#b # a comment", "a#b"),
        (r#""a#b""#, "a#b"),
        (r"'a#b'", "a#b"),
        (r"a\'b", "a'b"),
        (r#""a'b""#, "a'b"),
        (r#"a\"b"#, "a\"b"),
        (r#""a\"b""#, "a\"b"),
        (r#"'a"b'"#, "a\"b"),
        (r"a\\b", "a\\b"),
        (r"'a\b'", "a\\b"),
        (r"a\tb\nc\rd\x41", "a\tb\nc\rdA"),
        (r#""\$x""#, "$x"),
        (r"$x", "$x"),
        (r"^\d+$", "^\\d+$"),
        ("a\\", "a\\"),
    ];
    for (text, word) in letters {
        assert_eq!(cut(text), [word], "{text}");
    }
    assert_eq!(cut("  a\t b  "), ["a", "b"]);
    assert_eq!(cut(r#"a "" b"#), ["a", "", "b"], "an empty pair of quotes is a word");
    assert!(cut("   # nothing").is_empty());
}

/// The manual's section 2.3.
#[test]
fn variables_are_read_within_double_quotes() {
    assert_eq!(cut(r#"bind "fd@${FD_APP1}""#), ["bind", "fd@7"]);
    assert_eq!(cut(r#""$FD_APP1:80""#), ["7:80"]);
    assert_eq!(cut(r#""${NOT_SET-127.0.0.1}:514""#), ["127.0.0.1:514"]);
    assert_eq!(cut(r#""${EMPTY-127.0.0.1}""#), [""], "a default stands in for what is not set, not for what is empty");
    assert_eq!(cut(r#"a "${LIST[*]}" b"#), ["a", "one", "two", "b"]);
    assert_eq!(cut("${FD_APP1}"), ["${FD_APP1}"], "not outside of quotes");
    assert_eq!(cut("'${FD_APP1}'"), ["${FD_APP1}"], "not within single ones");
    assert_eq!(cut(r#""line ${.LINE}""#), ["line 3"]);
}

#[test]
fn what_haproxy_refuses_is_an_error_with_its_line() {
    assert_eq!(fault("a \"b"), "line 3: a double quote is not closed on its line");
    assert_eq!(fault("a 'b"), "line 3: a single quote is not closed on its line");
    assert!(fault(r"\x4").contains("two hexadecimal digits"));
    assert!(fault(r"\x+1").contains("two hexadecimal digits"));
    assert!(fault(r#""${A""#).contains("not closed"));
    assert!(fault(r#""$1""#).contains("needs the name of a variable"));
    assert!(fault(r#""${A+b}""#).contains("is not the name of a variable"));
    assert!(fault(r#""$SITE""#).contains("SITE is not set"), "{}", fault(r#""$SITE""#));
}
