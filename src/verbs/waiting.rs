//! Waits for many answers at once, and says on a terminal whose are still to come.
//!
//! What has answered is never held up by what has not: whoever waits sees after a moment which daemon it is that keeps him.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use crossterm::cursor::MoveToColumn;
use crossterm::queue;
use crossterm::style::Print;
use crossterm::terminal::{Clear, ClearType};
use tokio::task::JoinSet;

use super::layout;
use super::output::printable;

/// How long nothing is said: most answers are there by then.
const QUIET: Duration = Duration::from_millis(200);

/// Runs all at once, each a task of its own; the results in the order of `named`.
pub(super) async fn all<F>(named: impl Iterator<Item = (String, F)>) -> Vec<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let (mut running, mut waited_for) = (JoinSet::new(), Vec::new());
    for (name, future) in named {
        let place = waited_for.len();
        waited_for.push(Some(name));
        running.spawn(async move { (place, future.await) });
    }
    let mut results: Vec<Option<F::Output>> = waited_for.iter().map(|_| None).collect();
    let quiet = tokio::time::sleep(QUIET);
    tokio::pin!(quiet);
    let mut notice = Notice { is_terminal: std::io::stderr().is_terminal(), is_shown: false };
    loop {
        tokio::select! {
            ended = running.join_next() => match ended {
                None => break,
                Some(Ok((place, result))) => {
                    (results[place], waited_for[place]) = (Some(result), None);
                    if notice.is_shown {
                        notice.show(&waited_for);
                    }
                }
                Some(Err(_)) => {}
            },
            () = &mut quiet, if !notice.is_shown && notice.is_terminal => notice.show(&waited_for),
        }
    }
    notice.clear();
    results.into_iter().flatten().collect()
}

/// The line on the terminal, while there is one.
struct Notice {
    is_terminal: bool,
    is_shown: bool,
}

impl Notice {
    fn show(&mut self, waited_for: &[Option<String>]) {
        let names: Vec<&str> = waited_for.iter().flatten().map(String::as_str).collect();
        let line = printable(&format!("waiting for {}", names.join(", ")));
        let line: String = line.chars().take(layout::width().saturating_sub(1)).collect();
        self.is_shown = draw(&line).is_ok();
    }

    fn clear(&mut self) {
        if std::mem::take(&mut self.is_shown) {
            // Nobody is there to read it: no reason to stop.
            let _ = draw("");
        }
    }
}

fn draw(line: &str) -> std::io::Result<()> {
    let mut terminal = std::io::stderr().lock();
    queue!(terminal, MoveToColumn(0), Clear(ClearType::UntilNewLine), Print(line))?;
    terminal.flush()
}

#[cfg(test)]
mod tests;
