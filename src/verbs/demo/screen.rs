//! Where the demo is shown: a live screen with keys on a terminal, lines when piped, JSON lines for machines.

use std::io::{IsTerminal, Write};

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use serde_json::json;

use super::super::output::{fit, fit_json};
use super::super::terminal::{self, Terminal};
use super::operate::Verb;
use super::view::View;
use crate::demo::fleet::Action;

/// What a key asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    /// End the demo.
    Quit,
    /// Go back, or end the demo where there is no further back.
    Escape,
    /// Select the part with this index.
    Select(usize),
    /// Select the next part.
    Next,
    /// Select the previous part.
    Previous,
    /// Do this to the selected part.
    Action(Action),
    /// Say this of it, as an operator does.
    Verb(Verb),
    /// Show where everything is and what the keys do.
    Help,
    /// No key that does anything.
    Other,
}

/// Where the demo is shown.
pub(super) enum Screen {
    /// A terminal.
    Live(Terminal<Key>),
    /// A pipe or file.
    Lines {
        /// JSON for a machine.
        json: bool,
    },
}

impl Screen {
    /// Takes the terminal over, if there is one.
    pub(super) fn open(json: bool) -> Screen {
        let is_terminal = std::io::stdout().is_terminal() && std::io::stdin().is_terminal();
        // It can only add lines.
        let is_dumb = std::env::var_os("TERM").is_none_or(|name| name.is_empty() || name == "dumb");
        let terminal = (!json && is_terminal && !is_dumb).then(|| Terminal::take(meaning).ok()).flatten();
        terminal.map_or(Screen::Lines { json }, Screen::Live)
    }

    /// The next key; without a terminal it never comes.
    pub(super) async fn key(&mut self) -> Key {
        match self {
            Screen::Live(terminal) => terminal.key().await.unwrap_or(Key::Quit),
            Screen::Lines { .. } => std::future::pending().await,
        }
    }

    /// Prints the heading, unless the screen redraws it anyway.
    pub(super) fn begin(&self, view: &View) {
        if let Screen::Lines { json } = self {
            let mut stdout = std::io::stdout().lock();
            let text = view.heading();
            let _ = if *json {
                let started = json!({ "event": "started", "parts": view.parts(), "text": text });
                writeln!(stdout, "{}", fit_json(&started.to_string()))
            } else {
                writeln!(stdout, "{}", fit(&text.join("\n")))
            };
        }
    }

    /// Redraws the screen, or prints the events since the last call.
    pub(super) fn draw(&self, view: &mut View) {
        match self {
            Screen::Live(_) => {
                let (columns, rows) = terminal::size();
                let _ = terminal::draw(view.picture().frame(columns, rows));
            }
            Screen::Lines { json } => {
                let mut stdout = std::io::stdout().lock();
                for event in view.take_events() {
                    let _ = if *json {
                        let change = json!({ "event": "change", "who": event.who, "what": event.what });
                        writeln!(stdout, "{}", fit_json(&change.to_string()))
                    } else {
                        writeln!(stdout, "{}", fit(&event.line()))
                    };
                }
                let _ = stdout.flush();
            }
        }
    }
}

fn meaning(event: Event) -> Option<Key> {
    match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => Some(command_of(key)),
        _ => None,
    }
}

fn command_of(key: KeyEvent) -> Key {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        KeyCode::Char('c') if control => Key::Quit,
        KeyCode::Char('q') => Key::Quit,
        KeyCode::Esc => Key::Escape,
        KeyCode::Char(digit @ '1'..='9') => Key::Select(digit as usize - '1' as usize),
        KeyCode::Down => Key::Next,
        KeyCode::Up => Key::Previous,
        KeyCode::Char('k') => Key::Action(Action::Kill),
        KeyCode::Char('f') => Key::Action(Action::Freeze),
        KeyCode::Char('m') => Key::Action(Action::Mend),
        KeyCode::Char('r') => Key::Action(Action::Restart),
        KeyCode::Char('t') => Key::Action(Action::Takeover),
        KeyCode::Char('e') => Key::Action(Action::Failing),
        KeyCode::Char('s') => Key::Action(Action::Slow),
        KeyCode::Char('d') => Key::Verb(Verb::Drain),
        KeyCode::Char('n') => Key::Verb(Verb::Maint),
        KeyCode::Char('y') => Key::Verb(Verb::Ready),
        KeyCode::Char('o') => Key::Verb(Verb::Failover),
        KeyCode::Char('b') => Key::Verb(Verb::Failback),
        KeyCode::Char('?' | 'h') => Key::Help,
        _ => Key::Other,
    }
}

#[cfg(test)]
mod tests;
