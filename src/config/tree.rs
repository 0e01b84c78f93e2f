//! A JSON tree that knows its lines.
//!
//! Strict JSON (RFC 8259) and nothing more: no comments, no trailing commas. Duplicate keys are kept, for the
//! `reader` to name with their path. Must never: know what a document is about. Called by the reader.

use std::hash::Hasher;

use fnv::FnvHasher;
use jsonc_parser::ast;
use jsonc_parser::common::Ranged;
use jsonc_parser::errors::{ParseError, ParseErrorKind};
use jsonc_parser::{CollectOptions, ParseOptions, ParseStringErrorKind};

/// A value and where it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The line it begins in, from 1.
    pub line: u32,
    /// The value.
    pub json: Json,
}

/// A JSON value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number as it is written: what it may be is the reader's to say.
    Number(String),
    /// A string, its escapes undone.
    Text(String),
    /// An array.
    Array(Vec<Node>),
    /// An object in the order of the text, duplicate keys included.
    Object(Vec<Entry>),
}

/// A key of an object and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// The line the key stands in, from 1.
    pub line: u32,
    /// Its value.
    pub node: Node,
}

impl Json {
    /// A number that is the same for the same value, in whatever order its keys stand and wherever its lines break: FNV-1a of its parts,
    /// for whoever compares documents of several machines. Where files lie and how it probes is each machine's own matter. Nothing is safe by it.
    pub fn fingerprint(&self) -> u64 {
        let mut hasher = FnvHasher::default();
        self.hash_into(&mut hasher);
        hasher.finish()
    }

    fn hash_into(&self, hasher: &mut FnvHasher) {
        let mut part = |kind: u8, text: &str| {
            hasher.write_u8(kind);
            hasher.write_u64(text.len() as u64);
            hasher.write(text.as_bytes());
        };
        match self {
            Json::Null => part(0, ""),
            Json::Bool(value) => part(1, if *value { "true" } else { "false" }),
            Json::Number(number) => part(2, number),
            Json::Text(text) => part(3, text),
            Json::Array(nodes) => {
                part(4, &nodes.len().to_string());
                nodes.iter().for_each(|node| node.json.hash_into(hasher));
            }
            Json::Object(entries) => {
                part(5, &entries.len().to_string());
                let mut entries: Vec<&Entry> = entries.iter().collect();
                entries.sort_by(|one, other| one.key.cmp(&other.key));
                for Entry { key, node, .. } in entries {
                    hasher.write_u64(key.len() as u64);
                    hasher.write(key.as_bytes());
                    if !is_of_one_machine(key) {
                        node.json.hash_into(hasher);
                    }
                }
            }
        }
    }
}

/// Whether what stands under this key is each machine's own matter: where a file lies, and how it probes what is nearer to it, or farther away.
fn is_of_one_machine(key: &str) -> bool {
    matches!(key, "check" | "error_pages" | "file" | "folder") || key.ends_with("_file")
}

/// Why a text is not JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxFault {
    /// The line, from 1.
    pub line: u32,
    /// What is wrong, for the operator.
    pub message: String,
}

/// Parses a text. The first fault ends it: what follows a fault in the syntax is guesswork.
pub fn parse(text: &str) -> Result<Node, SyntaxFault> {
    let lines = Lines::of(text);
    let stray = stray_character(text);
    let parsed = jsonc_parser::parse_to_ast(text, &CollectOptions::default(), &STRICT);
    let fault_at = parsed.as_ref().err().map_or(usize::MAX, |error| error.range().start);
    if let Some((offset, message)) = stray.filter(|(offset, _)| *offset <= fault_at) {
        return Err(SyntaxFault { line: lines.line(offset), message });
    }
    match parsed {
        Ok(result) => match result.value {
            Some(value) => Ok(node(value, &lines)),
            None => Err(SyntaxFault {
                line: 1,
                message: "the document is empty: expected an object with \"version\": 1".to_owned(),
            }),
        },
        Err(error) => Err(SyntaxFault { line: lines.line(error.range().start), message: words(&error, text) }),
    }
}

const STRICT: ParseOptions = ParseOptions {
    allow_comments: false,
    allow_loose_object_property_names: false,
    allow_trailing_commas: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

/// The offsets of the line feeds, to tell lines from offsets.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Lines {
        Lines(memchr::memchr_iter(b'\n', text.as_bytes()).collect())
    }

    fn line(&self, offset: usize) -> u32 {
        let before = self.0.partition_point(|feed| *feed < offset);
        u32::try_from(before + 1).unwrap_or(u32::MAX)
    }
}

