//! A Caddyfile's words as blocks of directives, snippets put in their places (Caddy's "Caddyfile Concepts"; `import`). Pure.

use std::collections::BTreeMap;

use super::super::error::ImportError;
use super::super::note::Notes;
use super::words::Word;

/// A directive: its words, and the block behind them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Directive {
    /// Its line, from 1.
    pub line: u32,
    /// Never empty.
    pub words: Vec<String>,
    /// What stands in its braces.
    pub block: Vec<Directive>,
}

impl Directive {
    /// The first word.
    pub fn name(&self) -> &str {
        &self.words[0]
    }

    /// The words behind it.
    pub fn arguments(&self) -> &[String] {
        &self.words[1..]
    }

    /// One of them.
    pub fn argument(&self, place: usize) -> Option<&str> {
        self.words.get(place + 1).map(String::as_str)
    }

    /// The words as they are told.
    pub fn text(&self) -> String {
        self.words.join(" ")
    }
}

/// The whole file.
#[derive(Debug, Default)]
pub struct Caddyfile {
    /// The block of global options.
    pub global: Vec<Directive>,
    /// The sites, `words` being their addresses.
    pub sites: Vec<Directive>,
}

type Snippets = BTreeMap<String, Vec<Directive>>;

/// Blocks within blocks, and snippets within snippets.
const DEEPEST: usize = 32;
/// The most directives that snippets may add up to.
const MOST_DIRECTIVES: usize = 100_000;

/// Reads the words of a file.
///
/// # Errors
///
/// Braces that do not match; snippets that are not there or contain each other.
pub fn read(words: &[Word], notes: &mut Notes) -> Result<Caddyfile, ImportError> {
    let mut reader = Reader { words, place: 0 };
    let (mut file, mut snippets) = (Caddyfile::default(), Snippets::new());
    while let Some(word) = reader.peek() {
        let line = word.line;
        if file.sites.is_empty() && snippets.is_empty() && file.global.is_empty() && reader.opens() {
            reader.place += 1;
            file.global = reader.block(line, 0)?;
            continue;
        }
        if reader.is_brace("}") {
            return Err(ImportError::at(line, "\"}\" does not belong here"));
        }
        let head = reader.addresses();
        let Some(first) = head.first().cloned() else {
            return Err(ImportError::at(line, "expected the address of a site before \"{\""));
        };
        if let Some(name) = first.strip_prefix('(').and_then(|name| name.strip_suffix(')')) {
            let block = reader.braces(line)?;
            snippets.insert(name.to_owned(), block);
        } else if first.starts_with("&(") {
            reader.braces(line)?;
            notes.left_out(line, &first, "named routes are not read: write what it says into the sites");
        } else if first == "import" {
            notes.left_out(line, &head.join(" "), WHY_FILES);
        } else if reader.opens() {
            let block = reader.braces(line)?;
            file.sites.push(Directive { line, words: head, block });
        } else {
            // A file with one site needs no braces.
            let mut block = Vec::new();
            while reader.peek().is_some() {
                block.push(reader.directive(0)?);
            }
            file.sites.push(Directive { line, words: head, block });
        }
    }
    let mut expander = Expander { snippets: &snippets, notes, count: 0 };
    for site in &mut file.sites {
        site.block = expander.expand(&site.block, &[], 0)?;
    }
    file.global = expander.expand(&file.global, &[], 0)?;
    Ok(file)
}

const WHY_FILES: &str = "files are not read: put what is in it into this file, and import again";

