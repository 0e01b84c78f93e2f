//! Reads a query: its question, or what is wrong with it.

use crate::dns::cookie::Presented;
use crate::dns::locality::subnet::{self, Stated};
use crate::zone::name::{self, Name};
use crate::zone::number::{CLASS_CHAOS, CLASS_IN, rcode, rtype};

/// Bytes of a message's header.
pub const HEADER: usize = 12;

/// The opcode of an ordinary query.
const OPCODE_QUERY: u8 = 0;

/// The number of the COOKIE option (RFC 7873).
const OPTION_COOKIE: u16 = 10;

/// The number of the keep-alive option (RFC 7828).
const OPTION_KEEPALIVE: u16 = 11;

/// The number of the padding option (RFC 7830).
const OPTION_PADDING: u16 = 12;

/// The number of the NSID option (RFC 5001).
const OPTION_NSID: u16 = 3;

/// The class ANY, which every TSIG has (RFC 8945, 4.2).
const CLASS_ANY: u16 = 255;

/// What a query says of EDNS (RFC 6891).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edns {
    /// The largest UDP answer it takes; at least 512.
    pub udp_size: u16,
    /// It wants DNSSEC records; copied (RFC 3225, 3), though there are none here.
    pub dnssec_ok: bool,
    /// It asks which server this is (RFC 5001, 2.1).
    pub nsid: bool,
    /// It asks how long its TCP connection may idle (RFC 7828, 3.2.1).
    pub keepalive: bool,
    /// It is padded, and its answer is to be (RFC 7830, 4).
    pub padding: bool,
    /// Its cookie (RFC 7873).
    pub cookie: Option<Presented>,
    /// Its client's network (RFC 7871).
    pub subnet: Option<Stated>,
}

/// A query that can be answered; the name asked for stands beside it.
pub struct Query {
    /// The type asked for.
    pub qtype: u16,
    /// It is about the server itself: its class is CHAOS (RFC 4892).
    pub about_server: bool,
    /// Where the question ends in the query's bytes; it begins behind the header.
    pub question_end: usize,
    /// Its EDNS record.
    pub edns: Option<Edns>,
}

/// A query that is answered without records.
#[derive(Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The error; none for a query that asks for a cookie and nothing else.
    pub rcode: u16,
    /// Where the question ends, if it is echoed.
    pub question_end: Option<usize>,
    /// The EDNS record of a query that has one.
    pub edns: Option<Edns>,
    /// Where the query has its TSIG: it is not refused for that, but judged first.
    pub tsig: Option<TsigPlace>,
}

impl Refusal {
    fn bare(rcode: u16) -> Refusal {
        Refusal { rcode, question_end: None, edns: None, tsig: None }
    }
}

/// Where the parts of a query's TSIG are, in its bytes; the time, with the fudge behind it, takes the 8 before `fudge_end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TsigPlace {
    /// Where the key's name begins, and so the record. It may be compressed.
    pub key: usize,
    /// Where the algorithm's name begins; the time and the fudge follow it.
    pub algorithm: usize,
    /// Where the fudge ends.
    pub fudge_end: usize,
    /// Where the original identifier is.
    pub original_id: usize,
}

/// A query for a whole zone (RFC 5936, 2.1), or for what has changed of it (RFC 1995, 3).
pub struct TransferQuery {
    /// The zone's apex, lower case.
    pub name: Name,
    /// What of it.
    pub kind: TransferKind,
    /// Its EDNS record.
    pub edns: Option<Edns>,
    /// Where its TSIG is.
    pub tsig: Option<TsigPlace>,
    /// Where the question ends; it begins behind the header.
    pub question_end: usize,
}

/// What is asked for of a zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransferKind {
    /// All of it.
    Whole,
    /// What is new since this serial.
    Incremental {
        /// That of the client's copy.
        serial: u32,
    },
}

impl TransferQuery {
    /// Reads one; `None` for any other message, and for one that is malformed.
    pub fn read(message: &[u8]) -> Option<TransferQuery> {
        let is_query = is_query(message) && (message[2] >> 3) & 0x0f == OPCODE_QUERY && count(message, 4) == 1;
        let end = skip_name(message, HEADER).filter(|_| is_query)?;
        let question_end = end + 4;
        let is_of_internet = number(message, end + 2)? == CLASS_IN;
        let kind = match number(message, end).filter(|_| is_of_internet)? {
            rtype::AXFR => TransferKind::Whole,
            rtype::IXFR => TransferKind::Incremental { serial: first_serial(message, question_end)? },
            _ => return None,
        };
        let (name, _) = Name::read(message, HEADER).filter(|(_, name_end)| *name_end == end)?;
        let Extensions { edns, tsig } = extensions_behind(message, question_end).ok()?;
        Some(TransferQuery { name, kind, edns, tsig, question_end })
    }
}

