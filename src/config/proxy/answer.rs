//! `answer` of a service: the same for every request.

use std::fmt;
use std::path::PathBuf;

use super::field::{self, FieldValue};
use crate::config::reader::{Keys, Read, Value};

/// What every request of a service is answered with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerConfig {
    /// 200 to 599. Default 200.
    pub status: u16,
    /// Fields of its head, in the order of their names.
    pub headers: Vec<FieldValue>,
    /// Its content. Default none.
    pub body: AnswerBody,
}

/// The content of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnswerBody {
    /// None.
    Empty,
    /// As it stands in the document.
    Text(String),
    /// What this file holds.
    File(PathBuf),
}

impl fmt::Display for AnswerConfig {
    /// `answer 200 with Content-Type: text/html, the content of /srv/down.html`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "answer {}", self.status)?;
        for (index, FieldValue { name, value }) in self.headers.iter().enumerate() {
            write!(f, "{} {name}: {value}", if index == 0 { " with" } else { "," })?;
        }
        match &self.body {
            AnswerBody::Empty => f.write_str(", no content"),
            AnswerBody::Text(text) => write!(f, ", the text {text:?}"),
            AnswerBody::File(file) => write!(f, ", the content of {}", file.display()),
        }
    }
}

/// The keys of `answer`.
pub(super) const KEYS: Keys = Keys { object: "services.NAME.answer", names: &["body", "file", "headers", "status"] };

/// Fields that the proxy writes itself, with what to do instead.
const OWN_FIELDS: [(&str, &str); 9] = [
    ("connection", "the proxy keeps connections itself"),
    ("content-length", "the proxy counts the body itself"),
    ("date", "the proxy knows it"),
    ("keep-alive", "the proxy keeps connections itself"),
    ("strict-transport-security", "write \"hsts\" in the service"),
    ("te", "it is of one connection"),
    ("trailer", "the body has none"),
    ("transfer-encoding", "the proxy frames the body itself"),
    ("upgrade", "no other protocol is spoken here"),
];

/// Reads one.
pub(super) fn read(value: &Value<'_>) -> Read<AnswerConfig> {
    let answer = value.object(&KEYS)?;
    let status = answer.with_default("status", 200, read_status);
    let headers = answer.with_default("headers", Vec::new(), read_headers);
    let text = answer.optional("body", |value| value.text("a string").map(str::to_owned));
    let file = answer.optional("file", Value::file);
    let (status, headers) = (status?, headers?);
    let body = match (text?, file?) {
        (None, None) => AnswerBody::Empty,
        (Some(text), None) => AnswerBody::Text(text),
        (None, Some(file)) => AnswerBody::File(file),
        (Some(_), Some(_)) => return Err(value.fault("has both \"body\" and \"file\": one of them is the content")),
    };
    if matches!(status, 204 | 205 | 304) && body != AnswerBody::Empty {
        return Err(value.fault(format!("a response {status} has no content (RFC 9110, 15): leave its body out")));
    }
    Ok(AnswerConfig { status, headers, body })
}

fn read_status(value: &Value<'_>) -> Read<u16> {
    match value.integer(200..=599)? {
        206 => Err(value.fault("206 answers a request for a range, which this is not: expected another status")),
        status => Ok(status),
    }
}

fn read_headers(value: &Value<'_>) -> Read<Vec<FieldValue>> {
    let table = value.table(field::name, |name, location, value| {
        if let Some((_, instead)) = OWN_FIELDS.iter().find(|(own, _)| name.eq_ignore_ascii_case(own)) {
            return Err(location.fault(format!("{name} cannot be set here: {instead}")));
        }
        value.parsed("a string", field::value)
    })?;
    Ok(table.into_iter().map(|(name, value)| FieldValue { name, value }).collect())
}
