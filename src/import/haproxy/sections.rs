//! The sections of HAProxy's configuration, and what each of them has from its `defaults` (configuration manual, 2.1 and 4). Pure.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::super::Environment;
use super::super::error::ImportError;
use super::super::note::Notes;
use super::words::{self, words};

/// One line of words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Its line, from 1.
    pub line: u32,
    /// Never empty.
    pub words: Vec<String>,
    /// `no` stands before it.
    pub negated: bool,
}

impl Statement {
    /// The keyword.
    pub fn keyword(&self) -> &str {
        &self.words[0]
    }

    /// What stands behind the keyword.
    pub fn arguments(&self) -> &[String] {
        &self.words[1..]
    }

    /// An argument.
    pub fn argument(&self, place: usize) -> Option<&str> {
        self.words.get(place + 1).map(String::as_str)
    }

    /// The words as they are told.
    pub fn text(&self) -> String {
        let no = if self.negated { "no " } else { "" };
        format!("{no}{}", self.words.join(" "))
    }

    /// Whether it begins with these words.
    pub fn begins(&self, words: &[&str]) -> bool {
        self.words.len() >= words.len() && words.iter().zip(&self.words).all(|(one, two)| one == two)
    }
}

/// What a section is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `frontend`.
    Frontend,
    /// `backend`.
    Backend,
    /// `listen`: both.
    Listen,
}

/// A section that takes or gives requests.
#[derive(Debug, Clone)]
pub struct Proxy {
    /// What it is.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// Where it begins.
    pub line: u32,
    /// The first line of it.
    pub statement: String,
    /// What it says itself, and before that what its `defaults` say.
    pub statements: Vec<Statement>,
}

/// The whole.
#[derive(Debug, Default)]
pub struct Sections {
    /// `global`.
    pub global: Vec<Statement>,
    /// All others that matter, in order.
    pub proxies: Vec<Proxy>,
}

/// Where statements go.
enum Open {
    Nothing,
    Global,
    Defaults(Option<String>, Vec<Statement>),
    Proxy,
    /// A section that is left out.
    Other,
}

const OTHERS: &[&str] = &[
    "acme",
    "cache",
    "crt-list",
    "crt-store",
    "fcgi-app",
    "http-errors",
    "log-forward",
    "log-profile",
    "mailers",
    "namespace_list",
    "peers",
    "program",
    "resolvers",
    "ring",
    "traces",
    "userlist",
    "healthcheck",
    "cluster-secret",
];

/// Cuts a configuration into sections.
///
/// # Errors
///
/// What HAProxy would refuse as well: a quote that does not end, a statement outside of any section.
pub fn read(text: &str, environment: Environment<'_>, notes: &mut Notes) -> Result<Sections, ImportError> {
    let mut reader = Reader {
        sections: Sections::default(),
        open: Open::Nothing,
        last: Rc::default(),
        named: BTreeMap::new(),
        conditional: 0,
        notes,
    };
    for (n, line) in text.lines().enumerate() {
        let line_number = u32::try_from(n + 1).unwrap_or(u32::MAX);
        let mut words = words(line_number, line, environment)?;
        let negated = words.len() > 1 && words[0] == "no";
        if negated || (words.len() > 1 && words[0] == "default") {
            let default = words.remove(0) == "default";
            if default {
                continue;
            }
        }
        let address = match words.first().map(String::as_str) {
            Some("bind") => words.get_mut(1),
            Some("server") => words.get_mut(2),
            _ => None,
        };
        if let Some(address) = address.filter(|address| address.contains('$')) {
            *address = words::address(line_number, address, environment)?;
        }
        if !words.is_empty() {
            reader.take(Statement { line: line_number, words, negated })?;
        }
    }
    reader.close();
    Ok(reader.sections)
}

struct Reader<'a> {
    sections: Sections,
    open: Open,
    /// The statements of the last `defaults`.
    last: Rc<Vec<Statement>>,
    named: BTreeMap<String, Rc<Vec<Statement>>>,
    /// How deep within `.if`.
    conditional: u32,
    notes: &'a mut Notes,
}

