//! One step of a roll, put into the files of the folder.

use super::keys_of::{KeysOf, Zone, unusable};
use super::shown::KeyShown;
use crate::dnssec::roll::{Roll, Successor};
use crate::dnssec::{KeyFiles, Times, ZoneKey, files_of, make, set_times, tags};
use crate::push::error::Error;

/// The files that were written.
pub(super) struct Done {
    pub(super) new: KeyFiles,
    pub(super) new_tag: u16,
    pub(super) new_shown: KeyShown,
    pub(super) old: KeyFiles,
}

/// Makes the successor, if it has to be made, and tells the old key. The new key first: a crash in between leaves two keys that sign, and the next run goes on from there.
pub(super) fn carry_out(args: &KeysOf, zone: &Zone, roll: &Roll) -> Result<Done, Error> {
    let folder = &args.folder;
    let shown = |key: &ZoneKey, times: &Times, files: &KeyFiles| (key.tag(), KeyShown::new(key, times, files));
    let (new, (new_tag, new_shown)) = match &roll.successor {
        Successor::Missing(algorithm, times) => {
            let taken = tags(folder, &zone.apex).map_err(unusable)?;
            let made = make(&zone.apex, roll.old.role(), *algorithm, *times, &taken)
                .map_err(|error| Error::new(format!("no key was made: {error}")))?;
            let files = made.write(folder).map_err(unusable)?;
            let shown = shown(made.key(), times, &files);
            (files, shown)
        }
        Successor::Made(key) => {
            let files = files_of(folder, key).map_err(unusable)?;
            let shown = shown(key, key.times(), &files);
            (files, shown)
        }
    };
    let old = set_times(folder, &roll.old, &roll.old_times).map_err(unusable)?;
    Ok(Done { new, new_tag, new_shown, old })
}
