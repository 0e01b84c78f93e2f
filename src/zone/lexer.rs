//! From bytes to entries: comments, quotes, parentheses over lines (RFC 1035, 5.1).
//!
//! Knows nothing of names, types or directives, and leaves escapes in the text: only what is read as a name or a string
//! is unescaped, by [`super::escape`]. A faulty entry is skipped whole, and reading goes on after it.

/// The pieces of one entry: a line, or several held together by parentheses.
#[derive(Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The line it begins in, from 1.
    pub line: u32,
    /// It begins with white space: the owner is the previous one.
    pub indented: bool,
    /// The pieces; never empty.
    pub tokens: Vec<Token<'a>>,
}

/// One piece, as it is spelt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token<'a> {
    /// The line it stands in, from 1.
    pub line: u32,
    /// Its kind and text, escapes not yet resolved.
    pub text: Text<'a>,
}

/// What kind of piece it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Text<'a> {
    /// Without quotes.
    Word(&'a [u8]),
    /// What stands between the quotes.
    Quoted(&'a [u8]),
    /// `key="value"` (RFC 9460, 2.1): the key, and what stands between the quotes.
    Pair(&'a [u8], &'a [u8]),
}

/// An entry that cannot be taken apart.
#[derive(Debug, PartialEq, Eq)]
pub struct EntryFault {
    /// The line, from 1.
    pub line: u32,
    /// As in [`Entry`]. If false, the owner of the entries that follow is unknown.
    pub indented: bool,
    /// What is wrong.
    pub message: String,
}

/// Goes over a file entry by entry.
pub struct Lexer<'a> {
    text: &'a [u8],
    at: usize,
    line: u32,
}

impl<'a> Lexer<'a> {
    /// Begins at the first line, after a byte order mark if there is one.
    pub fn new(text: &'a [u8]) -> Self {
        Lexer { text: text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text), at: 0, line: 1 }
    }

    fn entry(&mut self) -> Result<Entry<'a>, EntryFault> {
        let line = self.line;
        let indented = matches!(self.peek(), Some(b' ' | b'\t'));
        let mut tokens = Vec::new();
        let mut open = None;
        while let Some(byte) = self.peek().filter(|byte| *byte != b'\n' || open.is_some()) {
            match self.piece(byte, &mut open) {
                Ok(token) => tokens.extend(token),
                Err(fault) => {
                    self.recover(open.is_some());
                    return Err(EntryFault { indented, ..fault });
                }
            }
        }
        match open {
            Some(line) => Err(EntryFault { indented, ..fault(line, "this ( has no ) up to the end of the file") }),
            None => Ok(Entry { line, indented, tokens }),
        }
    }

    /// Takes one token, or passes what is none. `open` is the line of the parenthesis that holds lines together.
    fn piece(&mut self, byte: u8, open: &mut Option<u32>) -> Result<Option<Token<'a>>, EntryFault> {
        match byte {
            b'"' => return self.quoted().map(Some),
            b'(' => self.open(open)?,
            b')' => self.close(open)?,
            b';' => self.pass_comment(),
            b'\n' => self.pass_newline(),
            b' ' | b'\t' | b'\r' => self.at += 1,
            _ => return self.word().map(Some),
        }
        Ok(None)
    }

    fn open(&mut self, open: &mut Option<u32>) -> Result<(), EntryFault> {
        if let Some(first) = open {
            return Err(fault(self.line, &format!("a ( inside the parentheses of line {first}: its ) is missing")));
        }
        *open = Some(self.line);
        self.at += 1;
        Ok(())
    }

    fn close(&mut self, open: &mut Option<u32>) -> Result<(), EntryFault> {
        if open.take().is_none() {
            return Err(fault(self.line, "a ) without its ("));
        }
        self.at += 1;
        Ok(())
    }

    fn word(&mut self) -> Result<Token<'a>, EntryFault> {
        let start = self.at;
        while let Some(byte) = self.peek() {
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' | b';' | b'(' | b')' => break,
                b'"' if self.text[..self.at].ends_with(b"=") => {
                    let key = &self.text[start..self.at - 1];
                    let value = self.between_quotes()?;
                    return Ok(Token { line: self.line, text: Text::Pair(key, value) });
                }
                b'"' => return Err(fault(self.line, "a quote inside a word: quote the whole, or write \\\"")),
                b'\\' => self.pass_escape()?,
                _ => self.at += 1,
            }
        }
        Ok(Token { line: self.line, text: Text::Word(&self.text[start..self.at]) })
    }

    fn quoted(&mut self) -> Result<Token<'a>, EntryFault> {
        let value = self.between_quotes()?;
        Ok(Token { line: self.line, text: Text::Quoted(value) })
    }

    /// From the opening quote beyond the closing one.
    fn between_quotes(&mut self) -> Result<&'a [u8], EntryFault> {
        self.at += 1;
        let start = self.at;
        loop {
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => self.pass_escape()?,
                Some(b'\n') | None => return Err(fault(self.line, "a quoted string is not closed on its line")),
                Some(_) => self.at += 1,
            }
        }
        let value = &self.text[start..self.at];
        self.at += 1;
        Ok(value)
    }

    fn pass_escape(&mut self) -> Result<(), EntryFault> {
        match self.text.get(self.at + 1) {
            None | Some(b'\n' | b'\r') => Err(fault(self.line, "a backslash ends the line: it escapes nothing")),
            Some(_) => {
                self.at += 2;
                Ok(())
            }
        }
    }

    fn pass_comment(&mut self) {
        self.at += memchr::memchr(b'\n', &self.text[self.at..]).unwrap_or(self.text.len() - self.at);
    }

    fn pass_newline(&mut self) {
        self.line += 1;
        self.at += 1;
    }

    /// After a fault: to the end of the line, or of the line that closes the parentheses, lest the rest of one faulty
    /// entry be taken for entries of its own.
    fn recover(&mut self, in_parentheses: bool) {
        loop {
            let start = self.at;
            self.pass_comment();
            let rest = &self.text[start..self.at];
            let code = rest.split(|&byte| byte == b';').next().unwrap_or(rest);
            if !in_parentheses || code.contains(&b')') || self.peek().is_none() {
                return;
            }
            self.pass_newline();
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }
}

impl<'a> Iterator for Lexer<'a> {
    type Item = Result<Entry<'a>, EntryFault>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.peek().is_some() {
            let entry = self.entry();
            if self.peek().is_some() {
                self.pass_newline();
            }
            match entry {
                Ok(entry) if entry.tokens.is_empty() => {}
                entry => return Some(entry),
            }
        }
        None
    }
}

fn fault(line: u32, message: &str) -> EntryFault {
    EntryFault { line, indented: false, message: message.to_owned() }
}

#[cfg(test)]
mod tests;
