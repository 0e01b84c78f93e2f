//! The `.key` file of a pair: the DNSKEY record, and the times of the key as comments.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::algorithm::Algorithm;
use super::error::Fault;
use super::key::{Role, ZoneKey, dnskey};
use super::times::{Times, digits_and_words, other_lines};
use crate::zone::{name, number::rtype, text};

/// What a `.key` says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PublicFile {
    pub(super) role: Role,
    pub(super) algorithm: Algorithm,
    pub(super) dnskey: Vec<u8>,
    /// Those of the comments.
    pub(super) times: Times,
}

impl PublicFile {
    /// Reads the text of a file of a key of the zone `apex` (wire format, lower case).
    pub(super) fn parse(apex: &[u8], text: &str) -> Result<PublicFile, Fault> {
        let mut times = Times::default();
        let (mut words, mut first) = (Vec::new(), None);
        for (line, content) in (1..).zip(text.lines()) {
            let (record, comment) = content.split_once(';').unwrap_or((content, ""));
            if let Some((name, value)) = comment.split_once(':') {
                times.take(name.trim(), value.trim(), line)?;
            }
            // One record, which may go on over lines in parentheses.
            let found = record.split(|letter: char| letter.is_ascii_whitespace() || letter == '(' || letter == ')');
            words.extend(found.filter(|word| !word.is_empty()));
            first = first.or_else(|| (!words.is_empty()).then_some(line));
        }
        let line = first
            .ok_or_else(|| Fault::new("it holds no record; expected a DNSKEY record, as dnssec-keygen writes it"))?;
        let (role, algorithm, dnskey) = record(apex, &words).map_err(|why| Fault::at(line, why))?;
        Ok(PublicFile { role, algorithm, dnskey, times })
    }
}

fn record(apex: &[u8], words: &[&str]) -> Result<(Role, Algorithm, Vec<u8>), String> {
    let [owner, rest @ ..] = words else { return Err("it holds no record".to_owned()) };
    if name::from_text(owner).as_deref() != Some(apex) {
        return Err(format!("a key of {owner}; expected one of {}", name::to_absolute_text(apex)));
    }
    let data = rest.iter().position(|word| word.eq_ignore_ascii_case("DNSKEY")).map(|at| &rest[at + 1..]);
    let Some([flags, protocol, algorithm, public @ ..]) = data else {
        return Err("expected a record such as `example.com. IN DNSKEY 257 3 13 BASE64`".to_owned());
    };
    let role = flags.parse().ok().and_then(Role::from_flags).ok_or_else(|| {
        format!("the flags {flags}; expected 257 (KSK, or the one key of a zone) or 256 (ZSK): a key that is revoked or is of no zone does not belong here")
    })?;
    if *protocol != "3" {
        return Err(format!("the protocol {protocol}; expected 3 (RFC 4034, 2.1.2)"));
    }
    let algorithm = algorithm_of(algorithm)?;
    let public = STANDARD.decode(public.concat()).map_err(|_| "the public key is not in base64".to_owned())?;
    Ok((role, algorithm, dnskey(role, algorithm, &public)))
}

/// The algorithm of a number or a name.
fn algorithm_of(text: &str) -> Result<Algorithm, String> {
    let known = match text.parse() {
        Ok(number) => Algorithm::from_number(number),
        Err(_) => Algorithm::from_name(text),
    };
    known.ok_or_else(|| format!("the algorithm {text}, {}", Algorithm::expected()))
}

/// The text of a key's file, as BIND writes it.
pub(super) fn write(key: &ZoneKey) -> String {
    let owner = name::to_absolute_text(key.apex());
    let kind = if key.is_ksk() { "key-signing" } else { "zone-signing" };
    let about = format!("; This is a {kind} key, keyid {}, for {owner}\n", key.tag());
    about + &comments(key.times()) + &format!("{owner} IN DNSKEY {}\n", text::rdata(rtype::DNSKEY, key.dnskey()))
}

/// The text of a file with these times instead of its own; all else in it stays.
pub(super) fn with_times(text: &str, times: &Times) -> String {
    let lines: Vec<&str> = other_lines(text, ";").collect();
    let head = lines.iter().take_while(|line| line.starts_with(';')).count();
    let joined = |lines: &[&str]| lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    joined(&lines[..head]) + &comments(times) + &joined(&lines[head..])
}

fn comments(times: &Times) -> String {
    times.named().map(|(name, time)| format!("; {name}: {}\n", digits_and_words(time))).collect()
}

#[cfg(test)]
mod tests;
