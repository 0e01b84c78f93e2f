//! Named and anonymous acls, and the conditions made of them (configuration manual, 7.1 and 7.2). Pure.

use super::super::error::Inexpressible;
use std::collections::BTreeMap;

use super::super::condition::Condition;
use super::super::note::Notes;
use super::criteria;
use super::sections::Statement;

/// The acls of a section by name: of several with one name any may hold.
#[derive(Debug, Default)]
pub struct Acls(BTreeMap<String, Vec<Statement>>);

/// One test of a condition.
#[derive(Debug, Clone)]
pub struct Test {
    /// `!` stands before it.
    pub negated: bool,
    /// The words of its criterion; of a named acl those of each.
    pub criteria: Vec<Vec<String>>,
    /// As it stands.
    pub written: Vec<String>,
}

/// One alternative of a condition: all of it has to hold.
type Conjunction = Vec<Condition>;

impl Acls {
    /// Adds `acl NAME CRITERION ...`.
    pub fn add(&mut self, statement: &Statement) {
        if let Some(name) = statement.argument(0) {
            self.0.entry(name.to_owned()).or_default().push(statement.clone());
        }
    }

    /// The condition at the end of a rule: nothing, or `if` or `unless` and its tests. What differs is told with the line of the test.
    ///
    /// # Errors
    ///
    /// Why a table of hosts and paths cannot express it.
    pub fn condition(&self, rule: &Statement, words: &[String], notes: &mut Notes) -> Result<Condition, Inexpressible> {
        let Some((first, words)) = words.split_first() else { return Ok(Condition::Always) };
        let unless = match first.as_str() {
            "if" => false,
            "unless" => true,
            other => return Err(format!("{other:?}: expected \"if\" or \"unless\"").into()),
        };
        let mut reader = Reader { acls: self, rule, words, notes };
        let condition = reader.alternatives()?;
        Ok(if unless { condition.negated() } else { condition })
    }

    /// The test of an acl that has one alone.
    pub fn only(&self, name: &str) -> Option<&[String]> {
        match self.0.get(name).map(Vec::as_slice) {
            Some([statement]) => statement.words.get(2..),
            _ => None,
        }
    }

    /// The tests of a condition that all have to hold; none if it has alternatives.
    pub fn tests(&self, words: &[String]) -> Option<Vec<Test>> {
        let (mut tests, mut rest, mut negated) = (Vec::new(), words, false);
        while let Some((word, behind)) = rest.split_first() {
            let bare = word.trim_start_matches('!');
            negated ^= (word.len() - bare.len()) % 2 == 1;
            let (criteria, length) = match bare {
                "or" | "||" => return None,
                "" => {
                    rest = behind;
                    continue;
                }
                "{" => {
                    let end = behind.iter().position(|word| word == "}")?;
                    (vec![behind[..end].to_vec()], end + 2)
                }
                name => {
                    let named = self.0.get(name).map_or(&[][..], Vec::as_slice);
                    (named.iter().filter_map(|acl| acl.words.get(2..).map(<[String]>::to_vec)).collect(), 1)
                }
            };
            let mut written = rest[..length].to_vec();
            written[0] = format!("{}{bare}", if negated { "!" } else { "" });
            tests.push(Test { negated, criteria, written });
            rest = &rest[length..];
            negated = false;
        }
        Some(tests)
    }

    fn named(&self, name: &str, danger: &str, notes: &mut Notes) -> Result<Condition, Inexpressible> {
        let Some(statements) = self.0.get(name) else { return predefined(name) };
        let mut any = Vec::new();
        for statement in statements {
            let words = statement.words.get(2..).unwrap_or_default();
            any.push(
                criterion(statement, words, danger, notes)
                    .map_err(|why| format!("{why} (acl {name}, line {})", statement.line))?,
            );
        }
        Ok(if any.len() == 1 { any.remove(0) } else { Condition::Any(any) })
    }
}

fn predefined(name: &str) -> Result<Condition, Inexpressible> {
    match name {
        "TRUE" | "HTTP" => Ok(Condition::Always),
        "FALSE" => Ok(Condition::Always.negated()),
        _ => Err(format!("acl {name}: polder routes by host and path alone").into()),
    }
}

fn criterion(
    statement: &Statement,
    words: &[String],
    danger: &str,
    notes: &mut Notes,
) -> Result<Condition, Inexpressible> {
    let read = criteria::read(words)?;
    if read.any_case {
        let why = format!("polder knows capitals of paths from small letters: name each spelling that counts{danger}");
        notes.changed(statement.line, &statement.text(), why);
    }
    for differs in read.differs {
        notes.changed(statement.line, &statement.text(), differs);
    }
    Ok(read.condition)
}

/// What is told of a rule that refuses requests and is not what it was.
pub fn danger(rule: &Statement) -> &'static str {
    let refuses = rule
        .arguments()
        .iter()
        .take_while(|word| *word != "if" && *word != "unless")
        .any(|verb| matches!(verb.as_str(), "deny" | "reject" | "tarpit" | "silent-drop" | "auth"));
    if refuses { "; what it refuses is served here" } else { "" }
}

struct Reader<'a> {
    acls: &'a Acls,
    rule: &'a Statement,
    words: &'a [String],
    notes: &'a mut Notes,
}

impl Reader<'_> {
    fn alternatives(&mut self) -> Result<Condition, Inexpressible> {
        let (mut any, mut all): (Vec<Condition>, Conjunction) = (Vec::new(), Vec::new());
        while let Some((word, rest)) = self.words.split_first() {
            self.words = rest;
            match word.as_str() {
                "or" | "||" => any.push(Condition::All(std::mem::take(&mut all))),
                word => all.push(self.test(word)?),
            }
        }
        any.push(Condition::All(all));
        Ok(if any.len() == 1 { any.remove(0) } else { Condition::Any(any) })
    }

    /// `name`, `!name`, `{ ... }`, `!{ ... }`, each after any number of `!`.
    fn test(&mut self, word: &str) -> Result<Condition, Inexpressible> {
        let bare = word.trim_start_matches('!');
        let mut negated = (word.len() - bare.len()) % 2 == 1;
        let mut bare = bare.to_owned();
        while bare.is_empty() {
            let Some((next, rest)) = self.words.split_first() else {
                return Err("\"!\" stands before nothing".into());
            };
            self.words = rest;
            let stripped = next.trim_start_matches('!');
            negated ^= (next.len() - stripped.len()) % 2 == 1;
            bare = stripped.to_owned();
        }
        let condition = match bare.as_str() {
            "{" => {
                let Some(end) = self.words.iter().position(|word| word == "}") else {
                    return Err("\"{\" is not closed".into());
                };
                let (inner, rest) = self.words.split_at(end);
                self.words = &rest[1..];
                criterion(self.rule, inner, danger(self.rule), self.notes)?
            }
            name => self.acls.named(name, danger(self.rule), self.notes)?,
        };
        Ok(if negated { condition.negated() } else { condition })
    }
}
