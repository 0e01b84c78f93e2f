//! What a single test of HAProxy's (configuration manual, 7.1 and 7.3) says of hosts and paths. Pure.

use super::super::condition::Condition;
use super::super::error::Inexpressible;
use crate::config::{HostPattern, names};

/// A test that a table of hosts and paths can express, and in what it then differs.
#[derive(Debug, Clone)]
pub struct Criterion {
    /// When it holds.
    pub condition: Condition,
    /// What is otherwise here.
    pub differs: Vec<String>,
    /// It holds for paths in other letters, too, and not here.
    pub any_case: bool,
}

/// How a sample is compared with the patterns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Match {
    Exact,
    Begin,
    End,
    Domain,
    Found,
    Other,
}

/// Reads `CRITERION [FLAGS] [VALUES]`.
///
/// # Errors
///
/// Why it cannot be expressed.
pub fn read(words: &[String]) -> Result<Criterion, Inexpressible> {
    let Some((sample, rest)) = words.split_first() else { return Err("an empty condition".into()) };
    let (mut matching, fetch) = split_sample(sample);
    let (mut values, mut any_case) = (Vec::new(), sample.to_ascii_lowercase().contains(",lower"));
    let mut rest = rest.iter();
    while let Some(word) = rest.next() {
        match word.as_str() {
            "-i" if values.is_empty() => any_case = true,
            "-n" if values.is_empty() => {}
            "-m" if values.is_empty() => matching = method(rest.next().map_or("", String::as_str)),
            "-f" | "-M" | "-u" if values.is_empty() => {
                return Err(format!(
                    "{word}: patterns in files are not read; write them into the configuration, and import again"
                )
                .into());
            }
            "--" if values.is_empty() => {}
            value => values.push(value.to_owned()),
        }
    }
    let plain = |condition| Ok(Criterion { condition, differs: Vec::new(), any_case: false });
    match fetch.as_str() {
        "always_true" => plain(Condition::Always),
        "always_false" => plain(Condition::Always.negated()),
        "ssl_fc" => plain(Condition::Tls),
        "dst_port" if values == ["443"] => plain(Condition::Tls),
        "dst_port" if values == ["80"] => plain(Condition::Tls.negated()),
        "host" => hosts(matching, &values),
        "path" => paths(matching, &values).map(|read| Criterion { any_case: any_case && has_letters(&values), ..read }),
        _ if counts(sample) => {
            Err(format!("{sample}: polder counts requests by \"rate_limit\" of a service: docs/limits.md").into())
        }
        _ => Err(format!("{sample}: polder routes by host and path alone").into()),
    }
}

/// What a stick table counts: requests, connections, errors, bytes.
fn counts(sample: &str) -> bool {
    let name = sample.split('(').next().unwrap_or_default();
    (name.starts_with("sc") || name.starts_with("src_"))
        && ["_rate", "_cnt", "_cur", "_kbytes_in", "_kbytes_out"].iter().any(|suffix| name.ends_with(suffix))
}

/// `hdr_end(host),lower` as the way of comparing, and what is compared: `host`, `path`, or the words as they stand.
fn split_sample(sample: &str) -> (Match, String) {
    let lower = sample.to_ascii_lowercase();
    let (fetch, converters) = match lower.split_once(')') {
        Some((fetch, converters)) => (format!("{fetch})"), converters.trim_start_matches(',').to_owned()),
        None => match lower.split_once(',') {
            Some((fetch, converters)) => (fetch.to_owned(), converters.to_owned()),
            None => (lower.clone(), String::new()),
        },
    };
    let kept = [
        "",
        "lower",
        "field(1,:)",
        "field(1,:),lower",
        "lower,field(1,:)",
        "word(1,:)",
        "host_only",
        "host_only,lower",
        "lower,host_only",
    ];
    if !kept.contains(&converters.as_str()) {
        return (Match::Other, sample.to_owned());
    }
    let suffixes = [
        ("_beg", Match::Begin),
        ("_end", Match::End),
        ("_dom", Match::Domain),
        ("_dir", Match::Other),
        ("_sub", Match::Other),
        ("_reg", Match::Other),
        ("_len", Match::Other),
    ];
    let (name, arguments) = fetch.split_once('(').map_or((&*fetch, ""), |(name, arguments)| (name, arguments));
    let (matching, name) =
        suffixes.iter().find_map(|(suffix, matching)| Some((*matching, name.strip_suffix(suffix)?))).unwrap_or((
            if arguments.is_empty() && !matches!(name, "path" | "ssl_fc_sni") { Match::Found } else { Match::Exact },
            name,
        ));
    let subject = match (name, arguments.trim_end_matches(')')) {
        ("hdr" | "req.hdr" | "req.fhdr" | "hdr_host", "host")
        | ("hdr" | "req.hdr" | "req.fhdr", "host,1" | "host,-1") => "host",
        ("ssl_fc_sni" | "req.ssl_sni", "") => "host",
        ("path", "") => "path",
        _ => return (matching, fetch.clone()),
    };
    (matching, subject.to_owned())
}

