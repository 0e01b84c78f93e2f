//! The signatures of an answer in words.

use std::collections::BTreeSet;

use hickory_proto::op::Message;
use hickory_proto::rr::{RData, Record};

use crate::dnssec::Algorithm;
use crate::unix_time;
use crate::zone::number::rtype;
use crate::zone::rdata::types;

/// A line for each set that is signed, and for each record that proves that something is not there.
pub(super) fn in_words(message: &Message) -> BTreeSet<String> {
    message.answers.iter().chain(&message.authorities).filter_map(signature).collect()
}

fn signature(record: &Record) -> Option<String> {
    let RData::Unknown { rdata, .. } = &record.data else { return None };
    if u16::from(record.record_type()) != rtype::RRSIG {
        return None;
    }
    // RFC 4034, 3.1.
    let [o, f, algorithm, labels, _, _, _, _, until @ .., t, g] = rdata.anything.first_chunk::<18>()?;
    let (until, from) = until.split_first_chunk::<4>()?;
    let (of, tag) = (u16::from_be_bytes([*o, *f]), u16::from_be_bytes([*t, *g]));
    let moment = |time: &[u8; 4]| unix_time::moment(u64::from(u32::from_be_bytes(*time)) * 1000);
    let by = Algorithm::from_number(*algorithm).map_or_else(|| algorithm.to_string(), |known| known.name().to_owned());
    let owner = record.name.to_ascii().trim_end_matches('.').to_ascii_lowercase();
    let wildcard = match usize::from(*labels) < usize::from(record.name.num_labels()) && !owner.starts_with('*') {
        true => " (as its wildcard)",
        false => "",
    };
    let what = match of {
        rtype::NSEC | rtype::NSEC3 => format!("what is not there is denied by {} of {owner},", types::to_text(of)),
        _ => format!("{} of {owner}{wildcard} is", types::to_text(of)),
    };
    Some(format!("{what} signed by key {tag} ({by}), from {} to {}", moment(from.first_chunk()?), moment(until)))
}
