//! A response as a validator reads it: its sets with their signatures, and what they prove (RFC 4035, 5; RFC 5155, 8).

use std::collections::BTreeMap;

use crate::dns::signing::hash;
use crate::dnssec::nsec3;
use crate::zone::name;
use crate::zone::number::{rcode, rtype};

/// A set of records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Set {
    pub owner: Vec<u8>,
    pub rtype: u16,
    pub ttl: u32,
    pub rdatas: Vec<Vec<u8>>,
    pub rrsigs: Vec<Rrsig>,
}

/// A signature (RFC 4034, 3.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rrsig {
    pub algorithm: u8,
    pub labels: u8,
    pub expiration: u32,
    pub inception: u32,
    pub tag: u16,
    /// All before the signature.
    pub head: Vec<u8>,
    pub signature: Vec<u8>,
}

/// What a nameserver says.
#[derive(Debug, Clone)]
pub struct Response {
    pub rcode: u8,
    pub answer: Vec<Set>,
    pub authority: Vec<Set>,
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap())
}

/// The data of a record with its names written out.
fn whole(message: &[u8], at: usize, length: usize, rtype: u16) -> Vec<u8> {
    let names = match rtype {
        rtype::NS | rtype::CNAME => 1,
        rtype::SOA => 2,
        _ => 0,
    };
    let (mut data, mut from) = (Vec::new(), at);
    for _ in 0..names {
        let (name, behind) = name::expand(message, from).unwrap();
        data.extend(name);
        from = behind;
    }
    data.extend(&message[from..at + length]);
    data
}

impl Response {
    pub fn read(message: &[u8]) -> Response {
        let [queries, answers, authorities] = [4, 6, 8].map(|at| u16_at(message, at));
        let mut at = 12;
        for _ in 0..queries {
            at = name::expand(message, at).unwrap().1 + 4;
        }
        let mut section = |records: u16| {
            let mut sets: BTreeMap<(Vec<u8>, u16), Set> = BTreeMap::new();
            let mut rrsigs = Vec::new();
            for _ in 0..records {
                let (owner, head) = name::expand(message, at).unwrap();
                let owner = name::lower(&owner).to_vec();
                let (rtype, ttl, length) =
                    (u16_at(message, head), u32_at(message, head + 4), u16_at(message, head + 8));
                let data = whole(message, head + 10, length.into(), rtype);
                at = head + 10 + usize::from(length);
                if rtype == rtype::RRSIG {
                    rrsigs.push((owner, u16_at(&data, 0), Rrsig::read(&data)));
                    continue;
                }
                let empty = || Set { owner: owner.clone(), rtype, ttl, rdatas: Vec::new(), rrsigs: Vec::new() };
                sets.entry((owner.clone(), rtype)).or_insert_with(empty).rdatas.push(data);
            }
            for (owner, covered, rrsig) in rrsigs {
                sets.get_mut(&(owner, covered)).expect("the set that is signed").rrsigs.push(rrsig);
            }
            sets.into_values().collect::<Vec<_>>()
        };
        Response { rcode: message[3] & 15, answer: section(answers), authority: section(authorities) }
    }

    pub fn sets(&self) -> impl Iterator<Item = &Set> {
        self.answer.iter().chain(&self.authority)
    }

    /// Why it is no answer to a question; none: what it says is proved, if its signatures are good.
    pub fn unproved(&self, apex: &[u8], qname: &[u8], qtype: u16) -> Option<&'static str> {
        let proofs = Proofs { apex, sets: &self.authority };
        let answered = self.answer.iter().find(|set| set.owner == qname && set.rtype == qtype);
        match (self.rcode, answered) {
            (code, Some(set)) if code == rcode::NOERROR as u8 => {
                let labels = name::labels(qname).count();
                let is_expanded =
                    set.rrsigs.iter().any(|rrsig| usize::from(rrsig.labels) < labels && !name::is_wildcard(qname));
                (is_expanded && !proofs.next_closer_is_not_there(qname)).then_some("an expanded wildcard without proof")
            }
            (code, None) if code == rcode::NOERROR as u8 => {
                (!proofs.has_no_type(qname, qtype)).then_some("no proof that there is no such type")
            }
            (code, _) if code == rcode::NXDOMAIN as u8 => {
                (!proofs.has_no_name(qname)).then_some("no proof that there is no such name")
            }
            _ => Some("an error"),
        }
    }
}

impl Rrsig {
    fn read(data: &[u8]) -> Rrsig {
        let signer = 18 + name::measure(&data[18..]).unwrap();
        Rrsig {
            algorithm: data[2],
            labels: data[3],
            expiration: u32_at(data, 8),
            inception: u32_at(data, 12),
            tag: u16_at(data, 16),
            head: data[..signer].to_vec(),
            signature: data[signer..].to_vec(),
        }
    }
}

