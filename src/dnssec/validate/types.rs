//! What NSEC and NSEC3 say of the types of a name.

use super::tree::{Name, Place};
use crate::counted::listed;
use crate::zone::number::rtype;
use crate::zone::rdata::{bitmap, types};

/// The types in a bitmap (RFC 4034, 4.1.2); what is malformed ends it.
fn read(mut bitmap: &[u8]) -> Vec<u16> {
    let mut types = Vec::new();
    while let [window, length, rest @ ..] = bitmap
        && let Some((bits, rest)) = rest.split_at_checked(usize::from(*length))
    {
        for (place, byte) in (0u8..32).zip(bits) {
            let set = (0..8u8).filter(|bit| byte & 0x80 >> bit != 0);
            types.extend(set.map(|bit| u16::from_be_bytes([*window, place * 8 + bit])));
        }
        bitmap = rest;
    }
    types
}

/// What is wrong with the bitmap of a name's NSEC record; none: nothing.
pub(super) fn wrong_of_nsec(name: Name<'_>, said: &[u8]) -> Option<String> {
    let types = name.types().chain([rtype::RRSIG, rtype::NSEC]);
    wrong(types.collect(), said)
}

/// The same of its NSEC3 record.
pub(super) fn wrong_of_nsec3(name: Name<'_>, said: &[u8]) -> Option<String> {
    let types: Vec<u16> = name.types().collect();
    let is_signed = name.place == Place::Own || types.contains(&rtype::DS);
    // While a zone goes from the one to the other, names have an NSEC record too.
    let also = read(said).contains(&rtype::NSEC) && !name.set(rtype::NSEC).is_empty();
    let besides = is_signed.then_some(rtype::RRSIG).into_iter().chain(also.then_some(rtype::NSEC));
    wrong(types.into_iter().chain(besides).collect(), said)
}

/// What is wrong with that of a name which owns nothing.
pub(super) fn wrong_of_empty(said: &[u8]) -> Option<String> {
    wrong(Vec::new(), said)
}

fn wrong(types: Vec<u16>, said: &[u8]) -> Option<String> {
    if bitmap(types.iter().copied()) == said {
        return None;
    }
    let said = read(said);
    let only = |these: &[u16], others: &[u16]| -> Vec<String> {
        these.iter().filter(|one| !others.contains(one)).map(|one| types::to_text(*one)).collect()
    };
    let (missing, wrong) = (only(&types, &said), only(&said, &types));
    Some(match (missing.is_empty(), wrong.is_empty()) {
        (false, true) => {
            format!("does not say that the name has {}: validators take it that it has not", listed(missing))
        }
        (true, false) => format!("says that the name has {}, which it has not", listed(wrong)),
        (false, false) => {
            format!("says that the name has {}, and not that it has {}", listed(wrong), listed(missing))
        }
        (true, true) => "has a list of types that is malformed".to_owned(),
    })
}
