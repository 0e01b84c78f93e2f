//! The [histories](History) of zones that other nameservers get, in the folder `journals` of the state directory: what is read at the next start.
//!
//! Written in the background once a document is in force, whole and in one step (`files::replace_own`), each only when it has changed. What
//! cannot be read, or does not lead to the zone that is served, leads nowhere: other nameservers get the whole zone. Must never: be written
//! while another process is the daemon.

mod difference;

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use tokio::sync::Mutex;

use super::compiled::{Zone, Zones};
use super::history::{Before, Content, History};
use super::signing::SERIALS_PER_HOUR;
use super::zone_copies::file_stem;
use crate::config::dns::{PoolsInTransfer, SerialRule, ZoneConfig};
use crate::config::regular_file::read_regular_file;
use crate::files;
use crate::zone::name;
use crate::zone::number::rtype;
use crate::zone::serial::is_newer;

/// The longest journal that is read, in bytes: more than is ever kept.
const LONGEST: u64 = 20 << 20;

/// For how many hours the keys and the file of a zone may take to all of its nameservers.
const HOURS_TO_ALL: u32 = 24;

/// The journals of one state directory.
#[derive(Debug, Clone)]
pub struct Journals {
    folder: PathBuf,
    /// What stands there; locked while it is written.
    written: Arc<Mutex<Written>>,
    /// The newest zones whose histories are to be written.
    next: Arc<ArcSwapOption<Zones>>,
}

/// Histories by apex.
type Written = HashMap<Box<[u8]>, Arc<History>>;

impl Journals {
    /// Those in a state directory.
    pub fn new(state_dir: &Path) -> Journals {
        Journals { folder: state_dir.join("journals"), written: Arc::default(), next: Arc::default() }
    }

    /// The history of a zone, as an earlier process left it; `apex` as the document has it. `None`: there is none, or it is damaged, which is said.
    pub fn read(&self, apex: &str) -> Option<History> {
        let path = self.folder.join(file_name(apex));
        let read = read_regular_file(&path, LONGEST)
            .and_then(|bytes| History::from_bytes(&bytes).ok_or_else(|| io::Error::other("it is damaged")));
        match read {
            Ok(history) => Some(history),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                tracing::warn!(
                    "the journal of zone {apex} is not used: {}; other nameservers get the whole zone once",
                    files::naming(&path, &error)
                );
                None
            }
        }
    }

    /// Writes in the background what has changed of the histories of these zones. Those of all other zones are removed.
    pub fn write(&self, zones: Arc<Zones>) {
        self.next.store(Some(zones));
        let Journals { folder, written, next } = self.clone();
        tokio::task::spawn_local(async move {
            let mut written = written.lock_owned().await;
            let Some(zones) = next.swap(None) else { return };
            let ended = tokio::task::spawn_blocking(move || write_all(&folder, &zones, &mut written)).await;
            if let Err(why) = ended.unwrap_or_else(|error| Err(error.into())) {
                tracing::error!(
                    "journals of zones cannot be written: {why}; after a restart other nameservers get whole zones once"
                );
            }
        });
    }
}

/// Gives a zone its history that is to be served after `before`, if other nameservers get it.
pub fn follow(zone: &mut Zone, config: &ZoneConfig, before: &Zone) {
    if let Some(content) = content(zone, config) {
        let history = following(zone, content, before);
        let is_as_everywhere = is_newer(zone.file_serial(), before.file_serial()) && has_the_keys_of(zone, before);
        let has_changed = before.history.as_ref().is_none_or(|before| *before.content() != content);
        zone.history = Some(Arc::new(match has_changed && !is_as_everywhere {
            true => until_all_have_it(history, config),
            false => history,
        }));
    }
}

/// With an hourly serial a nameserver that has not got new keys yet, or a file that was changed under its old serial, serves what it has under the same serials as
/// those that have: nobody's copy is what it should be for certain until all have them.
fn until_all_have_it(history: History, config: &ZoneConfig) -> History {
    let is_hourly = config.dnssec.as_ref().is_some_and(|dnssec| dnssec.serial == SerialRule::Hourly);
    let until = history.content().serial.wrapping_add(HOURS_TO_ALL * SERIALS_PER_HOUR);
    if is_hourly { history.distrusting(until) } else { history }
}

