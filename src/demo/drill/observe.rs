//! The daemons' own status, asked for again and again until it shows what is awaited.

use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::api::client::Client;
use crate::api::daemon::Daemon;
use crate::api::status::Status;

/// Between two questions to one daemon; a change is seen this much late at most.
const INTERVAL: Duration = Duration::from_millis(10);

/// A daemon and how to ask it.
#[derive(Debug, Clone)]
pub struct ObservedDaemon {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub role: Daemon,
    /// Its admin API.
    pub client: Client,
}

/// Asks once; none without an answer, or with one of another version.
pub async fn status(watched: &ObservedDaemon) -> Option<Status> {
    let value = watched.client.get("/status").await.ok()?;
    Status::from_json(value).ok()
}

/// Asks all of them until each shows what is awaited; for each the moment at which it first did, none if it did not
/// within the limit. In the order of `watched`. Must be called within a `LocalSet`.
pub async fn until(
    watched: &[ObservedDaemon],
    limit: Duration,
    awaited: impl Fn(&Status) -> bool + 'static,
) -> Vec<Option<Instant>> {
    let awaited = Rc::new(awaited);
    let mut looking = JoinSet::new();
    for (index, watched) in watched.iter().cloned().enumerate() {
        let awaited = Rc::clone(&awaited);
        looking.spawn_local(async move {
            let shows = async {
                while !status(&watched).await.is_some_and(|seen| awaited(&seen)) {
                    tokio::time::sleep(INTERVAL).await;
                }
                Instant::now()
            };
            (index, tokio::time::timeout(limit, shows).await.ok())
        });
    }
    let mut moments = vec![None; watched.len()];
    while let Some(ended) = looking.join_next().await {
        if let Ok((index, moment)) = ended {
            moments[index] = moment;
        }
    }
    moments
}
