//! BIND's `$GENERATE`: one record for each number of a range, by a template.
//!
//! In the template `$` stands for the number, and `${OFFSET,WIDTH,BASE}` for the number plus an offset, filled up to a width, in
//! decimal (d), octal (o), hexadecimal (x, X) or as reversed nibbles with dots (n, N). `$$` and `\\$` are a plain `$`.

use super::escape::quote;
use super::fault::Fault;
use super::lexer::Text;
use super::rdata::types;
use super::words::Words;

/// The most numbers of one directive.
const MOST: u32 = 65_536;

/// The widest field: as many characters as an IPv6 address has in ip6.arpa.
const WIDEST: usize = 63;

/// Reads `START-STOP` or `START-STOP/STEP`.
pub fn range(word: &[u8]) -> Result<impl Iterator<Item = u32> + use<>, Fault> {
    let parsed = std::str::from_utf8(word).ok().and_then(|text| {
        let (numbers, step) = text.split_once('/').unwrap_or((text, "1"));
        let (start, stop) = numbers.split_once('-')?;
        Some((start.parse::<u32>().ok()?, stop.parse::<u32>().ok()?, step.parse::<u32>().ok()?))
    });
    match parsed {
        Some((start, stop, step @ 1..)) if start <= stop && (stop - start) / step < MOST => {
            Ok((start..=stop).step_by(step as usize))
        }
        Some((start, stop, 1..)) if start <= stop => {
            Err(format!("{} has more than {MOST} numbers: split it into several", quote(word)).into())
        }
        _ => Err(format!("{} is not a range: START-STOP or START-STOP/STEP, as in 1-127", quote(word)).into()),
    }
}

/// The text of a record with a place for the number.
pub struct Template(Vec<u8>);

impl Template {
    /// Takes all that is left: owner, TTL, class, type and data. Data in one quoted string is what stands in it, as in BIND.
    pub fn new(words: &mut Words<'_, '_>) -> Result<Template, Fault> {
        let mut text = Vec::new();
        let mut before = 0;
        while let Some(token) = words.token() {
            if !text.is_empty() {
                text.push(b' ');
            }
            match token {
                Text::Word(word) => text.extend_from_slice(word),
                Text::Quoted(data) if words.is_empty() && is_whole_data(&text) => text.extend_from_slice(data),
                Text::Quoted(string) => text.extend([b"\"", string, b"\""].concat()),
                Text::Pair(key, value) => text.extend([key, b"=\"", value, b"\""].concat()),
            }
            before += 1;
        }
        match before {
            0 => Err("the owner is missing".into()),
            1 => Err("the type is missing".into()),
            _ => Ok(Template(text)),
        }
    }

    /// The text for one number.
    pub fn entry(&self, number: u32) -> Result<Vec<u8>, Fault> {
        let mut text = Vec::with_capacity(self.0.len() + 16);
        let mut rest = &self.0[..];
        while let Some((&byte, after)) = rest.split_first() {
            rest = match (byte, after) {
                (b'\\', [next, after @ ..]) => {
                    text.extend([b'\\', *next]);
                    after
                }
                (b'$', [b'$', after @ ..]) => {
                    text.extend(b"\\$");
                    after
                }
                (b'$', [b'{', after @ ..]) => {
                    let Some(end) = memchr::memchr(b'}', after) else { return Err("a ${ without its }".into()) };
                    text.extend_from_slice(field(&after[..end], number)?.as_bytes());
                    &after[end + 1..]
                }
                (b'$', _) => {
                    text.extend_from_slice(number.to_string().as_bytes());
                    after
                }
                _ => {
                    text.push(byte);
                    after
                }
            };
        }
        Ok(text)
    }
}

/// Whether all data of a record follows, and that is not a string by itself: the last word is such a type.
fn is_whole_data(text: &[u8]) -> bool {
    let last = text.trim_ascii().rsplit(|byte| *byte == b' ').next().unwrap_or_default();
    let strings = [&b"TXT"[..], b"SPF", b"HINFO"].iter().any(|kind| last.eq_ignore_ascii_case(kind));
    !strings && types::parse(last).is_ok()
}

/// The number as `OFFSET[,WIDTH[,BASE]]` has it.
fn field(spelt: &[u8], number: u32) -> Result<String, Fault> {
    let wrong = || Fault::from(format!("{} is not OFFSET,WIDTH,BASE, as in ${{0,3,d}}", quote(spelt)));
    let text = std::str::from_utf8(spelt).map_err(|_| wrong())?;
    let mut parts = text.split(',');
    let offset: i64 = parts.next().unwrap_or_default().parse().map_err(|_| wrong())?;
    let width: usize = parts.next().map_or(Ok(0), str::parse).map_err(|_| wrong())?;
    let base = parts.next().unwrap_or("d");
    if width > WIDEST || parts.next().is_some() {
        return Err(wrong());
    }
    let value = i64::from(number).checked_add(offset).and_then(|value| u32::try_from(value).ok());
    let Some(value) = value else {
        return Err(format!("{number} with the offset {offset} is no number from 0 to 2^32-1").into());
    };
    match base {
        "d" => Ok(format!("{value:0width$}")),
        "o" => Ok(format!("{value:0width$o}")),
        "x" => Ok(format!("{value:0width$x}")),
        "X" => Ok(format!("{value:0width$X}")),
        "n" => Ok(nibbles(value, width)),
        "N" => Ok(nibbles(value, width).to_ascii_uppercase()),
        _ => Err(wrong()),
    }
}

/// The hexadecimal digits with a dot between them, the lowest first; `width` counts the dots too.
fn nibbles(mut value: u32, mut width: usize) -> String {
    let mut text = String::new();
    loop {
        text.push(char::from_digit(value & 15, 16).unwrap_or('0'));
        value >>= 4;
        width = width.saturating_sub(1);
        if width == 0 && value == 0 {
            return text;
        }
        text.push('.');
        width = width.saturating_sub(1);
        if width == 0 && value == 0 {
            return text;
        }
    }
}

#[cfg(test)]
mod tests;
