//! What is compared, and when polder-dns agrees: where its peers agree with each other it answers as they do; where they do not, as
//! one of them.

use std::collections::BTreeSet;

use crate::asks::Ask;
use crate::names::Name;
use crate::replies::{Message, Reply};
use crate::zones::{Family, Zone};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Aspect {
    /// Error code, AA and answer section, or that there is no answer at all.
    Answer,
    Authority,
    Truncation,
    Edns,
    /// The question, the opcode, RD, RA, AD and CD as they come back.
    Header,
    /// Addresses in a referral.
    Glue,
}

pub const ASPECTS: [Aspect; 6] =
    [Aspect::Answer, Aspect::Authority, Aspect::Truncation, Aspect::Edns, Aspect::Header, Aspect::Glue];

/// What the four have said to one query; polder is the first.
pub struct Case<'a> {
    pub family: &'a Family,
    apexes: Vec<String>,
    pub ask: &'a Ask,
    pub replies: &'a [Reply],
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Seen {
    /// This reply says nothing about it, for a reason that another aspect has.
    Open,
    No,
    Malformed,
    Answer(u16, bool, BTreeSet<String>),
    Records(BTreeSet<String>),
    Truncated {
        cut: bool,
        too_long: bool,
    },
    /// A record stands twice in one section (RFC 2181, 5).
    Doubled,
    Edns(Option<(u8, u16)>),
    Header(u16, Vec<u8>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// All four are of one mind.
    Agreed,
    /// The peers are not of one mind; polder sides with those, of NSD, Knot and BIND.
    Sides([bool; 3]),
    /// polder is alone.
    Alone,
}

impl<'a> Case<'a> {
    pub fn new(family: &'a Family, ask: &'a Ask, replies: &'a [Reply]) -> Case<'a> {
        Case { family, apexes: family.apexes().map(Name::to_string).collect(), ask, replies }
    }

    pub fn verdict(&self, aspect: Aspect) -> Verdict {
        let seen: Vec<Seen> = self.replies.iter().map(|reply| see(reply, self.ask, aspect)).collect();
        let (polder, peers) = (&seen[0], &seen[1..]);
        if *polder == Seen::Open && aspect != Aspect::Answer || peers.iter().all(|peer| *peer == Seen::Open) {
            return Verdict::Agreed;
        }
        let sides: Vec<bool> = peers.iter().map(|peer| agree(polder, peer)).collect();
        match sides[..] {
            [true, true, true] => Verdict::Agreed,
            [false, false, false] => Verdict::Alone,
            _ => Verdict::Sides([sides[0], sides[1], sides[2]]),
        }
    }

    pub fn polder(&self) -> Option<&Message> {
        self.replies[0].message()
    }

    /// Whether no zone has the owner of this record, in words, so that only a wildcard can have made it.
    pub fn is_synthesized(&self, record: &str) -> bool {
        let has = |zone: &Zone| {
            zone.base.iter().chain(&zone.records).any(|own| record.starts_with(&format!("{} ", own.owner.lower())))
        };
        !self.family.zones.iter().any(has)
    }

    /// Whether the owner of this record, in words, lies in a zone that has another of the family above it.
    pub fn is_below_another_apex(&self, record: &str) -> bool {
        let owner = record.split(' ').next().unwrap_or_default();
        self.apexes().filter(|apex| is_within(owner, apex)).count() > 1
    }

    /// The apex of the zone that a name lies in.
    pub fn zone_of(&self, name: &str) -> Option<&str> {
        self.apexes().filter(|apex| is_within(name, apex)).max_by_key(|apex| apex.len())
    }

    fn apexes(&self) -> impl Iterator<Item = &str> {
        self.apexes.iter().map(String::as_str)
    }

    pub fn peers(&self) -> impl Iterator<Item = &Message> {
        self.replies[1..].iter().filter_map(Reply::message)
    }
}

fn is_within(name: &str, apex: &str) -> bool {
    name == apex || name.ends_with(&format!(".{apex}"))
}

fn agree(polder: &Seen, peer: &Seen) -> bool {
    polder == peer || *polder == Seen::Open || *peer == Seen::Open
}

fn see(reply: &Reply, ask: &Ask, aspect: Aspect) -> Seen {
    let message = match reply {
        Reply::Message(message) => message,
        Reply::Silence if aspect == Aspect::Answer => return Seen::No,
        Reply::Malformed(_) if aspect == Aspect::Answer => return Seen::Malformed,
        _ => return Seen::Open,
    };
    match aspect {
        Aspect::Answer if message.doubled => Seen::Doubled,
        // What stands in a cut response is nobody's last word.
        Aspect::Answer if message.truncated() => Seen::Open,
        Aspect::Answer => Seen::Answer(message.rcode, message.authoritative(), message.answers.clone()),
        Aspect::Authority if message.truncated() => Seen::Open,
        Aspect::Authority => Seen::Records(message.authorities.clone()),
        Aspect::Truncation => {
            let too_long = !ask.tcp && message.length > ask.most_bytes();
            Seen::Truncated { cut: message.truncated(), too_long }
        }
        Aspect::Edns => Seen::Edns(message.edns),
        Aspect::Header => Seen::Header(message.flags & !0x0600, message.question.clone()),
        Aspect::Glue if message.truncated() || !message.is_referral() => Seen::Open,
        Aspect::Glue => Seen::Records(message.additionals.clone()),
    }
}
