#![allow(clippy::unwrap_used)]

use super::Text::{Pair, Quoted, Word};
use super::*;

/// Each entry as its line, a `+` if it is indented, and its tokens with their lines; faults as `line: message`.
fn lex(text: &str) -> Vec<String> {
    Lexer::new(text.as_bytes())
        .map(|entry| match entry {
            Err(fault) => format!("{}: {}", fault.line, fault.message),
            Ok(entry) => {
                let indent = if entry.indented { "+" } else { "" };
                let tokens: Vec<String> = entry.tokens.iter().map(show).collect();
                format!("{}{indent} {}", entry.line, tokens.join(" "))
            }
        })
        .collect()
}

fn show(token: &Token<'_>) -> String {
    let text = |bytes| std::str::from_utf8(bytes).unwrap();
    match token.text {
        Word(word) => format!("{}:{}", token.line, text(word)),
        Quoted(inside) => format!("{}:<{}>", token.line, text(inside)),
        Pair(key, value) => format!("{}:{}=<{}>", token.line, text(key), text(value)),
    }
}

#[test]
fn lines_are_entries_and_empty_ones_are_none() {
    assert_eq!(lex("a b\n\n  \n; x\n ; x\n\tc\nd"), ["1 1:a 1:b", "6+ 6:c", "7 7:d"]);
    assert_eq!(lex(""), [""; 0]);
}

#[test]
fn a_comment_begins_anywhere_but_in_quotes_and_after_a_backslash() {
    assert_eq!(lex("a;b\nc ; d\n\"e;f\" g\\;h;i"), ["1 1:a", "2 2:c", "3 3:<e;f> 3:g\\;h"]);
}

#[test]
fn parentheses_hold_lines_together_and_touch_words() {
    assert_eq!(lex("a (b ; c\n\n  d\n\"e\")f\ng"), ["1 1:a 1:b 3:d 4:<e> 4:f", "5 5:g"]);
    assert_eq!(lex("a ( b ) ( c\n ) d"), ["1 1:a 1:b 1:c 2:d"]);
    assert_eq!(lex("\"(\" \\( \\)"), ["1 1:<(> 1:\\( 1:\\)"]);
}

#[test]
fn quotes_make_strings_and_values() {
    assert_eq!(lex("\"\" \"a b\"\"c\" \"\\\"\""), ["1 1:<> 1:<a b> 1:<c> 1:<\\\">"]);
    assert_eq!(lex("k=v k=\"v w\" k=\"\" k="), ["1 1:k=v 1:k=<v w> 1:k=<> 1:k="]);
}

#[test]
fn escapes_stay_as_they_are_written() {
    assert_eq!(lex("a\\ b\\\"c\\\\ \"d\\\\\""), ["1 1:a\\ b\\\"c\\\\ 1:<d\\\\>"]);
}

#[test]
fn reading_goes_on_after_a_fault() {
    let quote = "a quote inside a word: quote the whole, or write \\\"";
    assert_eq!(lex("a b\"c\nd"), [format!("1: {quote}"), "2 2:d".to_owned()]);
    assert_eq!(lex("a ) b\nc"), ["1: a ) without its (", "2 2:c"]);
    assert_eq!(lex("a \"b\nc"), ["1: a quoted string is not closed on its line", "2 2:c"]);
    assert_eq!(lex("a b\\\nc"), ["1: a backslash ends the line: it escapes nothing", "2 2:c"]);
    assert_eq!(lex("a \"b\\\r\nc"), ["1: a backslash ends the line: it escapes nothing", "2 2:c"]);
}

#[test]
fn after_a_fault_inside_parentheses_reading_goes_on_behind_them() {
    assert_eq!(
        lex("a ( b\nc ( d ; )\ne ) f\ng"),
        ["2: a ( inside the parentheses of line 1: its ) is missing", "4 4:g"]
    );
    assert_eq!(lex("a ( \"b\nc ) d\ne"), ["1: a quoted string is not closed on its line", "3 3:e"]);
    assert_eq!(lex("a (\nb"), ["1: this ( has no ) up to the end of the file"]);
}

#[test]
fn carriage_returns_are_white_space_and_a_byte_order_mark_is_passed() {
    assert_eq!(lex("\u{feff}a\r\n\r\n b\r\n"), ["1 1:a", "3+ 3:b"]);
}