/// Whether both are signed with the same keys, and deny by the same hashes.
fn has_the_keys_of(zone: &Zone, other: &Zone) -> bool {
    let alike = |rtype| {
        let [one, other] = [zone, other].map(|zone| zone.node(0).set(rtype).map(|set| set.wire));
        one == other
    };
    alike(rtype::DNSKEY) && alike(rtype::NSEC3PARAM)
}

/// The same for a zone that is `before` with other signatures.
pub fn follow_renewed(zone: &mut Zone, before: &Zone) {
    if let Some(history) = &before.history {
        let content = difference::content(zone, history.content().has_pools);
        zone.history = Some(Arc::new(following(zone, content, before)));
    }
}

fn following(zone: &Zone, content: Content, before: &Zone) -> History {
    match &before.history {
        None => History::begin(content),
        Some(history) => {
            history.next(content, Before::Here, zone.size(), |most| difference::between(before, zone, most))
        }
    }
}

/// The same where this process has not served the zone: `stored` is what another one wrote down, and `copy` reads what it served.
pub fn follow_stored(
    zone: &mut Zone,
    config: &ZoneConfig,
    stored: impl FnOnce() -> Option<History>,
    copy: impl FnOnce() -> Option<Zone>,
) {
    let Some(content) = content(zone, config) else { return };
    let history = match stored() {
        None => History::begin(content),
        Some(history) => history.next(content, Before::Gone, zone.size(), |most| {
            let copy = copy()?;
            let is_it = are_alike(&copy, history.content());
            is_it.then(|| difference::between(&copy, zone, most)).flatten()
        }),
    };
    zone.history = Some(Arc::new(until_all_have_it(history, config)));
}

/// Whether two zones have the same records.
pub fn have_the_same_records(one: &Zone, other: &Zone) -> bool {
    are_alike(one, &difference::content(other, false))
}

fn are_alike(zone: &Zone, content: &Content) -> bool {
    difference::content(zone, false).digest == content.digest
}

/// What other nameservers get of it, if they do.
fn content(zone: &Zone, config: &ZoneConfig) -> Option<Content> {
    let transfer = config.transfer.as_ref()?;
    let has_pools = transfer.pools == PoolsInTransfer::Present && zone.nodes().any(|node| node.pool().is_some());
    Some(difference::content(zone, has_pools))
}

fn write_all(folder: &Path, zones: &Zones, written: &mut Written) -> io::Result<()> {
    let histories = || zones.iter().filter_map(|zone| Some((&zone.apex, zone.history.as_ref()?)));
    match fs::create_dir(folder) {
        // Most nameservers have none.
        _ if histories().next().is_none() && !folder.exists() => return Ok(()),
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(files::naming(folder, &error)),
        _ => {}
    }
    let names: BTreeSet<String> = histories().map(|(apex, _)| file_name(&name::to_text(apex))).collect();
    let entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    let gone = entries.iter().filter(|entry| !entry.file_name().to_str().is_some_and(|name| names.contains(name)));
    let removed = gone.map(|entry| fs::remove_file(entry.path()).map_err(|error| files::naming(&entry.path(), &error)));
    let removed: Vec<_> = removed.collect();
    written.retain(|apex, _| zones.get(apex).is_some_and(|zone| zone.history.is_some()));
    let mut ended = Vec::new();
    for (apex, history) in histories() {
        if written.get(apex).is_some_and(|there| Arc::ptr_eq(there, history)) {
            continue;
        }
        let path = folder.join(file_name(&name::to_text(apex)));
        let bytes = history.to_bytes();
        let is_there = read_regular_file(&path, LONGEST).is_ok_and(|there| there == bytes);
        let result = if is_there { Ok(()) } else { files::replace_own(&path, &bytes) };
        if result.is_ok() {
            written.insert(apex.clone(), Arc::clone(history));
        }
        ended.push(result);
    }
    // Whatever cannot be done keeps nothing else from being done; the first error is the result.
    removed.into_iter().chain(ended).collect()
}

fn file_name(apex: &str) -> String {
    format!("{}.journal", file_stem(apex))
}

#[cfg(test)]
mod tests;
