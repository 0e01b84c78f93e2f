//! A resolver that may have anything in its cache that was ever answered and has not run out, from any nameserver: all of it has to be good together (RFC 4035, 5).

use std::collections::{BTreeSet, HashMap};

use super::response::{Response, Set};
use crate::dnssec::{tag, verify};
use crate::zone::name;
use crate::zone::number::rtype;

/// The data of a DNSKEY.
type Dnskey = Vec<u8>;

/// Something that is in a cache until then.
#[derive(Debug, Clone)]
struct Cached<T> {
    what: T,
    since: u64,
    until: u64,
    from: String,
}

/// A set, and the keys that have signed it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Signed {
    what: String,
    by: BTreeSet<Dnskey>,
}

/// The keys of the zone, and those of them that have signed them.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Keys {
    keys: BTreeSet<Dnskey>,
    by: BTreeSet<Dnskey>,
}

/// What caches may have.
#[derive(Debug)]
pub struct Resolver {
    apex: Vec<u8>,
    /// The DNSKEY of each DS.
    ds: Vec<Cached<BTreeSet<Dnskey>>>,
    keys: Vec<Cached<Keys>>,
    answers: Vec<Cached<Signed>>,
    /// What was verified: signed data and signature, and the key.
    verified: HashMap<(Vec<u8>, Vec<u8>), Option<Dnskey>>,
    /// Every key that was ever seen, by tag and algorithm.
    known: HashMap<(u16, u8), Vec<Dnskey>>,
    pub checked: usize,
}

/// What is wrong.
pub type Fault = String;

fn put<T: PartialEq>(cache: &mut Vec<Cached<T>>, one: Cached<T>) {
    match cache.iter_mut().find(|known| known.what == one.what && known.from == one.from) {
        Some(known) => known.until = known.until.max(one.until),
        None => cache.push(one),
    }
}

fn algorithms(keys: &BTreeSet<Dnskey>) -> BTreeSet<u8> {
    keys.iter().map(|key| key[3]).collect()
}

fn tags(keys: &BTreeSet<Dnskey>) -> Vec<u16> {
    keys.iter().map(|key| tag(key)).collect()
}

impl Resolver {
    pub fn new(apex: &[u8]) -> Resolver {
        Resolver {
            apex: apex.to_vec(),
            ds: Vec::new(),
            keys: Vec::new(),
            answers: Vec::new(),
            verified: HashMap::new(),
            known: HashMap::new(),
            checked: 0,
        }
    }

    /// A key that a nameserver may sign with.
    pub fn know(&mut self, tag: u16, dnskey: &[u8]) {
        let known = self.known.entry((tag, dnskey[3])).or_default();
        if !known.iter().any(|one| one == dnskey) {
            known.push(dnskey.to_vec());
        }
    }

    /// The parent has the DS of these keys.
    pub fn take_ds(&mut self, of: BTreeSet<Dnskey>, ttl: u64, now: u64) -> Result<(), Fault> {
        put(&mut self.ds, Cached { what: of.clone(), since: now, until: now + ttl, from: "the parent".to_owned() });
        self.forget(now);
        self.keys.iter().try_for_each(|keys| chains(&of, keys))
    }

