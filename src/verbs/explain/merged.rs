//! What several daemons say, those together that say the same (pure).

use std::net::IpAddr;

use crate::counted::plural;
use crate::verbs::layout::wrapped;
use crate::verbs::output::printable;

/// What a daemon says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said<'a> {
    pub(super) daemon: &'a str,
    /// What it comes to.
    pub(super) headline: String,
    /// Why.
    pub(super) sentences: Vec<String>,
}

/// What it comes to for some daemons.
#[derive(Debug, PartialEq, Eq)]
struct Group<'a> {
    daemons: Vec<&'a str>,
    headline: String,
    /// Each with those who say it.
    sentences: Vec<(String, Vec<&'a str>)>,
}

/// Lines of at most `width` columns: `proxies px-1, px-2: service shop, backend shop2`, and below it why. A sentence that not all of them
/// say begins with their names.
pub(super) fn text(role: &str, said: Vec<Said<'_>>, width: usize) -> String {
    let mut text = String::new();
    for Group { daemons, headline, sentences } in merged(said) {
        let role = if daemons.len() == 1 { role.to_owned() } else { plural(role) };
        let names = printable(&daemons.join(", "));
        text += &wrapped("", &format!("{role} {names}: {headline}"), 4, width);
        for (sentence, by) in sentences {
            let only = if by.len() == daemons.len() { String::new() } else { format!("{}: ", by.join(", ")) };
            text += &wrapped("    ", &printable(&format!("{only}{sentence}")), 6, width);
        }
    }
    text
}

fn merged(said: Vec<Said<'_>>) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for Said { daemon, headline, sentences } in said {
        let place = groups.iter().position(|group| group.headline == headline).unwrap_or(groups.len());
        if place == groups.len() {
            groups.push(Group { daemons: Vec::new(), headline, sentences: Vec::new() });
        }
        groups[place].add(daemon, sentences);
    }
    groups
}

impl<'a> Group<'a> {
    /// Sentences keep their order: one that nobody has said yet stands before the one that follows it.
    fn add(&mut self, daemon: &'a str, sentences: Vec<String>) {
        self.daemons.push(daemon);
        let mut end = self.sentences.len();
        for sentence in sentences.into_iter().rev() {
            match self.sentences[..end].iter().rposition(|(other, _)| are_alike(other, &sentence)) {
                Some(place) => {
                    let (said, daemons) = &mut self.sentences[place];
                    *said = together(said, &sentence);
                    daemons.push(daemon);
                    end = place;
                }
                None => self.sentences.insert(end, (sentence, vec![daemon])),
            }
        }
    }
}

/// How far apart daemons see the same thing, in seconds: each probes in a rhythm of its own.
const APART: u32 = 30;

/// What two sentences that are alike say of both: an address of each has its port alone, `*:8080`.
fn together(one: &str, other: &str) -> String {
    let word = |(one, other): (&str, &str)| match listener(one).filter(|_| one != other) {
        Some((address, port)) => one.replacen(&format!("{address}:{port}"), &format!("*:{port}"), 1),
        None => one.to_owned(),
    };
    one.split(' ').zip(other.split(' ')).map(word).collect::<Vec<_>>().join(" ")
}

/// The address and port of `(192.0.2.1:80)`, where a listener is told.
fn listener(word: &str) -> Option<(&str, u16)> {
    let (address, port) = word.strip_prefix('(')?.split(')').next()?.rsplit_once(':')?;
    let is_address = address == "*" || address.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
    Some((address, port.parse().ok()?)).filter(|_| is_address)
}

/// Whether two sentences say the same: but for how long a probe took, for moments that are seconds apart, and for the addresses of listeners
/// at one port.
fn are_alike(one: &str, other: &str) -> bool {
    let (one, other): (Vec<&str>, Vec<&str>) = (one.split(' ').collect(), other.split(' ').collect());
    let is_span = |words: &[&str], at: usize| {
        words[at].bytes().all(|byte| byte.is_ascii_digit())
            && words.get(at + 1).is_some_and(|unit| unit.starts_with("ms"))
    };
    one.len() == other.len()
        && (0..one.len()).all(|at| {
            one[at] == other[at]
                || listener(one[at]).zip(listener(other[at])).is_some_and(|((_, one), (_, other))| one == other)
                || (is_span(&one, at) && is_span(&other, at))
                || seconds(one[at]).zip(seconds(other[at])).is_some_and(|(one, other)| one.abs_diff(other) <= APART)
        })
}

/// `04:08:05Z`, with whatever punctuation stands behind it.
fn seconds(word: &str) -> Option<u32> {
    let word = word.trim_end_matches([',', ':', ';', ')']).trim_start_matches('(').strip_suffix('Z')?;
    let mut parts = word.split(':').map(str::parse::<u32>);
    let (hours, minutes, seconds) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    parts.next().is_none().then_some(hours * 3600 + minutes * 60 + seconds)
}

#[cfg(test)]
mod tests;
