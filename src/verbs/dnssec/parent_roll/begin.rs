//! The new keys, beside those that are there.

use std::sync::Arc;

use serde::Serialize;

use super::super::keys_of::{KeysOf, Zone, now, shell, unusable};
use super::super::shown::{KeyShown, ds, titled};
use super::end::EndArgs;
use crate::config::duration;
use crate::dnssec::parent_roll::{Begin, begin as plan};
use crate::dnssec::{Algorithm, KeyFiles, MadeKey, ZoneKey, files_of, make, read_keys, set_times, tags};
use crate::push::error::Error;
use crate::unix_time::moment;
use crate::verbs::exit::Exit;
use crate::verbs::output::Output;

#[derive(Debug, Serialize)]
struct Report {
    zone: String,
    old: KeyShown,
    /// The one for the parent last.
    new: Vec<KeyShown>,
    /// What the parent is to have of the new key.
    ds: Option<String>,
    /// Before that it is not to have it, in milliseconds since the epoch.
    ds_from: u64,
}

/// Begins a roll, to another algorithm or to the same; `verb` is the one that ends it.
pub(in crate::verbs::dnssec) fn begin(
    args: &KeysOf,
    to: Option<Algorithm>,
    verb: &str,
    end: &EndArgs,
    output: &Output,
) -> Result<Exit, Error> {
    let zone = match args.zone() {
        Ok(zone) => zone,
        Err(why) => return Ok(output.refuse(&why, Exit::Usage)),
    };
    let _lock = args.lock()?;
    let (folder, now) = (&args.folder, now());
    let keys = read_keys(folder, &zone.apex).map_err(unusable)?;
    let roll = match plan(&keys, now, to, end.pace.pace()) {
        Ok(roll) => roll,
        Err(why) => return Ok(output.refuse(&format!("{}: {why}", zone.text), Exit::No)),
    };
    // The old key first: where it was to end, it goes on until the new one is there.
    let old_times = roll.old_times.unwrap_or(*roll.old.times());
    let old = match &roll.old_times {
        Some(times) => set_times(folder, &roll.old, times),
        None => files_of(folder, &roll.old),
    };
    let old = old.map_err(unusable)?;
    let replaced = roll.replaced.iter().map(|(key, times)| set_times(folder, key, times).map_err(unusable));
    let replaced = replaced.collect::<Result<Vec<_>, Error>>()?;
    let mut made: Vec<(MadeKey, KeyFiles)> = Vec::new();
    for (role, algorithm, times) in &roll.make {
        let taken = tags(folder, &zone.apex).map_err(unusable)?;
        let key = make(&zone.apex, *role, *algorithm, *times, &taken)
            .map_err(|error| Error::new(format!("no key was made: {error}")))?;
        let files = key.write(folder).map_err(unusable)?;
        made.push((key, files));
    }
    // Until then resolvers may have the keys without it.
    let ds_from = roll.published + end.pace.ttl.as_secs();
    let mut files: Vec<&KeyFiles> = made.iter().map(|(_, files)| files).collect();
    files.extend(roll.old_times.is_some().then_some(&old).into_iter().chain(&replaced));
    let report = Report {
        old: KeyShown::new(&roll.old, &old_times, &old),
        new: made.iter().map(|(key, files)| KeyShown::new(key.key(), key.key().times(), files)).collect(),
        ds: made.last().map(|(key, _)| ds(key.key())),
        ds_from: ds_from.saturating_mul(1000),
        zone: zone.text.clone(),
    };
    output.answer(&report, &text(args, &zone, (&roll, &keys), (&made, &files), (verb, now, end)));
    Ok(Exit::Done)
}

fn text(
    args: &KeysOf,
    zone: &Zone,
    (roll, keys): (&Begin, &[Arc<ZoneKey>]),
    (made, files): (&[(MadeKey, KeyFiles)], &[&KeyFiles]),
    (verb, now, end): (&str, u64, &EndArgs),
) -> String {
    let from = |time: Option<u64>| match time {
        Some(time) if time > now => format!("from {}", moment(time * 1000)),
        _ => "from now on".to_owned(),
    };
    let mut text = String::new();
    let all = || keys.iter().map(|key| &**key).chain(made.iter().map(|(made, _)| made.key()));
    for (made, _) in made {
        let (key, times) = (made.key(), made.key().times());
        text.push_str(&format!(
            "{} signs {}, and is published {}\n",
            titled(key, all(), now),
            from(times.activate),
            from(times.publish)
        ));
    }
    let (old, ttl) = (roll.old.tag(), end.pace.ttl);
    text.push_str(&format!(
        "{} goes on beside it\n\nNext:\n- copy these files to every nameserver of {}",
        titled(&roll.old, all(), now),
        zone.text
    ));
    if roll.published > now {
        let before = roll.published.saturating_sub(ttl.as_secs());
        text.push_str(&format!(" before {}", moment(before * 1000)));
    }
    text.push_str(", then: polder reload\n");
    for files in files {
        text.push_str(&format!("  {}\n  {}\n", files.public.display(), files.private.display()));
    }
    let Some((new, _)) = made.last() else { return text };
    let known = moment(roll.published.saturating_add(ttl.as_secs()).saturating_mul(1000));
    let (tag, zone) = (new.key().tag(), &zone.text);
    // A key that is published later is there, and copied, before: no nameserver is late with it then.
    text.push_str(&match roll.published > now {
        true => format!(
            "- not before {known}, and once all of them show key {tag} as `signs`, no longer as `signs, not published`\n  (polder dnssec status {zone}), have"
        ),
        false => format!(
            "- once all of them show key {tag} (polder dnssec status {zone}), and then {} (`--ttl`) has passed, not before {known},\n  have",
            duration::format(ttl)
        ),
    });
    text.push_str(&format!(
        " the parent take this record for that of key {old}:\n  {}\n- when it has: polder dnssec {verb} {zone} --folder {}{} --finish\n",
        ds(new.key()),
        shell(&args.folder),
        end.pace.options()
    ));
    text
}
