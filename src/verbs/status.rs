//! `status`: what is not well, first; then all else, folded; exit 1 if anything is not well. With a name, all of one thing.
//!
//! What checks say and what the operator says stand side by side, never merged: an operator sees whether a target is
//! down, or taken out.

mod agreement;
mod columns;
mod detail;
mod drift;
mod findings;
mod fleet;
mod names;
mod overview;
mod seen;
mod services;
mod view;
mod watch;

use serde_json::json;

use super::args::DaemonsArg;
use super::daemons::Selection;
use super::exit::Exit;
use super::output::Output;
use crate::api::agreement::Cluster;
use crate::push::error::Error;
use columns::Columns;
use names::Unknown;
use seen::Seen;
use view::View;

/// What `status` takes.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(after_help = "Exit codes: 0 all is well (with a name: with that), 1 it is not, 3 no daemon answered.")]
pub struct StatusArgs {
    /// All of one service, host, backend (`web1`, `www/web1`), daemon, pool, pool member or zone
    pub name: Option<String>,
    /// Show it again and again; where no terminal is, whenever something has changed
    #[arg(long, short)]
    pub watch: bool,
    #[command(flatten)]
    /// Which daemons are asked.
    pub daemons: DaemonsArg,
}

/// Asks every daemon and shows it all; on an admin machine, the hosts and the working copy too. `again` finds the daemons anew.
pub async fn run(
    args: &StatusArgs,
    selection: &Selection,
    again: impl FnMut() -> Result<Selection, Error>,
    output: &Output,
) -> Exit {
    let seen = Seen::look(selection).await;
    let view = match View::of(args.name.as_deref(), &seen) {
        Ok(view) => view,
        Err(unknown) => return tell(&unknown, output),
    };
    if args.watch {
        return watch::run(args.name.as_deref(), seen, again, output).await;
    }
    output.answer(&view.json(&seen), &view.text(&seen, Columns::here()));
    view.verdict(&seen)
}

/// What is not well with the members of etcd that are seen from one place, and all of them as a table within so many columns.
pub(super) fn members_seen_from(place: &str, cluster: &Cluster, width: usize) -> (Vec<String>, String) {
    let views = agreement::Views::of([(place, cluster)]);
    let findings = findings::of_members(&views).into_iter().map(String::from);
    (findings.collect(), views.table(width))
}

/// Says that nothing has the name, and which was probably meant.
fn tell(unknown: &Unknown, output: &Output) -> Exit {
    if unknown.is_silent {
        return output.could_not("no daemon answered; `polder status` tells why");
    }
    let more = serde_json::Map::from_iter([("known".to_owned(), json!(unknown.known))]);
    output.refuse_with(&unknown.words(), more, Exit::No)
}

#[cfg(test)]
pub(super) mod tests;
