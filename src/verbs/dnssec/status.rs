//! `dnssec status`: how the signed zones stand on all of their nameservers: keys, signatures, what comes next, and what is not well.

mod above;
mod findings;
mod for_parent;
mod next;
mod seen;
mod text;

use serde_json::json;

use self::seen::Seen;
use self::text::shown;
use super::nameservers::ask_nameservers;
use super::parent::{ParentArgs, ask};
use crate::push::error::Error;
use crate::unix_time::unix_ms;
use crate::verbs::args::DaemonsArg;
use crate::verbs::exit::Exit;
use crate::verbs::layout;
use crate::verbs::named::not_known;
use crate::verbs::output::{Output, complain};
use crate::verbs::replies::DaemonReply;
use crate::verbs::signed_zones;
use crate::verbs::zone::source::zone_name;

/// The arguments of `dnssec status`.
#[derive(Debug, Clone, clap::Args)]
pub struct StatusArgs {
    /// This zone only, such as example.net; without a name, every one that is signed
    pub zone: Option<String>,
    #[command(flatten)]
    /// Which daemons are asked.
    pub daemons: DaemonsArg,
    #[command(flatten)]
    /// How the zone above is asked.
    pub parent: ParentArgs,
    /// Ask nobody but the nameservers: without it, where a zone is named, those of the zone above are asked what DS they have
    #[arg(long, conflicts_with_all = ["servers", "resolvers"])]
    pub offline: bool,
}

pub(super) fn run(args: &StatusArgs, output: &Output) -> Result<Exit, Error> {
    let (zone, daemons) = match (args.zone.as_deref().map(zone_name).transpose(), args.daemons.clone().or_environment())
    {
        (Ok(zone), Ok(daemons)) => (zone, daemons),
        (Err(why), _) | (_, Err(why)) => return Ok(output.refuse(&why, Exit::Usage)),
    };
    let replies = ask_nameservers(&daemons)?;
    let mut seen = Seen::of(&replies, zone.as_deref(), unix_ms());
    if let Some(zone) = zone.as_deref().filter(|_| seen.zones.is_empty()) {
        return Ok(output.refuse_with(
            &unsigned(zone, &replies),
            serde_json::Map::from_iter([("known".to_owned(), json!(signed(&replies)))]),
            Exit::No,
        ));
    }
    // The demo's zones are others' in the DNS of everybody.
    if let Some(zone) = zone.as_deref().filter(|_| !args.offline && !daemons.demo) {
        match ask(&args.parent, zone) {
            Ok(parent) => seen.look_at(parent),
            Err(why) => complain(&format!("note: the zone above {zone} was not asked what it has: {why}")),
        }
    }
    output.answer(&seen.report(), &shown(&seen, layout::width_of_lines()));
    Ok(if seen.is_well() { Exit::Done } else { Exit::No })
}

/// Why nothing is shown of a zone.
fn unsigned(zone: &str, replies: &[DaemonReply]) -> String {
    let served = replies.iter().filter_map(DaemonReply::nameserver).flat_map(|status| &status.zones);
    if served.into_iter().any(|one| one.name == zone) {
        return format!("zone {zone} is not signed: no nameserver that answered has `dnssec` of it in its document");
    }
    not_known("no signed zone is named", zone, &signed(replies))
}

fn signed(replies: &[DaemonReply]) -> Vec<&str> {
    signed_zones::all(replies.iter().filter_map(DaemonReply::nameserver)).into_iter().map(|zone| zone.name).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
