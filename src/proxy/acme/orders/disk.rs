//! What has to be written, and when a write that failed is tried again (pure).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::json;

use super::{Effect, Now, Orders};
use crate::proxy::acme::material::{Failures, Secret};

/// After a write that failed.
const TRY_AGAIN: Duration = Duration::from_secs(2);

/// A file of what is ordered.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum File {
    /// The accounts at CAs.
    Accounts,
    /// The orders that failed.
    Failures,
    /// The certificate and key of a service.
    Certificate(String),
}

/// Which files are not as they should be.
#[derive(Debug, Default)]
pub(super) struct Disk {
    changed: BTreeSet<File>,
    under_way: BTreeSet<File>,
    failed: BTreeMap<File, (Duration, String)>,
    /// The order that is under way, as it is written down in case that this process does not see its end.
    begun: Option<Failures>,
}

impl Disk {
    pub(super) fn changed(&mut self, file: File) {
        self.changed.insert(file);
    }

    pub(super) fn note_beginning(&mut self, failures: Failures) {
        self.begun = Some(failures);
        self.changed(File::Failures);
    }

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
    fn take_due(&mut self, running: Duration) -> Vec<File> {
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

    pub(super) fn is_busy(&self) -> bool {
        !self.under_way.is_empty() || !self.changed.is_empty()
    }

    pub(super) fn failure(&self) -> Option<&str> {
        self.failed.values().next().map(|(_, why)| why.as_str())
    }
}

impl Orders {
    pub(super) fn write(&mut self, now: Now) -> Vec<Effect> {
        let due = self.disk.take_due(now.running);
        due.into_iter().filter_map(|file| Some(Effect::Write(file.clone(), self.content(&file)?))).collect()
    }

    fn content(&mut self, file: &File) -> Option<Secret> {
        match file {
            File::Accounts => Some(Secret::new(json!({ "version": 1, "accounts": self.accounts }).to_string())),
            File::Failures => {
                let mut failures = self.failures.clone();
                let begun = self.under_way.as_ref().map(|order| order.service.clone());
                failures.extend(begun.zip(self.disk.begun.clone()));
                Some(Secret::new(json!({ "version": 1, "failures": failures }).to_string()))
            }
            File::Certificate(service) => {
                let told = self.certificates.get(service).map(|issued| issued.told().clone());
                if told.is_none() {
                    self.disk.under_way.remove(file);
                }
                Some(told?.to_file(service))
            }
        }
    }
}
