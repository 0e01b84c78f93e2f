//! The tables of `top` within so many columns (pure).

use std::collections::BTreeMap;
use std::time::Duration;

use super::numbers::{as_shown, of, rate, time};
use super::rates::{NameserverRates, ProxyRates, ServiceRates};
use super::totals::Totals;
use crate::config::duration;
use crate::verbs::layout::{self, wrapped};
use crate::verbs::output::{Tone, printable};

/// Responses a second, by code.
type Zone = BTreeMap<String, f64>;

/// In fewer columns only what matters most is shown.
const WIDE: usize = 78;

/// There is room for so much of a name; in a narrow terminal numbers are left out for it.
const SHORTEST_NAME: usize = 8;

/// The order of the services.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Requests,
    Errors,
    Times,
    Name,
}

/// What is shown.
pub(super) struct Table<'a> {
    pub totals: &'a Totals,
    pub interval: Duration,
    pub order: Order,
    pub width: usize,
}

/// One column: its heading, its width, and its field in each row.
struct Column<R> {
    heading: &'static str,
    width: usize,
    field: fn(&R) -> (String, Tone),
}

fn plain(text: String) -> (String, Tone) {
    let tone = if text == "0" || text == "-" { Tone::Faint } else { Tone::Plain };
    (text, tone)
}

/// A number that should be nothing.
fn wrong(per_second: f64) -> (String, Tone) {
    (rate(per_second), if per_second > 0.0 { Tone::Bad } else { Tone::Faint })
}

const fn column<R>(heading: &'static str, width: usize, field: fn(&R) -> (String, Tone)) -> Column<R> {
    Column { heading, width, field }
}

