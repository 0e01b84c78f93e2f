//! The parameters of SVCB and HTTPS records as a whole (RFC 9460, 2).

use std::collections::BTreeMap;

use super::super::escape::quote;
use super::super::fault::Fault;
use super::super::lexer::Text;
use super::super::words::Words;
use super::svcparam::{self, Key};

/// Reads parameters to the end; `wire` holds the priority and the target.
pub fn read(words: &mut Words<'_, '_>, wire: &mut Vec<u8>) -> Result<(), Fault> {
    let mut parameters = BTreeMap::new();
    while let Some(token) = words.token() {
        let (key, value) = match token {
            Text::Pair(key, value) => (key, Some(value)),
            Text::Word(word) => match memchr::memchr(b'=', word) {
                Some(at) => (&word[..at], Some(&word[at + 1..])),
                None => (word, None),
            },
            Text::Quoted(text) => return Err(format!("{} stands in quotes: write KEY=\"VALUE\"", quote(text)).into()),
        };
        let (key, value) = svcparam::read(key, value)?;
        if parameters.insert(key, value).is_some() {
            return Err(format!("{key} is there twice").into());
        }
    }
    check(wire, &parameters)?;
    for (key, value) in parameters {
        let length = u16::try_from(value.len()).map_err(|_| format!("{key}: its value is longer than 65535 bytes"))?;
        wire.extend(key.0.to_be_bytes());
        wire.extend(length.to_be_bytes());
        wire.extend(value);
    }
    Ok(())
}

/// Keys in ascending order, every value well formed. `before` holds the priority and the target.
pub fn measure(before: &[u8], wire: &[u8]) -> Result<usize, Fault> {
    let mut parameters = BTreeMap::new();
    let mut rest = wire;
    while !rest.is_empty() {
        let (key, value, tail) = split(rest).ok_or("the data ends within a parameter")?;
        if parameters.last_key_value().is_some_and(|(last, _)| *last >= key) {
            return Err(format!("{key} is not in ascending order").into());
        }
        svcparam::check(key, value).map_err(|why| why.within(format!("{key}")))?;
        parameters.insert(key, value.to_vec());
        rest = tail;
    }
    check(before, &parameters)?;
    Ok(wire.len())
}

fn split(wire: &[u8]) -> Option<(Key, &[u8], &[u8])> {
    let (key, rest) = wire.split_first_chunk()?;
    let (length, rest) = rest.split_first_chunk()?;
    let (value, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    Some((Key(u16::from_be_bytes(*key)), value, rest))
}

/// What parameters must be to each other (RFC 9460, 2.4.2, 7.1.1 and 8).
fn check(before: &[u8], parameters: &BTreeMap<Key, Vec<u8>>) -> Result<(), Fault> {
    if before.starts_with(&[0, 0]) && !parameters.is_empty() {
        return Err("a record with priority 0 is an alias: it has none".into());
    }
    if parameters.contains_key(&Key::NO_DEFAULT_ALPN) && !parameters.contains_key(&Key::ALPN) {
        return Err("no-default-alpn needs alpn beside it".into());
    }
    let mandatory = parameters.get(&Key::MANDATORY).into_iter().flat_map(|value| svcparam::keys(value));
    for key in mandatory {
        if !parameters.contains_key(&key) {
            return Err(format!("{key} is mandatory, but not there").into());
        }
    }
    Ok(())
}
