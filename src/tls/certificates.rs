//! The certificates of a document, each in force until its files bring a better one.
//!
//! A renewal is two files that change one after the other, and a mistake may be in either: so a pair that cannot be used changes
//! nothing, and is an alarm until it is mended. The daemon looks at the files every few seconds; workers read what is in force
//! without a lock.

#![allow(clippy::disallowed_types, reason = "held only while files are looked at, every few seconds and at a reload")]

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use arc_swap::ArcSwapOption;

use super::certificate::{Certificate, CertificateError, FileStamp};
use crate::config::proxy::{CertificateConfig, HostPattern};

/// How long before its end a certificate is an alarm: CAs' clients renew at a third of 90 days.
const ALARM: Duration = Duration::from_secs(14 * DAY);

/// The same as a part of its life, for those that are valid for days only.
const ALARM_PART: u32 = 5;

const DAY: u64 = 86_400;

/// The slots of this process, by their files: what one document has brought is there for the next one.
static KNOWN: Mutex<BTreeMap<CertificateConfig, Weak<Slot>>> = Mutex::new(BTreeMap::new());

/// Who brings a certificate into its files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The operator, or what he has set up: a file that is not there is a mistake.
    Files,
    /// This daemon, once the CA has given it (`acme`).
    Acme,
}

/// One certificate of the document.
#[derive(Debug)]
pub struct Slot {
    /// Its files.
    pub files: CertificateConfig,
    /// Who brings it there.
    pub origin: Origin,
    in_force: ArcSwapOption<Certificate>,
    last_read: Mutex<LastRead>,
}

#[derive(Debug)]
struct LastRead {
    stamps: [FileStamp; 2],
    /// Why what the files hold now is not in force.
    error: Option<CertificateError>,
}

impl Slot {
    /// Reads the files.
    fn open(files: &CertificateConfig, origin: Origin) -> Slot {
        let last_read = Mutex::new(LastRead { stamps: stamps(files), error: None });
        let slot = Slot { files: files.clone(), origin, in_force: ArcSwapOption::empty(), last_read };
        let error = slot.read(&[]);
        slot.lock().error = error;
        slot
    }

    fn known_or_open(files: &CertificateConfig, origin: Origin, hosts: &[HostPattern]) -> Arc<Slot> {
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, slot| slot.strong_count() > 0);
        if let Some(slot) = known.get(files).and_then(Weak::upgrade).filter(|slot| slot.origin == origin) {
            slot.refresh(hosts);
            return slot;
        }
        let slot = Arc::new(Slot::open(files, origin));
        known.insert(files.clone(), Arc::downgrade(&slot));
        slot
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, LastRead> {
        self.last_read.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts in force what the files hold, or gives why not.
    fn read(&self, hosts: &[HostPattern]) -> Option<CertificateError> {
        let certificate = match Certificate::read(&self.files) {
            Ok(certificate) => certificate,
            Err(error) => return Some(error),
        };
        let names = &certificate.chain.names;
        let is_lost = |in_force: &Arc<Certificate>| {
            let lost = |host: &&HostPattern| in_force.chain.names.cover_pattern(host) && !names.cover_pattern(host);
            hosts.iter().find(lost).cloned()
        };
        if let Some(host) = self.in_force.load().as_ref().and_then(is_lost) {
            let why = format!("is for {names}, and no longer for {host}, whose visitors would be refused");
            return Some(CertificateError { file: self.files.chain_file.clone(), why, kind: None });
        }
        self.in_force.store(Some(Arc::new(certificate)));
        None
    }

    /// The one in force; none where there never was one that could be used.
    pub fn certificate(&self) -> Option<Arc<Certificate>> {
        self.in_force.load_full()
    }

    /// Why what the files hold is not in force. One that is still to come is no error.
    pub fn error(&self) -> Option<CertificateError> {
        let is_awaited = |error: &CertificateError| {
            self.origin == Origin::Acme && self.in_force.load().is_none() && error.kind == Some(io::ErrorKind::NotFound)
        };
        self.lock().error.clone().filter(|error| !is_awaited(error))
    }

    /// Whether the one in force is for this host.
    pub fn covers(&self, host: &str) -> bool {
        self.in_force.load().as_ref().is_some_and(|certificate| certificate.chain.names.cover(host))
    }

    /// Reads the files again if one of them has changed, and gives what became of it. What they hold has to be for each of these
    /// hosts that the certificate in force is for.
    pub fn refresh(&self, hosts: &[HostPattern]) -> Option<Result<(), CertificateError>> {
        // Not under the lock: a disk that does not answer must not hold up who only asks how things are.
        let stamps = stamps(&self.files);
        let (seen, last_error) = {
            let last = self.lock();
            (last.stamps, last.error.clone())
        };
        // What could not be read may be readable now without having changed: a folder above it has another mode, a disk is back.
        let was_unread = last_error.as_ref().is_some_and(|error| error.kind.is_some());
        if stamps == seen && !was_unread {
            return None;
        }
        let error = self.read(hosts);
        *self.lock() = LastRead { stamps, error: error.clone() };
        let is_same = stamps == seen && error == last_error;
        (!is_same).then(|| error.map_or(Ok(()), Err))
    }

    /// What the operator should know of it at a moment since the epoch.
    pub fn alarms(&self, since_epoch: Duration) -> Vec<String> {
        let file = self.files.chain_file.display();
        let (certificate, error) = (self.certificate(), self.error());
        let unused = error.map(|error| match certificate {
            Some(_) => format!("a new certificate is not used: {error}; the one before goes on"),
            None => format!("a certificate cannot be used, and whoever needs it is refused: {error}"),
        });
        let dates = certificate.as_ref().and_then(|certificate| {
            let chain = &certificate.chain;
            let left = chain.ends.saturating_sub(since_epoch);
            let alarm = ALARM.min(chain.ends.saturating_sub(chain.begins) / ALARM_PART);
            let ending = || {
                (left < alarm).then(|| format!("ends in {}, and nothing has renewed it", chain.time_left(since_epoch)))
            };
            let why = chain.date_fault(since_epoch).or_else(ending)?;
            Some(format!("the certificate {file} ({}) {why}", chain.names))
        });
        unused.into_iter().chain(dates).collect()
    }
}

fn stamps(files: &CertificateConfig) -> [FileStamp; 2] {
    [FileStamp::of(&files.chain_file), FileStamp::of(&files.key_file)]
}

/// Those of a whole document, each pair of files once.
#[derive(Debug, Default)]
pub struct Certificates(BTreeMap<CertificateConfig, Used>);

/// A certificate with the hosts of the services that it is used for.
#[derive(Debug)]
struct Used {
    slot: Arc<Slot>,
    hosts: Vec<HostPattern>,
}

impl Certificates {
    /// Reads a certificate, unless it has been read for another service. One that the document before has, too, stays in force
    /// if its files have none that can be used any more.
    pub fn add(&mut self, files: &CertificateConfig, origin: Origin, hosts: &[HostPattern]) -> Arc<Slot> {
        let used = self.0.entry(files.clone());
        let used = used.or_insert_with(|| Used { slot: Slot::known_or_open(files, origin, hosts), hosts: Vec::new() });
        used.hosts.extend_from_slice(hosts);
        Arc::clone(&used.slot)
    }

    /// There is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Slot>> {
        self.0.values().map(|used| &used.slot)
    }

    /// Each with the hosts of the services that it is used for.
    pub fn used(&self) -> impl Iterator<Item = (&Arc<Slot>, &[HostPattern])> {
        self.0.values().map(|Used { slot, hosts }| (slot, hosts.as_slice()))
    }
}

#[cfg(test)]
mod tests;
