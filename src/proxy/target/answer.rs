//! The same answer to every request.

use std::sync::Arc;

use super::kept_file::KeptFile;
use super::media;
use super::response::{Content, Response};
use crate::config::proxy::{AnswerBody, AnswerConfig, FieldValue};

/// The type of a text that stands in the document.
const TEXT: &str = "text/plain; charset=utf-8";

/// A fixed answer, ready.
#[derive(Debug)]
pub struct FixedAnswer {
    status: u16,
    headers: Vec<FieldValue>,
    /// Where the document says nothing of it.
    media: Option<String>,
    body: Body,
}

#[derive(Debug)]
enum Body {
    Empty,
    Text(Arc<Vec<u8>>),
    File(KeptFile<Vec<u8>>),
}

impl FixedAnswer {
    /// Reads the file that it is in, if it is in one. `key`: where it stands in the document.
    pub fn new(config: &AnswerConfig, key: &str) -> FixedAnswer {
        let (body, media) = match &config.body {
            AnswerBody::Empty => (Body::Empty, None),
            AnswerBody::Text(text) => (Body::Text(Arc::new(text.clone().into_bytes())), Some(TEXT.to_owned())),
            AnswerBody::File(file) => {
                (Body::File(KeptFile::open(file, format!("{key}.file"), |bytes| bytes)), Some(media::of(file)))
            }
        };
        let is_stated = config.headers.iter().any(|field| field.name.eq_ignore_ascii_case("content-type"));
        let media = media.filter(|_| !is_stated);
        FixedAnswer { status: config.status, headers: config.headers.clone(), media, body }
    }

    /// What is sent. None: the file that it is in never could be read.
    pub fn response(&self) -> Option<Response> {
        let media = self.media.iter().map(|media| ("Content-Type".into(), media.clone().into_bytes()));
        let headers = self.headers.iter().map(|field| (field.name.clone().into(), field.value.clone().into_bytes()));
        let content = match &self.body {
            Body::Empty => Content::Empty,
            Body::Text(text) => Content::Bytes(Arc::clone(text)),
            Body::File(file) => Content::Bytes(file.content()?),
        };
        Some(Response { status: self.status, fields: media.chain(headers).collect(), content })
    }

    /// The file that it is in.
    pub fn file(&self) -> Option<&KeptFile<Vec<u8>>> {
        match &self.body {
            Body::File(file) => Some(file),
            Body::Empty | Body::Text(_) => None,
        }
    }
}

#[cfg(test)]
mod tests;
