//! The demo as a terminal shows it: parts, visitors, what happened last, keys (pure).

use super::super::layout::{clipped, columns as width_of, wrapped};
use super::super::output::{Table, Tone, cell, fit, toned};
use crate::demo::fleet::State;

/// The keys, for the last lines of the screen.
pub(super) const KEYS: [&str; 2] = [
    "operate: d drain  n maint  y ready  o failover  b failback      ? where  q quit",
    "break:   k kill  f freeze  m mend  r restart  t takeover  e 500  s slow",
];

/// What the keys do, where there is room to say it.
const ABOUT_KEYS: [&str; 3] = [
    "1-9 and the arrows select a part. The keys below do something to it: what operators do, as `polder drain` and its like from another \
     terminal (failover and failback: to the service shop), and what breaks.",
    "kill: as if its host were gone. freeze: connections open and nothing answers. 500, slow: backends that fail their checks. mend: well again.",
    "Any key goes back.",
];

/// How many events are shown before the heading is, where there is room.
const FEW_EVENTS: usize = 5;

/// A part of the fleet, and what is known of it.
pub(super) struct Part<'v> {
    pub(super) name: &'v str,
    pub(super) state: State,
    pub(super) status: String,
}

/// All that is shown.
pub(super) struct Picture<'v> {
    /// Where everything is.
    pub(super) heading: &'v [String],
    pub(super) parts: Vec<Part<'v>>,
    /// The index of the part that keys are for.
    pub(super) selected: usize,
    /// What visitors see.
    pub(super) visitors: String,
    /// The latest last.
    pub(super) events: Vec<String>,
    /// Where everything is, and what the keys do, instead of all this.
    pub(super) is_help: bool,
}

impl Picture<'_> {
    /// The whole screen, a line each, none wider than it is; the keys stand last.
    pub(super) fn frame(&self, columns: usize, rows: usize) -> Vec<String> {
        let room = rows.saturating_sub(KEYS.len());
        let mut lines = if self.is_help { self.help(columns) } else { self.view(columns, room) };
        lines.truncate(room);
        lines.resize(room, String::new());
        lines.extend(KEYS.map(str::to_owned));
        lines.truncate(rows);
        lines.iter().map(|line| clipped(&fit(line), columns)).collect()
    }

    fn help(&self, columns: usize) -> Vec<String> {
        let lines = self.heading.iter().map(String::as_str).chain(ABOUT_KEYS);
        lines.flat_map(|line| wrap(line.trim_start(), columns)).collect()
    }

    /// Where rows are few, the heading gives way to the latest events.
    fn view(&self, columns: usize, rows: usize) -> Vec<String> {
        let mut lines: Vec<String> = self.table().render().lines().map(str::to_owned).collect();
        lines.extend(wrap(&self.visitors, columns));
        let is_roomy = lines.len() + self.heading.len() + 1 + FEW_EVENTS <= rows;
        let title = "polder demo: ? says where everything is and what the keys do".to_owned();
        let above = if is_roomy { [self.heading, &[String::new()]].concat() } else { vec![title] };
        lines.splice(0..0, above);
        let mut latest = Vec::new();
        for event in self.events.iter().rev() {
            let event: Vec<String> = wrap(event, columns);
            if lines.len() + latest.len() + event.len() > rows {
                break;
            }
            latest.splice(0..0, event);
        }
        lines.extend(latest);
        lines
    }

    fn table(&self) -> Table {
        let mut table = Table::new(&["", "PART", "DEMO", "STATE"]);
        for (index, part) in self.parts.iter().enumerate() {
            let is_selected = index == self.selected;
            table.row(vec![
                cell(format!("{}{}", if is_selected { ">" } else { " " }, index + 1)),
                if is_selected { toned(part.name, Tone::Good) } else { cell(part.name) },
                toned(part.state.to_string(), if part.state == State::Running { Tone::Faint } else { Tone::Bad }),
                cell(&part.status),
            ]);
        }
        table
    }
}

/// The lines that a text takes.
fn wrap(text: &str, columns: usize) -> Vec<String> {
    if width_of(text) <= columns {
        return vec![text.to_owned()];
    }
    wrapped("", text, 4, columns).lines().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests;
