//! Typed reading of a tree with every finding collected.
//!
//! A [`Value`] is a node of the document with its path; its methods read it as a type and note a finding when it is not
//! one. What a read gives is a [`Read`]: the value, or [`Reported`], the proof that a finding was noted. So a reader of an
//! object reads all its keys first, each into a `Read`, and only then takes them apart with `?`: no error hides another,
//! and no error is lost. Must never: know a key of a document. Called by the readers of the documents' parts.
//!
//! Written by hand because serde stops at the first error and knows no line once a value is read; an operator wants every
//! error of a document at once, each with its line.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use super::duration;
use super::finding::{Finding, Findings};
use super::fingerprint::{Fingerprint, Settings};
use super::invalid::Invalid;
use super::near_miss::nearest;
use super::regular_file::{MOST_DOCUMENT, read_regular_file};
use super::tree::{self, Entry, Json, Node};

/// The keys an object may have: what its reader knows, what an unknown key is compared with, what the reference lists.
#[derive(Debug)]
pub struct Keys {
    /// The object, as the reference (docs/documents.md) names it: `services.NAME.cookie`.
    pub object: &'static str,
    /// Its keys.
    pub names: &'static [&'static str],
}

/// Proof that a finding was noted for what could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reported(());

/// Something read, or a finding noted.
pub type Read<T> = Result<T, Reported>;

/// Reads a document from a file: all of it, or every finding.
pub fn read_file<T>(file: &Path, read: impl FnOnce(&Value<'_>) -> Read<T>) -> Result<T, Findings> {
    let unreadable =
        |line, message| Findings(vec![Finding { file: file.to_owned(), line, path: String::new(), message }]);
    let bytes =
        read_regular_file(file, MOST_DOCUMENT).map_err(|error| unreadable(None, format!("cannot be read: {error}")))?;
    match std::str::from_utf8(&bytes) {
        Ok(text) => read_text(file, text, read),
        Err(error) => {
            let feeds = bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
            Err(unreadable(u32::try_from(feeds + 1).ok(), "not UTF-8: expected JSON, which is text".to_owned()))
        }
    }
}

/// Reads a document from text, `file` standing in the findings.
pub fn read_text<T>(file: &Path, text: &str, read: impl FnOnce(&Value<'_>) -> Read<T>) -> Result<T, Findings> {
    let report = Report { file, findings: RefCell::default() };
    let result = match tree::parse(text) {
        Ok(node) => {
            read(&Value { location: Location { report: &report, line: node.line, path: String::new() }, node: &node })
        }
        Err(fault) => Err(Location { report: &report, line: fault.line, path: String::new() }.fault(fault.message)),
    };
    let mut findings = report.findings.into_inner();
    findings.sort_by_key(|finding| finding.line);
    match result {
        Ok(document) if findings.is_empty() => Ok(document),
        _ => Err(Findings(findings)),
    }
}

/// What one reading has found so far.
#[derive(Debug)]
struct Report<'a> {
    file: &'a Path,
    findings: RefCell<Vec<Finding>>,
}

/// A line and a path of the document: where a finding is put.
#[derive(Debug, Clone)]
pub struct Location<'a> {
    report: &'a Report<'a>,
    /// The line, from 1.
    pub line: u32,
    /// `services.www.backends[2].address`; empty for the document itself.
    pub path: String,
}

impl<'a> Location<'a> {
    /// Notes a finding here.
    pub fn fault(&self, message: impl Into<String>) -> Reported {
        self.report.findings.borrow_mut().push(Finding {
            file: self.report.file.to_owned(),
            line: Some(self.line),
            path: self.path.clone(),
            message: message.into(),
        });
        Reported(())
    }

    /// `services.www, line 7`: how another finding refers to this location.
    pub fn reference(&self) -> String {
        format!("{}, line {}", self.path, self.line)
    }

    fn key(&self, key: &str, line: u32) -> Location<'a> {
        let plain = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        let path = match (plain, self.path.is_empty()) {
            (true, true) => key.to_owned(),
            (true, false) => format!("{}.{key}", self.path),
            (false, _) => format!("{}[{key:?}]", self.path),
        };
        Location { report: self.report, line, path }
    }

    fn index(&self, index: usize, line: u32) -> Location<'a> {
        Location { report: self.report, line, path: format!("{}[{index}]", self.path) }
    }
}

/// A value of the document and its location.
#[derive(Debug, Clone)]
pub struct Value<'a> {
    /// Its location in the document.
    pub location: Location<'a>,
    node: &'a Node,
}

