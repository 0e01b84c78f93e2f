//! `dnssec roll-zsk --every`: makes successors ahead, so that the ZSK rolls by itself.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;

use super::super::keys_of::{KeysOf, Zone, shell, unusable};
use super::super::shown::KeyShown;
use super::super::step::{Done, carry_out};
use crate::counted::counted;
use crate::dnssec::roll::Successor;
use crate::dnssec::schedule::{Schedule, Terms, next_step, schedule, unfit};
use crate::dnssec::{Role, ZoneKey, files_of, read_keys};
use crate::push::error::Error;
use crate::unix_time::moment;
use crate::verbs::exit::Exit;
use crate::verbs::output::{Output, Table, cell};

/// More keys are hardly meant, and each stands in a message of the nameserver's.
const MOST_KEYS: u64 = 200;

#[derive(Debug, Serialize)]
struct Report {
    zone: String,
    /// How many keys were made.
    made: usize,
    /// The ZSK that signs, and all that follow.
    keys: Vec<KeyShown>,
    /// When the last one would be replaced, in milliseconds since the epoch.
    ends: u64,
    /// By then all nameservers have to have the files, in milliseconds since the epoch; none: nothing was changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    copy_before: Option<u64>,
}

pub(super) fn run(args: &KeysOf, zone: &Zone, now: u64, terms: Terms, output: &Output) -> Result<Exit, Error> {
    if let Some(why) = unfit(&terms, now) {
        return Ok(output.refuse(&why, Exit::Usage));
    }
    let wanted = terms.until.saturating_sub(now) / terms.every;
    if wanted > MOST_KEYS {
        return Ok(
            output.refuse(&format!("--for is {wanted} times --every; expected at most {MOST_KEYS}"), Exit::Usage)
        );
    }
    let _lock = args.lock()?;
    let mut made = Made::default();
    loop {
        let keys = read_keys(&args.folder, &zone.apex).map_err(unusable)?;
        let roll = match next_step(&keys, now, terms) {
            Ok(Some(roll)) => roll,
            Ok(None) => return tell(args, zone, &keys, now, &made, output),
            Err(why) => return Ok(output.refuse(&format!("{}: {why}", zone.text), Exit::No)),
        };
        let done = carry_out(args, zone, &roll)?;
        made.add(done, matches!(roll.successor, Successor::Missing(..)), roll.publish_before);
    }
}

/// What was done.
#[derive(Default)]
struct Made {
    keys: usize,
    files: BTreeSet<PathBuf>,
    copy_before: Option<u64>,
}

impl Made {
    fn add(&mut self, Done { new, old, .. }: Done, is_new: bool, copy_before: u64) {
        self.keys += usize::from(is_new);
        self.files.extend([new.public, new.private, old.public, old.private]);
        self.copy_before = Some(self.copy_before.map_or(copy_before, |before| before.min(copy_before)));
    }
}

fn tell(
    args: &KeysOf,
    zone: &Zone,
    keys: &[Arc<ZoneKey>],
    now: u64,
    made: &Made,
    output: &Output,
) -> Result<Exit, Error> {
    let is_ahead = |key: &&Arc<ZoneKey>| {
        let times = key.times();
        key.role() == Role::Zsk && !times.is_over(now) && (key.is_active(now) || times.activate.is_some())
    };
    let mut zsks: Vec<&Arc<ZoneKey>> = keys.iter().filter(is_ahead).collect();
    zsks.sort_by_key(|key| (key.times().activate, key.tag()));
    let shown = zsks.iter().map(|key| {
        let files = files_of(&args.folder, key).map_err(unusable)?;
        Ok(KeyShown::new(key, key.times(), &files))
    });
    let shown = shown.collect::<Result<Vec<_>, Error>>()?;
    let ends = schedule(keys, now).map_or(now, |Schedule { ends, .. }| ends);
    let ms = |time: u64| time.saturating_mul(1000);
    let text = text(args, zone, &zsks, now, ends, made);
    let report = Report {
        zone: zone.text.clone(),
        made: made.keys,
        keys: shown,
        ends: ms(ends),
        copy_before: made.copy_before.map(ms),
    };
    output.answer(&report, &text);
    Ok(Exit::Done)
}

fn text(args: &KeysOf, zone: &Zone, zsks: &[&Arc<ZoneKey>], now: u64, ends: u64, made: &Made) -> String {
    let mut table = Table::new(&["ZSK", "ALGORITHM", "PUBLISHED", "SIGNS FROM", "SIGNS UNTIL"]);
    let from = |time: Option<u64>| match time {
        Some(time) if time > now => moment(time * 1000),
        _ => "now".to_owned(),
    };
    for key in zsks {
        let times = key.times();
        let until = times.inactive.map_or_else(|| "another one does".to_owned(), |time| moment(time * 1000));
        let cells =
            [key.tag().to_string(), key.algorithm().to_string(), from(times.publish), from(times.activate), until];
        table.row(cells.map(cell).into());
    }
    let (zone, ends) = (&zone.text, moment(ends * 1000));
    let made_keys = match made.keys {
        0 => "no key had to be made".to_owned(),
        1 => "1 key was made".to_owned(),
        keys => format!("{} were made", counted(keys, "key")),
    };
    let mut text = format!("{made_keys}: the ZSK of {zone} rolls by itself until {ends}\n{}", table.render());
    let Some(copy_before) = made.copy_before else { return text };
    text.push_str(&format!(
        "\nNext: copy these {} from {} to every nameserver of {zone} before {}, then: polder reload\n",
        counted(made.files.len(), "file"),
        shell(&args.folder),
        moment(copy_before * 1000)
    ));
    for file in &made.files {
        text.push_str(&format!("  {}\n", file.file_name().unwrap_or_default().display()));
    }
    text
}
