//! Queries that are signed (RFC 8945): judged, answered like any other, and the answer signed.
//!
//! Only other nameservers send them, so what is answered here may allocate.

use super::answered::Answered;
use super::begun::{Begun, Besides, PLAIN_UDP_SIZE, begin};
use super::client::{Client, Transport};
use super::opt::LONGEST_OPT;
use super::query::{Edns, TsigPlace};
use super::writer::{UDP_SIZE, Unsigned};
use crate::dns::tsig::{Key, Keys, Refused, Untimely, Verified};
use crate::zone::name::Name;
use crate::zone::number::rcode;

/// A query with a TSIG.
pub(super) struct Signed<'m> {
    pub(super) message: &'m [u8],
    pub(super) place: TsigPlace,
    pub(super) edns: Option<Edns>,
    pub(super) question_end: usize,
}

impl Signed<'_> {
    /// Answers it as far as its signature allows; `answer` does so of the query without it, which is signed with the key that it is given.
    pub(super) fn answer(
        &self,
        keys: &Keys,
        client: &Client<'_>,
        buffer: &mut [u8],
        answer: impl FnOnce(&[u8], &Key, &mut [u8]) -> Option<Answered>,
    ) -> Option<Answered> {
        // Who asks without a clock, as tests do, has no key either.
        let now = client.issuer.map_or(0, |issuer| u64::from(issuer.now));
        let verified = match keys.verify(self.message, self.place, now) {
            Ok(verified) => verified,
            Err(refused) => return self.refuse(refused, client, buffer),
        };
        // A client that takes less than its question and its key need gets more: there is no shorter answer.
        let least = self.question_end + LONGEST_OPT;
        let room = self.size(client, buffer.len()).saturating_sub(verified.key.record_length()).max(least);
        match verified.fault {
            Some(fault) => self.tell(fault, &verified, client, (buffer, room), now),
            None => {
                let answered = answer(&verified.message, verified.key, &mut buffer[..room])?;
                Some(Answered { length: verified.signer().sign(buffer, answered.length, now), ..answered })
            }
        }
    }

    /// How long the answer may be, with its TSIG.
    fn size(&self, client: &Client<'_>, buffer: usize) -> usize {
        let limit = match client.transport {
            Transport::Udp => self.edns.map_or(PLAIN_UDP_SIZE, |edns| edns.udp_size.min(UDP_SIZE) as usize),
            Transport::Tcp { .. } | Transport::Encrypted { .. } => u16::MAX as usize,
        };
        limit.min(buffer)
    }

    /// It is signed by nobody who is known here: the answer is not signed either.
    fn refuse(&self, refused: Refused, client: &Client<'_>, buffer: &mut [u8]) -> Option<Answered> {
        let mut name = Name::ROOT;
        let Begun { mut writer, opt, standing, .. } =
            begin((self.message, &mut name), client, Besides::default(), buffer)?;
        let unsigned = refused.code().map(|error| Unsigned { query: self.message, place: self.place, error });
        let rcode = if unsigned.is_some() { rcode::NOTAUTH } else { rcode::FORMERR };
        let length = writer.finish(rcode, opt.as_ref(), unsigned);
        Some(Answered::of_no_zone(length, rcode, standing))
    }

    /// Its signature is good, and something else is not.
    fn tell(
        &self,
        fault: Untimely,
        verified: &Verified<'_>,
        client: &Client<'_>,
        (buffer, room): (&mut [u8], usize),
        now: u64,
    ) -> Option<Answered> {
        let mut name = Name::ROOT;
        let Begun { mut writer, opt, standing, .. } =
            begin((&verified.message, &mut name), client, Besides::default(), &mut buffer[..room])?;
        let length = writer.finish(rcode::NOTAUTH, opt.as_ref(), None);
        let length = verified.sign_fault(fault, buffer, length, now);
        Some(Answered::of_no_zone(length, rcode::NOTAUTH, standing))
    }
}
