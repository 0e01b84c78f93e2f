//! Where the demo is shown: a live screen with keys on a terminal, lines when piped, JSON lines for machines.

use std::io::{IsTerminal, Write};

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use crossterm::{cursor, execute, queue, style, terminal};
use serde_json::json;
use tokio::sync::mpsc;

use super::super::layout::clipped;
use super::super::output::{fit, fit_json};
use super::view::View;
use crate::demo::fleet::Action;

/// The keys, for the last line of the screen.
const KEYS: &str = "q quit  1-9 select  k kill  f freeze  m mend  r restart  t takeover  e 500  s slow";

/// What a key asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    /// End the demo.
    Quit,
    /// Select the part with this index.
    Select(usize),
    /// Select the next part.
    Next,
    /// Select the previous part.
    Previous,
    /// Do this to the selected part.
    Action(Action),
}

/// Where the demo is shown.
pub(super) enum Screen {
    /// A terminal.
    Live {
        /// Keys, read by a thread of their own.
        keys: mpsc::UnboundedReceiver<Key>,
    },
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
        if json || !is_terminal || terminal::enable_raw_mode().is_err() {
            return Screen::Lines { json };
        }
        let _ = execute!(std::io::stdout(), terminal::EnterAlternateScreen, cursor::Hide);
        let (sender, keys) = mpsc::unbounded_channel();
        std::thread::spawn(move || read_keys(&sender));
        Screen::Live { keys }
    }

    /// The next key; without a terminal it never comes.
    pub(super) async fn key(&mut self) -> Key {
        match self {
            Screen::Live { keys } => keys.recv().await.unwrap_or(Key::Quit),
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
            Screen::Live { .. } => {
                let _ = draw_live(view);
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

impl Drop for Screen {
    fn drop(&mut self) {
        if let Screen::Live { .. } = self {
            let _ = execute!(std::io::stdout(), cursor::Show, terminal::LeaveAlternateScreen);
            let _ = terminal::disable_raw_mode();
        }
    }
}

fn draw_live(view: &View) -> std::io::Result<()> {
    let (columns, rows) = terminal::size().unwrap_or((80, 24));
    let lines = view.frame(usize::from(rows).saturating_sub(1));
    let mut stdout = std::io::stdout().lock();
    for (row, line) in lines.iter().enumerate() {
        queue!(stdout, cursor::MoveTo(0, row as u16), style::Print(clipped(&fit(line), columns.into())))?;
        queue!(stdout, terminal::Clear(terminal::ClearType::UntilNewLine))?;
    }
    queue!(stdout, cursor::MoveTo(0, lines.len() as u16), terminal::Clear(terminal::ClearType::FromCursorDown))?;
    queue!(stdout, cursor::MoveTo(0, rows.saturating_sub(1)), style::Print(clipped(KEYS, columns.into())))?;
    stdout.flush()
}

fn read_keys(sender: &mpsc::UnboundedSender<Key>) {
    while let Ok(event) = crossterm::event::read() {
        if let Event::Key(key) = event
            && key.kind != KeyEventKind::Release
            && let Some(key) = command_of(key)
            && sender.send(key).is_err()
        {
            return;
        }
    }
}

fn command_of(key: KeyEvent) -> Option<Key> {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        KeyCode::Char('c') if control => Some(Key::Quit),
        KeyCode::Char('q') | KeyCode::Esc => Some(Key::Quit),
        KeyCode::Char(digit @ '1'..='9') => Some(Key::Select(digit as usize - '1' as usize)),
        KeyCode::Down => Some(Key::Next),
        KeyCode::Up => Some(Key::Previous),
        KeyCode::Char('k') => Some(Key::Action(Action::Kill)),
        KeyCode::Char('f') => Some(Key::Action(Action::Freeze)),
        KeyCode::Char('m') => Some(Key::Action(Action::Mend)),
        KeyCode::Char('r') => Some(Key::Action(Action::Restart)),
        KeyCode::Char('t') => Some(Key::Action(Action::Takeover)),
        KeyCode::Char('e') => Some(Key::Action(Action::Failing)),
        KeyCode::Char('s') => Some(Key::Action(Action::Slow)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
