//! The rows of the drill, in the order in which they are played.

mod nameservers;
mod operators;
mod proxies;
mod stateful;
mod stateless;

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use super::super::Error;
use super::super::documents::Times;
use super::stage::Stage;

/// What a row does on the stage.
pub type Play = for<'a> fn(&'a mut Stage) -> Pin<Box<dyn Future<Output = Result<(), Error>> + 'a>>;

/// One row: a promise and how it is put to the test.
pub struct Row {
    /// Its name, for `--only`.
    pub name: &'static str,
    /// What is broken.
    pub broken: &'static str,
    /// What is promised (DESIGN 1).
    pub promise: &'static str,
    /// The bound that matters to visitors or the operator, for any times; none where nothing has to be waited for.
    pub bound: fn(&Times) -> Option<Duration>,
    /// What has to be so before the row begins; visitors are not judged meanwhile.
    pub prepare: Option<Play>,
    /// Breaks, waits for the verdict, looks. The stage mends.
    pub play: Play,
}

impl std::fmt::Debug for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// All rows.
pub static ROWS: [&Row; 22] = [
    &stateless::KILLED,
    &stateless::FROZEN,
    &stateless::FAILING,
    &stateless::SLOW_ONE,
    &stateful::PRIMARY_KILLED,
    &stateful::PRIMARY_RETURNS,
    &stateful::BACKUP_KILLED_TOO,
    &stateful::FLAPPING,
    &stateful::FAILBACK,
    &stateful::ONE_PROXY_BLIND,
    &proxies::KILLED,
    &proxies::FROZEN,
    &proxies::DRAINED,
    &nameservers::KILLED,
    &nameservers::FROZEN,
    &nameservers::ALL_LOOK_DEAD,
    &operators::BAD_DOCUMENT,
    &operators::RELOADS_UNDER_LOAD,
    &operators::PROXY_TAKEOVERS,
    &operators::NAMESERVER_TAKEOVERS,
    &operators::PROXY_CRASHES,
    &operators::NAMESERVER_CRASHES,
];

/// The row of this name.
pub fn by_name(name: &str) -> Option<&'static Row> {
    ROWS.iter().copied().find(|row| row.name == name)
}

/// DESIGN 6: a dead target is noticed within this.
fn detection(times: &Times) -> Option<Duration> {
    Some(times.detection())
}

/// Nothing has to be noticed first.
fn at_once(_: &Times) -> Option<Duration> {
    None
}

#[cfg(test)]
mod tests;
