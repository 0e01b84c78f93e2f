//! What the checks of a zone have found, by record.

/// The findings so far.
pub struct Complaints {
    /// Every record could be read, so that what is not there is missing.
    pub complete: bool,
    /// The index of the record at fault, and the message.
    pub about: Vec<(usize, String)>,
}

impl Complaints {
    /// Notes what is wrong with a record.
    pub fn add(&mut self, record: usize, message: String) {
        self.about.push((record, message));
    }
}
