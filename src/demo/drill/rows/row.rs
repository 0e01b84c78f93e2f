//! What a row of the drill consists of.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use super::super::super::Error;
use super::super::super::documents::Times;
use super::super::stage::Stage;

/// What a row does with the fleet.
pub type Play = for<'a> fn(&'a mut Stage) -> Pin<Box<dyn Future<Output = Result<(), Error>> + 'a>>;

/// One row: a promise and how it is put to the test.
pub struct Row {
    /// Its name, for `--only`.
    pub name: &'static str,
    /// What is broken.
    pub broken: &'static str,
    /// What is promised.
    pub promise: &'static str,
    /// The bound that matters to visitors or the operator, for any times; none where nothing has to be waited for.
    pub bound: fn(&Times) -> Option<Duration>,
    /// What has to be so before the row begins; visitors are not judged meanwhile.
    pub prepare: Option<Play>,
    /// Breaks a part, waits for the verdict, looks. What is broken is mended afterwards.
    pub play: Play,
}

impl std::fmt::Debug for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// A dead target is noticed within this.
pub(super) fn detection(times: &Times) -> Option<Duration> {
    Some(times.detection())
}

/// Nothing has to be noticed first.
pub(super) fn at_once(_: &Times) -> Option<Duration> {
    None
}
