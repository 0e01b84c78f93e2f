//! Signed zones on the terminal (pure): what is not well, the keys, what comes next, what the parent is to have.

use super::next::is_of_schedule;
use super::seen::{Seen, ZoneSeen};
use crate::api::dns::{ZoneKeyRole, ZoneKeyStatus};
use crate::counted::listed;
use crate::unix_time::moment;
use crate::verbs::layout::wrapped;
use crate::verbs::output::{Cell, Table, Tone, cell, printable, toned};
use crate::verbs::times::span;

/// For people, in lines of at most `width` columns.
pub(super) fn shown(seen: &Seen<'_>, width: usize) -> String {
    let silent = seen.silent.iter().map(|(name, why)| found(&format!("{name} does not answer: {why}"), width));
    let silent: String = silent.collect();
    let zones = seen.zones.iter().map(|zone| of_zone(zone, seen.now, width));
    let none = || wrapped("", "No zone is signed: none has `dnssec` in the documents of its nameservers.", 0, width);
    let parts: Vec<String> = [silent].into_iter().chain(zones).chain(seen.zones.is_empty().then(none)).collect();
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
}

fn of_zone(seen: &ZoneSeen<'_>, now: u64, width: usize) -> String {
    let mut text = heading(seen, now, width);
    text.extend(seen.findings.iter().map(|finding| found(finding, width)));
    text += &keys(seen, width);
    text.extend(seen.schedule.iter().map(|words| wrapped("schedule: ", &printable(words), 2, width)));
    let steps = seen.next.iter().map(|step| wrapped("next: ", &printable(step), 2, width));
    text.extend(steps);
    // A record stays in one line, however narrow the terminal is: it is to be copied.
    let record = |record: &String| format!("  {}\n", printable(record));
    if !seen.parent.present.is_empty() {
        text += &wrapped("", "the parent is to have, once every nameserver signs:", 2, width);
        text.extend(seen.parent.present.iter().map(record));
    }
    for (at, coming) in &seen.parent.coming {
        text += &wrapped("", &format!("and well before {}, beside it:", moment(*at)), 2, width);
        text += &record(coming);
    }
    let above = seen.above.iter().flat_map(|above| &above.told);
    text.extend(above.map(|words| wrapped("", &printable(words), 2, width)));
    text
}

/// `zone example.net: signed on ns-1 and ns-2; the first signature runs out at 2026-12-10 04:00:00Z (in 9d)`
fn heading(seen: &ZoneSeen<'_>, now: u64, width: usize) -> String {
    let by: Vec<&str> = seen.zone.signing().map(|(name, _)| name).collect();
    let words = match seen.expires_ms() {
        None => Tone::Bad.paint("signed nowhere"),
        Some(expires) => {
            let left = match expires.checked_sub(now) {
                Some(left) => format!("in {}", span(left / 1000)),
                None => "over".to_owned(),
            };
            let signed = if seen.zone.is_given() { "signed elsewhere, served by" } else { "signed on" };
            printable(&format!("{signed} {}; the first signature runs out at {} ({left})", listed(by), moment(expires)))
        }
    };
    wrapped("", &format!("zone {}: {words}", printable(seen.zone.name)), 2, width)
}

/// Each key once for each way in which nameservers have it. Those that wait in a schedule are told with it, and those that are gone do nothing more.
fn keys(seen: &ZoneSeen<'_>, width: usize) -> String {
    let mut ways: Vec<(&ZoneKeyStatus, Vec<&str>)> = Vec::new();
    for (nameserver, status) in seen.zone.signers.iter() {
        let is_told = |key: &&ZoneKeyStatus| !is_of_schedule(status, key) && State::of(key) != State::Gone;
        for key in status.keys.iter().filter(is_told) {
            match ways.iter_mut().find(|(known, _)| *known == key) {
                Some((_, by)) => by.push(nameserver),
                None => ways.push((key, vec![nameserver])),
            }
        }
    }
    ways.sort_by_key(|(key, _)| (key.role == ZoneKeyRole::Zsk, key.tag));
    let all = seen.zone.signers.len();
    let has_views = ways.iter().any(|(_, by)| by.len() < all);
    let mut heading = vec!["KEY", "ROLE", "ALGORITHM", "STATE", "NEXT"];
    heading.extend(has_views.then_some("ON"));
    let mut table = Table::new(&heading);
    for (key, by) in ways {
        let state = State::of(key);
        let mut cells = vec![
            cell(key.tag.to_string()),
            cell(key.role.name()),
            cell(&*key.algorithm),
            state.cell(),
            cell(next(key, state)),
        ];
        cells.extend(has_views.then(|| cell(if by.len() == all { String::new() } else { by.join(" ") })));
        table.row(cells);
    }
    table.render_within(width)
}

/// What a key does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It is published, and signs.
    Signs,
    /// So it is, although its times say that it should not.
    Overdue,
    /// It signs, and is not published: its algorithm is new, or goes.
    Unseen,
    /// It is published, and does not sign.
    Published,
    /// It is to be published later.
    Waits,
    /// It is not published, and will not be.
    Gone,
}

impl State {
    fn of(key: &ZoneKeyStatus) -> State {
        match key {
            _ if key.overdue => State::Overdue,
            _ if key.signs && !key.published => State::Unseen,
            _ if key.signs => State::Signs,
            _ if key.published => State::Published,
            _ if key.next.is_some() => State::Waits,
            _ => State::Gone,
        }
    }

    fn cell(self) -> Cell {
        match self {
            State::Signs => toned("signs", Tone::Good),
            State::Unseen => cell("signs, not published"),
            State::Overdue => toned("OVERDUE", Tone::Bad),
            State::Published => cell("published"),
            State::Waits => toned("waits", Tone::Faint),
            State::Gone => toned("gone", Tone::Faint),
        }
    }
}

fn next(key: &ZoneKeyStatus, state: State) -> String {
    match key.next {
        _ if state == State::Overdue => "signs until another one does".to_owned(),
        Some(next) => next.in_words(),
        None => "stays".to_owned(),
    }
}

/// With a mark, for those who see no colours.
fn found(words: &str, width: usize) -> String {
    wrapped(&format!("{} ", Tone::Bad.paint("!")), &printable(words), 2, width)
}