fn method(name: &str) -> Match {
    match name {
        "str" => Match::Exact,
        "beg" => Match::Begin,
        "end" => Match::End,
        "dom" => Match::Domain,
        _ => Match::Other,
    }
}

fn hosts(matching: Match, values: &[String]) -> Result<Criterion, Inexpressible> {
    let (mut patterns, mut differs) = (Vec::new(), Vec::new());
    let mut parse =
        |text: &str| HostPattern::parse(text).map(|pattern| patterns.push(pattern)).map_err(Inexpressible::from);
    for value in values {
        match matching {
            Match::Exact => {
                let name = without_port(value);
                if name != value {
                    differs.push(format!("{name} counts on every port here"));
                }
                parse(name)?;
            }
            Match::End => match value.strip_prefix('.') {
                Some(below) => parse(&format!("*.{below}"))?,
                None => {
                    parse(value)?;
                    parse(&format!("*.{value}"))?;
                    differs.push(format!(
                        "{value} and every name below it, and not names that only end in the same letters"
                    ));
                }
            },
            Match::Domain => {
                let name = value.trim_matches('.');
                parse(name)?;
                parse(&format!("*.{name}"))?;
                differs.push(format!("{name} and every name below it, and not names that have it in their middle"));
            }
            _ => {
                return Err(
                    "of hosts polder knows whole names and everything below a name (*.example.net); name the hosts"
                        .into(),
                );
            }
        }
    }
    match patterns.is_empty() {
        true => Err("there is no host in it".into()),
        false => Ok(Criterion { condition: Condition::Host(patterns), differs, any_case: false }),
    }
}

/// A host as a pattern has it, its port cut off.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) && !name.ends_with(':') => {
            name
        }
        _ => host,
    }
}

fn has_letters(values: &[String]) -> bool {
    values.iter().any(|value| value.bytes().any(|byte| byte.is_ascii_alphabetic()))
}

fn paths(matching: Match, values: &[String]) -> Result<Criterion, Inexpressible> {
    let (mut prefixes, mut differs) = (Vec::new(), Vec::new());
    for value in values {
        let prefix = value.trim_end_matches('/');
        match matching {
            Match::Begin if value == "/" => {
                return Ok(Criterion { condition: Condition::Always, differs: Vec::new(), any_case: false });
            }
            Match::Begin if prefix == value => {
                differs.push(format!("{value} counts in whole segments: {value} and {value}/x, not {value}x"))
            }
            Match::Begin => differs.push(format!("{prefix} itself belongs to it, too")),
            Match::Exact if value == "/" => return Err("polder has no rule for the path / alone".into()),
            Match::Exact => differs.push(format!("{prefix}/x belongs to it, too")),
            _ => return Err("of paths polder knows what they begin with, in whole segments".into()),
        }
        prefixes.push(names::path_prefix(prefix).map_err(Inexpressible::from)?);
    }
    match prefixes.is_empty() {
        true => Err("there is no path in it".into()),
        false => Ok(Criterion { condition: Condition::Path(prefixes), differs, any_case: false }),
    }
}
