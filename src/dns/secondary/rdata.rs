//! Where names stand in record data that may be compressed (RFC 3597, 4).

use crate::zone::name;

/// A part of record data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Bytes(usize),
    /// A length, and so many bytes.
    Text,
    Name,
}

/// The parts of a type's data that end with its last name; empty: it has no name that could be compressed.
fn parts(rtype: u16) -> &'static [Part] {
    use Part::{Bytes, Name, Text};
    match rtype {
        // NS, MD, MF, CNAME, MB, MG, MR, PTR, DNAME.
        2..=5 | 7..=9 | 12 | 39 => &[Name],
        // SOA, MINFO, RP.
        6 | 14 | 17 => &[Name, Name],
        // MX, AFSDB, RT, KX.
        15 | 18 | 21 | 36 => &[Bytes(2), Name],
        // PX.
        26 => &[Bytes(2), Name, Name],
        // SRV.
        33 => &[Bytes(6), Name],
        // NAPTR.
        35 => &[Bytes(4), Text, Text, Text, Name],
        _ => &[],
    }
}

/// Adds the data between two places of a message, its names uncompressed. `None` if it does not end where it must.
pub fn expand(message: &[u8], rtype: u16, at: usize, end: usize, out: &mut Vec<u8>) -> Option<()> {
    let mut from = at;
    for part in parts(rtype) {
        match part {
            Part::Name => {
                let (name, behind) = name::expand(message, from)?;
                out.extend_from_slice(&name);
                from = behind;
            }
            Part::Bytes(count) => from = copy(message, from, *count, out)?,
            Part::Text => from = copy(message, from, 1 + usize::from(*message.get(from)?), out)?,
        }
        if from > end {
            return None;
        }
    }
    out.extend_from_slice(message.get(from..end)?);
    Some(())
}

fn copy(message: &[u8], from: usize, count: usize, out: &mut Vec<u8>) -> Option<usize> {
    out.extend_from_slice(message.get(from..from + count)?);
    Some(from + count)
}
