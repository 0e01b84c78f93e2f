//! The beginning of every response: what the query says, its question repeated, its cookie judged, and how long the response may be.

use super::client::{Client, Transport};
use super::opt::Opt;
use super::query::{self, HEADER, Query, Refusal};
use super::writer::{UDP_SIZE, Writer};
use crate::dns::cookie::Standing;
use crate::dns::locality::subnet::Stated;
use crate::zone::name::Name;

/// The largest answer without EDNS over UDP (RFC 1035, 4.2.1).
pub(super) const PLAIN_UDP_SIZE: usize = 512;

/// A response with nothing but its question yet.
pub(super) struct Begun<'b, 's> {
    pub(super) writer: Writer<'b>,
    pub(super) read: Result<Query, Refusal>,
    pub(super) opt: Option<Opt<'s>>,
    pub(super) standing: Standing,
}

/// What a response may say besides its records.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Besides<'s> {
    /// Which server this is, for a client that asks for that.
    pub(super) server: Option<&'s str>,
    /// Where clients are counts for some answers.
    pub(super) goes_by_subnets: bool,
}

/// Begins a response, with the name that is asked for in `name`. `None`: the message gets none.
pub(super) fn begin<'b, 's>(
    (message, name): (&[u8], &mut Name),
    client: &Client<'_>,
    besides: Besides<'s>,
    buffer: &'b mut [u8],
) -> Option<Begun<'b, 's>> {
    if !query::is_query(message) {
        return None;
    }
    let mut writer = Writer::new(buffer, message);
    let read = query::read(message, name);
    let (question_end, edns) = match &read {
        Ok(query) => (Some(query.question_end), query.edns),
        Err(refusal) => (refusal.question_end, refusal.edns),
    };
    if let Some(end) = question_end {
        writer.question(&message[HEADER..end]);
    }
    if edns.is_some_and(|edns| edns.dnssec_ok) {
        writer.show_signatures();
    }
    let mut opt = edns.as_ref().map(|edns| Opt::reply_to(edns, besides.server));
    if let (Some(opt), Some(Stated::In(subnet)), true) =
        (&mut opt, edns.and_then(|edns| edns.subnet), besides.goes_by_subnets)
    {
        opt.subnet = Some((subnet, 0));
    }
    let mut standing = Standing::Absent;
    if let (Some(opt), Some(cookie), Some(issuer)) = (&mut opt, edns.and_then(|edns| edns.cookie), &client.issuer) {
        let (judged, reply) = issuer.judge(&cookie);
        (standing, opt.cookie) = (judged, Some(reply));
    }
    let limit = match client.transport {
        Transport::Udp => edns.map_or(PLAIN_UDP_SIZE, |edns| edns.udp_size.min(UDP_SIZE) as usize),
        Transport::Tcp { keepalive } => {
            if let Some(opt) = opt.as_mut().filter(|_| edns.is_some_and(|edns| edns.keepalive)) {
                opt.keepalive = Some(keepalive);
            }
            u16::MAX as usize
        }
        Transport::Encrypted { keepalive } => {
            if let (Some(opt), Some(edns)) = (&mut opt, edns) {
                opt.keepalive = keepalive.filter(|_| edns.keepalive);
                opt.is_padded = edns.padding;
            }
            u16::MAX as usize
        }
    };
    writer.set_limit(limit, opt.as_ref());
    Some(Begun { writer, read, opt, standing })
}
