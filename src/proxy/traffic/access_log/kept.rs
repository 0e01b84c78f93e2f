//! The requests that went wrong, kept in memory to be found by their ids.
//!
//! As lines of JSON, those that failed apart from those that were refused: whoever is refused again and again must not wash away
//! what failed. Each kind has two halves, of which the older one is given up when the newer one is full.

/// How much of failures a half holds.
const FAILED: usize = 4 << 20;

/// How much of refusals a half holds.
const REFUSED: usize = 256 << 10;

/// How many requests of one id are told: a client may give many the same.
const MOST_FOUND: usize = 20;

/// All that is kept.
#[derive(Debug)]
pub(super) struct Kept {
    failed: Halves,
    refused: Halves,
}

/// What was found of an id.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Found {
    /// Lines of JSON, as in the access log, oldest first.
    pub lines: Vec<String>,
    /// The oldest line of failures that is kept; none: there is none.
    pub oldest: Option<String>,
    /// Failures were given up to make room for later ones.
    pub is_full: bool,
}

impl Default for Kept {
    fn default() -> Kept {
        Kept { failed: Halves::new(FAILED), refused: Halves::new(REFUSED) }
    }
}

impl Kept {
    /// Adds lines.
    pub(super) fn add(&mut self, lines: &[u8], is_failure: bool) {
        if is_failure { &mut self.failed } else { &mut self.refused }.add(lines);
    }

    /// Those with this id.
    pub(super) fn find(&self, id: &str) -> Found {
        // Texts are escaped: no visitor can write this into a line.
        let sought = format!("\"request_id\":\"{id}\"");
        let all = self.refused.lines().chain(self.failed.lines());
        let mut lines: Vec<&[u8]> =
            all.filter(|line| memchr::memmem::find(line, sought.as_bytes()).is_some()).collect();
        let too_many = lines.len().saturating_sub(MOST_FOUND);
        lines.drain(..too_many);
        let text = |line: &[u8]| String::from_utf8_lossy(line).into_owned();
        Found {
            lines: lines.into_iter().map(text).collect(),
            oldest: self.failed.lines().next().map(text),
            is_full: self.failed.has_given_up,
        }
    }
}

#[derive(Debug)]
struct Halves {
    older: Vec<u8>,
    newer: Vec<u8>,
    room: usize,
    has_given_up: bool,
}

impl Halves {
    fn new(room: usize) -> Halves {
        Halves { older: Vec::new(), newer: Vec::new(), room, has_given_up: false }
    }

    fn add(&mut self, lines: &[u8]) {
        if self.newer.len() + lines.len() > self.room {
            self.has_given_up |= !self.older.is_empty();
            std::mem::swap(&mut self.older, &mut self.newer);
            self.newer.clear();
        }
        self.newer.extend_from_slice(lines);
    }

    fn lines(&self) -> impl Iterator<Item = &[u8]> {
        let all = [&self.older, &self.newer].into_iter().flat_map(|half| half.split(|byte| *byte == b'\n'));
        all.filter(|line| !line.is_empty())
    }
}

#[cfg(test)]
mod tests;
