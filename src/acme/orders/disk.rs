//! What has to be written, and when a write that failed is tried again (pure).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::acme::material::Failures;
use crate::acme::steps::File;

/// After a write that failed.
const TRY_AGAIN: Duration = Duration::from_secs(2);

/// Which files are not as they should be.
#[derive(Debug, Default)]
pub(super) struct Disk {
    changed: BTreeSet<File>,
    under_way: BTreeSet<File>,
    failed: BTreeMap<File, (Duration, String)>,
    /// The order that is under way, as it is written down in case that this process does not see its end.
    pub(super) begun: Option<Failures>,
}

impl Disk {
    /// It is to be written.
    pub(super) fn changed(&mut self, file: File) {
        self.changed.insert(file);
    }

    /// An order begins, which counts as one that failed until its end.
    pub(super) fn note_beginning(&mut self, failures: Failures) {
        self.begun = Some(failures);
        self.changed(File::Failures);
    }

    /// A write has ended.
    pub(super) fn written(&mut self, file: File, ended: Result<(), String>, running: Duration) {
        self.under_way.remove(&file);
        match ended {
            Ok(()) => drop(self.failed.remove(&file)),
            Err(why) => {
                self.changed.insert(file.clone());
                self.failed.insert(file, (running + TRY_AGAIN, why));
            }
        }
    }

    /// The writes that are due.
    pub(super) fn take_due(&mut self, running: Duration) -> Vec<File> {
        let is_due = |file: &File| {
            !self.under_way.contains(file) && self.failed.get(file).is_none_or(|(again, _)| *again <= running)
        };
        let due: Vec<File> = self.changed.iter().filter(|file| is_due(file)).cloned().collect();
        for file in &due {
            self.changed.remove(file);
            self.under_way.insert(file.clone());
        }
        due
    }

    /// There is no such content to be written.
    pub(super) fn forget(&mut self, file: &File) {
        self.under_way.remove(file);
    }

    /// A write is under way or due.
    pub(super) fn is_busy(&self) -> bool {
        !self.under_way.is_empty() || !self.changed.is_empty()
    }

    /// Why the last write of some file failed.
    pub(super) fn failure(&self) -> Option<&str> {
        self.failed.values().next().map(|(_, why)| why.as_str())
    }
}
