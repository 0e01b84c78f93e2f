//! A history as bytes, for the disk: whole, or not one.

use std::sync::Arc;

use super::{Content, History, Step, first};

/// What stands first.
const MAGIC: &[u8] = b"polder journal 1\n";

/// The bytes of the checksum at the end.
const CHECKSUM: usize = 4;

impl History {
    /// With a checksum at the end.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&self.content.serial.to_be_bytes());
        bytes.extend_from_slice(&self.content.digest);
        bytes.push(self.content.has_pools.into());
        bytes.push(self.distrusted.is_some().into());
        bytes.extend_from_slice(&self.distrusted.unwrap_or(0).to_be_bytes());
        bytes.extend_from_slice(&(self.steps.len() as u32).to_be_bytes());
        for step in &self.steps {
            bytes.extend_from_slice(&step.from.to_be_bytes());
            bytes.extend_from_slice(&step.to.to_be_bytes());
            bytes.push(step.is_trusted.into());
            for part in step.parts() {
                bytes.extend_from_slice(&(part.len() as u32).to_be_bytes());
                bytes.extend_from_slice(part);
            }
        }
        let checksum = crc32fast::hash(&bytes);
        bytes.extend_from_slice(&checksum.to_be_bytes());
        bytes
    }

    /// Reads what [`History::to_bytes`] has written; `None` if anything of it is missing or another.
    pub fn from_bytes(bytes: &[u8]) -> Option<History> {
        let (stored, checksum) = bytes.split_at_checked(bytes.len().checked_sub(CHECKSUM)?)?;
        if crc32fast::hash(stored).to_be_bytes() != checksum {
            return None;
        }
        let mut rest = Rest(stored.strip_prefix(MAGIC)?);
        let content =
            Content { serial: rest.number()?, digest: rest.take(32)?.try_into().ok()?, has_pools: rest.flag()? };
        let is_distrusted = rest.flag()?;
        let distrusted = Some(rest.number()?).filter(|_| is_distrusted);
        let count = rest.number()?;
        let mut steps: Vec<Arc<Step>> = Vec::new();
        for _ in 0..count {
            let (from, to, is_trusted) = (rest.number()?, rest.number()?, rest.flag()?);
            let [removed, added] = [rest.records()?, rest.records()?];
            if steps.last().is_some_and(|before| before.to != from) {
                return None;
            }
            steps.push(Arc::new(Step { from, to, is_trusted, removed: removed.into(), added: added.into() }));
        }
        let leads_there = steps.last().is_none_or(|last| last.to == content.serial);
        (rest.0.is_empty() && leads_there).then_some(History { content, distrusted, steps })
    }
}

/// What has not been read yet.
struct Rest<'b>(&'b [u8]);

impl<'b> Rest<'b> {
    fn take(&mut self, count: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_be_bytes)
    }

    fn flag(&mut self) -> Option<bool> {
        match self.take(1)? {
            [0] => Some(false),
            [1] => Some(true),
            _ => None,
        }
    }

    /// Whole records.
    fn records(&mut self) -> Option<&'b [u8]> {
        let length = self.number()? as usize;
        let records = self.take(length)?;
        let mut at = 0;
        while at < length {
            at += first(&records[at..])?.1;
        }
        Some(records)
    }
}
