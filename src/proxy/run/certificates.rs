//! Renewed certificates come into force: those whose files have changed, whoever wrote them.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::MissedTickBehavior;

use crate::proxy::tls::acceptor::Acceptor;
use crate::proxy::tls::certificates::Refreshed;
use crate::proxy::traffic::shared::Shared;

/// How often the files of certificates are looked at.
const EVERY: Duration = Duration::from_secs(5);

/// Takes renewed certificates into use, for as long as the process lives.
pub(super) async fn watch(shared: Arc<Shared>) {
    let mut looks = tokio::time::interval(EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        let Some(tls) = shared.snapshot.load().settings.tls.clone() else { continue };
        // A disk that does not answer holds up its own thread alone.
        let _ = tokio::task::spawn_blocking(move || take_renewed(&tls)).await;
    }
}

/// Looks at the files once.
pub(super) fn take_renewed(tls: &Acceptor) {
    for Refreshed { file, error } in tls.certificates().refresh() {
        let file = file.display();
        match error {
            None => tracing::info!("the certificate {file} has been read again, and is in force"),
            Some(error) => tracing::error!("the certificate {file} has changed and is not used: {error}"),
        }
    }
}
