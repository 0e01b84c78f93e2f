//! What the daemons say of themselves: their status, asked again and again until it shows what is awaited.

use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::api::client::Client;
use crate::api::daemon::Daemon;
use crate::api::status::Status;

/// Between two looks at one daemon. The verdict it shows is this much older at most.
const INTERVAL: Duration = Duration::from_millis(10);

/// A daemon to look at.
#[derive(Debug, Clone)]
pub struct Watched {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub role: Daemon,
    /// Its admin API.
    pub client: Client,
}

/// Looks once; none when there is no answer or one of another version.
pub async fn look(watched: &Watched) -> Option<Status> {
    let value = watched.client.get("/status").await.ok()?;
    Status::from_json(value).ok()
}

/// Looks at all of them until each shows what is awaited; for each the moment at which it first did, none if it did not
/// within the limit. In the order of `watched`. Must be called within a `LocalSet`.
pub async fn until(
    watched: &[Watched],
    limit: Duration,
    awaited: impl Fn(&Status) -> bool + 'static,
) -> Vec<Option<Instant>> {
    let awaited = Rc::new(awaited);
    let mut looking = JoinSet::new();
    for (index, watched) in watched.iter().cloned().enumerate() {
        let awaited = Rc::clone(&awaited);
        looking.spawn_local(async move {
            let shows = async {
                while !look(&watched).await.is_some_and(|seen| awaited(&seen)) {
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