fn node(value: ast::Value<'_>, lines: &Lines) -> Node {
    let line = lines.line(value.start());
    let json = match value {
        ast::Value::NullKeyword(_) => Json::Null,
        ast::Value::BooleanLit(literal) => Json::Bool(literal.value),
        ast::Value::NumberLit(literal) => Json::Number(literal.value.to_owned()),
        ast::Value::StringLit(literal) => Json::Text(literal.value.into_owned()),
        ast::Value::Array(array) => Json::Array(array.elements.into_iter().map(|value| node(value, lines)).collect()),
        ast::Value::Object(object) => {
            Json::Object(object.properties.into_iter().map(|property| entry(property, lines)).collect())
        }
    };
    Node { line, json }
}

fn entry(property: ast::ObjectProp<'_>, lines: &Lines) -> Entry {
    let line = lines.line(property.range.start);
    Entry { key: property.name.into_string(), line, node: node(property.value, lines) }
}

/// The first character that JSON does not have where it stands; the parser is more patient with white space and with
/// strings that run over the end of their line (nearly always a forgotten quote, best told at the string's beginning).
fn stray_character(text: &str) -> Option<(usize, String)> {
    let mut string_from = None;
    let mut escaped = false;
    for (offset, character) in text.char_indices() {
        match (string_from, character) {
            (Some(from), '\n' | '\r') => return Some((from, "not JSON: this string is never closed".to_owned())),
            (Some(_), '\0'..' ') => return Some((offset, control_character(character))),
            (Some(_), _) if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(_), '"') => string_from = None,
            (Some(_), _) => {}
            (None, '"') => string_from = Some(offset),
            (None, '\n' | '\r' | '\t' | ' '..='~') => {}
            (None, '\u{feff}') if offset == 0 => {
                return Some((0, "the document begins with a byte order mark; save it without one".to_owned()));
            }
            (None, _) => return Some((offset, format!("not JSON: {character:?} outside of a string"))),
        }
    }
    None
}

fn control_character(character: char) -> String {
    let code = u32::from(character);
    format!("not JSON: the control character U+{code:04X} in a string; write it as \\u{code:04x}")
}

fn words(error: &ParseError, text: &str) -> String {
    let what = match error.kind() {
        ParseErrorKind::CommentsNotAllowed | ParseErrorKind::UnterminatedCommentBlock => {
            "comments are not allowed".to_owned()
        }
        ParseErrorKind::ExpectedColonAfterObjectKey => "a colon is missing after this key".to_owned(),
        ParseErrorKind::ExpectedComma => "a comma is missing after this value".to_owned(),
        ParseErrorKind::ExpectedObjectValue => "a value is missing after this colon".to_owned(),
        ParseErrorKind::ExpectedStringObjectProperty => "a key must be a string in double quotes".to_owned(),
        ParseErrorKind::SingleQuotedStringsNotAllowed => "a string must stand in double quotes".to_owned(),
        ParseErrorKind::TrailingCommasNotAllowed => "a comma after the last value".to_owned(),
        ParseErrorKind::MultipleRootJsonValues => "something stands after the end of the document".to_owned(),
        ParseErrorKind::UnterminatedObject => "this object is never closed".to_owned(),
        ParseErrorKind::UnterminatedArray => "this array is never closed".to_owned(),
        ParseErrorKind::NestingDepthExceeded => "values are nested too deep".to_owned(),
        ParseErrorKind::String(ParseStringErrorKind::UnterminatedStringLiteral) => {
            "this string is never closed".to_owned()
        }
        ParseErrorKind::UnexpectedWord
        | ParseErrorKind::UnexpectedToken
        | ParseErrorKind::UnexpectedTokenInObject
        | ParseErrorKind::UnexpectedComma
        | ParseErrorKind::UnexpectedColon
        | ParseErrorKind::UnexpectedCloseBrace
        | ParseErrorKind::UnexpectedCloseBracket => format!("unexpected {}", shown(error.range().text(text))),
        other => in_lower_case(&other.to_string()),
    };
    format!("not JSON: {what}")
}

/// At most a word of what was found.
fn shown(found: &str) -> String {
    match found.char_indices().nth(30) {
        Some((end, _)) => format!("{:?}…", &found[..end]),
        None => format!("{found:?}"),
    }
}

fn in_lower_case(sentence: &str) -> String {
    let mut characters = sentence.chars();
    characters.next().map_or(String::new(), |first| first.to_lowercase().chain(characters).collect())
}

#[cfg(test)]
mod tests;
