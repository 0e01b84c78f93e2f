//! NOTIFY (RFC 1996) from the primaries of our zones: answered, and told on.

use std::net::IpAddr;

use super::answered::Answered;
use super::begun::{Begun, Besides, begin};
use super::client::Client;
use super::query::{HEADER, TsigPlace, is_query};
use super::signed::Signed;
use super::writer::Writer;
use crate::dns::snapshot::Snapshot;
use crate::zone::name::Name;
use crate::zone::number::{CLASS_IN, rcode, rtype};

/// The opcode NOTIFY.
const OPCODE: u8 = 4;

/// Answers a NOTIFY. `None`: it is none. With the apex of the zone if one of its primaries says so who may.
pub fn notify(
    message: &[u8],
    snapshot: &Snapshot,
    client: &Client<'_>,
    from: IpAddr,
    buffer: &mut [u8],
) -> Option<(Answered, Option<Name>)> {
    let is_notify = is_query(message) && (message[2] >> 3) & 0x0f == OPCODE && message[4..6] == [0, 1];
    let (name, end) = Name::read(message, HEADER).filter(|_| is_notify)?;
    let asked = message.get(end..end + 4)?;
    let is_soa = asked == [rtype::SOA.to_be_bytes(), CLASS_IN.to_be_bytes()].concat();
    // As a query it is refused before its name is read.
    let mut unread = Name::ROOT;
    let Begun { opt, standing, .. } = begin((message, &mut unread), client, Besides::default(), buffer)?;
    let mut heard = None;
    let mut answer = |bare: &[u8], key: Option<&[u8]>, buffer: &mut [u8]| {
        let is_of_primary = snapshot.transfers.is_primary(name.as_bytes(), from, key);
        heard = Some(name).filter(|_| is_of_primary && is_soa);
        let rcode = if heard.is_some() { rcode::NOERROR } else { rcode::REFUSED };
        let mut writer = Writer::new(buffer, bare);
        writer.question(&bare[HEADER..end + 4]);
        writer.set_limit(usize::from(u16::MAX), opt.as_ref());
        if heard.is_some() {
            writer.set_authoritative();
        }
        Some(Answered::of_no_zone(writer.finish(rcode, opt.as_ref(), None), rcode, standing))
    };
    let answered = match TsigPlace::of(message) {
        None => answer(message, None, buffer),
        Some(place) => {
            let signed = Signed { message, place, edns: None, question_end: end + 4 };
            let key = snapshot.transfers.keys().name_at(message, place);
            signed.answer(snapshot.transfers.keys(), client, buffer, |bare, _, buffer| answer(bare, key, buffer))
        }
    };
    Some((answered?, heard))
}
