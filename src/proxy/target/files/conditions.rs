//! Whether a visitor already has what he asks for (RFC 9110, 13; pure).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What tells one version of a file from another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Validators {
    /// Its entity tag, a strong one, with its quotes.
    pub etag: String,
    /// When it was changed last, in whole seconds; none where that is not known.
    pub modified: Option<SystemTime>,
}

/// The conditions of a request: the values of the fields. A list may have several lines (RFC 9110, 5.3); the others have one, or say
/// nothing.
#[derive(Debug, Clone, Default)]
pub struct Conditions<'r> {
    /// `If-Match`, line by line.
    pub if_match: Vec<&'r [u8]>,
    /// `If-Unmodified-Since`.
    pub if_unmodified_since: Option<&'r [u8]>,
    /// `If-None-Match`, line by line.
    pub if_none_match: Vec<&'r [u8]>,
    /// `If-Modified-Since`.
    pub if_modified_since: Option<&'r [u8]>,
    /// `If-Range`.
    pub if_range: Option<&'r [u8]>,
}

/// What follows from them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judged {
    /// The file is sent.
    Send,
    /// 304: the visitor has it.
    NotModified,
    /// 412: it is another one than he wants.
    Failed,
}

impl Conditions<'_> {
    /// In the order of RFC 9110, 13.2.2.
    pub fn judge(&self, now: &Validators) -> Judged {
        let date = |field: Option<&[u8]>| field.and_then(date);
        match (&*self.if_match, date(self.if_unmodified_since)) {
            (list @ [_, ..], _) if !names(list, now, true) => return Judged::Failed,
            ([], Some(since)) if now.modified.is_some_and(|modified| modified > since) => return Judged::Failed,
            _ => {}
        }
        let has_it = match (&*self.if_none_match, date(self.if_modified_since)) {
            (list @ [_, ..], _) => names(list, now, false),
            ([], Some(since)) => now.modified.is_some_and(|modified| modified <= since),
            ([], None) => false,
        };
        if has_it { Judged::NotModified } else { Judged::Send }
    }

    /// Whether a part may be sent, or all must be: the visitor has parts of another version (13.1.5).
    pub fn allow_part(&self, now: &Validators) -> bool {
        match self.if_range {
            None => true,
            Some(tag) if tag.starts_with(b"\"") || tag.starts_with(b"W/") => tag == now.etag.as_bytes(),
            Some(field) => date(field).is_some_and(|date| now.modified == Some(date)),
        }
    }
}

/// Whether a list of entity tags has this one. `strongly`: weak ones are none (8.8.3.2).
fn names(list: &[&[u8]], now: &Validators, strongly: bool) -> bool {
    let has_it = |tag: &[u8]| {
        let tag = if strongly { tag } else { tag.strip_prefix(b"W/").unwrap_or(tag) };
        tag == now.etag.as_bytes()
    };
    let is_one = |line: &[u8]| line.split(|byte| *byte == b',').map(<[u8]>::trim_ascii).any(has_it);
    list.iter().any(|line| line.trim_ascii() == b"*" || is_one(line))
}

fn date(field: &[u8]) -> Option<SystemTime> {
    httpdate::parse_http_date(std::str::from_utf8(field).ok()?).ok()
}

/// A moment in whole seconds, as dates of HTTP have them.
pub fn whole_seconds(moment: SystemTime) -> Option<SystemTime> {
    let since = moment.duration_since(UNIX_EPOCH).ok()?;
    Some(UNIX_EPOCH + Duration::from_secs(since.as_secs()))
}

#[cfg(test)]
mod tests;
