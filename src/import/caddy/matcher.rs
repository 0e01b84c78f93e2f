//! Request matchers (Caddy's "Request Matchers"). Pure.

use super::super::error::Inexpressible;
use std::collections::BTreeMap;

use super::super::condition::Condition;
use super::super::note::Notes;
use super::blocks::Directive;
use crate::config::{HostPattern, names};

/// The named matchers of a site.
#[derive(Debug, Default)]
pub struct Matchers(BTreeMap<String, Directive>);

impl Matchers {
    /// Takes `@name ...` out of a block; those of the blocks around it count there, too.
    pub fn of(block: &[Directive], outer: &Matchers) -> Matchers {
        let mut all = outer.0.clone();
        let named = block.iter().filter(|directive| directive.name().starts_with('@'));
        all.extend(named.map(|directive| (directive.name().to_owned(), directive.clone())));
        Matchers(all)
    }

    /// The networks of a matcher that is about the visitor's address alone, and whether it means all others.
    pub fn networks(&self, directive: &Directive) -> Option<(Vec<String>, bool)> {
        let matcher = self.0.get(directive.argument(0)?)?;
        let words = match (matcher.arguments(), &matcher.block[..]) {
            ([], [only]) if only.block.is_empty() => &only.words[..],
            (words, []) => words,
            _ => return None,
        };
        let (words, others) = match words.split_first() {
            Some((not, words)) if not == "not" => (words, true),
            _ => (words, false),
        };
        let (kind, ranges) = words.split_first()?;
        let all = |range: &String| match range.as_str() {
            "private_ranges" => super::global::PRIVATE.iter().map(|range| (*range).to_owned()).collect(),
            range => vec![range.to_owned()],
        };
        matches!(kind.as_str(), "remote_ip" | "client_ip").then(|| (ranges.iter().flat_map(all).collect(), others))
    }

    /// The condition of a directive, and its words behind the matcher.
    ///
    /// # Errors
    ///
    /// Why a table of hosts and paths cannot express it.
    pub fn split<'a>(
        &self,
        directive: &'a Directive,
        notes: &mut Notes,
    ) -> Result<(Condition, &'a [String]), Inexpressible> {
        match directive.arguments().split_first() {
            Some((first, rest)) if first == "*" => Ok((Condition::Always, rest)),
            Some((first, rest)) if first.starts_with('/') => {
                Ok((paths(std::slice::from_ref(first), directive, notes)?, rest))
            }
            Some((first, rest)) if first.starts_with('@') => {
                let matcher = self.0.get(first).ok_or_else(|| format!("there is no matcher {first}"))?;
                Ok((named(matcher, notes)?, rest))
            }
            _ => Ok((Condition::Always, directive.arguments())),
        }
    }
}

/// `@name MATCHER ...` or `@name { ... }`.
fn named(matcher: &Directive, notes: &mut Notes) -> Result<Condition, Inexpressible> {
    if matcher.arguments().is_empty() {
        return set(&matcher.block, notes);
    }
    let inline = Directive { line: matcher.line, words: matcher.arguments().to_vec(), block: matcher.block.clone() };
    one(&inline, notes)
}

/// All of a set have to hold; of several lines with paths, or with hosts, one.
fn set(matchers: &[Directive], notes: &mut Notes) -> Result<Condition, Inexpressible> {
    let (mut all, mut merged) = (Vec::new(), BTreeMap::<&str, Vec<Condition>>::new());
    for matcher in matchers {
        let condition = one(matcher, notes)?;
        match matcher.name() {
            name @ ("path" | "host") => merged.entry(name).or_default().push(condition),
            _ => all.push(condition),
        }
    }
    all.extend(merged.into_values().map(Condition::Any));
    Ok(Condition::All(all))
}

fn one(matcher: &Directive, notes: &mut Notes) -> Result<Condition, Inexpressible> {
    match (matcher.name(), matcher.arguments()) {
        ("path", patterns) if !patterns.is_empty() => paths(patterns, matcher, notes),
        ("host", names) if !names.is_empty() => hosts(names),
        ("protocol", [scheme]) if scheme == "https" => Ok(Condition::Tls),
        ("protocol", [scheme]) if scheme == "http" => Ok(Condition::Tls.negated()),
        ("not", [_, ..]) => {
            let inner =
                Directive { line: matcher.line, words: matcher.arguments().to_vec(), block: matcher.block.clone() };
            one(&inner, notes).map(Condition::negated)
        }
        ("not", []) => set(&matcher.block, notes).map(Condition::negated),
        (name, _) => Err(format!("{name}: polder routes by host and path alone").into()),
    }
}

fn hosts(names: &[String]) -> Result<Condition, Inexpressible> {
    let patterns: Result<Vec<HostPattern>, _> = names.iter().map(|name| HostPattern::parse(name)).collect();
    patterns.map(Condition::Host).map_err(Inexpressible::from)
}

/// `/api/*`, `/api*`, `/api`.
fn paths(patterns: &[String], told: &Directive, notes: &mut Notes) -> Result<Condition, Inexpressible> {
    let mut prefixes = Vec::new();
    for pattern in patterns {
        let (prefix, differs) = match pattern.strip_suffix('*') {
            Some("/") => return Ok(Condition::Always),
            Some(prefix) => match prefix.strip_suffix('/') {
                Some(whole) => (whole, format!("{whole} itself belongs to it, too")),
                None => (prefix, format!("{pattern} counts in whole segments: {prefix} and {prefix}/x, not {prefix}x")),
            },
            None if pattern == "/" => return Err("polder has no rule for the path / alone".into()),
            None => {
                let whole = pattern.trim_end_matches('/');
                (whole, format!("{whole}/x belongs to it, too"))
            }
        };
        if prefix.contains('*') {
            return Err(format!("{pattern}: of paths polder knows what they begin with, in whole segments").into());
        }
        prefixes.push(names::path_prefix(prefix).map_err(Inexpressible::from)?);
        notes.changed(told.line, &told.text(), differs);
    }
    Ok(Condition::Path(prefixes))
}
