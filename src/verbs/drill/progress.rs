//! What a person sees while the drill runs: a line for the present row with its time on a terminal, a line for each row
//! that has ended anywhere.

use std::cell::RefCell;
use std::io::{IsTerminal, Write};
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

use super::super::output::{Tone, fit};
use super::table;
use crate::demo::drill::Step;
use crate::demo::drill::rows::Row;

/// How often the present row's line is drawn again.
const REDRAW: Duration = Duration::from_millis(200);
/// Back to the beginning of the line, and nothing on it.
const CLEAR_LINE: &str = "\r\u{1b}[2K";

/// The display.
pub(super) struct Progress {
    state: Rc<RefCell<State>>,
    drawing: Option<JoinHandle<()>>,
    silent: bool,
}

struct State {
    rows: usize,
    ended: usize,
    present: Option<(&'static Row, Instant)>,
    terminal: bool,
}

impl Progress {
    /// Begins it; `silent`: a machine reads what comes at the end.
    pub(super) fn start(rows: usize, silent: bool) -> Progress {
        let terminal = std::io::stderr().is_terminal() && !silent;
        let state = Rc::new(RefCell::new(State { rows, ended: 0, present: None, terminal }));
        let drawing = terminal.then(|| tokio::task::spawn_local(redraw(Rc::clone(&state))));
        Progress { state, drawing, silent }
    }

    /// Shows a step.
    pub(super) fn show(&self, step: &Step<'_>) {
        if self.silent {
            return;
        }
        let mut state = self.state.borrow_mut();
        match step {
            Step::Starting => {
                print(&state, "starting two nameservers, three proxies and six backends on loopback");
            }
            Step::Started(took) => {
                print(&state, &format!("all ready after {:.1} s; visitors come", took.as_secs_f64()))
            }
            Step::Keeps(folder) => print(&state, &format!("documents and logs stay in {}", folder.display())),
            Step::Begins(row) => {
                state.present = Some((row, Instant::now()));
                draw(&state);
            }
            Step::Judged(row, judgement) => {
                state.present = None;
                state.ended += 1;
                print(&state, &table::line(row, judgement, state.ended, state.rows));
                for reason in &judgement.reasons {
                    print(&state, &format!("        {}", Tone::Bad.paint(reason)));
                }
            }
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(drawing) = self.drawing.take() {
            drawing.abort();
            let _ = write!(std::io::stderr(), "{CLEAR_LINE}");
        }
    }
}

async fn redraw(state: Rc<RefCell<State>>) {
    loop {
        tokio::time::sleep(REDRAW).await;
        draw(&state.borrow());
    }
}

fn draw(state: &State) {
    if let (true, Some((row, began))) = (state.terminal, state.present) {
        let _ = write!(
            anstream::stderr().lock(),
            "{CLEAR_LINE}[{:>2}/{}] {} {}",
            state.ended + 1,
            state.rows,
            row.broken,
            Tone::Faint.paint(&format!("{:.1} s", began.elapsed().as_secs_f64()))
        );
    }
}

fn print(state: &State, text: &str) {
    let clear = if state.terminal { CLEAR_LINE } else { "" };
    let _ = writeln!(anstream::stderr().lock(), "{clear}{}", fit(text));
}
