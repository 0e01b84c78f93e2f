//! Another server is asked whether a request may go on: what it is asked, and what of its answer goes on (pure).

use std::time::Duration;

use crate::config::proxy::{AuthServer, FieldName, ForwardAuthConfig};

/// Who is asked, and how.
#[derive(Debug, Clone)]
pub struct ForwardAuth {
    /// Who.
    pub server: AuthServer,
    /// The target of each question.
    pub path: Box<str>,
    /// Its `Host`.
    pub host: Box<str>,
    /// How long the whole answer may take.
    pub timeout: Duration,
    /// The visitor's fields that are part of the question.
    pub sent: Names,
    /// The fields of the answer that the backend gets, and never a visitor's own.
    pub copied: Names,
}

impl ForwardAuth {
    /// As the document says.
    pub fn new(config: &ForwardAuthConfig) -> ForwardAuth {
        ForwardAuth {
            server: config.server.clone(),
            path: config.path.as_str().into(),
            host: config.host.as_str().into(),
            timeout: config.timeout,
            sent: Names::of(&config.send),
            copied: Names::of(&config.copy),
        }
    }
}

/// Names of fields, of letters, digits and hyphens.
#[derive(Debug, Clone, Default)]
pub struct Names(Box<[Box<[u8]>]>);

impl Names {
    /// These.
    pub fn of(names: &[FieldName]) -> Names {
        Names(names.iter().map(|name| name.as_str().as_bytes().into()).collect())
    }

    /// Whether a name is one of them, in any case.
    pub fn have(&self, name: &[u8]) -> bool {
        self.0.iter().any(|known| known.eq_ignore_ascii_case(name))
    }

    /// Whether programs behind CGI, WSGI and their like may take a name for one of them: they make an underscore of a hyphen, some of
    /// every punctuation.
    pub fn look_like(&self, name: &[u8]) -> bool {
        let is_alike = |(known, byte): (&u8, &u8)| match known {
            b'-' => !byte.is_ascii_alphanumeric(),
            known => known.eq_ignore_ascii_case(byte),
        };
        self.0.iter().any(|known| known.len() == name.len() && known.iter().zip(name).all(is_alike))
    }
}

#[cfg(test)]
mod tests;
