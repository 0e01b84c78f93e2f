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
    /// The program without which there is nothing to show; where it is not installed the row is left out, and that is said.
    pub needs: Option<&'static str>,
    /// What has to be so before the row begins; visitors are not judged meanwhile.
    pub prepare: Option<Play>,
    /// Breaks a part, waits for the verdict, looks. What is broken is mended afterwards.
    pub play: Play,
}

impl Row {
    /// A row of this name, by which a dead target has to be noticed in time. Its other fields are for the row to fill in.
    pub(super) const NOTICED: Row = Row {
        name: "",
        broken: "",
        promise: "",
        bound: |times| Some(times.detection()),
        needs: None,
        prepare: None,
        play: |_| Box::pin(std::future::ready(Ok(()))),
    };

    /// The same where nothing has to be noticed first.
    pub(super) const AT_ONCE: Row = Row { bound: |_| None, ..Row::NOTICED };
}

impl std::fmt::Debug for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}
