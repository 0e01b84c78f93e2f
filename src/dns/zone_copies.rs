//! The last good copy of each zone, in the folder `zones` of the state directory: what a start serves when a zone's own file
//! cannot be read.
//!
//! A copy is a master file of its own, whatever the zone includes, with a last line that says how long it is: a copy without that
//! line, or with another checksum, is not used. Written in the background once a document is in force, each only when its
//! zone has changed. Must never: hold a whole copy in memory beside the zone, or be written while another process is the daemon.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::ArcSwapOption;
use tokio::sync::Mutex;

use super::compiled::{Zone, Zones};
use crate::config::dns::Checks;
use crate::config::regular_file::read_regular_file;
use crate::zone::name;
use crate::{files, zone};

/// The longest copy that is read, in bytes.
const LONGEST: u64 = 4 << 30;

/// The longest last line, in bytes.
const LONGEST_END: u64 = 80;

/// The copies of one state directory.
#[derive(Debug, Clone)]
pub struct ZoneCopies {
    folder: PathBuf,
    /// Locked while copies are written: the newest zones come last.
    turn: Arc<Mutex<()>>,
    /// The newest zones that are to be written: those before them are kept in memory no longer.
    next: Arc<ArcSwapOption<Wanted>>,
}

/// What is to be written.
#[derive(Debug)]
struct Wanted {
    zones: Arc<Zones>,
    /// The apexes of zones whose copies stay as they are.
    keep: BTreeSet<String>,
}

/// A copy that can be served.
pub struct ZoneCopy {
    /// What it holds.
    pub zone: zone::ZoneFile,
    /// Since when the zone has been as it is here.
    pub since: SystemTime,
}

impl ZoneCopies {
    /// The copies in a state directory.
    pub fn new(state_dir: &Path) -> ZoneCopies {
        ZoneCopies { folder: state_dir.join("zones"), turn: Arc::default(), next: Arc::default() }
    }

    /// Reads the copy of a zone; `apex` as the document has it.
    ///
    /// # Errors
    ///
    /// There is none, or it is damaged.
    pub fn read(&self, apex: &str) -> io::Result<ZoneCopy> {
        let path = self.folder.join(file_name(apex));
        let read = || {
            let since = fs::metadata(&path)?.modified()?;
            let text = read_regular_file(&path, LONGEST)?;
            let (records, end) = split_last_line(&text);
            if end != Measure::of(records).end_line().as_bytes() {
                return Err(io::Error::other(
                    "it is damaged: length and checksum in its last line are not those of its text",
                ));
            }
            let zone = zone::parse(apex, &path, records, Checks::Lenient).map_err(io::Error::other)?;
            Ok(ZoneCopy { zone, since })
        };
        read().map_err(|error| files::naming(&path, &error))
    }

    /// Writes in the background what has changed of these zones since they were written last; `keep` are the apexes of zones
    /// whose copies stay as they are. The copies of all other zones are removed.
    pub fn write(&self, zones: Arc<Zones>, keep: BTreeSet<String>) {
        self.next.store(Some(Arc::new(Wanted { zones, keep })));
        let ZoneCopies { folder, turn, next } = self.clone();
        tokio::task::spawn_local(async move {
            let _turn = turn.lock_owned().await;
            let Some(wanted) = next.swap(None) else { return };
            let written = tokio::task::spawn_blocking(move || write_all(&folder, &wanted)).await;
            if let Err(why) = written.unwrap_or_else(|error| Err(error.into())) {
                tracing::error!("the copies of zones for a start with a bad file cannot be written: {why}");
            }
        });
    }
}

fn write_all(folder: &Path, Wanted { zones, keep }: &Wanted) -> io::Result<()> {
    match fs::create_dir(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(files::naming(folder, &error)),
        _ => {}
    }
    let mut names: BTreeSet<String> = keep.iter().map(|apex| file_name(apex)).collect();
    names.extend(zones.iter().map(|zone| file_name(&name::to_text(&zone.apex))));
    let entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    let gone = entries.iter().filter(|entry| !entry.file_name().to_str().is_some_and(|name| names.contains(name)));
    let removed = gone.map(|entry| fs::remove_file(entry.path()).map_err(|error| files::naming(&entry.path(), &error)));
    let changed = zones.iter().filter(|zone| !keep.contains(&name::to_text(&zone.apex)));
    let written = changed.map(|zone| write(&folder.join(file_name(&name::to_text(&zone.apex))), zone));
    // Whatever cannot be done keeps nothing else from being done; the first error is the result.
    removed.chain(written).collect::<Vec<_>>().into_iter().collect()
}

/// Writes one copy unless it is there already.
fn write(path: &Path, zone: &Zone) -> io::Result<()> {
    let mut measure = BufWriter::new(Measure::default());
    zone.write_text(&mut measure)?;
    let end = measure.into_inner().map_err(io::IntoInnerError::into_error)?.end_line();
    if end_of(path).is_ok_and(|present| present.ends_with(end.as_bytes())) {
        return Ok(());
    }
    files::replace_streamed(path, |file| {
        let mut out = BufWriter::new(file);
        zone.write_text(&mut out)?;
        out.write_all(end.as_bytes())?;
        out.flush()
    })
}

/// The last bytes of a file, its last line among them.
fn end_of(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(LONGEST_END)))?;
    let mut end = Vec::new();
    file.take(LONGEST_END).read_to_end(&mut end)?;
    Ok(end)
}

/// The text before the last line, and that line.
fn split_last_line(text: &[u8]) -> (&[u8], &[u8]) {
    let before = text.strip_suffix(b"\n").unwrap_or(text);
    text.split_at(memchr::memrchr(b'\n', before).map_or(0, |at| at + 1))
}

/// The length and the checksum of what is written to it.
#[derive(Default)]
struct Measure {
    length: u64,
    checksum: crc32fast::Hasher,
}

impl Measure {
    fn of(text: &[u8]) -> Measure {
        let mut measure = Measure { length: text.len() as u64, ..Measure::default() };
        measure.checksum.update(text);
        measure
    }

    /// The last line of a copy with this text.
    fn end_line(self) -> String {
        format!("; end of the copy: {} bytes, CRC-32 {:08x}\n", self.length, self.checksum.finalize())
    }
}

impl Write for Measure {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.length += bytes.len() as u64;
        self.checksum.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The name of a zone's copy.
fn file_name(apex: &str) -> String {
    format!("{}.zone", file_stem(apex))
}

/// What files about a zone are called, but for what follows the last dot. A `/` (RFC 2317) is none of a file's name, and the root has none.
pub(super) fn file_stem(apex: &str) -> String {
    let name = if apex == "." { "@" } else { apex };
    name.replace('/', "%2F")
}
