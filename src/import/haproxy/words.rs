//! A line of HAProxy's configuration as words: quotes, escapes and variables (configuration manual, 2.2 and 2.3). Pure.

use super::super::Environment;
use super::super::error::ImportError;

/// The words of one line; comments are left out. HAProxy knows no continuation: each line stands alone.
///
/// # Errors
///
/// A quote that does not end, a malformed escape or variable: HAProxy refuses the file, too. A variable that is not set here.
pub fn words(line: u32, text: &str, environment: Environment<'_>) -> Result<Vec<String>, ImportError> {
    let mut reader = Reader { line, rest: text, environment, words: Vec::new(), word: None };
    reader.read()?;
    Ok(reader.words)
}

/// An address with its variables in their places: those HAProxy reads without quotes, too (configuration manual, 4.2, `bind` and 5.2).
///
/// # Errors
///
/// A malformed variable, or one that is not set here.
pub fn address(line: u32, text: &str, environment: Environment<'_>) -> Result<String, ImportError> {
    let mut reader = Reader { line, rest: text, environment, words: Vec::new(), word: None };
    while let Some(letter) = reader.next() {
        if letter == '$' { reader.variable()? } else { reader.push(letter) }
    }
    Ok(reader.word.unwrap_or_default())
}

struct Reader<'a> {
    line: u32,
    rest: &'a str,
    environment: Environment<'a>,
    words: Vec<String>,
    /// The one that is being read; an empty one if there was a quote.
    word: Option<String>,
}

impl Reader<'_> {
    fn read(&mut self) -> Result<(), ImportError> {
        let mut weak = false;
        while let Some(letter) = self.next() {
            match letter {
                '\\' => self.escape(weak)?,
                '"' => {
                    weak = !weak;
                    self.begin();
                }
                '$' if weak => self.variable()?,
                '\'' if !weak => self.strong()?,
                '#' if !weak => break,
                letter if letter.is_ascii_whitespace() && !weak => self.end(),
                letter => self.push(letter),
            }
        }
        if weak {
            return Err(self.fault("a double quote is not closed on its line"));
        }
        self.end();
        Ok(())
    }

    fn next(&mut self) -> Option<char> {
        let letter = self.rest.chars().next()?;
        self.rest = &self.rest[letter.len_utf8()..];
        Some(letter)
    }

    fn begin(&mut self) -> &mut String {
        self.word.get_or_insert_default()
    }

    fn push(&mut self, letter: char) {
        self.begin().push(letter);
    }

    fn end(&mut self) {
        self.words.extend(self.word.take());
    }

    /// Everything up to the next single quote, as it stands.
    fn strong(&mut self) -> Result<(), ImportError> {
        let Some((quoted, rest)) = self.rest.split_once('\'') else {
            return Err(self.fault("a single quote is not closed on its line"));
        };
        self.begin().push_str(quoted);
        self.rest = rest;
        Ok(())
    }

    /// Behind a backslash. What is no escape keeps it.
    fn escape(&mut self, weak: bool) -> Result<(), ImportError> {
        let escaped = match self.rest.chars().next() {
            Some(letter @ (' ' | '\\' | '#' | '\'' | '"')) => letter,
            Some('$') if weak => '$',
            Some('t') => '\t',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('x') => {
                let digits = self.rest.get(1..3).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
                let Some(byte) = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) else {
                    return Err(self.fault("\\x needs two hexadecimal digits behind it"));
                };
                self.rest = &self.rest[3..];
                self.push(char::from(byte));
                return Ok(());
            }
            _ => {
                self.push('\\');
                return Ok(());
            }
        };
        self.next();
        self.push(escaped);
        Ok(())
    }

    /// Behind a dollar sign within double quotes: `NAME`, `{NAME}`, `{NAME-default}`, `{NAME[*]}`.
    fn variable(&mut self) -> Result<(), ImportError> {
        let text = self.rest;
        let (inner, rest) = match text.strip_prefix('{') {
            Some(braced) => braced.split_once('}').ok_or_else(|| self.fault("\"${\" is not closed on its line"))?,
            None => text.split_at(name_length(text)),
        };
        let (name, behind) = inner.split_at(name_length(inner));
        if name.is_empty() || name.starts_with(|first: char| first.is_ascii_digit()) {
            return Err(self.fault(
                "a \"$\" within double quotes or an address needs the name of a variable behind it; write \"\\$\" for the letter",
            ));
        }
        let (several, behind) = behind.strip_prefix("[*]").map_or((false, behind), |behind| (true, behind));
        let default = match behind.strip_prefix('-') {
            None if !behind.is_empty() => {
                return Err(self.fault(&format!("{inner:?} is not the name of a variable")));
            }
            default => default,
        };
        let value = match name {
            ".LINE" => Some(self.line.to_string()),
            _ => (self.environment)(name).or_else(|| default.map(str::to_owned)),
        };
        let Some(value) = value else {
            return Err(self.fault(&format!(
                "the variable {name} is not set: set it as it is where HAProxy runs, and import again"
            )));
        };
        self.rest = rest;
        if several {
            for (n, part) in value.split_ascii_whitespace().enumerate() {
                if n > 0 {
                    self.end();
                }
                self.begin().push_str(part);
            }
        } else {
            self.begin().push_str(&value);
        }
        Ok(())
    }

    fn fault(&self, why: &str) -> ImportError {
        ImportError::at(self.line, why)
    }
}

fn name_length(text: &str) -> usize {
    let dot = usize::from(text.starts_with('.'));
    dot + text[dot..].bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count()
}

#[cfg(test)]
mod tests;
