//! `dnssec ds`: what the parent of a zone is to have.

use serde::Serialize;

use super::keys_of::{KeysOf, now, unusable};
use super::shown::ds;
use crate::dnssec::{ZoneKey, read_keys};
use crate::push::error::Error;
use crate::unix_time::moment;
use crate::verbs::exit::Exit;
use crate::verbs::output::{Output, complain};

/// The arguments of `dnssec ds`.
#[derive(Debug, Clone, clap::Args)]
pub struct DsArgs {
    #[command(flatten)]
    /// Whose keys.
    pub keys: KeysOf,
}

#[derive(Debug, Serialize)]
struct Report {
    zone: String,
    ds: Vec<Ds>,
}

#[derive(Debug, Serialize)]
struct Ds {
    tag: u16,
    algorithm: &'static str,
    record: String,
    /// From when the key signs, in milliseconds since the epoch, where that is still to come.
    #[serde(skip_serializing_if = "Option::is_none")]
    signs_from: Option<u64>,
}

pub(super) fn run(args: &DsArgs, output: &Output) -> Result<Exit, Error> {
    let zone = match args.keys.zone() {
        Ok(zone) => zone,
        Err(why) => return Ok(output.refuse(&why, Exit::Usage)),
    };
    let keys = read_keys(&args.keys.folder, &zone.apex).map_err(unusable)?;
    let now = now();
    let wanted = keys.iter().filter(|key| is_for_the_parent(key, now));
    let (published, later): (Vec<_>, Vec<_>) = wanted.partition(|key| key.is_published(now));
    let later = later.into_iter().filter_map(|key| not_yet(key, now)).collect::<Vec<_>>();
    let records: Vec<Ds> = published.into_iter().map(|key| shown(key, now)).collect();
    if records.is_empty() {
        let why = match later.is_empty() {
            true => "none has the flag SEP (257) and signs now or later".to_owned(),
            false => later.join("; "),
        };
        let why = format!("{}: no key of {} is for the parent: {why}", args.keys.folder.display(), zone.text);
        return Ok(output.refuse(&why, Exit::No));
    }
    for why in later.iter().filter(|_| !output.is_json()) {
        complain(&format!("note: {why}"));
    }
    let text: String = records.iter().map(|ds| format!("{}\n", ds.record)).collect();
    for ds in records.iter().filter(|_| !output.is_json()) {
        if let Some(from) = ds.signs_from {
            complain(&format!("note: key {} does not sign before {}", ds.tag, moment(from)));
        }
    }
    output.answer(&Report { zone: zone.text, ds: records }, &text);
    Ok(Exit::Done)
}

/// Whether a key is one that the parent has to know: it signs now, or it will.
fn is_for_the_parent(key: &ZoneKey, now: u64) -> bool {
    let times = key.times();
    key.is_ksk() && (key.is_active(now) || (times.activate.is_some() && !times.is_over(now)))
}

/// That a key is not published yet. Resolvers would look for it in vain, and refuse the zone if they found no other one.
fn not_yet(key: &ZoneKey, now: u64) -> Option<String> {
    let publish = key.times().publish.filter(|publish| *publish > now)?;
    Some(format!(
        "the DS of key {} is left out, as the key is not published before {}: the parent takes it when resolvers know the key, the TTL of the zone's keys later",
        key.tag(),
        moment(publish.saturating_mul(1000))
    ))
}

fn shown(key: &ZoneKey, now: u64) -> Ds {
    let later = key.times().activate.filter(|activate| *activate > now);
    Ds {
        tag: key.tag(),
        algorithm: key.algorithm().name(),
        record: ds(key),
        signs_from: later.map(|time| time.saturating_mul(1000)),
    }
}