impl<'a> Value<'a> {
    /// See [`Json::fingerprint`].
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint(self.node.json.fingerprint())
    }

    /// Notes a finding about this value.
    pub fn fault(&self, message: impl Into<String>) -> Reported {
        self.location.fault(message)
    }

    /// Notes that something else was expected here.
    pub fn expected(&self, what: &str) -> Reported {
        let found = match &self.node.json {
            Json::Null => "null".to_owned(),
            Json::Bool(value) => format!("{value}"),
            Json::Number(number) => format!("the number {number}"),
            Json::Text(text) => format!("the string {text:?}"),
            Json::Array(_) => "an array".to_owned(),
            Json::Object(_) => "an object".to_owned(),
        };
        self.fault(format!("expected {what}, found {found}"))
    }

    /// Whether it is an object.
    pub fn is_object(&self) -> bool {
        matches!(self.node.json, Json::Object(_))
    }

    /// A string; `what` says what it should be (`a string`, `a path`).
    pub fn text(&self, what: &str) -> Read<&'a str> {
        match &self.node.json {
            Json::Text(text) => Ok(text),
            _ => Err(self.expected(what)),
        }
    }

    /// A string that `parse` makes something of; its error is the finding's message.
    pub fn parsed<T, E: Display>(&self, what: &str, parse: impl FnOnce(&str) -> Result<T, E>) -> Read<T> {
        parse(self.text(what)?).map_err(|why| self.fault(why.to_string()))
    }

    /// `true` or `false`.
    pub fn boolean(&self) -> Read<bool> {
        match self.node.json {
            Json::Bool(value) => Ok(value),
            _ => Err(self.expected("true or false")),
        }
    }

    /// The digits of a whole number; none for anything else.
    pub fn whole_number(&self) -> Option<&'a str> {
        match &self.node.json {
            Json::Number(number) if !number.contains(['.', 'e', 'E']) => Some(number),
            _ => None,
        }
    }

    /// A whole number within a range.
    pub fn integer<N: FromStr + PartialOrd + Display>(&self, range: RangeInclusive<N>) -> Read<N> {
        let number = self.number(&format!("a whole number from {} to {}", range.start(), range.end()))?;
        match number.parse() {
            Ok(value) if range.contains(&value) => Ok(value),
            _ => Err(self.fault(format!("{number} is out of range: expected {} to {}", range.start(), range.end()))),
        }
    }

    /// One of a few whole numbers; `why` says of another one what is wrong with it.
    pub fn one_of_numbers(&self, choices: &[u16], why: &str) -> Read<u16> {
        let listed = choices.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let number = self.number(&format!("one of the numbers {listed}"))?;
        let chosen = choices.iter().copied().find(|choice| number.parse() == Ok(*choice));
        chosen.ok_or_else(|| self.fault(format!("{number} {why}: expected one of {listed}")))
    }

    /// The digits of a whole number; `what` says which one it should be.
    fn number(&self, what: &str) -> Read<&'a str> {
        match &self.node.json {
            Json::Text(text) if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) => {
                Err(self
                    .fault(format!("expected {what}, found the string {text:?}: a number is written without quotes")))
            }
            _ => self.whole_number().ok_or_else(|| self.expected(what)),
        }
    }

    /// A duration within a range.
    pub fn duration(&self, range: RangeInclusive<Duration>) -> Read<Duration> {
        self.parsed("a duration like \"2s\" or \"500ms\"", |text| match duration::parse(text) {
            Some(duration) if range.contains(&duration) => Ok(duration),
            Some(_) => {
                let (least, most) = (duration::format(*range.start()), duration::format(*range.end()));
                Err(Invalid::new(text, format!("is out of range: expected {least} to {most}")))
            }
            None => Err(Invalid::new(
                text,
                "is not a duration: expected a whole number and one of ms, s, m, h, d, like \"2s\" or \"500ms\"",
            )),
        })
    }

    /// One of a few words.
    pub fn one_of<T: Copy>(&self, choices: &[(&str, T)]) -> Read<T> {
        let words = || choices.iter().map(|(word, _)| *word);
        let listed = words().map(|word| format!("{word:?}")).collect::<Vec<_>>().join(", ");
        let text = self.text(&format!("one of {listed}"))?;
        let chosen = choices.iter().find(|(word, _)| *word == text);
        chosen.map(|(_, meaning)| *meaning).ok_or_else(|| match nearest(text, words()) {
            Some(word) if choices.len() > 1 => {
                self.fault(format!("{text:?} is not one of {listed}; did you mean {word:?}?"))
            }
            _ => self.fault(format!("{text:?} is not one of {listed}")),
        })
    }

    /// A path of a file; a relative one is relative to the document's folder (as the document was named, symbolic links
    /// not followed).
    pub fn file(&self) -> Read<PathBuf> {
        self.path("the path of a file")
    }

    /// The same of a folder.
    pub fn folder(&self) -> Read<PathBuf> {
        self.path("the path of a folder")
    }

    fn path(&self, what: &str) -> Read<PathBuf> {
        let text = self.not_empty(what)?;
        Ok(self.location.report.file.parent().unwrap_or(Path::new("")).join(text))
    }

    /// An absolute path: of what a daemon makes or finds where it runs, wherever its document lies.
    pub fn absolute_path(&self) -> Read<PathBuf> {
        let text = self.not_empty("an absolute path")?;
        match Path::new(text).is_absolute() {
            true => Ok(PathBuf::from(text)),
            false => Err(self.fault(format!("{text:?} is not an absolute path: it must begin with \"/\""))),
        }
    }

    fn not_empty(&self, what: &str) -> Read<&'a str> {
        match self.text(what)? {
            "" => Err(self.fault(format!("expected {what}, found an empty string"))),
            text if text.contains('\0') => Err(self.fault("a path cannot have a NUL in it")),
            text => Ok(text),
        }
    }

    /// The value of a key, without a finding about anything.
    pub fn peek(&self, key: &str) -> Option<Value<'a>> {
        let Json::Object(entries) = &self.node.json else { return None };
        let entry = entries.iter().find(|entry| entry.key == key)?;
        Some(Value { location: self.location.key(key, entry.line), node: &entry.node })
    }

    /// An object of known keys. Unknown and duplicate ones are findings, and the known ones are still read.
    pub fn object(&self, keys: &'static Keys) -> Read<Object<'a>> {
        let entries = self.entries()?;
        let unknown = entries.iter().filter(|(_, entry)| !keys.names.contains(&entry.key.as_str()));
        let misspelt = unknown
            .filter_map(|(location, entry)| {
                let meant = nearest(&entry.key, keys.names.iter().copied());
                let reported = location.fault(unknown_key(meant, keys));
                meant.map(|meant| (meant, reported))
            })
            .collect();
        Ok(Object { location: self.location.clone(), keys, entries, misspelt })
    }

    /// An object that is a table: each key a name that `key` reads, each value what `read` makes of it. Two keys that
    /// `key` makes one name of are for `read` to find.
    pub fn table<K: Ord, T, E: Display>(
        &self,
        key: impl Fn(&str) -> Result<K, E>,
        mut read: impl FnMut(&K, &Location<'a>, &Value<'a>) -> Read<T>,
    ) -> Read<BTreeMap<K, T>> {
        let mut read_entry = |(location, entry): (Location<'a>, &'a Entry)| {
            let name = key(&entry.key).map_err(|why| location.fault(why.to_string()))?;
            let value = Value { location: Location { line: entry.node.line, ..location.clone() }, node: &entry.node };
            let read = read(&name, &location, &value)?;
            Ok((name, read))
        };
        let reads: Vec<Read<(K, T)>> = self.entries()?.into_iter().map(&mut read_entry).collect();
        reads.into_iter().collect()
    }

    /// An array, each value what `read` makes of it.
    pub fn list<T>(&self, what: &str, mut read: impl FnMut(&Value<'a>) -> Read<T>) -> Read<Vec<T>> {
        let Json::Array(nodes) = &self.node.json else {
            return Err(self.expected(&format!("an array of {what}")));
        };
        let reads: Vec<Read<T>> = (0..)
            .zip(nodes)
            .map(|(index, node)| read(&Value { location: self.location.index(index, node.line), node }))
            .collect();
        reads.into_iter().collect()
    }

    /// Notes a finding if it is an empty array or object; `what` says what one of its values is.
    pub fn at_least_one(&self, what: &str) -> Read<()> {
        match &self.node.json {
            Json::Array(nodes) if nodes.is_empty() => Err(self.fault(format!("needs at least one {what}"))),
            Json::Object(entries) if entries.is_empty() => Err(self.fault(format!("needs at least one {what}"))),
            _ => Ok(()),
        }
    }

    /// The entries of an object, the first of each key; a further one is a finding.
    fn entries(&self) -> Read<Vec<(Location<'a>, &'a Entry)>> {
        let Json::Object(entries) = &self.node.json else {
            return Err(self.expected("an object"));
        };
        let mut first = BTreeMap::new();
        let mut distinct = Vec::with_capacity(entries.len());
        for entry in entries {
            let location = self.location.key(&entry.key, entry.line);
            if let Some(line) = first.get(entry.key.as_str()) {
                location.fault(format!("this key stands twice, in line {line} and in line {}", entry.line));
            } else {
                first.insert(entry.key.as_str(), entry.line);
                distinct.push((location, entry));
            }
        }
        Ok(distinct)
    }
}

fn unknown_key(meant: Option<&str>, keys: &Keys) -> String {
    /// More keys than this are looked up in the reference, not listed.
    const SHORT: usize = 13;
    match meant {
        Some(meant) => format!("unknown key; did you mean {meant:?}?"),
        None if keys.names.len() <= SHORT => format!("unknown key; known here: {}", keys.names.join(", ")),
        None => "unknown key".to_owned(),
    }
}

/// An object of known keys.
#[derive(Debug)]
pub struct Object<'a> {
    /// Where it begins.
    pub location: Location<'a>,
    keys: &'static Keys,
    entries: Vec<(Location<'a>, &'a Entry)>,
    /// Keys that stand there misspelt, so that they are not called missing too.
    misspelt: Vec<(&'static str, Reported)>,
}

impl<'a> Object<'a> {
    /// The value of a key, if it is there.
    pub fn get(&self, key: &str) -> Option<Value<'a>> {
        debug_assert!(self.keys.names.contains(&key), "{key} is missing in the keys of {}", self.keys.object);
        let (location, entry) = self.entries.iter().find(|(_, entry)| entry.key == key)?;
        Some(Value { location: Location { line: entry.node.line, ..location.clone() }, node: &entry.node })
    }

    /// What stands under each of these keys, for whoever compares documents.
    pub fn fingerprints(&self, keys: &[&'static str]) -> Settings {
        let of = |key: &&'static str| (*key, self.get(key).map(|value| value.fingerprint()).unwrap_or_default());
        keys.iter().map(of).collect()
    }

    /// Reads a key that must be there.
    pub fn required<T>(&self, key: &str, read: impl FnOnce(&Value<'a>) -> Read<T>) -> Read<T> {
        if let Some(value) = self.get(key) {
            return read(&value);
        }
        match self.misspelt.iter().find(|(meant, _)| *meant == key) {
            Some((_, reported)) => Err(*reported),
            None => Err(self.location.fault(format!("the key {key:?} is missing"))),
        }
    }

    /// Reads a key that may be left out.
    pub fn optional<T>(&self, key: &str, read: impl FnOnce(&Value<'a>) -> Read<T>) -> Read<Option<T>> {
        match self.get(key) {
            Some(value) if value.node.json == Json::Null => {
                Err(value.fault("null says nothing here: leave the key out instead"))
            }
            Some(value) => read(&value).map(Some),
            None => Ok(None),
        }
    }

    /// Reads a key that has a default.
    pub fn with_default<T>(&self, key: &str, default: T, read: impl FnOnce(&Value<'a>) -> Read<T>) -> Read<T> {
        self.optional(key, read).map(|value| value.unwrap_or(default))
    }

    /// The one of these keys that is there; none of them, or two, is a finding. `why` says what for.
    pub fn one_of_keys(&self, keys: &[&'static str], why: &str) -> Read<&'static str> {
        let listed = || keys.iter().map(|key| format!("{key:?}")).collect::<Vec<_>>().join(", ");
        let mut there = keys.iter().filter_map(|key| Some((*key, self.get(key)?)));
        match (there.next(), there.next()) {
            (Some((first, _)), Some((_, second))) => {
                let (all, line) = (listed(), self.get(first).map_or(0, |value| value.location.line));
                Err(second.fault(format!("stands beside {first:?}, line {line}: expected one of {all}, {why}")))
            }
            (Some((first, _)), None) => Ok(first),
            (None, _) => match self.misspelt.iter().find(|(meant, _)| keys.contains(meant)) {
                Some((_, reported)) => Err(*reported),
                None => Err(self.location.fault(format!("one of the keys {} is missing: {why}", listed()))),
            },
        }
    }

    /// Notes a finding for each of these keys that is there, though it means nothing where `why`.
    pub fn refuse(&self, keys: &[&str], why: &str) -> Read<()> {
        let there = keys.iter().filter_map(|key| self.get(key));
        let refused: Vec<Reported> =
            there.map(|value| value.fault(format!("has no meaning {why}; leave it out"))).collect();
        refused.last().map_or(Ok(()), |reported| Err(*reported))
    }
}

#[cfg(test)]
mod tests;
