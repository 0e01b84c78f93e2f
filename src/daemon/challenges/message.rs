//! What a proxy tells a nameserver, and its answer (pure).
//!
//! One JSON object each way. What is told has been vetted once it is a [`Told`]: its names and values are such as a
//! certificate authority asks for, and few enough.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::super::channel::Protocol;
use crate::config::names;

/// Both messages, in the version below.
pub(super) const PROTOCOL: Protocol = Protocol {
    prologue: b"polder challenges 1",
    longest: 256 * 1024,
    key_file: "acme.nameservers.key_file",
    listed_in: "acme_challenges.from",
};

const VERSION: u32 = 1;

/// The most values that a proxy may have answered at a time: those of some certificates with 100 names each.
pub const MOST_VALUES: usize = 256;

/// The longest time for which values are kept without being told again: longer than any certificate authority takes to look.
pub const LONGEST_HOLD: Duration = Duration::from_secs(3600);

/// The first label of a name that is answered (RFC 8555, 8.4).
const LABEL: &str = "_acme-challenge.";

/// The characters of a value: SHA-256 in base64url.
const VALUE: usize = 43;

/// The name at which a challenge is answered: `_acme-challenge.` and a domain name, in lower case and without the final dot.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Name(String);

/// What is answered there: the digest of a key authorization (RFC 8555, 8.4), 43 characters of base64url.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Value(String);

/// By name, the values: a wildcard and the name above it share a name, and each order has a value of its own.
pub type Challenges = BTreeMap<Name, BTreeSet<Value>>;

/// All that a proxy wants answered, and for how long at most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// At most [`LONGEST_HOLD`].
    pub hold: Duration,
    /// At most [`MOST_VALUES`] values.
    pub challenges: Challenges,
}

/// The nameserver's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// Queries are answered with what was told, but for these names; with the reason for each.
    Answered {
        /// Worded to follow the name.
        refused: BTreeMap<String, String>,
    },
    /// Nothing of it is: the message cannot be used, and why.
    Refused(String),
}

/// A message is not one of this protocol.
#[derive(Debug)]
pub enum MessageError {
    /// It has another version.
    Version(u32),
    /// It is not JSON of the right form.
    Malformed(serde_json::Error),
    /// It has so many values.
    TooMany(usize),
    /// It names this, with no value.
    Empty(Name),
}

/// A text is not the name or the value of a challenge.
#[derive(Debug, PartialEq, Eq)]
pub struct NotOne(String);

#[derive(Deserialize)]
struct Head {
    version: u32,
}

#[derive(Serialize, Deserialize)]
struct ToldMessage {
    version: u32,
    hold_ms: u64,
    challenges: Challenges,
}

#[derive(Serialize, Deserialize)]
struct AnswerMessage {
    version: u32,
    #[serde(flatten)]
    answer: Answer,
}

impl fmt::Display for MessageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MessageError::Version(version) => {
                write!(f, "a message of version {version}, expected {VERSION}: upgrade both sides")
            }
            MessageError::Malformed(error) => write!(f, "a malformed message: {error}"),
            MessageError::Empty(name) => write!(f, "{name} has no value: expected at least one for each name"),
            MessageError::TooMany(values) => write!(f, "{values} values at a time, expected at most {MOST_VALUES}"),
        }
    }
}

impl fmt::Display for NotOne {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotOne {}

impl Name {
    /// The name at which challenges for a domain are answered: that of `*.example.net` is that of `example.net`.
    ///
    /// # Errors
    ///
    /// It is not a domain name.
    pub fn for_domain(domain: &str) -> Result<Name, NotOne> {
        let domain = domain.strip_prefix("*.").unwrap_or(domain);
        Name::try_from(format!("{LABEL}{domain}"))
    }

    /// In lower case, without the final dot.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Name {
    type Error = NotOne;

    fn try_from(text: String) -> Result<Name, NotOne> {
        let name = names::dns_name(&text).map_err(|why| NotOne(why.to_string()))?;
        match name.strip_prefix(LABEL) {
            Some(_) => Ok(Name(name)),
            None => Err(NotOne(format!("{text:?} is not the name of a challenge: it must begin with {LABEL:?}"))),
        }
    }
}

impl Value {
    /// As the TXT record has it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Value {
    type Error = NotOne;

    fn try_from(text: String) -> Result<Value, NotOne> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        match text.len() == VALUE && text.bytes().all(allowed) {
            true => Ok(Value(text)),
            false => Err(NotOne(format!(
                "{text:?} is not the value of a challenge: expected {VALUE} characters of base64url"
            ))),
        }
    }
}

impl Told {
    /// Reads a message.
    ///
    /// # Errors
    ///
    /// It is none, or has too many values, or a name without one.
    pub(super) fn read(message: &[u8]) -> Result<Told, MessageError> {
        vet_version(message)?;
        let told: ToldMessage = serde_json::from_slice(message).map_err(MessageError::Malformed)?;
        if let Some((name, _)) = told.challenges.iter().find(|(_, values)| values.is_empty()) {
            return Err(MessageError::Empty(name.clone()));
        }
        match told.challenges.values().map(BTreeSet::len).sum() {
            0..=MOST_VALUES => {
                Ok(Told { hold: Duration::from_millis(told.hold_ms).min(LONGEST_HOLD), challenges: told.challenges })
            }
            more => Err(MessageError::TooMany(more)),
        }
    }

    /// The message.
    pub(super) fn write(&self) -> Result<Vec<u8>, MessageError> {
        let (hold_ms, challenges) = (self.hold.as_millis() as u64, self.challenges.clone());
        let message = ToldMessage { version: VERSION, hold_ms, challenges };
        serde_json::to_vec(&message).map_err(MessageError::Malformed)
    }
}

impl Answer {
    pub(super) fn read(message: &[u8]) -> Result<Answer, MessageError> {
        vet_version(message)?;
        let AnswerMessage { answer, .. } = serde_json::from_slice(message).map_err(MessageError::Malformed)?;
        Ok(answer)
    }

    pub(super) fn write(self) -> Result<Vec<u8>, MessageError> {
        let message = AnswerMessage { version: VERSION, answer: self };
        serde_json::to_vec(&message).map_err(MessageError::Malformed)
    }
}

fn vet_version(message: &[u8]) -> Result<(), MessageError> {
    let Head { version } = serde_json::from_slice(message).map_err(MessageError::Malformed)?;
    if version == VERSION { Ok(()) } else { Err(MessageError::Version(version)) }
}
