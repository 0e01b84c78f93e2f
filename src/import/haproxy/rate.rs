//! Rate limits as people write them with stick tables: `track-sc0 src`, and `deny` above `sc_http_req_rate(0)` (configuration
//! manual, 4.2 "stick-table", 7.3.3). Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::note::Notes;
use super::super::tree::Table;
use super::sections::{Proxy, Statement};
use super::times;

/// The request rates that stick tables keep, by the section of the table.
#[derive(Debug, Default)]
pub struct Tables(BTreeMap<String, Kept>);

#[derive(Debug, Clone, Copy)]
struct Kept {
    period: Duration,
    /// The most networks; none that can be read.
    entries: Option<u64>,
}

/// What counts requests of a client.
const COUNTERS: &[&str] = &[
    "sc_http_req_rate(0)",
    "sc0_http_req_rate",
    "sc_http_req_rate(1)",
    "sc1_http_req_rate",
    "sc_http_req_rate(2)",
    "sc2_http_req_rate",
    "src_http_req_rate",
];

/// What a document may say.
const ENTRIES: std::ops::RangeInclusive<u64> = 8..=16_777_216;
const MOST_BURST: u64 = 1_000_000;

impl Tables {
    /// Finds those that keep the rate of requests of addresses.
    pub fn of(proxies: &[Proxy]) -> Tables {
        let kept = proxies.iter().filter_map(|proxy| {
            let statement = proxy.statements.iter().rev().find(|statement| statement.keyword() == "stick-table")?;
            Some((proxy.name.clone(), Kept::of(statement)?))
        });
        Tables(kept.collect())
    }

    /// Whether a `stick-table` or a `track-sc` is for nothing but such a rate.
    pub fn explains(&self, section: &str, statement: &Statement) -> bool {
        let is_track = statement.argument(0).is_some_and(|verb| verb.starts_with("track-sc"))
            && statement.argument(1) == Some("src");
        let table = statement.words.iter().position(|word| word == "table").and_then(|at| statement.words.get(at + 1));
        (is_track || statement.keyword() == "stick-table") && self.0.contains_key(table.map_or(section, String::as_str))
    }

    /// `rate_limit` of a rule that refuses what comes more often than `{ COUNTER gt N }`.
    pub fn limit(
        &self,
        section: &str,
        tracked: Option<&str>,
        test: &[String],
        statement: &Statement,
        notes: &mut Notes,
    ) -> Option<Table> {
        let words: Vec<&str> = test.iter().map(String::as_str).collect();
        let (counter, most) = match words[..] {
            [counter, "gt", most] => (counter, most.parse::<u64>().ok()?),
            [counter, "ge", most] => (counter, most.parse::<u64>().ok()?.checked_sub(1)?),
            _ => return None,
        };
        let (counter, named) = match counter.split_once('(') {
            Some(("src_http_req_rate", table)) => {
                ("src_http_req_rate", Some(table.trim_end_matches(')')).filter(|table| !table.is_empty()))
            }
            _ => (counter, None),
        };
        let kept = self.0.get(named.or(tracked).unwrap_or(section)).filter(|_| COUNTERS.contains(&counter))?;
        let rate = rate(most.max(1), kept.period)?;
        let mut client = Table::new().with("rate", rate.as_str()).with("burst", most.clamp(1, MOST_BURST));
        client.set_some("entries", kept.entries.map(|entries| entries.clamp(*ENTRIES.start(), *ENTRIES.end())));
        let why = format!(
            "each address has {rate} here, {most} at once, and 429 with Retry-After above that; what is refused does not count. An IPv6 /64 counts as one"
        );
        notes.changed(statement.line, &statement.text(), why);
        Some(Table::new().with("client", client))
    }
}

impl Kept {
    /// `stick-table type ip size 100k expire 30s store http_req_rate(10s)`.
    fn of(statement: &Statement) -> Option<Kept> {
        let after = |name: &str| {
            let at = statement.words.iter().position(|word| word == name)?;
            statement.words.get(at + 1).map(String::as_str)
        };
        after("type").filter(|kind| matches!(*kind, "ip" | "ipv6"))?;
        let stored = after("store")?.strip_prefix("http_req_rate(")?.strip_suffix(')')?;
        let period = times::parse(stored).filter(|period| !period.is_zero())?;
        Some(Kept { period, entries: after("size").and_then(size) })
    }
}

/// `100k`, `1m`: thousands are 1024 there.
fn size(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let factor = match &text[digits..] {
        "" => 1,
        "k" | "K" => 1024,
        "m" | "M" => 1024 * 1024,
        "g" | "G" => 1024 * 1024 * 1024,
        _ => return None,
    };
    text[..digits].parse::<u64>().ok()?.checked_mul(factor)
}

/// So many in so much time, in the unit in which it is a whole number, or nearly.
fn rate(most: u64, period: Duration) -> Option<String> {
    let period = u64::try_from(period.as_millis()).ok().filter(|period| *period > 0)?;
    let per = |unit: u64| most.checked_mul(unit).map(|number| (number / period, number % period));
    let units = [("s", 1_000), ("m", 60_000), ("h", 3_600_000)];
    let exact = units.iter().find_map(|(name, unit)| {
        per(*unit).filter(|(number, rest)| *number > 0 && *rest == 0).map(|(number, _)| (number, name))
    });
    let (number, name) = exact.or_else(|| per(3_600_000).map(|(number, _)| (number.max(1), &"h")))?;
    Some(format!("{number}/{name}"))
}
