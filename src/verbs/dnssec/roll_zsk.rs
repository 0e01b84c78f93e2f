//! `dnssec roll-zsk`: begins the roll of a zone-signing key, or makes its successors ahead.

mod ahead;

use std::time::Duration;

use serde::Serialize;

use super::keys_of::{KeysOf, Zone, now, unusable};
use super::pace::{PaceArgs, parse_within};
use super::shown::{KeyShown, titled_as};
use super::step::carry_out;
use crate::api::dns::ZoneKeyRole;
use crate::dnssec::roll::{Roll, plan};
use crate::dnssec::schedule::Terms;
use crate::dnssec::{KeyFiles, read_keys};
use crate::push::error::Error;
use crate::unix_time::moment;
use crate::verbs::exit::Exit;
use crate::verbs::output::Output;
use crate::verbs::times::{Later, parse_later};

/// The arguments of `dnssec roll-zsk`.
#[derive(Debug, Clone, clap::Args)]
pub struct RollArgs {
    #[command(flatten)]
    /// Whose keys.
    pub keys: KeysOf,
    /// Make keys ahead, of which each signs for so long, such as 90d: the ZSK rolls by itself then, for as long as --for says
    #[arg(long, value_name = "DURATION", value_parser = |text: &str| parse_within(text, LONGEST_SCHEDULE), requires = "span", allow_hyphen_values = true)]
    pub every: Option<Duration>,
    /// For how long from now on there is to be a key for each such time, such as 730d; said again later, it makes those that are missing then
    #[arg(long = "for", value_name = "DURATION", value_parser = |text: &str| parse_within(text, LONGEST_SCHEDULE), requires = "every", allow_hyphen_values = true)]
    pub span: Option<Duration>,
    /// When the new key begins to sign: `3d` from now, or a time in UTC (2026-12-24 04:10); a day after --ttl, if nothing is said
    #[arg(long, value_name = "TIME", value_parser = parse_later)]
    pub at: Option<Later>,
    #[command(flatten)]
    /// How long things take.
    pub pace: PaceArgs,
}

/// For how long keys are made ahead at most, in days.
const LONGEST_SCHEDULE: u64 = 3650;

#[derive(Debug, Serialize)]
struct Report {
    zone: String,
    old: KeyShown,
    new: KeyShown,
    /// By then all nameservers have to have the files, in milliseconds since the epoch.
    copy_before: u64,
}

pub(super) fn run(args: &RollArgs, output: &Output) -> Result<Exit, Error> {
    let zone = match args.keys.zone() {
        Ok(zone) => zone,
        Err(why) => return Ok(output.refuse(&why, Exit::Usage)),
    };
    let now = now();
    let pace = args.pace.pace();
    if let Some((every, span)) = args.every.zip(args.span) {
        let (every, until) = (every.as_secs(), now + span.as_secs());
        let first = args.at.map(|at| at.seconds(now));
        return ahead::run(&args.keys, &zone, now, Terms { every, until, first, pace }, output);
    }
    let _lock = args.keys.lock()?;
    let keys = read_keys(&args.keys.folder, &zone.apex).map_err(unusable)?;
    let roll = match plan(&keys, now, args.at.map(|at| at.seconds(now)), pace) {
        Ok(roll) => roll,
        Err(why) => return Ok(output.refuse(&format!("{}: {why}", zone.text), Exit::No)),
    };
    let done = carry_out(&args.keys, &zone, &roll)?;
    let report = Report {
        zone: zone.text.clone(),
        old: KeyShown::new(&roll.old, &roll.old_times, &done.old),
        new: done.new_shown,
        copy_before: roll.publish_before.saturating_mul(1000),
    };
    output.answer(&report, &text(&zone, &roll, done.new_tag, [&done.new, &done.old]));
    Ok(Exit::Done)
}

fn text(zone: &Zone, roll: &Roll, new_tag: u16, files: [&KeyFiles; 2]) -> String {
    let at = moment(roll.at * 1000);
    let titled = |tag| titled_as(tag, ZoneKeyRole::Zsk, roll.old.algorithm());
    let gone =
        roll.old_times.delete.map_or_else(String::new, |time| format!(", and is removed at {}", moment(time * 1000)));
    let mut text = format!(
        "{} is published now, and signs from {at}\n{} signs until then{gone}\n\nNext: copy these files to every nameserver of {} before {}, then: polder reload\n",
        titled(new_tag),
        titled(roll.old.tag()),
        zone.text,
        moment(roll.publish_before * 1000),
    );
    for files in files {
        text.push_str(&format!("  {}\n  {}\n", files.public.display(), files.private.display()));
    }
    text
}
