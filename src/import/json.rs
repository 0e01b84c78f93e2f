//! Prints a document as JSON, as people write it: what is short stands on one line.

use super::tree::Tree;

/// Longer lines are broken where they can be.
const WIDTH: usize = 110;

/// The text of a document, with a final line feed.
pub fn print(tree: &Tree) -> String {
    let mut text = String::new();
    put(tree, 0, 0, &mut text);
    text.push('\n');
    text
}

/// `taken` is what stands before it on its line, `depth` its indentation in steps.
fn put(tree: &Tree, depth: usize, taken: usize, text: &mut String) {
    let items: Vec<(Option<&str>, &Tree)> = match tree {
        Tree::List(list) => list.iter().map(|value| (None, value)).collect(),
        Tree::Table(table) => table.iter().map(|(key, value)| (Some(key), value)).collect(),
        _ => Vec::new(),
    };
    let line = on_one_line(tree);
    if items.is_empty() || (depth > 0 && taken + line.len() < WIDTH) {
        text.push_str(&line);
        return;
    }
    let (open, close) = if matches!(tree, Tree::List(_)) { ('[', ']') } else { ('{', '}') };
    text.push(open);
    for (n, (key, value)) in items.iter().enumerate() {
        text.push_str(if n > 0 { ",\n" } else { "\n" });
        let indent = "  ".repeat(depth + 1);
        let key = key.map(|key| format!("{}: ", string(key))).unwrap_or_default();
        text.push_str(&indent);
        text.push_str(&key);
        put(value, depth + 1, indent.len() + key.len(), text);
    }
    text.push('\n');
    text.push_str(&"  ".repeat(depth));
    text.push(close);
}

fn on_one_line(tree: &Tree) -> String {
    match tree {
        Tree::Flag(flag) => flag.to_string(),
        Tree::Number(number) => number.to_string(),
        Tree::Text(text) => string(text),
        Tree::List(list) if list.is_empty() => "[]".to_owned(),
        Tree::List(list) => format!("[{}]", list.iter().map(on_one_line).collect::<Vec<_>>().join(", ")),
        Tree::Table(table) if table.is_empty() => "{}".to_owned(),
        Tree::Table(table) => {
            let pairs: Vec<String> =
                table.iter().map(|(key, value)| format!("{}: {}", string(key), on_one_line(value))).collect();
            format!("{{ {} }}", pairs.join(", "))
        }
    }
}

fn string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
