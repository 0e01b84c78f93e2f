//! `status`: what is not well, first; then all else, folded; exit 1 if anything is not well. With a name, all of one thing.
//!
//! What checks say and what the operator says stand side by side, never merged: an operator sees whether a target is
//! down, or taken out.

mod detail;
mod drift;
mod findings;
mod fleet;
mod names;
mod overview;
mod services;
mod watch;

use std::rc::Rc;

use serde_json::{Value, json};

use super::args::FleetArg;
use super::daemons::Selection;
use super::exit::Exit;
use super::layout;
use super::output::{Output, complain};
use super::replies::{DaemonReply, ask_all};
use crate::push::error::Error;
use fleet::Fleet;

/// What `status` takes.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(after_help = "Examples:
  polder status                what is not well, and the rest in a few lines
  polder status shop           a service: its backends, since when each is up or down and why, its latch
  polder status web1           a host: every backend, daemon and pool member of that name
  polder status --watch        again and again, until Ctrl-C; in a pipe, whenever something has changed

Exit codes: 0 all is well (with a name: with that), 1 it is not, 3 no daemon answered.")]
pub struct StatusArgs {
    /// All of one service, host, backend (`web1`, `www/web1`), daemon, pool, pool member or zone
    pub name: Option<String>,
    /// Show it again and again; where no terminal is, whenever something has changed
    #[arg(long, short)]
    pub watch: bool,
    #[command(flatten)]
    /// Which fleet, on an admin machine.
    pub fleet: FleetArg,
}

/// Asks every daemon and shows it all; on an admin machine, the hosts and the working copy too. `again` finds the daemons anew.
pub async fn run(
    args: &StatusArgs,
    selection: &Selection,
    again: impl Fn() -> Result<Selection, Error>,
    output: &Output,
) -> Exit {
    let seen = Seen::look(selection).await;
    let view = match View::of(args.name.as_deref(), &seen) {
        Ok(view) => view,
        Err(unknown) => return unknown.tell(output),
    };
    if args.watch {
        return watch::run(args.name.as_deref(), seen, again, output).await;
    }
    output.answer(&view.json(&seen), &view.text(&seen, layout::width()));
    view.verdict(&seen)
}

/// What daemons and hosts have said of themselves.
struct Seen {
    replies: Vec<DaemonReply>,
    fleet: Option<Rc<Fleet>>,
    findings: Vec<String>,
}

impl Seen {
    async fn look(selection: &Selection) -> Seen {
        let replies = ask_all(&selection.daemons).await;
        Seen::of(replies, selection.fleet.as_ref().map(Fleet::gather).map(Rc::new))
    }

    fn of(replies: Vec<DaemonReply>, fleet: Option<Rc<Fleet>>) -> Seen {
        let mut findings = fleet.as_deref().map(Fleet::findings).unwrap_or_default();
        // A host that is not reached explains its daemons.
        let is_explained = |reply: &DaemonReply| reply.endpoint.unreachable.is_some();
        findings.extend(findings::all(replies.iter().filter(|one| !is_explained(one))));
        Seen { replies, fleet, findings }
    }
}

/// What of it is shown.
enum View {
    All,
    One(names::Named),
}

impl View {
    fn of(name: Option<&str>, seen: &Seen) -> Result<View, names::Unknown> {
        match name {
            None => Ok(View::All),
            Some(name) => names::find(name, seen).map(View::One),
        }
    }

    /// For people.
    fn text(&self, seen: &Seen, width: usize) -> String {
        match self {
            View::All => overview::text(seen, width),
            View::One(named) => detail::text(named, seen, width),
        }
    }

    /// For machines.
    fn json(&self, seen: &Seen) -> Value {
        match self {
            View::All => whole(seen),
            View::One(named) => detail::json(named, seen),
        }
    }

    fn verdict(&self, seen: &Seen) -> Exit {
        let is_well = match self {
            View::All => seen.findings.is_empty(),
            View::One(named) => named.findings(seen).next().is_none(),
        };
        match () {
            () if seen.replies.iter().all(|one| one.answer.is_err()) && seen.fleet.is_none() => Exit::CouldNot,
            () if is_well => Exit::Done,
            () => Exit::No,
        }
    }
}

fn whole(seen: &Seen) -> Value {
    let daemons: Vec<_> = seen.replies.iter().map(status_json).collect();
    let mut answer = json!({ "well": seen.findings.is_empty(), "findings": seen.findings, "daemons": daemons });
    if let Some(fleet) = &seen.fleet {
        answer["fleet"] = json!(**fleet);
    }
    answer
}

fn status_json(reply: &DaemonReply) -> Value {
    match &reply.answer {
        Ok(status) => json!(status),
        Err(error) => json!({ "name": reply.name(), "error": error }),
    }
}

impl names::Unknown {
    fn tell(&self, output: &Output) -> Exit {
        if self.is_silent {
            return output.could_not("no daemon answered; `polder status` tells why");
        }
        complain(&self.words());
        if output.is_json() {
            output.answer(&json!({ "error": "unknown", "known": self.known }), "");
        }
        Exit::No
    }
}

#[cfg(test)]
pub(super) mod tests;