struct Reader<'a> {
    words: &'a [Word],
    place: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<&Word> {
        self.words.get(self.place)
    }

    fn is_brace(&self, brace: &str) -> bool {
        self.peek().is_some_and(|word| !word.quoted && word.text == brace)
    }

    fn opens(&self) -> bool {
        self.is_brace("{")
    }

    /// The addresses of a site: up to a brace, or to the end of a line that does not end with a comma.
    fn addresses(&mut self) -> Vec<String> {
        let mut addresses: Vec<String> = Vec::new();
        let mut goes_on = true;
        while let Some(word) = self.peek() {
            if self.opens() || (word.first && !goes_on) {
                break;
            }
            let text = word.text.clone();
            goes_on = text.ends_with(',');
            addresses.extend(text.split(',').filter(|part| !part.is_empty()).map(str::to_owned));
            self.place += 1;
        }
        addresses
    }

    fn braces(&mut self, line: u32) -> Result<Vec<Directive>, ImportError> {
        if !self.opens() {
            return Err(ImportError::at(line, "expected \"{\" at the end of this line"));
        }
        self.place += 1;
        self.block(line, 0)
    }

    /// Behind an opening brace, to the closing one.
    fn block(&mut self, opened: u32, depth: usize) -> Result<Vec<Directive>, ImportError> {
        if depth > DEEPEST {
            return Err(ImportError::at(opened, format!("blocks stand in blocks more than {DEEPEST} deep")));
        }
        let mut block = Vec::new();
        while !self.is_brace("}") {
            if self.peek().is_none() {
                return Err(ImportError::at(opened, "the block that begins here is not closed"));
            }
            block.push(self.directive(depth)?);
        }
        self.place += 1;
        Ok(block)
    }

    /// The words of a line, and the block at its end.
    fn directive(&mut self, depth: usize) -> Result<Directive, ImportError> {
        let mut directive = Directive::default();
        while let Some(word) = self.peek() {
            if !directive.words.is_empty() && word.first {
                break;
            }
            let line = word.line;
            if self.opens() && !directive.words.is_empty() {
                self.place += 1;
                directive.block = self.block(line, depth + 1)?;
                break;
            }
            if !word.quoted && matches!(word.text.as_str(), "{" | "}") {
                if directive.words.is_empty() {
                    return Err(ImportError::at(line, format!("\"{}\" does not belong here", word.text)));
                }
                break;
            }
            if directive.words.is_empty() {
                directive.line = line;
            }
            directive.words.push(word.text.clone());
            self.place += 1;
        }
        Ok(directive)
    }
}

struct Expander<'a> {
    snippets: &'a Snippets,
    notes: &'a mut Notes,
    count: usize,
}

impl Expander<'_> {
    /// The directives with snippets in the place of `import`, and `arguments` in the place of `{args[0]}` and its like.
    fn expand(
        &mut self,
        block: &[Directive],
        arguments: &[String],
        depth: usize,
    ) -> Result<Vec<Directive>, ImportError> {
        let mut expanded = Vec::new();
        for directive in block {
            self.count += 1;
            if depth > DEEPEST || self.count > MOST_DIRECTIVES {
                return Err(ImportError::at(directive.line, "snippets contain each other"));
            }
            let words: Vec<String> = directive.words.iter().flat_map(|word| with_arguments(word, arguments)).collect();
            let Some(name) = words.first() else { continue };
            if name != "import" {
                let inner = self.expand(&directive.block, arguments, depth + 1)?;
                expanded.push(Directive { line: directive.line, words, block: inner });
                continue;
            }
            match words.get(1).and_then(|name| self.snippets.get(name)) {
                Some(snippet) => expanded.extend(self.expand(snippet, &words[2..], depth + 1)?),
                None => self.notes.left_out(directive.line, &words.join(" "), WHY_FILES),
            }
        }
        Ok(expanded)
    }
}

/// `{args[0]}`, `{args.0}` and `{args[:]}` of a snippet.
fn with_arguments(word: &str, arguments: &[String]) -> Vec<String> {
    if word == "{args[:]}" || word == "{args.*}" {
        return arguments.to_vec();
    }
    let mut word = word.to_owned();
    for (n, argument) in arguments.iter().enumerate() {
        word = word.replace(&format!("{{args[{n}]}}"), argument).replace(&format!("{{args.{n}}}"), argument);
    }
    vec![word]
}

#[cfg(test)]
mod tests;
