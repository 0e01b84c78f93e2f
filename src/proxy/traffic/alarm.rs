//! One timer for one direction of a connection, set again and again.
//!
//! A request sets several time limits within a millisecond and meets none of them. So a limit is only a field here: the
//! runtime's timer is touched when the new limit is sooner than what it is set to, and when it rings too early it is set
//! to the limit that counts. A busy connection touches it about once per shortest limit, not once per request.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::time::{Instant, Sleep, sleep_until};

/// The timer. Costs nothing until the first limit is set.
#[derive(Default)]
pub struct Alarm {
    sleep: Option<Pin<Box<Sleep>>>,
}

/// Those of one request, which serve one request after the other.
#[derive(Default)]
pub struct Alarms {
    /// Of its way.
    pub client: Alarm,
    /// Of its response's way.
    pub backend: Alarm,
}

impl Alarm {
    /// Ready when `limit` has passed; wakes the task then.
    pub fn poll(&mut self, limit: Instant, context: &mut Context<'_>) -> Poll<()> {
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(limit)));
        if limit < sleep.deadline() {
            sleep.as_mut().reset(limit);
        }
        while sleep.as_mut().poll(context).is_ready() {
            if Instant::now() >= limit {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(limit);
        }
        Poll::Pending
    }

    /// Waits until `limit` has passed.
    pub async fn wait(&mut self, limit: Instant) {
        std::future::poll_fn(|context| self.poll(limit, context)).await;
    }
}
