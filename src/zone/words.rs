//! The tokens of one entry that are still to be read.

use super::escape::{decode, quote};
use super::fault::Fault;
use super::lexer::{Text, Token};
use super::{name, ttl};

/// The tokens of an entry, taken one by one. Errors are worded to follow `what: `.
pub struct Words<'t, 'a> {
    rest: &'t [Token<'a>],
    line: u32,
    /// What is hardly meant in what was read.
    pub warnings: Vec<Fault>,
}

impl<'t, 'a> Words<'t, 'a> {
    /// `line` is where the entry begins.
    pub fn new(tokens: &'t [Token<'a>], line: u32) -> Self {
        Words { rest: tokens, line, warnings: Vec::new() }
    }

    /// The line of the token taken last, for findings.
    pub fn line(&self) -> u32 {
        self.line
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next token if it is a plain word, without taking it.
    pub fn peek_word(&self) -> Option<&'a [u8]> {
        match self.rest.first()?.text {
            Text::Word(word) => Some(word),
            Text::Quoted(_) | Text::Pair(..) => None,
        }
    }

    /// Takes the next token.
    pub fn token(&mut self) -> Option<Text<'a>> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        self.line = first.line;
        Some(first.text)
    }

    /// Takes a plain word.
    pub fn word(&mut self) -> Result<&'a [u8], Fault> {
        match self.token() {
            Some(Text::Word(word)) => Ok(word),
            Some(Text::Quoted(text)) => Err(format!("{} stands in quotes: write it without", quote(text)).into()),
            Some(Text::Pair(key, value)) => Err(half_quoted(key, value)),
            None => Err("it is missing".into()),
        }
    }

    /// Takes a name; a likely slip is a warning.
    pub fn name(&mut self, origin: &[u8]) -> Result<Vec<u8>, Fault> {
        let (name, slip) = name::parse_with_slip(self.word()?, origin)?;
        self.warnings.extend(slip);
        Ok(name)
    }

    /// Takes a TTL. One above 2^31-1 counts as 0 (RFC 2181, 8), with a warning.
    pub fn ttl(&mut self) -> Result<u32, Fault> {
        let word = self.word()?;
        match ttl::parse(word)? {
            ttl @ ..=ttl::MOST => Ok(ttl),
            ttl => {
                let most = ttl::MOST;
                self.warnings.push(format!("the TTL {ttl} is above {most} and counts as 0 (RFC 2181, 8)").into());
                Ok(0)
            }
        }
    }

    /// Takes a string, quoted or not, and resolves its escapes.
    pub fn string(&mut self) -> Result<Vec<u8>, Fault> {
        match self.token() {
            Some(Text::Word(text) | Text::Quoted(text)) => decode(text),
            Some(Text::Pair(key, value)) => Err(half_quoted(key, value)),
            None => Err("it is missing".into()),
        }
    }

    /// Takes all that is left, as plain words put together.
    pub fn joined(&mut self) -> Result<Vec<u8>, Fault> {
        let mut joined = Vec::new();
        while !self.is_empty() {
            joined.extend_from_slice(self.word()?);
        }
        Ok(joined)
    }

    /// Ends the entry: an error if a token is left.
    pub fn finish(&mut self) -> Result<(), Fault> {
        match self.token() {
            None => Ok(()),
            Some(Text::Word(text) | Text::Quoted(text) | Text::Pair(text, _)) => {
                Err(format!("{} is left over at the end", quote(text)).into())
            }
        }
    }
}

fn half_quoted(key: &[u8], value: &[u8]) -> Fault {
    let bare = |text| quote(text).trim_matches('"').to_owned();
    let (key, value) = (bare(key), bare(value));
    format!("{key}=\"{value}\" is quoted only in part: write \"{key}={value}\"").into()
}