impl Reader<'_> {
    fn take(&mut self, statement: Statement) -> Result<(), ImportError> {
        let keyword = statement.keyword();
        if keyword.starts_with('.') {
            self.directive(&statement);
            return Ok(());
        }
        if self.conditional > 0 {
            return Ok(());
        }
        let kind = match keyword {
            "frontend" => Some(Kind::Frontend),
            "backend" => Some(Kind::Backend),
            "listen" => Some(Kind::Listen),
            _ => None,
        };
        if let Some(kind) = kind {
            return self.open_proxy(kind, &statement);
        }
        match keyword {
            "global" => {
                self.close();
                self.open = Open::Global;
            }
            "defaults" => self.open_defaults(&statement)?,
            other if OTHERS.contains(&other) => {
                self.close();
                self.open = Open::Other;
                self.notes.left_out(statement.line, &statement.text(), why_other(other));
            }
            _ => match &mut self.open {
                Open::Global => self.sections.global.push(statement),
                Open::Defaults(_, statements) => statements.push(statement),
                Open::Proxy => self.sections.proxies.last_mut().into_iter().for_each(|proxy| {
                    proxy.statements.push(statement.clone());
                }),
                Open::Other => {}
                Open::Nothing => {
                    return Err(ImportError::at(
                        statement.line,
                        format!("{keyword:?} stands before any section: is this a configuration of HAProxy?"),
                    ));
                }
            },
        }
        Ok(())
    }

    /// Lines that begin with a dot: blocks that HAProxy takes or leaves when it starts.
    fn directive(&mut self, statement: &Statement) {
        match statement.keyword() {
            ".if" => {
                self.conditional += 1;
                if self.conditional == 1 {
                    let why = "whether the lines up to .endif hold is known where HAProxy starts alone; take the lines that hold out of \
                               the block, and import again";
                    self.notes.left_out(statement.line, &statement.text(), why);
                }
            }
            ".endif" => self.conditional = self.conditional.saturating_sub(1),
            _ => {}
        }
    }

    fn open_defaults(&mut self, statement: &Statement) -> Result<(), ImportError> {
        self.close();
        let (name, from) = name_and_from(statement.arguments());
        let inherited = self.find_defaults(from, statement.line)?;
        // Only what is named with `from` is inherited: each `defaults` begins anew.
        let statements = from.map(|_| inherited.to_vec()).unwrap_or_default();
        self.open = Open::Defaults(name.map(str::to_owned), statements);
        Ok(())
    }

    fn open_proxy(&mut self, kind: Kind, statement: &Statement) -> Result<(), ImportError> {
        self.close();
        let (name, from) = name_and_from(statement.arguments());
        let Some(name) = name else {
            let problem = format!("{:?} needs a name behind it", statement.keyword());
            return Err(ImportError::at(statement.line, problem));
        };
        let statements = self.find_defaults(from, statement.line)?.to_vec();
        let (line, words) = (statement.line, statement.text());
        self.sections.proxies.push(Proxy { kind, name: name.to_owned(), line, statement: words, statements });
        self.open = Open::Proxy;
        Ok(())
    }

    fn find_defaults(&self, from: Option<&str>, line: u32) -> Result<Rc<Vec<Statement>>, ImportError> {
        let Some(from) = from else { return Ok(self.last.clone()) };
        let found = self.named.get(from).cloned();
        found.ok_or_else(|| ImportError::at(line, format!("there is no \"defaults {from}\" before this line")))
    }

    fn close(&mut self) {
        if let Open::Defaults(name, statements) = std::mem::replace(&mut self.open, Open::Nothing) {
            self.last = Rc::new(statements);
            if let Some(name) = name {
                self.named.insert(name, self.last.clone());
            }
        }
    }
}

/// `NAME [from DEFAULTS]`, or `from DEFAULTS` alone.
fn name_and_from(arguments: &[String]) -> (Option<&str>, Option<&str>) {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["from", from] => (None, Some(from)),
        [name, "from", from, ..] => (Some(name), Some(from)),
        [name, ..] => (Some(name), None),
        [] => (None, None),
    }
}

fn why_other(keyword: &str) -> &'static str {
    match keyword {
        "resolvers" => "polder looks up no names of backends: write addresses",
        "userlist" => "names and hashes come from a file here (docs/access.md): `htpasswd -nB NAME` makes its lines",
        "peers" => "polder has no stick tables; its own peers share failovers: see \"peers\" in docs/documents.md",
        "cache" => "polder does not cache: leave that to the backends",
        "mailers" => "polder sends no mail: let the monitoring do that, from /metrics",
        "http-errors" => "polder's own pages are a service's: see docs/documents.md",
        "fcgi-app" => "polder speaks HTTP to backends: put a webserver before the program",
        "acme" => "write \"acme\" as docs/certificates.md says",
        _ => "polder has nothing like this section",
    }
}

#[cfg(test)]
mod tests;
