//! `dnssec keygen`: makes a key.

use clap::ValueEnum;
use serde::Serialize;

use super::keys_of::{KeysOf, Zone, now, shell, unusable};
use super::shown::{KeyShown, ds, titled_as};
use crate::api::dns::ZoneKeyRole;
use crate::counted::counted;
use crate::dnssec::{Acting, Algorithm, KeyFiles, Role, Times, ZoneKey, make, read_keys, tags};
use crate::push::error::Error;
use crate::unix_time::moment;
use crate::verbs::exit::Exit;
use crate::verbs::output::Output;
use crate::verbs::times::{Later, parse_later};

/// The arguments of `dnssec keygen`.
#[derive(Debug, Clone, clap::Args)]
pub struct KeygenArgs {
    #[command(flatten)]
    /// Whose key, and where it is put.
    pub keys: KeysOf,
    /// How it signs; the default makes small answers and is understood everywhere
    #[arg(long, value_enum, default_value = "ecdsap256sha256", ignore_case = true)]
    pub algorithm: Chosen,
    /// A key that signs the zone's keys and nothing else, and that the parent knows; make one with --zsk too
    #[arg(long)]
    pub ksk: bool,
    /// A key that signs the zone's records, and that the parent does not know; make one with --ksk too
    #[arg(long, conflicts_with = "ksk")]
    pub zsk: bool,
    /// When it begins to stand in the zone: `now`, `2d` from now, or a time in UTC (2026-12-24 04:10)
    #[arg(long, value_name = "TIME", value_parser = parse_later, default_value = "now")]
    pub publish: Later,
    /// When it begins to sign
    #[arg(long, value_name = "TIME", value_parser = parse_later, default_value = "now")]
    pub activate: Later,
    /// When it ceases to sign; never, if nothing is said
    #[arg(long, value_name = "TIME", value_parser = parse_later)]
    pub inactive: Option<Later>,
    /// When it ceases to stand in the zone; never, if nothing is said
    #[arg(long, value_name = "TIME", value_parser = parse_later)]
    pub delete: Option<Later>,
}

/// The algorithms that a key is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Chosen {
    /// 13: ECDSA on P-256 with SHA-256
    Ecdsap256sha256,
    /// 15: Ed25519
    Ed25519,
    /// 8: RSA of 2048 bits with SHA-256, for a zone that has such keys already
    Rsasha256,
}

impl From<Chosen> for Algorithm {
    fn from(chosen: Chosen) -> Algorithm {
        match chosen {
            Chosen::Ecdsap256sha256 => Algorithm::EcdsaP256,
            Chosen::Ed25519 => Algorithm::Ed25519,
            Chosen::Rsasha256 => Algorithm::RsaSha256,
        }
    }
}

/// In seconds.
const HOUR: u64 = 3600;

#[derive(Debug, Serialize)]
struct Report {
    zone: String,
    key: KeyShown,
    /// For the parent; a ZSK has none.
    ds: Option<String>,
}

pub(super) fn run(args: &KeygenArgs, output: &Output) -> Result<Exit, Error> {
    let zone = match args.keys.zone() {
        Ok(zone) => zone,
        Err(why) => return Ok(output.refuse(&why, Exit::Usage)),
    };
    let now = now();
    let times = times(args, now);
    if let Some(why) = out_of_order(&times).or_else(|| over(&times, now)) {
        return Ok(output.refuse(&why, Exit::Usage));
    }
    let _lock = args.keys.lock()?;
    let folder = &args.keys.folder;
    let taken = tags(folder, &zone.apex).map_err(unusable)?;
    let role = if args.zsk { Role::Zsk } else { Role::Ksk };
    let made = make(&zone.apex, role, args.algorithm.into(), times, &taken)
        .map_err(|error| Error::new(format!("no key was made: {error}")))?;
    // Where one of them cannot be read, whoever signs with them says so.
    let present = read_keys(folder, &zone.apex).unwrap_or_default();
    let present: Vec<&ZoneKey> = present.iter().map(AsRef::as_ref).collect();
    if let Some(key) = silenced(&present, made.key(), now) {
        let (tag, name, folder) = (key.tag(), &zone.text, shell(folder));
        let why = format!(
            "key {tag} signs {name} only because there is no other key, and would cease when this one signs: validators that know its DS would refuse the zone"
        );
        let remedy = format!(
            "where the parent has its DS: `polder dnssec roll-ksk {name} --folder {folder}`; where nobody has it: remove its two files first"
        );
        return Ok(output.refuse(&Error::new(why).remedy(remedy), Exit::No));
    }
    let files = made.write(folder).map_err(unusable)?;
    let text = text(args, &zone, made.key(), &files, taken.len(), now);
    let ds = made.key().is_ksk().then(|| ds(made.key()));
    output.answer(&Report { key: KeyShown::new(made.key(), &times, &files), ds, zone: zone.text }, &text);
    Ok(Exit::Done)
}

