//! A validating resolver's side of DNSSEC: whether an answer is proved by a key that is trusted beforehand (pure; RFC 4035, 5.3).

use crate::dnssec::rrsig::Rrsig;
use crate::zone::name;
use crate::zone::number::{CLASS_IN, rtype};

/// The length of a message's header, in bytes (RFC 1035, 4.1.1).
const HEADER: usize = 12;

/// The bytes of a record between its owner and its data.
const FIXED: usize = 10;

/// A zone with a key that signs all of it.
#[derive(Debug, Clone)]
pub struct Anchor {
    /// The zone's apex, in wire format.
    pub apex: Box<[u8]>,
    /// The data of the key's DNSKEY record.
    pub dnskey: Box<[u8]>,
}

/// A record of a message: owner in lower case, data without pointers.
struct Record {
    owner: Box<[u8]>,
    rtype: u16,
    rdata: Vec<u8>,
}

impl Anchor {
    /// Whether every set of the answer section has a signature of the key that is good at this time, in seconds since the epoch, and whether they lead from the
    /// question's name to the last of them.
    pub fn proves(&self, response: &[u8], now: u64) -> bool {
        let Some((asked, records)) = read(response) else { return false };
        let mut next = asked;
        for set in sets(&records) {
            if set.rtype == rtype::RRSIG {
                continue;
            }
            if set.owner != next || !self.signs(&records, set, now) {
                return false;
            }
            if set.rtype == rtype::CNAME {
                next = name::lower(&set.rdata);
            }
        }
        true
    }

    fn signs(&self, records: &[Record], set: &Record, now: u64) -> bool {
        let of_set = || records.iter().filter(|record| record.owner == set.owner && record.rtype == set.rtype);
        let signatures = records.iter().filter(|record| record.owner == set.owner && record.rtype == rtype::RRSIG);
        signatures.filter_map(|record| Rrsig::read(&record.rdata)).any(|rrsig| {
            rrsig.covered == set.rtype
                && rrsig.signer.eq_ignore_ascii_case(&self.apex)
                && usize::from(rrsig.labels) == Rrsig::labels_of(&set.owner)
                && (u64::from(rrsig.inception)..=u64::from(rrsig.expiration)).contains(&now)
                && rrsig.is_by(&self.dnskey, &set.owner, of_set().map(|record| &record.rdata[..]))
        })
    }
}

/// The first record of each set, in the order of the section.
fn sets(records: &[Record]) -> impl Iterator<Item = &Record> {
    let is_first = |n: usize, record: &Record| {
        !records[..n].iter().any(|before| (&before.owner, before.rtype) == (&record.owner, record.rtype))
    };
    records.iter().enumerate().filter(move |(n, record)| is_first(*n, record)).map(|(_, record)| record)
}

/// The name in question, and the answer section; none: it is malformed.
fn read(message: &[u8]) -> Option<(Box<[u8]>, Vec<Record>)> {
    let count = u16::from_be_bytes([*message.get(6)?, *message.get(7)?]);
    let (asked, end) = name::expand(message, HEADER)?;
    let mut at = end + 4;
    let mut records = Vec::new();
    for _ in 0..count {
        let (owner, behind) = name::expand(message, at)?;
        let fixed: &[u8; FIXED] = message.get(behind..)?.first_chunk()?;
        let short = |at: usize| u16::from_be_bytes([fixed[at], fixed[at + 1]]);
        let start = behind + FIXED;
        let rdata = message.get(start..start + usize::from(short(8)))?;
        at = start + rdata.len();
        if short(2) != CLASS_IN {
            return None;
        }
        let rdata = if short(0) == rtype::CNAME { name::expand(message, start)?.0 } else { rdata.to_vec() };
        records.push(Record { owner: name::lower(&owner), rtype: short(0), rdata });
    }
    Some((name::lower(&asked), records))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dnssec::canonical::canonical_set;
    use crate::dnssec::{Algorithm, Role, Times, ZoneKey, make};

    const NOW: u32 = 1_800_000_000;

    struct Zone {
        key: ZoneKey,
        anchor: Anchor,
    }

    impl Zone {
        fn make() -> Zone {
            let apex = name::from_text("example.net").expect("a name");
            let made = make(&apex, Role::Ksk, Algorithm::Ed25519, Times::default(), &[]).expect("a key can be made");
            let key = made.into_key();
            Zone { anchor: Anchor { apex, dnskey: key.dnskey().into() }, key }
        }

        fn rrsig(&self, owner: &[u8], rtype: u16, rdata: &[u8]) -> Vec<u8> {
            let mut head =
                [&rtype.to_be_bytes()[..], &[15, name::labels(owner).count() as u8], &[0, 0, 0, 60]].concat();
            head.extend((NOW + 100).to_be_bytes());
            head.extend((NOW - 100).to_be_bytes());
            head.extend(self.key.tag().to_be_bytes());
            head.extend_from_slice(&self.anchor.apex);
            let signature = self.key.sign(&[&head[..], &canonical_set(owner, rtype, 60, [rdata])].concat());
            [head, signature].concat()
        }

        /// An answer to a question for `www`, which leads to `to`.
        fn answer(&self, to: &str, address: [u8; 4]) -> Vec<u8> {
            let [www, pool, to] =
                ["www.example.net", "pool.example.net", to].map(|text| name::from_text(text).expect("a name"));
            let records: [(&[u8], u16, &[u8]); 4] = [
                (&www, rtype::CNAME, &to),
                (&www, rtype::RRSIG, &self.rrsig(&www, rtype::CNAME, &to)),
                (&pool, rtype::A, &address),
                (&pool, rtype::RRSIG, &self.rrsig(&pool, rtype::A, &[192, 0, 2, 1])),
            ];
            let mut message = [&[0, 1, 0x84, 0, 0, 1, 0, 4, 0, 0, 0, 0], &www[..], &[0, 1, 0, 1]].concat();
            for (owner, rtype, rdata) in records {
                message.extend_from_slice(owner);
                message.extend([&rtype.to_be_bytes()[..], &[0, 1, 0, 0, 0, 60]].concat());
                message.extend((rdata.len() as u16).to_be_bytes());
                message.extend_from_slice(rdata);
            }
            message
        }
    }

    #[test]
    fn an_answer_is_proved_by_the_key_that_has_signed_each_of_its_sets_and_by_no_other() {
        let (zone, other) = (Zone::make(), Zone::make());
        let answer = zone.answer("pool.example.net", [192, 0, 2, 1]);
        assert!(zone.anchor.proves(&answer, NOW.into()));
        assert!(!other.anchor.proves(&answer, NOW.into()));
        assert!(!zone.anchor.proves(&answer, u64::from(NOW) + 101), "it has run out");
        assert!(!zone.anchor.proves(&zone.answer("pool.example.net", [192, 0, 2, 2]), NOW.into()), "another address");
        assert!(
            !zone.anchor.proves(&zone.answer("mail.example.net", [192, 0, 2, 1]), NOW.into()),
            "it leads elsewhere"
        );
        for cut in 0..answer.len() {
            assert!(!zone.anchor.proves(&answer[..cut], NOW.into()), "{cut} bytes");
        }
    }
}