    /// A nameserver has answered a question.
    pub fn take(
        &mut self,
        response: &Response,
        (qname, qtype): (&[u8], u16),
        from: &str,
        now: u64,
    ) -> Result<(), Fault> {
        self.forget(now);
        self.checked += 1;
        let question = format!("{} {qtype} of {from} at {now}", name::to_text(qname));
        if let Some(why) = response.unproved(&self.apex, qname, qtype) {
            return Err(format!("{question}: {why}: {response:?}"));
        }
        for set in response.sets() {
            // What is below a delegation is not signed.
            if set.rtype == rtype::NS && set.owner != self.apex {
                continue;
            }
            let what = format!("{} {} in {question}", name::to_text(&set.owner), set.rtype);
            let (by, until) = self.signers(set, &what, now)?;
            let cached = Cached { since: now, until, from: from.to_owned(), what: () };
            if set.rtype == rtype::DNSKEY {
                let keys = Keys { keys: set.rdatas.iter().cloned().collect(), by };
                let keys = Cached { what: keys, since: cached.since, until, from: cached.from };
                self.ds.iter().try_for_each(|ds| chains(&ds.what, &keys))?;
                self.answers.iter().try_for_each(|answer| proves(&keys, answer))?;
                put(&mut self.keys, keys);
            } else {
                let answer = Cached { what: Signed { what, by }, since: cached.since, until, from: cached.from };
                self.keys.iter().try_for_each(|keys| proves(keys, &answer))?;
                // The same signers and the same end say the same.
                let is_new = !self.answers.iter().any(|known| known.what.by == answer.what.by && known.until >= until);
                self.answers.extend(is_new.then_some(answer));
            }
        }
        Ok(())
    }

    fn forget(&mut self, now: u64) {
        self.ds.retain(|one| one.until > now);
        self.keys.retain(|one| one.until > now);
        self.answers.retain(|one| one.until > now);
    }

    /// The keys whose signatures of a set are good, and until when it is kept.
    fn signers(&mut self, set: &Set, what: &str, now: u64) -> Result<(BTreeSet<Dnskey>, u64), Fault> {
        let (mut by, mut until) = (BTreeSet::new(), now + u64::from(set.ttl));
        for rrsig in &set.rrsigs {
            let (from, to) = (u64::from(rrsig.inception), u64::from(rrsig.expiration));
            if !(from..=to).contains(&now) {
                return Err(format!(
                    "{what}: a signature by key {} is good from {from} to {to}, and it is {now}",
                    rrsig.tag
                ));
            }
            until = until.min(to);
            let message = set.message(rrsig);
            let candidates = self.known.get(&(rrsig.tag, rrsig.algorithm));
            let verified =
                self.verified.entry((message, rrsig.signature.clone())).or_insert_with_key(|(message, signature)| {
                    let mut candidates = candidates.into_iter().flatten();
                    candidates.find(|key| verify(key, message, signature)).cloned()
                });
            let Some(key) = verified else { return Err(format!("{what}: a signature by key {} is forged", rrsig.tag)) };
            by.insert(key.clone());
        }
        if by.is_empty() { Err(format!("{what}: it is not signed")) } else { Ok((by, until)) }
    }
}

/// Whether the keys are proved by the DS: by one of each algorithm that these name.
fn chains(ds: &BTreeSet<Dnskey>, keys: &Cached<Keys>) -> Result<(), Fault> {
    let proved: BTreeSet<Dnskey> =
        ds.iter().filter(|key| keys.what.keys.contains(*key) && keys.what.by.contains(*key)).cloned().collect();
    let is_proved = algorithms(&proved) == algorithms(ds);
    is_proved.then_some(()).ok_or_else(|| {
        format!(
            "the keys of {} from {} to {}, {:?} signed by {:?}, are not proved by a DS set that may be in a cache, of {:?}",
            keys.from,
            keys.since,
            keys.until,
            tags(&keys.what.keys),
            tags(&keys.what.by),
            tags(ds)
        )
    })
}

/// Whether a set is proved by keys: by one of each algorithm that they are of (RFC 4035, 2.2).
fn proves(keys: &Cached<Keys>, answer: &Cached<Signed>) -> Result<(), Fault> {
    let by: BTreeSet<Dnskey> = answer.what.by.intersection(&keys.what.keys).cloned().collect();
    let is_proved = algorithms(&by) == algorithms(&keys.what.keys);
    is_proved.then_some(()).ok_or_else(|| {
        format!(
            "{} (in caches from {} to {}), signed by {:?}, is not proved by the keys of {} (in caches from {} to {}), which are {:?}",
            answer.what.what,
            answer.since,
            answer.until,
            tags(&answer.what.by),
            keys.from,
            keys.since,
            keys.until,
            tags(&keys.what.keys)
        )
    })
}
