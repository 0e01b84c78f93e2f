//! Prints a tree as an expression of Nix, as `nixfmt` has it.

use super::tree::{Table, Tree};

/// The words that are no names of attributes (Nix manual, "Identifiers").
const KEYWORDS: &[&str] = &["assert", "else", "if", "in", "inherit", "let", "or", "rec", "with"];

/// A set of options, each under its path (`polder.fleet`), with a final line feed.
pub fn print(options: &[(&str, Table)]) -> String {
    let mut text = String::from("{\n");
    for (path, table) in options {
        text.push_str(&format!("  {path} = "));
        put_table(table, 1, &mut text);
        text.push_str(";\n");
    }
    text.push_str("}\n");
    text
}

fn put(tree: &Tree, depth: usize, text: &mut String) {
    match tree {
        Tree::Flag(flag) => text.push_str(&flag.to_string()),
        Tree::Number(number) => text.push_str(&number.to_string()),
        Tree::Text(value) => text.push_str(&string(value)),
        Tree::List(list) => put_list(list, depth, text),
        Tree::Table(table) => put_table(table, depth, text),
    }
}

fn put_list(list: &[Tree], depth: usize, text: &mut String) {
    match list {
        [] => text.push_str("[ ]"),
        [one] if !matches!(one, Tree::Table(table) if !is_short(table)) => {
            text.push_str("[ ");
            put(one, depth, text);
            text.push_str(" ]");
        }
        several => {
            text.push_str("[\n");
            for one in several {
                text.push_str(&"  ".repeat(depth + 1));
                put(one, depth + 1, text);
                text.push('\n');
            }
            text.push_str(&"  ".repeat(depth));
            text.push(']');
        }
    }
}

/// It stands on one line.
fn is_short(table: &Table) -> bool {
    let mut values = table.iter();
    match (values.next(), values.next()) {
        (None, _) => true,
        (Some((_, value)), None) => !matches!(value, Tree::Table(_) | Tree::List(_)),
        _ => false,
    }
}

fn put_table(table: &Table, depth: usize, text: &mut String) {
    if table.is_empty() {
        text.push_str("{ }");
        return;
    }
    if is_short(table) {
        text.push_str("{ ");
        put_pairs(table, depth, "", " ", text);
        text.push('}');
        return;
    }
    text.push_str("{\n");
    put_pairs(table, depth + 1, &"  ".repeat(depth + 1), "\n", text);
    text.push_str(&"  ".repeat(depth));
    text.push('}');
}

fn put_pairs(table: &Table, depth: usize, before: &str, behind: &str, text: &mut String) {
    for (key, value) in table.iter() {
        text.push_str(before);
        text.push_str(&name(key));
        // A table with one key is written as a path, as people do.
        let mut value = value;
        while let Tree::Table(inner) = value
            && let mut pairs = inner.iter()
            && let (Some((key, only)), None) = (pairs.next(), pairs.next())
        {
            text.push('.');
            text.push_str(&name(key));
            value = only;
        }
        text.push_str(" = ");
        put(value, depth, text);
        text.push(';');
        text.push_str(behind);
    }
}

fn name(key: &str) -> String {
    let first = |b: u8| b.is_ascii_alphabetic() || b == b'_';
    let later = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'\'');
    let plain = key.bytes().next().is_some_and(first) && key.bytes().all(later) && !KEYWORDS.contains(&key);
    if plain { key.to_owned() } else { string(key) }
}

fn string(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '$' => quoted.push_str("\\$"),
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests;
