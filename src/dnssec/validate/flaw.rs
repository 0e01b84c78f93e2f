//! What is found, up to a bound: a zone of which nothing is signed would fill the screen.

use super::tree::Tree;
use crate::zone::name;
use crate::zone::rdata::types;

/// The most flaws that are kept of each severity.
const MOST: usize = 100;

/// What a validator makes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It refuses an answer, for as long as the zone is so.
    Bogus,
    /// It refuses an answer at this time.
    Untimely,
    /// It will refuse one soon.
    Ending,
    /// Nothing; but it is hardly meant, or no nameserver should have it.
    Odd,
}

/// Something that is wrong with a zone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Flaw {
    /// What a validator makes of it.
    pub severity: Severity,
    /// The record that it is about; none: one that is not there.
    pub record: Option<u32>,
    /// Its owner in wire format.
    pub owner: Box<[u8]>,
    /// Its type.
    pub rtype: u16,
    /// What is wrong, and what to do; worded to follow owner and type.
    pub message: String,
}

impl Flaw {
    /// `www.example.net. A`
    pub fn about(&self) -> String {
        format!("{} {}", name::to_absolute_text(&self.owner), types::to_text(self.rtype))
    }
}

/// All that is wrong with a zone.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Flaws {
    kept: Vec<Flaw>,
    /// How many there are beyond those.
    more: usize,
}

impl Flaws {
    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Those that are kept, in the order in which they were found.
    pub fn iter(&self) -> impl Iterator<Item = &Flaw> {
        self.kept.iter()
    }

    /// How many there are besides.
    pub fn more(&self) -> usize {
        self.more
    }

    /// Whether validators refuse an answer, for as long as the zone is so.
    pub fn are_bogus(&self) -> bool {
        self.kept.iter().any(|flaw| flaw.severity == Severity::Bogus)
    }

    /// Why validators refuse an answer, for as long as the zone is so: the first reason, and how many more there are. None: they do not.
    pub fn why_bogus(&self) -> Option<String> {
        let mut bogus = self.kept.iter().filter(|flaw| flaw.severity == Severity::Bogus);
        let first = bogus.next().map(|flaw| format!("{} {}", flaw.about(), flaw.message))?;
        Some(match (bogus.count(), self.more) {
            (0, _) => first,
            (rest, 0) => format!("{first} (and {rest} more)"),
            (rest, _) => format!("{first} (and {rest} more at least)"),
        })
    }

    pub(super) fn bogus(&mut self, record: u32, tree: &Tree<'_>, message: impl Into<String>) {
        self.about(Severity::Bogus, record, tree, message.into());
    }

    pub(super) fn odd(&mut self, record: u32, tree: &Tree<'_>, message: impl Into<String>) {
        self.about(Severity::Odd, record, tree, message.into());
    }

    pub(super) fn bogus_at(&mut self, owner: &[u8], rtype: u16, message: impl Into<String>) {
        self.add(Flaw { severity: Severity::Bogus, record: None, owner: owner.into(), rtype, message: message.into() });
    }

    pub(super) fn odd_at(&mut self, owner: &[u8], rtype: u16, message: impl Into<String>) {
        self.add(Flaw { severity: Severity::Odd, record: None, owner: owner.into(), rtype, message: message.into() });
    }

    fn about(&mut self, severity: Severity, record: u32, tree: &Tree<'_>, message: String) {
        let of = tree.records.get(record);
        self.add(Flaw { severity, record: Some(record), owner: of.owner.into(), rtype: of.rtype, message });
    }

    pub(super) fn add(&mut self, flaw: Flaw) {
        let alike = self.kept.iter().filter(|kept| kept.severity == flaw.severity).count();
        if alike < MOST { self.kept.push(flaw) } else { self.more += 1 }
    }

    pub(super) fn append(&mut self, others: Flaws) {
        others.kept.into_iter().for_each(|flaw| self.add(flaw));
        self.more += others.more;
    }
}
