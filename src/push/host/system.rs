//! Reads the documents, zones and units of a system in the store: on a host those that run, on the admin machine those to be pushed.
//!
//! Must never: read anything but regular files of the store, or more than a bounded number of bytes. A system may be malicious: its links may
//! lead to keys, or to devices that never end.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::api::daemon::Daemon;
use crate::config::regular_file::read_regular_file;
use crate::push::protocol::Running;

/// The longest document, zone or unit that is read, in bytes, and the most of all together: they have to fit into a gate's answer.
const FILE_BYTES: u64 = 16 * 1024 * 1024;
const ALL_BYTES: u64 = 48 * 1024 * 1024;

/// The documents of a system, the zones they name, its switch inhibitors, and its units (including those of packages, which a switch compares, too). What is
/// outside the store, is not a regular file or cannot be read is left out, so a plan shows it as new.
pub fn running(store: &Path, system: &Path) -> Running {
    let mut reader = Reader { store: store.to_owned(), left: ALL_BYTES };
    let mut documents = BTreeMap::new();
    for daemon in Daemon::ALL {
        if let Some(text) = reader.text(&system.join("etc/polder").join(daemon.document())) {
            documents.insert(daemon.document().to_owned(), text);
        }
    }
    let zones = documents.get(Daemon::Nameserver.document()).map(|text| zones(&mut reader, text)).unwrap_or_default();
    let units = units(&mut reader, &system.join("etc/systemd/system"));
    let inhibitors = reader.text(&system.join("switch-inhibitors"));
    let inhibitors = inhibitors.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    Running { system: system.to_owned(), documents, zones, units, inhibitors }
}

/// The text of one file, read by the same rules.
pub fn text(store: &Path, file: &Path) -> Option<String> {
    Reader { store: store.to_owned(), left: FILE_BYTES }.text(file)
}

/// Reads files of the store, within a total number of bytes.
struct Reader {
    store: PathBuf,
    /// Bytes that may still be read.
    left: u64,
}

impl Reader {
    /// A file's text; links are followed within the store.
    fn text(&mut self, path: &Path) -> Option<String> {
        let real = fs::canonicalize(path).ok().filter(|real| real.starts_with(&self.store))?;
        let text = String::from_utf8(read_regular_file(&real, FILE_BYTES.min(self.left)).ok()?).ok()?;
        self.left -= text.len() as u64;
        Some(text)
    }
}

/// The zone files that a document names.
fn zones(reader: &mut Reader, document: &str) -> BTreeMap<String, String> {
    let document: serde_json::Value = serde_json::from_str(document).unwrap_or_default();
    let Some(zones) = document.get("zones").and_then(serde_json::Value::as_object) else { return BTreeMap::new() };
    let mut text = |zone: &serde_json::Value| reader.text(Path::new(zone.get("file")?.as_str()?));
    zones.iter().filter_map(|(apex, zone)| Some((apex.clone(), text(zone)?))).collect()
}

/// Each unit, followed by its drop-ins, as systemd reads them. A masked unit is a link to /dev/null, and is left out.
fn units(reader: &mut Reader, folder: &Path) -> BTreeMap<String, String> {
    let mut units = BTreeMap::new();
    let (drop_ins, files): (Vec<PathBuf>, Vec<PathBuf>) = sorted(folder).into_iter().partition(|path| path.is_dir());
    for file in &files {
        if let Some(text) = reader.text(file) {
            units.insert(name(file), text);
        }
    }
    for folder in drop_ins {
        let unit = name(&folder);
        let Some(unit) = unit.strip_suffix(".d") else { continue };
        for file in sorted(&folder) {
            if let Some(text) = reader.text(&file) {
                let whole = units.entry(unit.to_owned()).or_default();
                whole.push('\n');
                whole.push_str(&text);
            }
        }
    }
    units
}

fn sorted(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    paths
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests;
