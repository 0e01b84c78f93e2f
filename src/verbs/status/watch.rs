//! `status --watch`: the same again and again. A terminal is redrawn; anything else gets a whole text whenever something has changed.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use super::columns::Columns;
use super::seen::Seen;
use super::view::View;
use crate::api::proxy::BackendStatus;
use crate::api::status::Status;
use crate::push::error::Error;
use crate::unix_time::unix_ms;
use crate::verbs::daemons::Selection;
use crate::verbs::exit::Exit;
use crate::verbs::layout::wrapped;
use crate::verbs::output::{Output, Tone, fit, fit_json, has_reader, printable};
use crate::verbs::replies::DaemonReply;
use crate::verbs::terminal;
use crate::verbs::times::{moment, time_of_day};

/// Between two looks.
const PAUSE: Duration = Duration::from_secs(1);

/// Ends with Ctrl-C, or when nobody reads it any more.
pub(super) async fn run(
    name: Option<&str>,
    first: Seen,
    mut again: impl FnMut() -> Result<Selection, Error>,
    output: &Output,
) -> Exit {
    let is_live = std::io::stdout().is_terminal() && !output.is_json();
    let (mut seen, mut shown) = (Ok(first), None);
    loop {
        let frame = Frame::of(name, &seen, Columns::here());
        let drawn = match is_live {
            true => terminal::draw(screen(&frame.text, terminal::size().1)),
            false if shown.as_ref() == Some(&frame.steady) => Ok(()),
            false => write(&frame, output),
        };
        shown = Some(frame.steady);
        tokio::time::sleep(PAUSE).await;
        if drawn.is_err() || !has_reader() {
            return Exit::Done;
        }
        seen = match again() {
            Ok(selection) => Ok(Seen::look(&selection).await),
            Err(why) => Err(why),
        };
    }
}

/// What is shown once.
struct Frame {
    text: String,
    json: serde_json::Value,
    /// The text without what changes all the time.
    steady: String,
}

impl Frame {
    fn of(name: Option<&str>, seen: &Result<Seen, Error>, columns: Columns) -> Frame {
        let could_not = |why: String| Frame {
            text: wrapped(&format!("{} ", Tone::Bad.paint("!")), &printable(&why), 2, columns.finding),
            json: serde_json::json!({ "error": why }),
            steady: why,
        };
        let seen = match seen {
            Ok(seen) => seen,
            Err(why) => return could_not(why.to_string()),
        };
        match (View::of(name, seen), View::of(name, &steady(seen))) {
            (Ok(view), Ok(_)) => Frame {
                text: view.text(seen, columns),
                json: view.json(seen),
                steady: view.text(&steady(seen), columns),
            },
            (Err(unknown), _) | (_, Err(unknown)) if unknown.is_silent => {
                could_not("no daemon answered: how it stands is not known until one does".to_owned())
            }
            (Err(unknown), _) | (_, Err(unknown)) => could_not(unknown.words()),
        }
    }
}

/// Without ages, counts and times of probes.
fn steady(seen: &Seen) -> Seen {
    let replies = seen.replies.iter().map(|one| DaemonReply {
        endpoint: one.endpoint.clone(),
        answer: match &one.answer {
            Ok(status) => Ok(steady_status(status.clone())),
            Err(why) => Err(Error::new(why)),
        },
    });
    let findings = seen.findings.iter().map(|finding| finding.clone().in_words(without_numbers)).collect();
    Seen { replies: replies.collect(), fleet: seen.fleet.clone(), findings }
}

fn steady_status(mut status: Status) -> Status {
    let daemon = match &mut status {
        Status::Proxy(status) => {
            (status.connections, status.requests) = (0, 0);
            status.services.iter_mut().flat_map(|service| &mut service.backends).for_each(steady_backend);
            &mut status.daemon
        }
        Status::Nameserver(status) => {
            status.queries = 0;
            let members = status.pools.iter_mut().flat_map(|pool| &mut pool.members);
            for address in members.flat_map(|member| &mut member.addresses) {
                (address.check_reason, address.check_since) = (without_numbers(&address.check_reason), 0);
            }
            &mut status.daemon
        }
    };
    daemon.uptime_s = 0;
    daemon.peers.iter_mut().for_each(|peer| peer.heard = None);
    status
}

fn steady_backend(backend: &mut BackendStatus) {
    (backend.running, backend.requests) = (0, 0);
    (backend.check_reason, backend.check_since) = (without_numbers(&backend.check_reason), 0);
}

/// `200 in 3 ms`, `nothing has come for 12 s`: which numbers they are changes nothing.
fn without_numbers(text: &str) -> String {
    let is_number = |word: &&str| word.bytes().all(|byte| byte.is_ascii_digit());
    text.split(' ').filter(|word| !is_number(word)).collect::<Vec<_>>().join(" ")
}

/// As much as a terminal of so many rows has room for, and the time.
fn screen(text: &str, rows: usize) -> Vec<String> {
    let (all, room) = (text.lines().count(), rows.max(3) - 2);
    let (most, more) = if all <= room { (all, 0) } else { (room - 1, all - (room - 1)) };
    let mut lines: Vec<String> = text.lines().take(most).map(fit).collect();
    if more > 0 {
        lines.push(Tone::Faint.paint(&format!("... {more} more; `polder status` has all")));
    }
    lines.push(Tone::Faint.paint(&format!("{}, Ctrl-C ends it", time_of_day(unix_ms()))));
    lines
}

/// The whole text, with the time; a line of JSON for machines.
fn write(frame: &Frame, output: &Output) -> std::io::Result<()> {
    let mut out = anstream::stdout().lock();
    if output.is_json() {
        writeln!(out, "{}", fit_json(&frame.json.to_string()))?;
    } else {
        writeln!(out, "--- {}\n{}", moment(unix_ms()), fit(&frame.text))?;
    }
    out.flush()
}

#[cfg(test)]
mod tests;
