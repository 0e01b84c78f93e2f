//! What the checks of a zone have found, by record.

/// The findings so far.
pub struct Complaints {
    /// Every record could be read, so that what is not there is missing.
    pub complete: bool,
    /// The index of the record at fault, how bad it is, and the message.
    pub about: Vec<(u32, Severity, String)>,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The zone cannot be served so.
    Error,
    /// It can, but that is hardly meant.
    Warning,
}

impl Complaints {
    /// Notes what is wrong with a record.
    pub fn add(&mut self, record: u32, message: String) {
        self.about.push((record, Severity::Error, message));
    }

    /// Notes what is hardly meant.
    pub fn warn(&mut self, record: u32, message: String) {
        self.about.push((record, Severity::Warning, message));
    }
}