impl Table<'_> {
    /// The first line.
    pub(super) fn heading(&self) -> String {
        let Totals { proxies, nameservers, .. } = self.totals;
        let requests: f64 = proxies.values().map(|proxy| proxy.requests).sum();
        let queries: f64 = nameservers.values().map(|one| one.responses.values().sum::<f64>()).sum();
        let mut parts = Vec::new();
        if !proxies.is_empty() {
            parts.push(format!("{} requests/s", rate(requests)));
        }
        if !nameservers.is_empty() {
            parts.push(format!("{} queries/s", rate(queries)));
        }
        parts.push(format!("over {}", duration::format(self.interval)));
        parts.join(", ")
    }

    /// All of it, with its first line.
    pub(super) fn text(&self) -> String {
        wrapped("", &self.heading(), 2, self.width) + &self.body()
    }

    /// Without the first line.
    pub(super) fn body(&self) -> String {
        let parts =
            [self.amiss(), self.services(), self.unavailable(), self.proxies(), self.zones(), self.nameservers()];
        parts.into_iter().filter(|part| !part.is_empty()).map(|part| format!("\n{part}")).collect()
    }

    fn is_wide(&self) -> bool {
        self.width >= WIDE
    }

    /// Whose numbers are missing here.
    fn amiss(&self) -> String {
        let bad = format!("{} ", Tone::Bad.paint("!"));
        let note = format!("{} ", Tone::Notable.paint("*"));
        let line = |mark: &str, text: String| wrapped(mark, &printable(&text), 2, self.width);
        // `polder status` tells why: the numbers of the others are what is looked for.
        let silent = self.totals.silent.keys().map(|name| line(&bad, format!("{name} does not answer")));
        let anew = self
            .totals
            .anew
            .iter()
            .map(|name| line(&note, format!("{name} was restarted or taken over, and counts anew")));
        let new =
            self.totals.new.iter().map(|name| line(&note, format!("{name} has answered once: its numbers come next")));
        silent.chain(anew).chain(new).collect()
    }

    fn services(&self) -> String {
        let mut rows: Vec<(&str, &ServiceRates)> =
            self.totals.services.iter().map(|(name, rates)| (name.as_str(), rates)).collect();
        let p99 = |service: &ServiceRates| {
            of(&service.bounds_us, &service.whole, 0.99).map_or(0.0, |time| time.milliseconds().unwrap_or(f64::MAX))
        };
        let key = |service: &ServiceRates| match self.order {
            Order::Requests => as_shown(service.requests),
            Order::Errors => as_shown(service.errors()),
            Order::Times => as_shown(p99(service)),
            Order::Name => 0.0,
        };
        // Stable: what is equal, as far as is shown, stays in the order of names.
        rows.sort_by(|(_, one), (_, other)| key(other).total_cmp(&key(one)));
        if self.is_wide() {
            let groups = [("5XX/S BY", 14), ("WHOLE TIME", 14), ("WAITS", 7), ("BACKEND TIME", 14)];
            let columns = [
                column::<ServiceRates>("REQ/S", 7, |of| plain(rate(of.requests))),
                column("PROXY", 6, |of| wrong(of.own_errors)),
                column("BACKEND", 8, |of| wrong(of.backends_errors)),
                column("P50", 7, |of| plain(time(&of.bounds_us, &of.whole, 0.5))),
                column("P99", 7, |of| plain(time(&of.bounds_us, &of.whole, 0.99))),
                column("P99", 7, |of| plain(time(&of.bounds_us, &of.waits, 0.99))),
                column("P50", 7, |of| plain(time(&of.bounds_us, &of.backends, 0.5))),
                column("P99", 7, |of| plain(time(&of.bounds_us, &of.backends, 0.99))),
                column("RUNNING", 8, |of| plain(of.running.to_string())),
            ];
            return self.table("SERVICE", &groups, &columns, &rows);
        }
        let columns = [
            column::<ServiceRates>("REQ/S", 7, |of| plain(rate(of.requests))),
            column("5XX/S", 7, |of| wrong(of.errors())),
            column("P50", 7, |of| plain(time(&of.bounds_us, &of.whole, 0.5))),
            column("P99", 7, |of| plain(time(&of.bounds_us, &of.whole, 0.99))),
        ];
        self.table("SERVICE", &[], &columns, &rows)
    }

    /// Why visitors were answered 503.
    fn unavailable(&self) -> String {
        let lines = self.totals.services.iter().flat_map(|(service, rates)| {
            rates.unavailable.iter().map(move |(cause, (often, words))| {
                let text = format!("503 {service} {}/s: {words} ({cause})", rate(*often));
                wrapped(&format!("{} ", Tone::Bad.paint("!")), &printable(&text), 2, self.width)
            })
        });
        lines.collect()
    }

    fn proxies(&self) -> String {
        let rows: Vec<_> = self.totals.proxies.iter().map(|(name, rates)| (name.as_str(), rates)).collect();
        let errors = |of: &ProxyRates| wrong(of.services.values().map(ServiceRates::errors).sum());
        let columns = [
            column::<ProxyRates>("REQ/S", 7, |of| plain(rate(of.requests))),
            column("5XX/S", 7, errors),
            column("CONNECTIONS", 13, |of| plain(of.connections.to_string())),
        ];
        self.table("PROXY", &[], &columns, &rows)
    }

    fn zones(&self) -> String {
        let mut rows: Vec<(&str, &Zone)> =
            self.totals.zones.iter().map(|(zone, rates)| (zone_in_words(zone), rates)).collect();
        if self.order != Order::Name {
            rows.sort_by(|(_, one), (_, other)| as_shown(all(other)).total_cmp(&as_shown(all(one))));
        }
        let columns = [
            column::<Zone>("QUERIES/S", 10, |of| plain(rate(all(of)))),
            column("NXDOMAIN", 9, |of| plain(rate(one(of, "NXDOMAIN")))),
            column("SERVFAIL", 9, |of| wrong(one(of, "SERVFAIL"))),
        ];
        self.table("ZONE", &[], &columns, &rows)
    }

    fn nameservers(&self) -> String {
        let rows: Vec<_> = self.totals.nameservers.iter().map(|(name, rates)| (name.as_str(), rates)).collect();
        let mut columns = vec![
            column::<NameserverRates>("QUERIES/S", 10, |of| plain(rate(all(&of.responses)))),
            column("NXDOMAIN", 9, |of| plain(rate(one(&of.responses, "NXDOMAIN")))),
            column("SERVFAIL", 9, |of| wrong(one(&of.responses, "SERVFAIL"))),
        ];
        if self.is_wide() {
            let others = |of: &NameserverRates| {
                let named = ["NOERROR", "NXDOMAIN", "SERVFAIL", "REFUSED"];
                plain(rate(
                    (all(&of.responses) - named.iter().map(|name| one(&of.responses, name)).sum::<f64>()).max(0.0),
                ))
            };
            columns.extend([
                column::<NameserverRates>("REFUSED", 9, |of| plain(rate(one(&of.responses, "REFUSED")))),
                column("OTHER", 9, others),
                column("DROPPED", 9, |of| plain(rate(of.dropped))),
            ]);
        }
        self.table("NAMESERVER", &[], &columns, &rows)
    }

    /// Names to the left, numbers to the right, under their headings; `groups`: what stands over columns, from the second one on.
    fn table<R>(&self, what: &str, groups: &[(&str, usize)], columns: &[Column<R>], rows: &[(&str, &R)]) -> String {
        if rows.is_empty() {
            return String::new();
        }
        let columns = fitting(columns, self.width.saturating_sub(SHORTEST_NAME));
        let numbers: usize = columns.iter().map(|column| column.width).sum();
        let longest =
            rows.iter().map(|(name, _)| printable(name).chars().count()).chain([what.len()]).max().unwrap_or(0);
        let first = longest.min(self.width.saturating_sub(numbers)).max(1);
        let mut text = String::new();
        if let Some(column) = columns.first().filter(|_| !groups.is_empty()) {
            let over: String = groups.iter().map(|(name, width)| format!("{name:>width$}")).collect();
            text.push_str(&format!("{}{}\n", " ".repeat(first + column.width), Tone::Faint.paint(&over)));
        }
        let headings: String =
            columns.iter().map(|column| format!("{:>width$}", column.heading, width = column.width)).collect();
        text.push_str(&format!("{}\n", Tone::Faint.paint(&format!("{:<first$}{headings}", cut(what, first)))));
        for (name, row) in rows {
            text.push_str(&padded(&cut(name, first), first));
            for column in columns {
                let (field, tone) = (column.field)(row);
                text.push_str(&" ".repeat(column.width.saturating_sub(layout::columns(&field))));
                text.push_str(&tone.paint(&field));
            }
            text.push('\n');
        }
        text
    }
}

/// What stands for the names under which a nameserver counts what belongs to no one zone.
fn zone_in_words(zone: &str) -> &str {
    match zone {
        "" => "all other zones",
        "none" => "in no zone here",
        zone => zone,
    }
}

fn padded(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(layout::columns(text))))
}

/// As many of them as have room, one at least.
fn fitting<R>(columns: &[Column<R>], mut room: usize) -> &[Column<R>] {
    let mut fits = 0;
    while let Some(left) = columns.get(fits).and_then(|column| room.checked_sub(column.width)) {
        (fits, room) = (fits + 1, left);
    }
    &columns[..fits.max(1)]
}

/// A name that is too long ends with dots: the numbers have to stand in line.
fn cut(name: &str, room: usize) -> String {
    let name = printable(name);
    if name.chars().count() <= room {
        return name;
    }
    let kept: String = name.chars().take(room.saturating_sub(1)).collect();
    format!("{kept}…")
}

fn all(rates: &BTreeMap<String, f64>) -> f64 {
    rates.values().sum()
}

fn one(rates: &BTreeMap<String, f64>, name: &str) -> f64 {
    rates.get(name).copied().unwrap_or_default()
}