impl Set {
    /// What a signature is over (RFC 4034, 3.1.8.1).
    pub fn message(&self, rrsig: &Rrsig) -> Vec<u8> {
        let labels: Vec<&[u8]> = name::upward(&self.owner).collect();
        // The root is one of them.
        let above = labels[labels.len() - 1 - usize::from(rrsig.labels)..][0];
        let is_expanded = above.len() < self.owner.len() && !name::is_wildcard(&self.owner);
        let owner = if is_expanded { [&b"\x01*"[..], above].concat() } else { self.owner.clone() };
        let mut rdatas: Vec<&Vec<u8>> = self.rdatas.iter().collect();
        rdatas.sort();
        let mut message = rrsig.head.clone();
        for rdata in rdatas {
            message.extend(&owner);
            message.extend(self.rtype.to_be_bytes());
            message.extend([0, 1]);
            message.extend(&rrsig.head[4..8]);
            message.extend((rdata.len() as u16).to_be_bytes());
            message.extend(rdata);
        }
        message
    }
}

/// Records that deny something.
struct Proofs<'r> {
    apex: &'r [u8],
    sets: &'r [Set],
}

/// The bitmap of a type (RFC 4034, 4.1.2).
fn has_type(bitmap: &[u8], rtype: u16) -> bool {
    let mut rest = bitmap;
    while let [window, length, more @ ..] = rest {
        let (bits, behind) = more.split_at(usize::from(*length));
        if u16::from(*window) == rtype >> 8 {
            let bit = rtype & 0xff;
            return bits.get(usize::from(bit / 8)).is_some_and(|byte| byte & (0x80 >> (bit % 8)) != 0);
        }
        rest = behind;
    }
    false
}

impl Proofs<'_> {
    fn nsec(&self) -> impl Iterator<Item = (&[u8], &[u8], &[u8])> {
        self.sets.iter().filter(|set| set.rtype == rtype::NSEC).map(|set| {
            let data = &set.rdatas[0];
            let (next, bitmap) = data.split_at(name::measure(data).unwrap());
            (&*set.owner, next, bitmap)
        })
    }

    /// Owner's label, next hash and types.
    fn nsec3(&self) -> impl Iterator<Item = (&[u8], [u8; nsec3::LABEL], &[u8])> {
        self.sets.iter().filter(|set| set.rtype == rtype::NSEC3).map(|set| {
            let data = &set.rdatas[0];
            assert_eq!(data[..6], [1, 0, 0, 0, 0, 20]);
            let next: [u8; 20] = data[6..26].try_into().unwrap();
            (&set.owner[1..=nsec3::LABEL], nsec3::label(&next), &data[26..])
        })
    }

    fn is_hashed(&self) -> bool {
        self.nsec3().next().is_some()
    }

    /// The types of a name that is proved to be there.
    fn types(&self, name: &[u8]) -> Option<&[u8]> {
        let label = nsec3::label(&hash(name));
        let hashed = self.nsec3().find(|(owner, ..)| **owner == label).map(|(_, _, types)| types);
        hashed.or_else(|| self.nsec().find(|(owner, ..)| *owner == name).map(|(_, _, types)| types))
    }

    /// Whether a name is proved not to be there.
    fn is_denied(&self, name: &[u8]) -> bool {
        let lies_between = |owner: &[u8], next: &[u8]| {
            let behind = name::compare(owner, name).is_lt();
            behind && (name::compare(name, next).is_lt() || next == self.apex)
        };
        let label = nsec3::label(&hash(name));
        let is_hash_between = |owner: &[u8], next: &[u8]| {
            if owner < next { owner < &label[..] && &label[..] < next } else { owner < &label[..] || &label[..] < next }
        };
        self.nsec().any(|(owner, next, _)| lies_between(owner, next) && !name::is_within(next, name))
            || self.nsec3().any(|(owner, next, _)| is_hash_between(owner, &next))
    }

    /// The closest ancestor that is proved to be there, and the name below it, which is proved not to be.
    fn encloser<'n>(&self, name: &'n [u8]) -> Option<&'n [u8]> {
        let above: Vec<&[u8]> = name::upward(name).collect();
        above.windows(2).find_map(|pair| {
            let [next_closer, encloser] = pair else { return None };
            let is_there = match self.is_hashed() {
                true => self.types(encloser).is_some(),
                false => self
                    .nsec()
                    .any(|(owner, next, _)| name::is_within(owner, encloser) || name::is_within(next, encloser)),
            };
            (is_there && self.is_denied(next_closer)).then_some(*encloser)
        })
    }

    fn next_closer_is_not_there(&self, name: &[u8]) -> bool {
        let above: Vec<&[u8]> = name::upward(name).collect();
        above.iter().any(|name| self.is_denied(name))
    }

    fn has_no_name(&self, name: &[u8]) -> bool {
        let Some(encloser) = self.encloser(name) else { return false };
        self.is_denied(&[&b"\x01*"[..], encloser].concat())
    }

    fn has_no_type(&self, name: &[u8], rtype: u16) -> bool {
        let lacks = |types: &[u8]| !has_type(types, rtype) && !has_type(types, rtype::CNAME);
        if let Some(types) = self.types(name) {
            return lacks(types);
        }
        // A name with nothing but names below it.
        if !self.is_hashed()
            && self.nsec().any(|(owner, next, _)| name::compare(owner, name).is_lt() && name::is_within(next, name))
        {
            return true;
        }
        let Some(encloser) = self.encloser(name) else { return false };
        self.types(&[&b"\x01*"[..], encloser].concat()).is_some_and(lacks)
    }
}