/// The serial of the SOA that stands there, in the authority section of a query for IXFR (RFC 1995, 3).
fn first_serial(message: &[u8], at: usize) -> Option<u32> {
    const REFRESH_TO_MINIMUM: usize = 16;
    let head = skip_name(message, at)?;
    let data = head + 10;
    let end = data + usize::from(number(message, head + 8)?);
    let names_end = skip_name(message, skip_name(message, data)?)?;
    let is_soa = count(message, 8) == 1 && number(message, head)? == rtype::SOA;
    let serial = message.get(names_end..names_end + 4)?;
    (is_soa && names_end + 4 + REFRESH_TO_MINIMUM == end).then(|| serial.try_into().map(u32::from_be_bytes).ok())?
}

/// Whether these bytes are to be answered at all: a whole header of a query. A response never is, or two servers could
/// be made to talk to each other for ever.
pub fn is_query(message: &[u8]) -> bool {
    message.len() >= HEADER && message[2] & 0x80 == 0
}

/// Whether a message asks how long its TCP connection may idle, which is out of place elsewhere.
pub fn asks_for_keepalive(message: &[u8]) -> bool {
    is_query(message) && edns_of(message).is_some_and(|edns| edns.keepalive)
}

/// Reads a query that [`is_query`], the name asked for into `name`, in lower case. Flags we do not know are passed over (RFC 8906, 3.1.3).
pub fn read(message: &[u8], name: &mut Name) -> Result<Query, Refusal> {
    if (message[2] >> 3) & 0x0f != OPCODE_QUERY {
        return Err(Refusal { edns: edns_of(message), ..Refusal::bare(rcode::NOTIMP) });
    }
    let count = |at: usize| count(message, at);
    // RFC 9619, 4: a query has exactly one question; or none, where it is about its cookie alone (RFC 7873, 5.4).
    if count(4) != 1 {
        let edns = edns_of(message);
        let for_a_cookie = count(4) == 0 && edns.is_some_and(|edns| edns.cookie.is_some());
        let rcode = if for_a_cookie { rcode::NOERROR } else { rcode::FORMERR };
        return Err(Refusal { edns, ..Refusal::bare(rcode) });
    }
    let formerr = || Refusal::bare(rcode::FORMERR);
    let end = name.read_from(message, HEADER).ok_or_else(formerr)?;
    let qtype = number(message, end).ok_or_else(formerr)?;
    let qclass = number(message, end + 2).ok_or_else(formerr)?;
    let question_end = end + 4;
    let echo = |rcode: u16, edns| Refusal { question_end: Some(question_end), edns, ..Refusal::bare(rcode) };

    // A transfer's query may carry the SOA it has in the authority section (RFC 1995, 3).
    if qtype != rtype::IXFR && (count(6) != 0 || count(8) != 0) {
        return Err(echo(rcode::FORMERR, edns_of(message)));
    }
    let edns = match extensions_behind(message, question_end) {
        Ok(Extensions { edns, tsig: None }) => edns,
        // Who has signed it is not this module's to know.
        Ok(Extensions { edns, tsig }) => return Err(Refusal { tsig, ..echo(rcode::NOTAUTH, edns) }),
        Err(Fault::Malformed) => return Err(echo(rcode::FORMERR, None)),
        Err(Fault::Version(edns)) => return Err(echo(rcode::BADVERS, Some(edns))),
    };
    if let Some(rcode) = refused(qtype, qclass) {
        return Err(echo(rcode, edns));
    }
    Ok(Query { qtype, about_server: qclass == CLASS_CHAOS, question_end, edns })
}

/// The EDNS record of a message that is refused for another reason, as far as it can be made out: who sends one gets
/// one (RFC 6891, 6.1.1).
fn edns_of(message: &[u8]) -> Option<Edns> {
    let mut at = HEADER;
    for _ in 0..count(message, 4) {
        at = skip_name(message, at)? + 4;
    }
    match extensions_behind(message, at) {
        Ok(extensions) => extensions.edns,
        Err(Fault::Version(edns)) => Some(edns),
        Err(Fault::Malformed) => None,
    }
}

/// One of the header's counts of questions or records.
fn count(message: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([message[at], message[at + 1]])
}

/// The questions that are never answered with data.
fn refused(qtype: u16, qclass: u16) -> Option<u16> {
    match (qclass, qtype) {
        (_, rtype::OPT) => Some(rcode::FORMERR),
        (CLASS_IN, rtype::AXFR | rtype::IXFR) => Some(rcode::REFUSED),
        (CLASS_IN, rtype::TKEY..=rtype::MAILA) => Some(rcode::NOTIMP),
        (CLASS_IN, _) | (CLASS_CHAOS, rtype::TXT | rtype::ANY) => None,
        _ => Some(rcode::REFUSED),
    }
}

/// What the records behind the question say of the query itself.
struct Extensions {
    edns: Option<Edns>,
    tsig: Option<TsigPlace>,
}

enum Fault {
    Malformed,
    Version(Edns),
}

/// What all records behind the question say of the message itself.
fn extensions_behind(message: &[u8], question_end: usize) -> Result<Extensions, Fault> {
    let others = u32::from(count(message, 6)) + u32::from(count(message, 8));
    read_extensions(message, question_end, [(others, false), (count(message, 10).into(), true)])
}

