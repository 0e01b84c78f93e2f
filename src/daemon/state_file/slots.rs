//! Two checksummed slots written in turn: whatever happens during a write, the other slot is whole.
//!
//! A slot that exists is overwritten in place and never shortened, in whole blocks. On file systems that overwrite
//! (ext4, xfs) this needs no free block, so that a latch can still be stored when the disk is full. What a crash leaves
//! half-written is that slot only, and its checksum tells. A slot that does not exist yet is written beside and renamed,
//! so that a crash during the very first write leaves no slot rather than a broken one: `Broken` always means damage.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::disk::{Stored, read_bounded};
use super::form::{self, Record};
use crate::files::{naming, replace_own};

/// A slot's size is a multiple of this many bytes.
const BLOCK: usize = 4096;

/// A slot's size from the first record on: the records of most fleets never need more.
const SMALLEST: usize = 16 * BLOCK;

/// Two checksummed slots written in turn: whatever happens during a write, the other slot is whole.
#[derive(Debug)]
pub struct Slots {
    paths: [PathBuf; 2],
    /// The slot whose last write failed. It may look whole and newest and still not be on the disk, so the other slot
    /// is not touched before this one has been written.
    failed: Option<usize>,
}

/// What the two slots hold.
struct Contents {
    /// The newest whole slot.
    newest: Option<(usize, Record)>,
    /// Why the slots that are there and not whole cannot be believed.
    broken: Vec<String>,
}

impl Slots {
    /// `DIR/NAME.a` and `DIR/NAME.b`.
    pub fn new(dir: &Path, name: &str) -> Slots {
        Slots { paths: ["a", "b"].map(|slot| dir.join(format!("{name}.{slot}"))), failed: None }
    }

    /// The newer whole slot. `Missing` if neither is there; `Broken` if any is there and none is whole. A broken slot
    /// beside a whole one is a warning in the log.
    pub fn read(&self) -> Stored {
        let Contents { newest, broken } = self.look();
        match newest {
            Some((slot, record)) => {
                for why in broken {
                    tracing::warn!("{why}; {} is used", self.paths[slot].display());
                }
                Stored::Whole(record.value)
            }
            None if broken.is_empty() => Stored::Missing,
            None => Stored::Broken(broken.join("; ")),
        }
    }

    /// Writes and fsyncs the older slot, as the disk has them now (another process may have written meanwhile, at a
    /// takeover). An error names the slot and leaves the other whole; the next write tries the same slot again.
    pub fn write(&mut self, value: &Value) -> io::Result<()> {
        let newest = self.look().newest;
        let older = newest.as_ref().map_or(0, |(slot, _)| 1 - slot);
        let sequence = newest.map_or(0, |(_, record)| record.sequence).saturating_add(1);
        let slot = self.failed.unwrap_or(older);
        self.failed = Some(slot);
        write_slot(&self.paths[slot], form::render(sequence, value)?)?;
        self.failed = None;
        Ok(())
    }

    /// Why a slot cannot be believed, or is gone, although the other one is whole: that may be the older one.
    pub fn damage(&self) -> Option<String> {
        let Contents { newest, mut broken } = self.look();
        let (slot, Record { sequence, .. }) = newest?;
        let other = &self.paths[1 - slot];
        // The second record has both slots, whatever happens to the first.
        if sequence > 1 && !other.exists() {
            broken.push(format!("{}: it is gone", other.display()));
        }
        (!broken.is_empty()).then(|| broken.join("; "))
    }

    /// Writes what the newest slot has to the other one too, so that the loss of one loses nothing, and both have their place on
    /// a disk that becomes full later. An error names the slot.
    pub fn mirror(&mut self) -> io::Result<()> {
        let Some((slot, Record { sequence, value })) = self.look().newest.filter(|_| self.failed.is_none()) else {
            return Ok(());
        };
        let other = &self.paths[1 - slot];
        if read_slot(other).is_ok_and(|record| record.is_some_and(|record| record.value == value)) {
            return Ok(());
        }
        write_slot(other, form::render(sequence, &value)?)
    }

    fn look(&self) -> Contents {
        let mut found = Contents { newest: None, broken: Vec::new() };
        for (slot, path) in self.paths.iter().enumerate() {
            match read_slot(path) {
                Ok(None) => {}
                Ok(Some(record)) => {
                    if found.newest.as_ref().is_none_or(|(_, best)| record.sequence > best.sequence) {
                        found.newest = Some((slot, record));
                    }
                }
                Err(why) => found.broken.push(why),
            }
        }
        found
    }
}

fn read_slot(path: &Path) -> Result<Option<Record>, String> {
    let Some(bytes) = read_bounded(path).map_err(|error| error.to_string())? else { return Ok(None) };
    form::parse(&bytes).map(Some).map_err(|why| format!("{}: {why}", path.display()))
}

fn write_slot(path: &Path, mut bytes: Vec<u8>) -> io::Result<()> {
    bytes.resize(bytes.len().next_multiple_of(BLOCK).max(SMALLEST), b'\n');
    match OpenOptions::new().write(true).open(path) {
        Ok(file) => file.write_all_at(&bytes, 0).and_then(|()| file.sync_all()).map_err(|error| naming(path, &error)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => replace_own(path, &bytes),
        Err(error) => Err(naming(path, &error)),
    }
}
