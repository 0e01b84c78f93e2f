//! `dnssec ds`: what the parent of a zone is to have.

use std::time::Duration;

use serde::Serialize;

use super::for_parent::{Candidate, wanted};
use super::keys_of::{KeysOf, now, unusable};
use super::pace::{USUAL_TTL, parse_ttl};
use super::shown::ds;
use crate::dnssec::{Acting, ZoneKey, read_keys};
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
    /// How long resolvers keep the zone's keys: only then is a new key one for the parent, beside an old one
    #[arg(long, value_name = "DURATION", value_parser = parse_ttl, default_value = USUAL_TTL, allow_hyphen_values = true)]
    pub ttl: Duration,
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
    let keys: Vec<&ZoneKey> = keys.iter().map(AsRef::as_ref).collect();
    let acting = Acting::at(&keys, now);
    let signs = |key: &ZoneKey| acting.key_signing.iter().any(|one| std::ptr::eq(*one, key));
    let is_to_sign = |key: &ZoneKey| key.times().activate.is_some() && !key.times().is_over(now);
    let wanted = keys.into_iter().filter(|key| key.is_ksk() && (signs(key) || is_to_sign(key)));
    let (published, later): (Vec<&ZoneKey>, Vec<&ZoneKey>) = wanted.partition(|key| acting.shows(key));
    let (sign, coming) = published.into_iter().partition(|key| signs(key));
    let (published, left) = in_a_roll(sign, coming, now, args.ttl);
    let later = later.into_iter().filter_map(|key| not_yet(key, now));
    let later: Vec<String> = later.chain(left.into_iter().map(|key| left_out(key, now, args.ttl))).collect();
    let records: Vec<Ds> = published.into_iter().map(|key| shown(key, signs(key))).collect();
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

/// Those that the parent is to have, and those that it is not to have, while one replaces another: of those that sign, and of those that will.
fn in_a_roll<'k>(
    sign: Vec<&'k ZoneKey>,
    coming: Vec<&'k ZoneKey>,
    now: u64,
    ttl: Duration,
) -> (Vec<&'k ZoneKey>, Vec<&'k ZoneKey>) {
    let candidate = |key: &&ZoneKey| Candidate {
        known: known(key, ttl),
        ends: key.times().inactive.or(key.times().delete).is_some(),
    };
    let wanted = wanted(&sign.iter().map(candidate).collect::<Vec<_>>(), now);
    let (is, is_not): (Vec<_>, Vec<_>) = sign.into_iter().zip(wanted).partition(|(_, is_wanted)| *is_wanted);
    let only_keys = |pairs: Vec<(_, bool)>| pairs.into_iter().map(|(key, _)| key);
    (only_keys(is).chain(coming).collect(), only_keys(is_not).collect())
}

/// From when every resolver knows a key, in seconds since the epoch.
fn known(key: &ZoneKey, ttl: Duration) -> u64 {
    key.times().publish.or(key.times().activate).map_or(0, |publish| publish.saturating_add(ttl.as_secs()))
}

/// Why a key is not one for the parent now.
fn left_out(key: &ZoneKey, now: u64, ttl: Duration) -> String {
    let (tag, known) = (key.tag(), known(key, ttl));
    match known > now {
        true => format!(
            "the DS of key {tag} is left out, as some resolvers do not know the key yet: the parent takes it for the other one not before {}",
            moment(known.saturating_mul(1000))
        ),
        false => format!("the DS of key {tag} is left out, as another key replaces it"),
    }
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

fn shown(key: &ZoneKey, signs: bool) -> Ds {
    let later = key.times().activate.filter(|_| !signs);
    Ds {
        tag: key.tag(),
        algorithm: key.algorithm().name(),
        record: ds(key),
        signs_from: later.map(|time| time.saturating_mul(1000)),
    }
}
