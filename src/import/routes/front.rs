//! What a configuration of another server says: where requests come in, and the rules there.

use crate::import::answers;
use crate::import::condition::Condition;
use crate::import::guards;
use crate::import::tree::{Table, Tree};

/// Where requests come in, and what is done with them.
#[derive(Debug, Clone)]
pub struct Front {
    /// The line where it begins.
    pub line: u32,
    /// What it is called there.
    pub statement: String,
    /// Requests come in clear text.
    pub clear: bool,
    /// Requests come over TLS: the `tls` of its services.
    pub tls: Option<Tree>,
    /// In the order in which they are asked.
    pub rules: Vec<Rule>,
}

/// One rule of a front.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its line.
    pub line: u32,
    /// Its words.
    pub statement: String,
    /// When it holds.
    pub condition: Condition,
    /// What is done then.
    pub effect: Effect,
}

/// What a rule does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// The request goes to the target of this place; no further rule is asked.
    Send(usize),
    /// It is answered by these keys of a service (`redirect`, `answer`, `files`); no further rule is asked.
    Answer(Table),
    /// It is sent to the same place over https; no further rule is asked.
    ToHttps,
    /// Nothing answers it; no further rule is asked.
    Refuse,
    /// Keys of the service; the next rule is asked.
    Set(Table),
}

/// What answers requests.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// The target of this place.
    Place(usize),
    /// These keys of a service.
    Own(Table),
}

impl Effect {
    pub(super) fn target(&self) -> Option<Target> {
        match self {
            Effect::Send(place) => Some(Target::Place(*place)),
            Effect::Answer(keys) => Some(Target::Own(keys.clone())),
            Effect::ToHttps | Effect::Refuse | Effect::Set(_) => None,
        }
    }

    /// It is answered by an error.
    pub(super) fn refuses(&self) -> bool {
        if let Effect::Answer(keys) = self { answers::is_error(keys) } else { false }
    }

    /// It keeps visitors away, some or all.
    pub fn guards(&self) -> bool {
        self.refuses()
            || if let Effect::Set(keys) = self { keys.iter().any(|(key, _)| guards::is_one(key)) } else { false }
    }
}
