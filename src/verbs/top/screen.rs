//! The terminal while `top` has it: redrawn in place, with keys.

use std::io;

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::table::{Order, Table};
use crate::unix_time::unix_ms;
use crate::verbs::layout::clipped;
use crate::verbs::output::{Tone, fit};
use crate::verbs::terminal::{self, Terminal};
use crate::verbs::times::time_of_day;

/// The keys, for the last line; the shorter one where there is no room for the other.
const KEYS: [&str; 2] =
    ["q quit  arrows scroll  sort by: r requests  e errors  t times  n name", "q quit  sort: r e t n"];

/// What a key asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    Quit,
    Order(Order),
    /// So many lines down.
    Scroll(isize),
    /// No key: the terminal has another size.
    Resized,
}

/// A page of a terminal of the usual size.
const PAGE: isize = 20;

/// The terminal.
pub(super) struct Screen {
    terminal: Terminal<Key>,
    /// The first line of the tables that is shown.
    first: usize,
}

impl Screen {
    /// Takes the terminal over, until this is dropped.
    ///
    /// # Errors
    ///
    /// It cannot be.
    pub(super) fn open() -> io::Result<Screen> {
        Ok(Screen { terminal: Terminal::take(meaning)?, first: 0 })
    }

    /// The next key.
    pub(super) async fn key(&mut self) -> Key {
        self.terminal.key().await.unwrap_or(Key::Quit)
    }

    /// So many lines down.
    pub(super) fn scroll(&mut self, by: isize) {
        self.first = self.first.saturating_add_signed(by);
    }

    /// How many columns it has.
    pub(super) fn width(&self) -> usize {
        terminal::size().0.max(20)
    }

    /// Draws it all anew.
    ///
    /// # Errors
    ///
    /// Nobody reads it any more.
    pub(super) fn draw(&mut self, table: &Table<'_>) -> io::Result<()> {
        let lines = frame(table, terminal::size().1, &mut self.first);
        terminal::draw(lines.iter().map(|line| clipped(&fit(line), table.width)))
    }
}

/// The lines of a whole screen: the heading, as much of the tables as there is room for from the `first` line on, the keys.
pub(super) fn frame(table: &Table<'_>, rows: usize, first: &mut usize) -> Vec<String> {
    let body = table.body();
    let body: Vec<&str> = body.lines().collect();
    let room = rows.saturating_sub(2).max(1);
    // It ends where its last line is shown.
    *first = (*first).min(body.len().saturating_sub(room));
    let (mut heading, time) = (table.heading(), time_of_day(unix_ms()));
    if heading.len() + 2 + time.len() <= table.width {
        heading.push_str(&format!("  {}", Tone::Faint.paint(&time)));
    }
    let mut lines = vec![heading];
    lines.extend(body.iter().skip(*first).take(room).map(ToString::to_string));
    lines.resize(room + 1, String::new());
    let below = body.len().saturating_sub(*first + room);
    let keys = KEYS.into_iter().find(|keys| keys.len() + 10 <= table.width).unwrap_or(KEYS[1]);
    let more = if below > 0 { format!("{below} below  ") } else { String::new() };
    lines.push(Tone::Faint.paint(&format!("{more}{keys}")));
    lines
}

fn meaning(event: Event) -> Option<Key> {
    match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => of_key(key),
        Event::Resize(..) => Some(Key::Resized),
        _ => None,
    }
}

fn of_key(key: KeyEvent) -> Option<Key> {
    let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
    Some(match key.code {
        KeyCode::Char('c') if is_control => Key::Quit,
        KeyCode::Char('q') | KeyCode::Esc => Key::Quit,
        KeyCode::Char('r') => Key::Order(Order::Requests),
        KeyCode::Char('e') => Key::Order(Order::Errors),
        KeyCode::Char('t') => Key::Order(Order::Times),
        KeyCode::Char('n') => Key::Order(Order::Name),
        KeyCode::Down | KeyCode::Char('j') => Key::Scroll(1),
        KeyCode::Up | KeyCode::Char('k') => Key::Scroll(-1),
        KeyCode::PageDown | KeyCode::Char(' ') => Key::Scroll(PAGE),
        KeyCode::PageUp => Key::Scroll(-PAGE),
        KeyCode::Home => Key::Scroll(isize::MIN),
        KeyCode::End => Key::Scroll(isize::MAX),
        _ => return None,
    })
}
