//! What a client gets that is beyond the rate limit, where it gets something.

use super::answered::Answered;
use super::begun::{Begun, Besides, begin};
use super::client::Client;
use super::query::{HEADER, Refusal};
use super::signed::Signed;
use crate::dns::cookie::Standing;
use crate::dns::snapshot::Snapshot;
use crate::zone::name::Name;
use crate::zone::number::rcode;

/// The shortest response to a query, for a client's network that is beyond the rate limit. A client with a client cookie only,
/// or with an invalid one, gets BADCOOKIE with a valid one, and asks again with that at once (RFC 7873, 5.2.3); any other
/// gets TC and asks again over TCP. Neither is of use to a client with a forged address. Who has signed the query gets that signed too.
pub fn cut(message: &[u8], snapshot: &Snapshot, client: &Client<'_>, buffer: &mut [u8]) -> Option<Answered> {
    let mut name = Name::ROOT;
    let Begun { mut writer, read, opt, standing } = begin((message, &mut name), client, Besides::default(), buffer)?;
    if let Err(Refusal { tsig: Some(place), edns, question_end, .. }) = &read {
        let signed = Signed { message, place: *place, edns: *edns, question_end: question_end.unwrap_or(HEADER) };
        let keys = snapshot.transfers.keys();
        return signed.answer(keys, client, buffer, |bare, _, buffer| cut(bare, snapshot, client, buffer));
    }
    let truncated = standing == Standing::Absent;
    if truncated {
        writer.set_truncated();
    }
    let rcode = if truncated { rcode::NOERROR } else { rcode::BADCOOKIE };
    let length = writer.finish(rcode, opt.as_ref(), None);
    Some(Answered { truncated, ..Answered::of_no_zone(length, rcode, standing) })
}
