//! The times at which the old keys go, once everybody has the new ones.

use std::sync::Arc;

use serde::Serialize;
use serde_json::json;

use super::super::keys_of::{KeysOf, Zone, now, unusable};
use super::super::nameservers::ask_nameservers;
use super::super::pace::PaceArgs;
use super::super::parent::{ParentArgs, ask};
use super::super::shown::{KeyShown, titled};
use super::waits::waits_for;
use crate::dnssec::parent_roll::{UnderWay, finish, under_way};
use crate::dnssec::{KeyFiles, Times, ZoneKey, read_keys, set_times};
use crate::push::error::Error;
use crate::unix_time::moment;
use crate::verbs::args::DaemonsArg;
use crate::verbs::exit::Exit;
use crate::verbs::output::Output;
use crate::verbs::replies::DaemonReply;
use crate::verbs::signed_zones;

/// How a roll ends, and how long things take.
#[derive(Debug, Clone, clap::Args)]
pub struct EndArgs {
    /// Take the old key away, if every nameserver shows the new one and the zone above has its DS alone
    #[arg(long)]
    pub finish: bool,
    #[command(flatten)]
    /// How long things take.
    pub pace: PaceArgs,
    #[command(flatten)]
    /// Which nameservers are asked for the new key.
    pub daemons: DaemonsArg,
    #[command(flatten)]
    /// How the zone above is asked.
    pub parent: ParentArgs,
}

#[derive(Debug, Serialize)]
struct Report {
    zone: String,
    new: u16,
    old: Vec<KeyShown>,
}

/// Ends the roll that is under way, or says for what it waits.
pub(in crate::verbs::dnssec) fn end(args: &KeysOf, how: &EndArgs, output: &Output) -> Result<Exit, Error> {
    let (zone, daemons) = match (args.zone(), how.daemons.clone().or_environment()) {
        (Ok(zone), Ok(daemons)) => (zone, daemons),
        (Err(why), _) | (_, Err(why)) => return Ok(output.refuse(&why, Exit::Usage)),
    };
    let _lock = args.lock()?;
    let keys = read_keys(&args.folder, &zone.apex).map_err(unusable)?;
    let roll = match under_way(&keys, now()) {
        Ok(Some(roll)) => roll,
        Ok(None) => {
            let why = format!("{}: no roll is under way that could be ended: one key is for the parent", zone.text);
            return Ok(output.refuse(&why, Exit::No));
        }
        Err(why) => return Ok(output.refuse(&format!("{}: {why}", zone.text), Exit::No)),
    };
    let replies = ask_nameservers(&daemons)?;
    let parent = ask(&how.parent, &zone.text)?;
    let zones = signed_zones::all(replies.iter().filter_map(DaemonReply::nameserver));
    let silent: Vec<String> = replies.iter().filter(|one| one.answer.is_err()).map(DaemonReply::name).collect();
    let seen = zones.iter().find(|one| one.name == zone.text);
    let now = now();
    let waits = waits_for(&roll, seen, &silent, &parent, (how.pace.ttl, now));
    if !waits.is_empty() {
        let text = format!("{}: key {} stays for now: {}", zone.text, roll.old.tag(), waits.join("; "));
        let more =
            serde_json::Map::from_iter([("waits_for".to_owned(), json!(waits)), ("parent".to_owned(), json!(parent))]);
        return Ok(output.refuse_with(&text, more, Exit::No));
    }
    let ds_ttl = parent.ttl().map_or(0, u64::from);
    // The key for the parent last: as long as it stays, the roll is under way, and is ended once more.
    let mut ended = finish(&keys, &roll, now, ds_ttl, how.pace.pace());
    ended.sort_by_key(|(key, _)| key.is_ksk());
    let mut done = Vec::new();
    for (key, times) in ended {
        let files = set_times(&args.folder, &key, &times).map_err(unusable)?;
        done.push((key, times, files));
    }
    let report = Report {
        zone: zone.text.clone(),
        new: roll.new.tag(),
        old: done.iter().map(|(key, times, files)| KeyShown::new(key, times, files)).collect(),
    };
    output.answer(&report, &text(&zone, &roll, (&keys, now), &done));
    Ok(Exit::Done)
}

fn text(
    zone: &Zone,
    roll: &UnderWay,
    (keys, now): (&[Arc<ZoneKey>], u64),
    done: &[(Arc<ZoneKey>, Times, KeyFiles)],
) -> String {
    let mut text = format!("every nameserver shows key {}, and the parent has its DS alone\n", roll.new.tag());
    let at = |time: Option<u64>| time.map_or_else(|| "never".to_owned(), |time| moment(time * 1000));
    for (key, times, _) in done {
        let (title, inactive, delete) =
            (titled(key, keys.iter().map(|key| &**key), now), at(times.inactive), at(times.delete));
        text.push_str(&match times.delete < times.inactive {
            true => format!("{title} leaves the zone at {delete}; its signatures stay until {inactive}\n"),
            false => format!("{title} signs until {inactive}, and is removed at {delete}\n"),
        });
    }
    // Keys that go with their algorithm go everywhere at one time.
    let is_change = roll.old.algorithm() != roll.new.algorithm();
    let gone = done.iter().filter_map(|(_, times, _)| times.delete).min().filter(|_| is_change);
    let before = gone.map_or_else(String::new, |time| format!(" before {}", moment(time * 1000)));
    text.push_str(&format!(
        "\nNext: copy these files to every nameserver of {}{before}, then: polder reload\n",
        zone.text
    ));
    for (_, _, files) in done {
        text.push_str(&format!("  {}\n  {}\n", files.public.display(), files.private.display()));
    }
    text
}