/// A key for the parent that signs only since there is no other, and would not beside a new one, from when that signs.
fn silenced<'k>(present: &[&'k ZoneKey], new: &'k ZoneKey, now: u64) -> Option<&'k ZoneKey> {
    let beside: Vec<&ZoneKey> = present.iter().copied().chain([new]).collect();
    let begins = new.times().activate.map_or(now, |activate| activate.max(now));
    let signing = Acting::at(&beside, begins).key_signing;
    let still_signs = |key: &ZoneKey| signing.iter().any(|one| std::ptr::eq(*one, key));
    let for_parent = Acting::at(present, now).key_signing.into_iter().filter(|key| key.is_ksk());
    for_parent.filter(|key| !key.is_active(now)).find(|key| !still_signs(key))
}

fn times(args: &KeygenArgs, now: u64) -> Times {
    // Keys act by the full hour: what is to happen within one would begin with it.
    let at = |time: Later| match time.seconds(now) {
        later if later > now => later.next_multiple_of(HOUR),
        earlier => earlier,
    };
    Times {
        created: Some(now),
        publish: Some(at(args.publish)),
        activate: Some(at(args.activate)),
        inactive: args.inactive.map(at),
        delete: args.delete.map(at),
    }
}

/// What is wrong with the order of the times, by their options.
fn out_of_order(times: &Times) -> Option<Error> {
    let [one, other] = times.out_of_order()?.map(str::to_lowercase);
    Some(
        Error::new(format!("--{other} comes before --{one}, or with it"))
            .remedy("expected a key that is published, signs, signs no more and goes, in this order"),
    )
}

/// That a key would be over before it is made.
fn over(times: &Times, now: u64) -> Option<Error> {
    let why = "--inactive or --delete is over already: the key would never sign";
    times.is_over(now).then(|| Error::new(why).remedy("expected times to come, or none"))
}

fn text(args: &KeygenArgs, zone: &Zone, key: &ZoneKey, files: &KeyFiles, others: usize, now: u64) -> String {
    let folder = shell(&args.keys.folder);
    let title = match (args.ksk, args.zsk) {
        (false, false) => format!("key {} (CSK, {}: it signs the whole zone)", key.tag(), key.algorithm()),
        (_, true) => titled_as(key.tag(), ZoneKeyRole::Zsk, key.algorithm()),
        (true, _) => titled_as(key.tag(), ZoneKeyRole::Ksk, key.algorithm()),
    };
    let mut text = format!("{title} of {}: {}\n", zone.text, told(key.times(), now));
    for file in [&files.public, &files.private] {
        text.push_str(&format!("  {}\n", file.display()));
    }
    if others > 0 {
        let keys = counted(others, "other key");
        text.push_str(&format!("The folder has {keys} of {} already, and nothing of them has changed.\n", zone.text));
    }
    let pair = match (args.ksk, args.zsk) {
        (true, _) => Some("zsk"),
        (_, true) => Some("ksk"),
        _ => None,
    };
    if others == 0 && pair.is_none() && !key.is_active(now) {
        text.push_str("This is the zone's only key: it signs as soon as the zone is served, whatever its times say.\n");
    }
    text.push_str("\nNext:\n");
    if args.zsk && others > 0 && key.is_active(now) {
        text.push_str(
            "- if the zone is served already, signed by one key alone: no resolver knows this one yet, and it would sign at once. Remove its\n  two files, and \
             make it with --activate, later by the TTL of the zone's keys and the time that the files take\n",
        );
    }
    if let Some(pair) = pair {
        text.push_str(&format!(
            "- unless it is there: polder dnssec keygen {} --folder {folder} --{pair}\n",
            zone.text
        ));
    }
    text.push_str(&format!(
        "- copy both files to every nameserver of {}, into the folder that its document names (dnssec.keys),\n  for the nameserver's user to read; then: polder reload\n",
        zone.text
    ));
    text.push_str(&match key.is_ksk() {
        true => format!(
            "- once all of them show this key, and the longest TTL of the zone has passed since, give the parent this record:\n  {}\n",
            ds(key)
        ),
        false => "- the parent gets nothing of a ZSK\n".to_owned(),
    });
    text
}

/// What a key does, and until when.
fn told(times: &Times, now: u64) -> String {
    let from = |time: Option<u64>| match time {
        Some(time) if time > now => format!("from {}", moment(time * 1000)),
        _ => "from now on".to_owned(),
    };
    let until = |time: Option<u64>| time.map_or_else(String::new, |time| format!(" until {}", moment(time * 1000)));
    let (published, signs) = (from(times.publish), from(times.activate));
    format!("published {published}{}, signs {signs}{}", until(times.delete), until(times.inactive))
}

#[cfg(test)]
mod tests;
