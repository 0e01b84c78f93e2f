//! What a system in the store has, as text: on a host what runs there, on the admin machine what is to run.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::protocol::{Daemon, Running};

/// Documents, the zones they name, and the units: those that packages bring too, for a switch compares them as well.
pub fn running(system: &Path) -> Running {
    let mut documents = BTreeMap::new();
    for daemon in Daemon::ALL {
        if let Ok(text) = fs::read_to_string(system.join("etc/polder").join(daemon.document())) {
            documents.insert(daemon.document().to_owned(), text);
        }
    }
    let zones = documents.get(Daemon::PolderDns.document()).map(|text| zones(text)).unwrap_or_default();
    let units = units(&system.join("etc/systemd/system"));
    Running { system: system.to_owned(), documents, zones, units }
}

/// The zone files that a document names. One that cannot be read is left out: the plan says that it is new.
fn zones(document: &str) -> BTreeMap<String, String> {
    let document: serde_json::Value = serde_json::from_str(document).unwrap_or_default();
    let Some(zones) = document.get("zones").and_then(serde_json::Value::as_object) else { return BTreeMap::new() };
    let text = |zone: &serde_json::Value| fs::read_to_string(zone.get("file")?.as_str()?).ok();
    zones.iter().filter_map(|(apex, zone)| Some((apex.clone(), text(zone)?))).collect()
}

/// Each unit with its drop-ins behind it, as systemd reads them.
fn units(folder: &Path) -> BTreeMap<String, String> {
    let mut units = BTreeMap::new();
    let (drop_ins, files): (Vec<PathBuf>, Vec<PathBuf>) = sorted(folder).into_iter().partition(|path| path.is_dir());
    for (file, text) in files.iter().filter_map(|file| Some((file, text(file)?))) {
        units.insert(name(file), text);
    }
    for folder in drop_ins {
        let unit = name(&folder);
        let Some(unit) = unit.strip_suffix(".d") else { continue };
        for text in sorted(&folder).iter().filter_map(|file| text(file)) {
            let whole = units.entry(unit.to_owned()).or_default();
            whole.push('\n');
            whole.push_str(&text);
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

/// Of a file. A unit that is masked is a link to a device.
fn text(path: &Path) -> Option<String> {
    path.is_file().then(|| fs::read_to_string(path).ok()).flatten()
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_unit_is_its_file_and_then_its_drop_ins_in_order() {
        let system = tempfile::tempdir().unwrap();
        let folder = system.path().join("etc/systemd/system");
        for (file, text) in [
            ("a.service", "[Service]\nUser=a\n"),
            ("a.service.d/2.conf", "[Service]\nUser=c\n"),
            ("a.service.d/1.conf", "[Service]\nUser=b\n"),
            ("b.service.d/overrides.conf", "[Unit]\n"),
            ("multi-user.target.wants/a.service", "[Service]\n"),
        ] {
            let file = folder.join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        std::os::unix::fs::symlink("/dev/null", folder.join("masked.service")).unwrap();
        let units = running(system.path()).units;
        assert_eq!(units.keys().collect::<Vec<_>>(), ["a.service", "b.service"]);
        let users: Vec<&str> = units["a.service"].lines().filter(|line| line.starts_with("User")).collect();
        assert_eq!(users, ["User=a", "User=b", "User=c"]);
    }
}
