//! From when to when signatures are good, summed up: thousands of them run out together.

use super::flaw::{Flaw, Flaws, Severity};
use crate::dnssec::rrsig::Rrsig;
use crate::unix_time;
use crate::zone::name;
use crate::zone::number::rtype;
use crate::zone::rdata::types;

/// How a signature stands at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    Over,
    Early,
    /// Less than a tenth of its life is left.
    Ending,
    Good,
}

impl Standing {
    /// That of a signature. Times are serial numbers (RFC 4034, 3.1.5).
    pub(super) fn of(signature: &Rrsig<'_>, now: u64) -> Standing {
        let now = now as u32;
        let since = |from: u32, to: u32| i64::from(to.wrapping_sub(from) as i32);
        let left = since(now, signature.expiration);
        match () {
            () if left < 0 => Standing::Over,
            () if since(signature.inception, now) < 0 => Standing::Early,
            () if left * 10 < since(signature.inception, signature.expiration) => Standing::Ending,
            () => Standing::Good,
        }
    }
}

/// The signature of a set at whose time one should look.
#[derive(Debug, Clone)]
struct Told {
    /// In seconds since the epoch.
    at: u64,
    record: u32,
    owner: Box<[u8]>,
    covered: u16,
}

/// How many sets stand in each of these ways, and the first one.
#[derive(Debug, Default, Clone)]
pub(super) struct Times {
    over: (usize, Option<Told>),
    early: (usize, Option<Told>),
    ending: (usize, Option<Told>),
}

impl Times {
    /// Takes the best signature of a set.
    pub(super) fn take(&mut self, record: u32, owner: &[u8], signature: &Rrsig<'_>, now: u64) {
        let (slot, at) = match Standing::of(signature, now) {
            Standing::Good => return,
            Standing::Over => (&mut self.over, signature.expiration),
            Standing::Early => (&mut self.early, signature.inception),
            Standing::Ending => (&mut self.ending, signature.expiration),
        };
        // Near to now, whatever the upper bits are.
        let at = now.saturating_add_signed(i64::from(at.wrapping_sub(now as u32) as i32));
        merge(slot, (1, Some(Told { at, record, owner: owner.into(), covered: signature.covered })));
    }

    pub(super) fn append(&mut self, others: Times) {
        merge(&mut self.over, others.over);
        merge(&mut self.early, others.early);
        merge(&mut self.ending, others.ending);
    }

    /// A flaw for each way.
    pub(super) fn tell(self, flaws: &mut Flaws) {
        let over = |count, of, at| match count {
            1 => format!("the signature of {of} has run out at {at}: sign the zone anew"),
            _ => format!("{count} signatures have run out, the first one, of {of}, at {at}: sign the zone anew"),
        };
        let early = |count, of, at| match count {
            1 => format!("the signature of {of} is good from {at} on only: is the clock right?"),
            _ => format!(
                "{count} signatures are not good yet, the first one, of {of}, from {at} on: is the clock right?"
            ),
        };
        let ending = |count, of, at| match count {
            1 => format!("the signature of {of} runs out at {at}, soon: sign the zone anew"),
            _ => format!("{count} signatures run out soon, the first one, of {of}, at {at}: sign the zone anew"),
        };
        tell(self.over, over, Severity::Untimely, flaws);
        tell(self.early, early, Severity::Untimely, flaws);
        tell(self.ending, ending, Severity::Ending, flaws);
    }
}

fn tell(
    (count, first): (usize, Option<Told>),
    in_words: impl Fn(usize, String, String) -> String,
    severity: Severity,
    flaws: &mut Flaws,
) {
    let Some(Told { at, record, owner, covered }) = first else { return };
    let of = format!("{} {}", name::to_absolute_text(&owner), types::to_text(covered));
    let message = in_words(count, of, unix_time::moment(at * 1000));
    flaws.add(Flaw { severity, record: Some(record), owner, rtype: rtype::RRSIG, message });
}

fn merge((count, first): &mut (usize, Option<Told>), (more, other): (usize, Option<Told>)) {
    *count += more;
    *first = first
        .take()
        .into_iter()
        .chain(other)
        .min_by(|one, other| one.at.cmp(&other.at).then(one.record.cmp(&other.record)));
}
