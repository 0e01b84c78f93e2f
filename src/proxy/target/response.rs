//! A response of the proxy's own (plain data).

use std::borrow::Cow;
use std::fs::File;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// What is sent; the date, the length and what is about the connection come with it.
#[derive(Debug)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Its fields, in order.
    pub fields: Vec<(Cow<'static, str>, Vec<u8>)>,
    /// Its content.
    pub content: Content,
}

/// The content of a response.
#[derive(Debug)]
pub enum Content {
    /// None, and a length of 0.
    Empty,
    /// These bytes.
    Bytes(Arc<Vec<u8>>),
    /// A part of a file.
    File(FileContent),
}

/// A part of an open file.
#[derive(Debug)]
pub struct FileContent {
    /// It.
    pub file: File,
    /// Which bytes are sent.
    pub part: Range<u64>,
    /// The folder of which it is one.
    pub folder: Arc<Path>,
}

impl Response {
    /// Without a field and without content.
    pub fn new(status: u16) -> Response {
        Response { status, fields: Vec::new(), content: Content::Empty }
    }

    /// With one field more.
    #[must_use]
    pub fn with(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<Vec<u8>>) -> Response {
        self.fields.push((name.into(), value.into()));
        self
    }

    /// With this content.
    #[must_use]
    pub fn of(self, content: Content) -> Response {
        Response { content, ..self }
    }

    /// With a line of text for people.
    #[must_use]
    pub fn in_words(self, words: &str) -> Response {
        let text = Content::Bytes(Arc::new(format!("{words}\n").into_bytes()));
        self.with("Content-Type", "text/plain; charset=utf-8").of(text)
    }
}

impl Content {
    /// Its length in bytes.
    pub fn length(&self) -> u64 {
        match self {
            Content::Empty => 0,
            Content::Bytes(bytes) => bytes.len() as u64,
            Content::File(file) => file.part.end - file.part.start,
        }
    }
}
