//! A Caddyfile as words: quotes, heredocs, comments, variables of the environment (Caddy's "Caddyfile Concepts"). Pure.

use super::super::Environment;
use super::super::error::ImportError;

/// One word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// Its line, from 1.
    pub line: u32,
    /// Without its quotes.
    pub text: String,
    /// It stood in quotes, and so is no brace.
    pub quoted: bool,
    /// It is the first of its line.
    pub first: bool,
}

/// All words of a file.
///
/// # Errors
///
/// Quotes or a heredoc that do not end, as Caddy says too; a variable that is not set here.
pub fn words(text: &str, environment: Environment<'_>) -> Result<Vec<Word>, ImportError> {
    let text = substitute(text, environment)?;
    let mut reader = Reader { rest: &text, line: 1, first: true, words: Vec::new() };
    reader.read()?;
    Ok(reader.words)
}

/// `{$NAME}` and `{$NAME:default}`, before anything else is read.
fn substitute(text: &str, environment: Environment<'_>) -> Result<String, ImportError> {
    let mut done = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("{$") {
        done.push_str(before);
        let Some((inner, after)) =
            behind.split_once('}').filter(|(inner, _)| !inner.is_empty() && !inner.contains('\n'))
        else {
            done.push_str("{$");
            rest = behind;
            continue;
        };
        let (name, default) = inner.split_once(':').map_or((inner, None), |(name, default)| (name, Some(default)));
        let Some(value) = environment(name).or_else(|| default.map(str::to_owned)) else {
            let line = done.matches('\n').count() + 1;
            let problem = format!("the variable {name} is not set: set it as it is where Caddy runs, and import again");
            return Err(ImportError::at(u32::try_from(line).unwrap_or(u32::MAX), problem));
        };
        done.push_str(&value);
        rest = after;
    }
    done.push_str(rest);
    Ok(done)
}

struct Reader<'a> {
    rest: &'a str,
    line: u32,
    first: bool,
    words: Vec<Word>,
}

impl Reader<'_> {
    fn read(&mut self) -> Result<(), ImportError> {
        while let Some(letter) = self.rest.chars().next() {
            match letter {
                '\n' => {
                    self.skip(1);
                    self.first = true;
                }
                letter if letter.is_whitespace() || letter == '\u{feff}' => self.skip(letter.len_utf8()),
                // A line that ends with a backslash goes on in the next one.
                '\\' if self.rest[1..].starts_with('\n') => self.skip(2),
                '\\' if self.rest[1..].starts_with("\r\n") => self.skip(3),
                '#' => self.skip(self.rest.find('\n').unwrap_or(self.rest.len())),
                '"' => self.quoted('"', true)?,
                '`' => self.quoted('`', false)?,
                '<' if self.is_heredoc() => self.heredoc()?,
                _ => self.bare(),
            }
        }
        Ok(())
    }

    /// Passes over so many bytes and counts their lines.
    fn skip(&mut self, bytes: usize) {
        let (passed, rest) = self.rest.split_at(bytes);
        let lines = passed.bytes().filter(|byte| *byte == b'\n').count();
        self.line = self.line.saturating_add(u32::try_from(lines).unwrap_or(u32::MAX));
        self.rest = rest;
    }

    fn push(&mut self, line: u32, text: String, quoted: bool) {
        self.words.push(Word { line, text, quoted, first: self.first });
        self.first = false;
    }

    fn bare(&mut self) {
        let escaped = self.rest.starts_with("\\<<");
        let end = self.rest.find(char::is_whitespace).unwrap_or(self.rest.len());
        let text = self.rest[usize::from(escaped)..end].to_owned();
        let line = self.line;
        self.skip(end);
        self.push(line, text, false);
    }

    fn quoted(&mut self, quote: char, escapes: bool) -> Result<(), ImportError> {
        let line = self.line;
        let mut text = String::new();
        let mut letters = self.rest.char_indices().skip(1);
        while let Some((place, letter)) = letters.next() {
            if letter == quote {
                self.skip(place + 1);
                self.push(line, text, true);
                return Ok(());
            }
            if letter == '\\' && escapes {
                match letters.next() {
                    Some((_, '"')) => text.push('"'),
                    Some((_, other)) => text.extend(['\\', other]),
                    None => break,
                }
                continue;
            }
            text.push(letter);
        }
        Err(ImportError::at(line, format!("the quote {quote} is not closed")))
    }

    fn is_heredoc(&self) -> bool {
        let name = self.rest.strip_prefix("<<").map(|rest| rest.split(char::is_whitespace).next().unwrap_or_default());
        let marker = |letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '_');
        name.is_some_and(|name| !name.is_empty() && name.chars().all(marker))
    }

    fn heredoc(&mut self) -> Result<(), ImportError> {
        let line = self.line;
        let head_end = self.rest.find('\n').unwrap_or(self.rest.len());
        let marker = self.rest[2..head_end].trim().to_owned();
        self.skip((head_end + 1).min(self.rest.len()));
        let mut lines: Vec<String> = Vec::new();
        loop {
            if self.rest.is_empty() {
                return Err(ImportError::at(line, format!("the text <<{marker} does not end with {marker}")));
            }
            let end = self.rest.find('\n').unwrap_or(self.rest.len());
            let one = self.rest[..end].to_owned();
            let trimmed = one.trim_start();
            if let Some(behind) = trimmed
                .strip_prefix(&marker)
                .filter(|behind| behind.is_empty() || behind.starts_with(char::is_whitespace))
            {
                let indent = one.len() - trimmed.len();
                let length = one.len() - behind.len();
                self.skip(length);
                let stripped = lines.iter().map(|text| {
                    let cut = text.char_indices().find(|(place, letter)| *place >= indent || !letter.is_whitespace());
                    cut.map_or("", |(place, _)| &text[place..]).to_owned()
                });
                self.push(line, stripped.collect::<Vec<_>>().join("\n"), true);
                return Ok(());
            }
            lines.push(one.trim_end_matches('\r').to_owned());
            self.skip((end + 1).min(self.rest.len()));
        }
    }
}

#[cfg(test)]
mod tests;