/// Walks the records behind the question: `(how many, whether they are the additional ones)` in turn. More than one OPT, one that
/// is not the root's or one cut off is malformed (RFC 6891, 6.1.1), and so is a TSIG that is not the very last record (RFC 8945,
/// 5.1); other records are passed over.
fn read_extensions(message: &[u8], from: usize, sections: [(u32, bool); 2]) -> Result<Extensions, Fault> {
    let mut at = from;
    let mut found = None;
    let mut tsig = None;
    for (records, additional) in sections {
        for n in 0..records {
            let owner_end = skip_name(message, at).ok_or(Fault::Malformed)?;
            let head = message.get(owner_end..owner_end + 10).ok_or(Fault::Malformed)?;
            let data_end = owner_end + 10 + u16::from_be_bytes([head[8], head[9]]) as usize;
            let data = message.get(owner_end + 10..data_end).ok_or(Fault::Malformed)?;
            if u16::from_be_bytes([head[0], head[1]]) == rtype::OPT {
                if found.is_some() || !additional || owner_end != at + 1 {
                    return Err(Fault::Malformed);
                }
                let udp_size = u16::from_be_bytes([head[2], head[3]]).max(512);
                let (nsid, keepalive, padding, cookie, subnet) = Default::default();
                let edns = Edns { udp_size, dnssec_ok: head[6] & 0x80 != 0, nsid, keepalive, padding, cookie, subnet };
                found = Some((head[5], edns.with_options(data).ok_or(Fault::Malformed)?));
            }
            if u16::from_be_bytes([head[0], head[1]]) == rtype::TSIG {
                let is_last = additional && n + 1 == records;
                let class = u16::from_be_bytes([head[2], head[3]]);
                let read = TsigPlace::read(message, (at, owner_end), owner_end + 10, data_end);
                tsig = Some(read.filter(|_| is_last && class == CLASS_ANY).ok_or(Fault::Malformed)?);
            }
            at = data_end;
        }
    }
    match found {
        Some((0, edns)) => Ok(Extensions { edns: Some(edns), tsig }),
        Some((_, edns)) => Err(Fault::Version(edns)),
        None => Ok(Extensions { edns: None, tsig }),
    }
}

impl TsigPlace {
    /// Finds it in a whole header and what follows; `None` if there is none, or the message is malformed.
    pub fn of(message: &[u8]) -> Option<TsigPlace> {
        let mut at = HEADER;
        for _ in 0..count(message, 4) {
            at = skip_name(message, at)? + 4;
        }
        extensions_behind(message, at).ok()?.tsig
    }

    /// Finds the parts of a TSIG (RFC 8945, 4.2); `None` if its data does not fill its record, or the algorithm's name has a pointer.
    fn read(message: &[u8], (key, key_end): (usize, usize), data: usize, data_end: usize) -> Option<TsigPlace> {
        const TIME_AND_FUDGE: usize = 8;
        let (_, after_key) = name::expand(message, key)?;
        let (_, names_end) = Name::read(&message[..data_end], data)?;
        let fudge_end = names_end + TIME_AND_FUDGE;
        let original_id = fudge_end + 2 + number(message, fudge_end)? as usize;
        let other_length = number(message, original_id + 4)? as usize;
        let whole = after_key == key_end && original_id + 6 + other_length == data_end;
        whole.then_some(TsigPlace { key, algorithm: data, fudge_end, original_id })
    }
}

impl Edns {
    /// With what the options say; `None` if they do not fill their record exactly, or a cookie has a length that none
    /// can have. Of several cookies the first counts (RFC 7873, 5.2), and so of networks; options that are not known are passed over (RFC 6891, 6.1.2).
    fn with_options(mut self, mut options: &[u8]) -> Option<Edns> {
        while !options.is_empty() {
            let (head, rest) = options.split_at_checked(4)?;
            let (data, rest) = rest.split_at_checked(u16::from_be_bytes([head[2], head[3]]) as usize)?;
            match u16::from_be_bytes([head[0], head[1]]) {
                OPTION_NSID => self.nsid = true,
                OPTION_KEEPALIVE => self.keepalive = true,
                OPTION_PADDING => self.padding = true,
                subnet::OPTION if self.subnet.is_none() => self.subnet = Some(Stated::read(data)),
                OPTION_COOKIE if self.cookie.is_none() => self.cookie = Some(Presented::read(data)?),
                _ => {}
            }
            options = rest;
        }
        Some(self)
    }
}

/// The offset behind a name that may end in a pointer.
pub(super) fn skip_name(message: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *message.get(at)? {
            0 => return Some(at + 1),
            label @ 1..=63 => at += label as usize + 1,
            0xc0.. => return (at + 2 <= message.len()).then_some(at + 2),
            _ => return None,
        }
    }
}

fn number(message: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes([*message.get(at)?, *message.get(at + 1)?]))
}
