//! Record data: text to wire format, by one table from types to fields.
//!
//! [`types`] is the table; [`codec`] reads one [`field`] from text and measures it in wire format. So known types written
//! as `\# length hex` (RFC 3597, 5) are checked by the same table, and [`show()`] writes data as text by it.

pub mod types;

mod apl;
pub mod base32hex;
mod bitmap;
mod codec;
mod field;
mod gateway;
mod hip;
mod keyword;
mod loc;
mod moment;
mod show;
mod svcb;
mod svcparam;
#[cfg(test)]
mod tests;
mod value;
mod wks;

use super::fault::Fault;
use super::words::Words;
pub use bitmap::bitmap;
use field::Field;
pub use show::show;

/// The longest record data there can be (RFC 1035, 3.2.1).
const LONGEST: usize = u16::MAX as usize;

/// Reads the data of a record of type `rtype`: all words that are left.
pub fn read(rtype: u16, words: &mut Words<'_, '_>, origin: &[u8]) -> Result<Vec<u8>, Fault> {
    let known = types::by_code(rtype);
    let wire = match (words.peek_word(), known) {
        (Some(b"\\#"), _) => generic(rtype, words)?,
        (_, Some(known)) => fields(known.fields, words, origin)?,
        (_, None) => return Err(format!("the data of {} is written as \\# LENGTH HEX", types::to_text(rtype)).into()),
    };
    if wire.len() > LONGEST {
        return Err(format!("its data takes {} bytes: at most {LONGEST}", wire.len()).into());
    }
    Ok(wire)
}

fn fields(fields: &[(&str, Field)], words: &mut Words<'_, '_>, origin: &[u8]) -> Result<Vec<u8>, Fault> {
    let mut wire = Vec::new();
    for (what, field) in fields {
        if words.is_empty() && !field.may_be_empty() {
            return Err(format!("the {what} is missing").into());
        }
        field.read(words, origin, &mut wire).map_err(|why| why.within(format!("the {what}")))?;
    }
    words.finish()?;
    Ok(wire)
}

fn generic(rtype: u16, words: &mut Words<'_, '_>) -> Result<Vec<u8>, Fault> {
    let _ = words.token();
    let length: usize = value::number(words.word().map_err(|why| why.within("the length after \\#"))?, LONGEST)
        .map_err(|why| why.within("the length after \\#"))?;
    let wire = value::hex(&words.joined()?)?;
    if wire.len() != length {
        return Err(format!("after \\# the length is {length}, but {} bytes follow", wire.len()).into());
    }
    measure(rtype, &wire).map_err(|why| why.within("the data after \\#"))?;
    Ok(wire)
}

/// Whether `wire` is what a record of a known type may hold.
fn measure(rtype: u16, wire: &[u8]) -> Result<(), Fault> {
    let Some(known) = types::by_code(rtype) else { return Ok(()) };
    let mut at = 0;
    for (what, field) in known.fields {
        at += field.measure(wire, at).map_err(|why| why.within(format!("the {what}")))?;
    }
    if at == wire.len() { Ok(()) } else { Err(format!("the fields take {at} bytes of {}", wire.len()).into()) }
}

/// The data with its names in lower case: equal for records that are the same.
pub fn canonical(rtype: u16, wire: &[u8]) -> Vec<u8> {
    let mut lowered = wire.to_vec();
    for name in names(rtype, wire) {
        lowered[name].make_ascii_lowercase();
    }
    lowered
}

/// The name the record points to; `None` for types without one.
pub fn target(rtype: u16, wire: &[u8]) -> Option<&[u8]> {
    names(rtype, wire).next().and_then(|name| wire.get(name))
}

fn names(rtype: u16, wire: &[u8]) -> impl Iterator<Item = std::ops::Range<usize>> {
    let fields = types::by_code(rtype).map_or(&[][..], |known| known.fields);
    let mut at = 0;
    fields.iter().filter_map(move |(_, field)| {
        let start = at;
        at += field.measure(wire, at).ok()?;
        (*field == Field::Name).then_some(start..at)
    })
}
