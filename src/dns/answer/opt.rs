//! What the OPT record of a response says (RFC 6891), and how long it is.

use super::extended::Extended;
use super::query::Edns;
use crate::config::dns::LONGEST_IDENTITY;
use crate::dns::cookie;
use crate::dns::locality::subnet::Subnet;

/// The length of an OPT record without options, in bytes.
pub(super) const OPT_BYTES: usize = 11;

/// The length of an edns-tcp-keepalive option with its timeout, in bytes (RFC 7828, 3.1).
const KEEPALIVE_BYTES: usize = 6;

/// The length of a COOKIE option before its data, in bytes.
pub(super) const OPTION_HEAD: usize = 4;

/// The length of the longest OPT record that a response must have: with the time of a kept connection, a cookie, a name of the server, and a network of IPv6.
pub(super) const LONGEST_OPT: usize = OPT_BYTES
    + KEEPALIVE_BYTES
    + (OPTION_HEAD + cookie::LONGEST)
    + (OPTION_HEAD + LONGEST_IDENTITY)
    + (OPTION_HEAD + Subnet::LONGEST);

/// The length of an extended error without a text, in bytes (RFC 8914, 2).
pub(super) const EXTENDED_BYTES: usize = 6;

/// The OPT record of a response.
#[derive(Debug, Clone, Copy)]
pub struct Opt<'s> {
    /// The DO bit, as in the query.
    pub dnssec_ok: bool,
    /// How long the connection may idle, in units of 100 ms, where the client asks.
    pub keepalive: Option<u16>,
    /// The cookie for the client's next query, where this one had one.
    pub cookie: Option<cookie::Reply>,
    /// Which server this is, where the client asks and there is an answer.
    pub nsid: Option<&'s str>,
    /// Why the response is as it is. It takes what room there is, and is left out where there is none.
    pub extended: Option<Extended>,
    /// For whom the query asks, and for how much of his network the response is good.
    pub subnet: Option<(Subnet, u8)>,
    /// The response is padded, as far as there is room.
    pub is_padded: bool,
}

impl<'s> Opt<'s> {
    /// The OPT of the response to a query that has one.
    pub fn reply_to(edns: &Edns, server: Option<&'s str>) -> Opt<'s> {
        let nsid = server.filter(|_| edns.nsid);
        Opt {
            dnssec_ok: edns.dnssec_ok,
            keepalive: None,
            cookie: None,
            nsid,
            extended: None,
            subnet: None,
            is_padded: false,
        }
    }

    /// The length of the record without padding and what may be left out, in bytes.
    pub fn length(&self) -> usize {
        OPT_BYTES + self.options()
    }

    /// The length of the options that it must have, in bytes.
    pub(super) fn options(&self) -> usize {
        self.keepalive.map_or(0, |_| KEEPALIVE_BYTES)
            + self.cookie.map_or(0, |cookie| OPTION_HEAD + cookie.len())
            + self.nsid.map_or(0, |nsid| OPTION_HEAD + nsid.len())
            + self.subnet.map_or(0, |(subnet, _)| OPTION_HEAD + subnet.length())
    }
}
