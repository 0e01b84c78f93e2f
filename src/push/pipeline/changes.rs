//! Finds zones whose records differ from the last revision.

use std::fs;
use std::path::{Path, PathBuf};

use crate::config::dns::Checks;
use crate::fleet::Fleet;
use crate::fleet::check::ZoneChange;
use crate::push::pipeline::stage::{Revision, text_of};
use crate::zone::{self, ZoneFile};

/// The zones of the fleet that differ from the revision in more than their serial. Zones that are new, or cannot be read in one of
/// the two, are left to the other checks.
pub fn zones(fleet: &Fleet, folder: &Path, revision: &Revision) -> Vec<ZoneChange> {
    if revision.changed().is_empty() {
        return Vec::new();
    }
    let changed = |apex: &String, file: &Path| {
        let now = zone::load(apex, file, Checks::Lenient).ok()?;
        let before = before(apex, &now, folder, revision)?;
        let serial_before = before.serial()?;
        (!now.same_but_for_serial(&before)).then(|| ZoneChange { apex: apex.clone(), serial_before })
    };
    fleet.zones.iter().filter_map(|(apex, zone)| changed(apex, &zone.file)).collect()
}

/// The zone in the revision, read from copies at the same relative paths, because its files may include each other.
fn before(apex: &str, now: &ZoneFile, folder: &Path, revision: &Revision) -> Option<ZoneFile> {
    let folder = folder.canonicalize().ok()?;
    let files: Vec<PathBuf> = now
        .files
        .iter()
        .map(|file| file.canonicalize().ok()?.strip_prefix(&folder).ok().map(Path::to_owned))
        .collect::<Option<_>>()?;
    if !files.iter().any(|file| revision.changed().contains(file)) {
        return None;
    }
    let kept = tempfile::tempdir().ok()?;
    for file in &files {
        let copy = kept.path().join(file);
        fs::create_dir_all(copy.parent()?).ok()?;
        match text_of(revision, &folder, file) {
            Some(text) => fs::write(&copy, text).ok()?,
            // The file is new since that revision; so may be what includes it.
            None => continue,
        }
    }
    zone::load(apex, &kept.path().join(files.first()?), Checks::Lenient).ok()
}
