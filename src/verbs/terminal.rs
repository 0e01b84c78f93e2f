//! A terminal that is redrawn in place, and its keys, for the verbs that show what goes on.
//!
//! Owns how it is taken over and given back, and that colours are for those who want them. Must never: know what is shown.

use std::io::{self, Write};

use crossterm::event::Event;
use crossterm::{cursor, execute, queue, style, terminal};
use tokio::sync::mpsc;

/// What a terminal has that does not say.
const USUAL: (usize, usize) = (80, 24);

/// A terminal that is taken over until this is dropped; `K` is what its keys mean.
pub struct Terminal<K> {
    keys: mpsc::UnboundedReceiver<K>,
}

impl<K: Send + 'static> Terminal<K> {
    /// Takes it over. `meaning` is what an event asks for, if anything.
    ///
    /// # Errors
    ///
    /// It cannot be.
    pub fn take(meaning: fn(Event) -> Option<K>) -> io::Result<Terminal<K>> {
        terminal::enable_raw_mode()?;
        let (sender, keys) = mpsc::unbounded_channel();
        // Before anything can fail: what is dropped gives it back.
        let taken = Terminal { keys };
        execute!(io::stdout(), terminal::EnterAlternateScreen, cursor::Hide)?;
        std::thread::spawn(move || {
            while let Ok(event) = crossterm::event::read() {
                if meaning(event).is_some_and(|key| sender.send(key).is_err()) {
                    return;
                }
            }
        });
        Ok(taken)
    }

    /// The next key; none: there will be none any more.
    pub async fn key(&mut self) -> Option<K> {
        self.keys.recv().await
    }
}

impl<K> Drop for Terminal<K> {
    fn drop(&mut self) {
        let _ = execute!(io::stdout(), cursor::Show, terminal::LeaveAlternateScreen);
        let _ = terminal::disable_raw_mode();
    }
}

/// How many columns and rows the terminal has.
pub fn size() -> (usize, usize) {
    terminal::size().map_or(USUAL, |(columns, rows)| (columns.into(), rows.into()))
}

/// Draws these lines from the first one of the terminal on, and clears the rest of it. They have to fit.
///
/// # Errors
///
/// Nobody reads it any more.
pub fn draw(lines: impl IntoIterator<Item = String>) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let has_colours = anstream::AutoStream::choice(&out) != anstream::ColorChoice::Never;
    for (row, line) in lines.into_iter().enumerate() {
        let line = if has_colours { line } else { anstream::adapter::strip_str(&line).to_string() };
        let row = u16::try_from(row).unwrap_or(u16::MAX);
        queue!(out, cursor::MoveTo(0, row), style::Print(line), terminal::Clear(terminal::ClearType::UntilNewLine))?;
    }
    queue!(out, terminal::Clear(terminal::ClearType::FromCursorDown))?;
    out.flush()
}
