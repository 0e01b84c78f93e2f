//! The DS sets of a parent's nameservers, and what they are of (pure).

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

use crate::counted::{counted, listed};

/// A DS record (RFC 4034, 5.1).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::verbs::dnssec) struct Ds {
    pub(in crate::verbs::dnssec) tag: u16,
    pub(in crate::verbs::dnssec) algorithm: u8,
    pub(in crate::verbs::dnssec) digest_type: u8,
    /// In hexadecimal digits, in lower case.
    pub(in crate::verbs::dnssec) digest: String,
}

impl Ds {
    /// Reads its data; none: it is none.
    pub(in crate::verbs::dnssec) fn read(data: &[u8]) -> Option<Ds> {
        let [high, low, algorithm, digest_type, digest @ ..] = data else { return None };
        let digest = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        Some(Ds { tag: u16::from_be_bytes([*high, *low]), algorithm: *algorithm, digest_type: *digest_type, digest })
    }

    /// Reads it as zones have it: `40212 13 2 0a9d…`.
    pub(in crate::verbs::dnssec) fn from_text(text: &str) -> Option<Ds> {
        let mut words = text.split_ascii_whitespace();
        let (tag, algorithm, digest_type) =
            (words.next()?.parse().ok()?, words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        Some(Ds { tag, algorithm, digest_type, digest: words.collect::<String>().to_ascii_lowercase() })
    }

    /// Whether it is of a key. Of another digest than SHA-256 the tag and the algorithm say it.
    pub(in crate::verbs::dnssec) fn is_of(&self, key: &KeyId) -> bool {
        let names_it = (self.tag, self.algorithm) == (key.0.tag, key.0.algorithm);
        names_it && (self.digest_type != key.0.digest_type || self.digest == key.0.digest)
    }
}

/// `40212 13 2 0a9d…`
impl fmt::Display for Ds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} {}", self.tag, self.algorithm, self.digest_type, self.digest)
    }
}

impl Serialize for Ds {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A key, by the DS with SHA-256 that a parent has of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::verbs::dnssec) struct KeyId(pub(in crate::verbs::dnssec) Ds);

/// What a nameserver of the parent has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(in crate::verbs::dnssec) struct DsSet {
    pub(in crate::verbs::dnssec) ds: BTreeSet<Ds>,
    /// For how long resolvers keep it, in seconds; none where there is nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::verbs::dnssec) ttl: Option<u32>,
}

/// A nameserver of the parent, and what it has or why that is not known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(in crate::verbs::dnssec) struct Asked {
    pub(in crate::verbs::dnssec) nameserver: String,
    #[serde(flatten)]
    pub(in crate::verbs::dnssec) said: Said,
}

/// What came of a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(in crate::verbs::dnssec) enum Said {
    Set(DsSet),
    Nothing { error: String },
}

/// The nameservers of the parent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(in crate::verbs::dnssec) struct Parent {
    /// The zone; none where its nameservers were named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::verbs::dnssec) zone: Option<String>,
    pub(in crate::verbs::dnssec) nameservers: Vec<Asked>,
}

/// Where the parent has something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::verbs::dnssec) enum Place<'p> {
    Nowhere,
    /// On some of those that answered; the others have it not.
    Partly {
        on: Vec<&'p str>,
        not_on: Vec<&'p str>,
    },
    Everywhere,
}

impl Asked {
    pub(in crate::verbs::dnssec) fn new(nameserver: String, said: Result<DsSet, String>) -> Asked {
        let said = said.map_or_else(|error| Said::Nothing { error }, Said::Set);
        Asked { nameserver, said }
    }
}

impl Parent {
    /// Those that answered.
    pub(in crate::verbs::dnssec) fn sets(&self) -> impl Iterator<Item = (&str, &DsSet)> {
        self.nameservers.iter().filter_map(|one| match &one.said {
            Said::Set(set) => Some((&*one.nameserver, set)),
            Said::Nothing { .. } => None,
        })
    }

    /// Those that did not, and why.
    pub(in crate::verbs::dnssec) fn silent(&self) -> impl Iterator<Item = (&str, &str)> {
        self.nameservers.iter().filter_map(|one| match &one.said {
            Said::Set(_) => None,
            Said::Nothing { error } => Some((&*one.nameserver, &**error)),
        })
    }

    /// Every record that any of them has.
    pub(in crate::verbs::dnssec) fn all(&self) -> BTreeSet<&Ds> {
        self.sets().flat_map(|(_, set)| &set.ds).collect()
    }

    /// Where there is a record of which something is so.
    pub(in crate::verbs::dnssec) fn place<'p>(&'p self, is: impl Fn(&Ds) -> bool) -> Place<'p> {
        let (with, without): (Vec<_>, Vec<_>) = self.sets().partition(|(_, set)| set.ds.iter().any(&is));
        let names = |sets: Vec<(&'p str, &DsSet)>| sets.into_iter().map(|(name, _)| name).collect();
        match (with.is_empty(), without.is_empty()) {
            (true, _) => Place::Nowhere,
            (false, true) => Place::Everywhere,
            (false, false) => Place::Partly { on: names(with), not_on: names(without) },
        }
    }

    /// For how long resolvers keep what it has, in seconds: the longest of all.
    pub(in crate::verbs::dnssec) fn ttl(&self) -> Option<u32> {
        self.sets().filter_map(|(_, set)| set.ttl).max()
    }

    /// `the parent (net)`
    pub(in crate::verbs::dnssec) fn title(&self) -> String {
        self.zone.as_ref().map_or_else(|| "the parent".to_owned(), |zone| format!("the parent ({zone})"))
    }

    /// A sentence for each record: on which of them it is, and of which key. `keys` are those of the zone, with their tags.
    pub(in crate::verbs::dnssec) fn told(&self, keys: &[KeyId]) -> Vec<String> {
        let (title, answered) = (self.title(), self.sets().count());
        let where_it_is = |ds: &Ds| match self.place(|one| one == ds) {
            Place::Partly { on, not_on } => format!("on {} and NOT on {}", listed(on), listed(not_on)),
            _ if answered == 1 => "on its one nameserver that was asked".to_owned(),
            _ => format!("on all of its {} that answered", counted(answered, "nameserver")),
        };
        let of = |ds: &Ds| match keys.iter().find(|key| ds.is_of(key)) {
            Some(key) => format!("the DS of key {}", key.0.tag),
            None => format!("a DS that is of no key of the zone ({ds})"),
        };
        let mut told: Vec<String> =
            self.all().into_iter().map(|ds| format!("{title} has {} {}", of(ds), where_it_is(ds))).collect();
        if told.is_empty() && answered > 0 {
            told.push(format!("{title} has no DS: nobody validates the zone yet"));
        }
        told.extend(self.silent().map(|(name, why)| format!("{title}: {name} does not tell: {why}")));
        told
    }
}

#[cfg(test)]
mod tests;
