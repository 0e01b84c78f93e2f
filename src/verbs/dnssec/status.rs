//! `dnssec status`: how the signed zones stand on all of their nameservers: keys, signatures, what comes next, and what is not well.

mod findings;
mod next;
mod seen;
mod text;

use serde_json::json;

use self::seen::Seen;
use self::text::{Widths, shown};
use crate::api::daemon::Daemon;
use crate::push::error::Error;
use crate::unix_time::unix_ms;
use crate::verbs::args::DaemonsArg;
use crate::verbs::daemons::{Finder, Hosts};
use crate::verbs::exit::Exit;
use crate::verbs::named::not_known;
use crate::verbs::output::Output;
use crate::verbs::replies::{DaemonReply, ask_all};
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
}

pub(super) fn run(args: &StatusArgs, output: &Output) -> Result<Exit, Error> {
    let (zone, daemons) = match (args.zone.as_deref().map(zone_name).transpose(), args.daemons.clone().or_environment())
    {
        (Ok(zone), Ok(daemons)) => (zone, daemons),
        (Err(why), _) | (_, Err(why)) => return Ok(output.refuse(&why, Exit::Usage)),
    };
    let selection = Finder::new(&daemons, Hosts::WithDaemons).find()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::new(format!("the runtime did not start: {error}")))?;
    let mut replies = runtime.block_on(ask_all(&selection.daemons));
    replies.retain(|one| one.role() != Some(Daemon::Proxy));
    if replies.is_empty() {
        return Ok(output.could_not("no nameserver is among the daemons that are asked"));
    }
    if replies.iter().all(|one| one.answer.is_err()) {
        return Ok(output.could_not("no nameserver answered; `polder status` tells why"));
    }
    let seen = Seen::of(&replies, zone.as_deref(), unix_ms());
    if let Some(zone) = zone.as_deref().filter(|_| seen.zones.is_empty()) {
        return Ok(output.refuse_with(
            &unsigned(zone, &replies),
            serde_json::Map::from_iter([("known".to_owned(), json!(signed(&replies)))]),
            Exit::No,
        ));
    }
    output.answer(&seen.report(), &shown(&seen, Widths::here()));
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
