//! When a key is published and when it signs (RFC 7583, 3.1), as BIND writes it into both files of a pair.
//!
//! Pure: what a key is at a moment follows from its times and that moment, so that all nameservers agree on it.

use super::error::Fault;

/// The times of a key, in seconds since the epoch. A time that is missing is never reached.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Times {
    /// When it was made. Says nothing of what it does.
    pub created: Option<u64>,
    /// From when it stands in the zone.
    pub publish: Option<u64>,
    /// From when it signs.
    pub activate: Option<u64>,
    /// From when it signs no more.
    pub inactive: Option<u64>,
    /// From when it stands in the zone no more.
    pub delete: Option<u64>,
}

/// What a key does when one of its times is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// It stands in the zone.
    Publish,
    /// It signs.
    Activate,
    /// It signs no more.
    Inactive,
    /// It stands in the zone no more.
    Delete,
}

/// How BIND writes a time: UTC, to the second.
const FORMAT: &str = "%Y%m%d%H%M%S";

impl Times {
    /// Whether it stands in the zone. A key without any times always does; one with some does from its `publish` on, or, where only
    /// `activate` is given, at once: to be known before it signs.
    pub fn is_published(&self, now: u64) -> bool {
        let has_begun = match (self.publish, self.activate) {
            (Some(publish), _) => publish <= now,
            (None, Some(_)) => true,
            (None, None) => self.is_empty(),
        };
        has_begun && !is_reached(self.delete, now)
    }

    /// Whether it signs. A key without any times always does.
    pub fn is_active(&self, now: u64) -> bool {
        let has_begun = self.is_empty() || is_reached(self.activate, now);
        has_begun && !is_reached(self.inactive, now) && !is_reached(self.delete, now)
    }

    /// Whether it has signed for the last time.
    pub fn is_over(&self, now: u64) -> bool {
        is_reached(self.inactive, now) || is_reached(self.delete, now)
    }

    /// Whether it signs while it does not stand in the zone: before it is published, where both times are given, or after it was deleted, where it is said that it goes on signing.
    /// So signatures of another algorithm come before its keys and go after them (RFC 6781, 4.1.4).
    pub fn signs_unseen(&self, now: u64) -> bool {
        let is_ahead = self.publish.is_some_and(|publish| publish > now);
        let is_behind = is_reached(self.delete, now) && self.inactive.is_some();
        is_reached(self.activate, now) && !is_reached(self.inactive, now) && (is_ahead || is_behind)
    }

    /// All that are set, in seconds since the epoch.
    pub fn all(&self) -> impl Iterator<Item = u64> + use<> {
        [self.created, self.publish, self.activate, self.inactive, self.delete].into_iter().flatten()
    }

    /// Whether one time comes before another that it has to follow, and which: a key is published, signs, signs no more, and goes.
    pub fn out_of_order(&self) -> Option<[&'static str; 2]> {
        let named = self.named().filter(|(name, _)| *name != "Created").collect::<Vec<_>>();
        let pairs = named.windows(2).map(|pair| (pair[0], pair[1]));
        let mut wrong =
            pairs.filter(|((one, begins), (_, ends))| begins > ends || (*one == "Activate" && begins == ends));
        wrong.next().map(|((one, _), (other, _))| [one, other])
    }

    /// The next moment after `now` at which the key may be published or sign when it did not before, or the other way round, and what it
    /// does then: the last of what it does at once. None: it stays as it is.
    pub fn next_change(&self, now: u64) -> Option<(u64, Step)> {
        let steps = [
            (self.publish, Step::Publish),
            (self.activate, Step::Activate),
            (self.inactive, Step::Inactive),
            (self.delete, Step::Delete),
        ];
        let later = steps.into_iter().filter_map(|(time, step)| Some((time.filter(|time| *time > now)?, step)));
        later.min_by_key(|(time, step)| (*time, std::cmp::Reverse(*step)))
    }

    fn is_empty(&self) -> bool {
        *self == Times::default()
    }

    /// Takes the time of this name, if it is one of those that count here; gives whether it is.
    pub(super) fn take(&mut self, name: &str, value: &str, line: usize) -> Result<bool, Fault> {
        let Some(place) = self.place(name) else { return Ok(false) };
        let moment = value.split_ascii_whitespace().next().and_then(read).ok_or_else(|| {
            Fault::at(
                line,
                format!(
                    "{name}: \"{value}\" is not a time; expected YYYYMMDDHHMMSS in UTC, as dnssec-settime writes it"
                ),
            )
        })?;
        *place = Some(moment);
        Ok(true)
    }

    fn place(&mut self, name: &str) -> Option<&mut Option<u64>> {
        match name {
            "Created" => Some(&mut self.created),
            "Publish" => Some(&mut self.publish),
            "Activate" => Some(&mut self.activate),
            "Inactive" => Some(&mut self.inactive),
            "Delete" => Some(&mut self.delete),
            _ => None,
        }
    }

    /// Those that are set, each with its name, in the order in which BIND writes them.
    pub(super) fn named(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let all = [
            ("Created", self.created),
            ("Publish", self.publish),
            ("Activate", self.activate),
            ("Inactive", self.inactive),
            ("Delete", self.delete),
        ];
        all.into_iter().filter_map(|(name, time)| Some((name, time?)))
    }
}

/// The lines of a text that hold none of these times; `mark` stands before their names.
pub(super) fn other_lines<'t>(text: &'t str, mark: &'static str) -> impl Iterator<Item = &'t str> {
    let is_time = move |line: &str| {
        let named = line.strip_prefix(mark).and_then(|line| line.split_once(':'));
        named.is_some_and(|(name, _)| Times::default().place(name.trim()).is_some())
    };
    text.lines().filter(move |line| !is_time(line))
}

fn is_reached(time: Option<u64>, now: u64) -> bool {
    time.is_some_and(|time| time <= now)
}

/// The moment of 14 digits; none: it is not one.
fn read(text: &str) -> Option<u64> {
    let is_whole = text.len() == 14 && text.bytes().all(|byte| byte.is_ascii_digit());
    let moment = is_whole.then(|| jiff::civil::DateTime::strptime(FORMAT, text).ok()).flatten()?;
    let moment = moment.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    u64::try_from(moment.timestamp().as_second()).ok()
}

/// `20261130155811`
pub(super) fn digits(time: u64) -> String {
    crate::unix_time::formatted(time.saturating_mul(1000), FORMAT)
}

/// `20261130155811 (Mon Nov 30 15:58:11 2026)`
pub(super) fn digits_and_words(time: u64) -> String {
    crate::unix_time::formatted(time.saturating_mul(1000), "%Y%m%d%H%M%S (%a %b %e %H:%M:%S %Y)")
}

#[cfg(test)]
mod tests;
