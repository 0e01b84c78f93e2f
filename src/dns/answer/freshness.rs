//! For how long an answer may be kept, as HTTP wants to know it (RFC 8484, 5.1; pure).

use super::query::{HEADER, skip_name};
use crate::zone::number::{rcode, rtype};

/// Seconds for which an answer is good: the least TTL of its answer section, and of the SOA that says what there is not, also behind a CNAME.
/// Zero: an error, a referral, a message that is cut.
pub fn freshness(answer: &[u8]) -> u32 {
    seconds(answer).unwrap_or_default()
}

fn seconds(answer: &[u8]) -> Option<u32> {
    let count = |at: usize| answer.get(at..at + 2).map(|bytes| u16::from_be_bytes([bytes[0], bytes[1]]));
    let is_good = matches!(u16::from(answer.get(3)? & 0x0f), rcode::NOERROR | rcode::NXDOMAIN);
    let is_whole = answer.get(2)? & 0x02 == 0;
    let mut at = HEADER;
    for _ in 0..count(4)? {
        at = skip_name(answer, at)? + 4;
    }
    let (answers, authorities) = (count(6)?, count(8)?);
    let mut least = None;
    for n in 0..u32::from(answers) + u32::from(authorities) {
        let head = skip_name(answer, at)?;
        let [type_high, type_low, _, _, ttl @ .., length_high, length_low] =
            *answer.get(head..head + 10)?.first_chunk::<10>()?;
        let is_answer = n < u32::from(answers);
        if is_answer || u16::from_be_bytes([type_high, type_low]) == rtype::SOA {
            let ttl = u32::from_be_bytes(ttl);
            least = Some(least.map_or(ttl, |least: u32| least.min(ttl)));
        }
        at = head + 10 + usize::from(u16::from_be_bytes([length_high, length_low]));
    }
    least.filter(|_| is_good && is_whole)
}

#[cfg(test)]
mod tests;
