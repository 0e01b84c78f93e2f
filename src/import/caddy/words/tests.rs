use super::words;

fn cut(text: &str) -> Vec<(u32, String)> {
    let environment = |name: &str| (name == "SITES").then(|| "a.test b.test".to_owned());
    let words = words(text, &environment).unwrap_or_else(|error| panic!("{text}: {error}"));
    words.into_iter().map(|word| (word.line, word.text)).collect()
}

fn texts(text: &str) -> Vec<String> {
    cut(text).into_iter().map(|(_, text)| text).collect()
}

#[test]
fn quotes_comments_and_long_lines_are_read_as_caddy_does() {
    assert_eq!(texts("a \"b c\" `d \"e\"` # f"), ["a", "b c", "d \"e\""]);
    assert_eq!(texts(r#"a "\"b\" \n""#), ["a", r#""b" \n"#], "only quotes are escaped");
    assert_eq!(texts("a#b /x#y"), ["a#b", "/x#y"], "a comment begins at a word's beginning");
    assert_eq!(cut("a \\\n b\nc"), [(1, "a".to_owned()), (2, "b".to_owned()), (3, "c".to_owned())]);
    assert_eq!(cut("a \"b\nc\" d"), [(1, "a".to_owned()), (1, "b\nc".to_owned()), (2, "d".to_owned())]);
}

#[test]
fn a_heredoc_loses_the_indentation_of_its_end() {
    let words = cut("respond <<TXT\n\t\tone\n\t\t  two\n\t\tTXT 200\nnext");
    assert_eq!(
        words,
        [(1, "respond"), (1, "one\n  two"), (4, "200"), (5, "next")].map(|(line, text)| (line, text.to_owned()))
    );
    assert_eq!(texts(r"a \<<TXT"), ["a", "<<TXT"]);
}

#[test]
fn variables_are_put_in_before_words_are_cut() {
    assert_eq!(texts("{$SITES} {$OTHER:c.test} {env.X}"), ["a.test", "b.test", "c.test", "{env.X}"]);
    let missing = words("a\n{$OTHER}", &|_| None).expect_err("it is not set");
    assert!(missing.to_string().starts_with("line 2: the variable OTHER is not set"), "{missing}");
}

#[test]
fn what_does_not_end_is_an_error_with_the_line_where_it_begins() {
    for text in ["a\n\"b\nc", "a\n`b\nc", "a\nb <<T\nc\nd"] {
        let error = words(text, &|_| None).expect_err(text);
        assert_eq!(error.line, Some(2), "{text}: {error}");
    }
}
