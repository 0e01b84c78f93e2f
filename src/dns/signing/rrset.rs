//! The signature of one set (RFC 4034, 3.1 and 6).

use super::period::Period;
use super::roles::Moment;
use crate::dns::compiled::put;
use crate::dnssec::ZoneKey;
use crate::dnssec::canonical::canonical_set;
use crate::zone::name;
use crate::zone::number::rtype;

/// The length of the data of an RRSIG record before the signer's name, in bytes.
const FIXED: usize = 18;

/// The bytes of a record before its data, where the owner is a pointer.
const HEAD: usize = 12;

/// A set that is to be signed.
#[derive(Debug, Clone, Copy)]
pub struct Unsigned<'r> {
    /// The owner, in lower case.
    pub owner: &'r [u8],
    /// Its type.
    pub rtype: u16,
    /// The TTL of its records, in seconds.
    pub ttl: u32,
    /// The data of its records, in any order.
    pub rdatas: &'r [&'r [u8]],
}

impl Moment<'_> {
    /// Makes the RRSIG records of a set, as [`RrSet::signatures`](crate::dns::compiled::RrSet::signatures) has them. `before` are those of the same
    /// records from earlier: what is still as it would be made now is kept.
    pub fn sign(&self, set: Unsigned<'_>, before: &[u8]) -> Vec<u8> {
        self.sign_unless(set, [before])
    }

    /// The same where there may be several from earlier, each of its own time.
    pub(super) fn sign_unless<'b>(&self, set: Unsigned<'_>, before: impl IntoIterator<Item = &'b [u8]>) -> Vec<u8> {
        let period = Period::of(set.owner, set.rtype, self.hour, self.signer.lifetime);
        let heads = self.keys_for(set.rtype).iter().map(|key| (*key, self.head(key, set, period)));
        let heads: Vec<(&ZoneKey, Vec<u8>)> = heads.collect();
        if let Some(kept) = before.into_iter().find(|before| self.are_as_made(before, &heads)) {
            return kept.to_vec();
        }
        let records = canonical_set(set.owner, set.rtype, set.ttl, set.rdatas.iter().copied());
        let mut signatures = Vec::new();
        for (key, mut head) in heads {
            let signature = key.sign(&[&head[..], &records].concat());
            head.extend(signature);
            put(&mut signatures, rtype::RRSIG, set.ttl, &head);
        }
        signatures
    }

    /// Whether RRSIG records are as they would be made now by these keys, with these beginnings of their data.
    fn are_as_made(&self, mut records: &[u8], heads: &[(&ZoneKey, Vec<u8>)]) -> bool {
        let is_next = |(key, head): &(&ZoneKey, Vec<u8>)| {
            if self.signer.taken_over.contains(&key.tag()) {
                return false;
            }
            let Some((record, rest)) = first_record(records) else { return false };
            records = rest;
            record[HEAD..].starts_with(head)
        };
        heads.iter().all(is_next) && records.is_empty()
    }

    /// The data of an RRSIG record up to its signature.
    fn head(&self, key: &ZoneKey, Unsigned { owner, rtype, ttl, .. }: Unsigned<'_>, period: Period) -> Vec<u8> {
        let labels = name::labels(owner).count() - usize::from(name::is_wildcard(owner));
        let mut head = Vec::with_capacity(FIXED + self.signer.apex.len());
        head.extend(rtype.to_be_bytes());
        head.extend([key.algorithm().number(), labels as u8]);
        head.extend(ttl.to_be_bytes());
        // Serial numbers (RFC 4034, 3.1.5): they wrap in 2106.
        head.extend((period.expiration as u32).to_be_bytes());
        head.extend((period.inception as u32).to_be_bytes());
        head.extend(key.tag().to_be_bytes());
        head.extend_from_slice(&self.signer.apex);
        head
    }
}

fn first_record(records: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = records.get(HEAD - 2..HEAD)?;
    records.split_at_checked(HEAD + usize::from(u16::from_be_bytes([length[0], length[1]])))
}
