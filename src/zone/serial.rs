//! A zone's serial: where it stands in the file, what the next one is, and which of two is newer (RFC 1982).
//!
//! Pure but for [`bump`], which replaces the file. Called by `polder check` and `polder serial`.

use std::io;
use std::ops::Range;
use std::path::PathBuf;

use super::folder::MOST_ZONE;
use super::lexer::{Entry, Lexer, Text};
use super::record::{ZoneFile, ZoneRecord};
use crate::config::regular_file::read_regular_file;
use crate::files::{self, Access};
use crate::zone::number::rtype;

/// The bytes after the serial in a SOA's data: four numbers (RFC 1035, 3.3.13).
const BEHIND: usize = 16;

/// A date-style serial is a day and two digits: YYYYMMDDnn.
const A_DAY: u32 = 100;

impl ZoneFile {
    /// The serial of its SOA.
    pub fn serial(&self) -> Option<u32> {
        of_soa(self.soa()?.rdata)
    }

    /// Whether another has the same records, serials left aside.
    pub fn same_but_for_serial(&self, other: &ZoneFile) -> bool {
        self.without_serial() == other.without_serial()
    }

    /// Its records in order, each as owner in lower case, type, TTL and data, the SOA's without the serial.
    pub(crate) fn without_serial(&self) -> Vec<(Vec<u8>, u16, u32, Vec<u8>)> {
        let mut records: Vec<_> = self.records.iter().map(plain).collect();
        records.sort_unstable();
        records
    }

    fn soa(&self) -> Option<ZoneRecord<'_>> {
        self.records.iter().find(|record| record.rtype == rtype::SOA)
    }
}

fn plain(record: ZoneRecord<'_>) -> (Vec<u8>, u16, u32, Vec<u8>) {
    let mut rdata = record.rdata.to_vec();
    if record.rtype == rtype::SOA {
        without(&mut rdata);
    }
    (record.owner.to_ascii_lowercase(), record.rtype, record.ttl, rdata)
}

/// The serial in a SOA's data.
pub fn of_soa(soa: &[u8]) -> Option<u32> {
    soa.get(place(soa)?)?.try_into().ok().map(u32::from_be_bytes)
}

/// A SOA's data with another serial.
pub fn with_serial(soa: &[u8], serial: u32) -> Vec<u8> {
    let mut data = soa.to_vec();
    if let Some(written) = place(soa).and_then(|place| data.get_mut(place)) {
        written.copy_from_slice(&serial.to_be_bytes());
    }
    data
}

/// Takes the serial out of a SOA's data.
pub(super) fn without(soa: &mut Vec<u8>) {
    if let Some(place) = place(soa) {
        soa.drain(place);
    }
}

fn place(soa: &[u8]) -> Option<Range<usize>> {
    let end = soa.len().checked_sub(BEHIND)?;
    Some(end.checked_sub(size_of::<u32>())?..end)
}

/// Whether `one` is newer than `other` (RFC 1982, 3.2). Of two that are exactly 2^31 apart, neither is.
pub fn is_newer(one: u32, other: u32) -> bool {
    (1..1 << 31).contains(&one.wrapping_sub(other))
}

/// The serial to follow both `present` and `above`, in the style of `present`: today's date if it is one, else one
/// more. `today` as YYYYMMDD. Never 0, which some take for "none".
pub fn next(present: u32, above: Option<u32>, today: u32) -> u32 {
    let last = above.filter(|above| is_newer(*above, present)).unwrap_or(present);
    let dated = today * A_DAY + 1;
    if is_date(present / A_DAY) && is_newer(dated, last) {
        return dated;
    }
    match last.wrapping_add(1) {
        0 => 1,
        next => next,
    }
}

fn is_date(day: u32) -> bool {
    (1980..2100).contains(&(day / 10_000)) && (1..=12).contains(&(day / 100 % 100)) && (1..=31).contains(&(day % 100))
}

/// A serial that was raised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bumped {
    /// The file it stands in: the zone's own, or one that it includes.
    pub file: PathBuf,
    /// The line it stands in, from 1.
    pub line: u32,
    /// The serial before.
    pub before: u32,
    /// The serial now.
    pub after: u32,
}

/// Raises the serial of a zone in its file; nothing else of it changes. The file is replaced in one step.
///
/// # Errors
///
/// It cannot be written, or its SOA is spelt in a way that hides the serial (`TYPE6 \# …`).
pub fn bump(zone: &ZoneFile, above: Option<u32>, today: u32) -> io::Result<Bumped> {
    let hidden = || io::Error::other("the serial cannot be found in the SOA record: write it as a plain number");
    let soa = zone.soa().ok_or_else(hidden)?;
    let file = zone.files.get(usize::from(soa.file)).ok_or_else(hidden)?;
    // A link stays a link: what it leads to is replaced.
    let target = std::fs::canonicalize(file)?;
    let text = read_regular_file(&target, MOST_ZONE)?;
    let (span, line) = find(&text, soa.line).ok_or_else(hidden)?;
    let before: u32 =
        std::str::from_utf8(&text[span.clone()]).ok().and_then(|text| text.parse().ok()).ok_or_else(hidden)?;
    let after = next(before, above, today);
    let mut changed = text;
    changed.splice(span, after.to_string().into_bytes());
    files::replace(&target, &changed, Access::AsBefore(0o644))?;
    Ok(Bumped { file: file.clone(), line, before, after })
}

/// Where the serial of the SOA that begins at a line stands: its bytes, and its own line.
fn find(text: &[u8], line: u32) -> Option<(Range<usize>, u32)> {
    let entry = Lexer::new(text).flatten().find(|entry| entry.line == line)?;
    let (word, line) = serial_token(&entry)?;
    let start = word.as_ptr() as usize - text.as_ptr() as usize;
    Some((start..start + word.len(), line))
}

/// `[owner] [TTL] [class] SOA nameserver mailbox serial …`
fn serial_token<'a>(entry: &Entry<'a>) -> Option<(&'a [u8], u32)> {
    let owner = usize::from(!entry.indented);
    let is_soa = |text: &Text<'_>| matches!(text, Text::Word(word) if word.eq_ignore_ascii_case(b"SOA"));
    let soa = entry.tokens.iter().skip(owner).position(|token| is_soa(&token.text))? + owner;
    let token = entry.tokens.get(soa + 3)?;
    match token.text {
        Text::Word(word) if word.iter().all(u8::is_ascii_digit) => Some((word, token.line)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
