//! Files that have changed come into force, whoever wrote them: renewed certificates, users, and the pages that services hold.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::MissedTickBehavior;

use crate::proxy::snapshot::{Front, Snapshot};
use crate::proxy::target::kept_file::Reread;
use crate::proxy::tls::acceptor::Acceptor;
use crate::proxy::tls::certificates::Refreshed;
use crate::proxy::traffic::shared::Shared;

/// How often the files of certificates and of users are looked at.
const EVERY: Duration = Duration::from_secs(5);

/// Takes renewed certificates into use, for as long as the process lives.
pub(super) async fn watch(shared: Arc<Shared>) {
    let mut looks = tokio::time::interval(EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        let snapshot = shared.snapshot.load_full();
        // A disk that does not answer holds up its own thread alone.
        let look = move || {
            tell(refresh(&snapshot));
            refresh_users(&snapshot);
            tell_of_files(&snapshot);
        };
        let _ = tokio::task::spawn_blocking(look).await;
    }
}

/// Reads the files again that have changed: of what visitors are shown, and of connections to backends.
fn refresh(snapshot: &Snapshot) -> Vec<Refreshed> {
    let mut refreshed = snapshot.settings.tls.iter().flat_map(|tls| tls.certificates().refresh()).collect::<Vec<_>>();
    for authority in snapshot.settings.tls.iter().flat_map(|tls| tls.authorities()) {
        let changed = authority.refresh();
        refreshed.extend(changed.map(|ended| Refreshed { file: authority.files.ca_file.clone(), error: ended.err() }));
    }
    // Services of the same settings share one, whose second look finds no change.
    for connector in snapshot.services.iter().filter_map(|service| service.backend_tls.as_ref()) {
        let changed = connector.refresh();
        refreshed.extend(changed.map(|ended| Refreshed { file: connector.tls().ca_file.clone(), error: ended.err() }));
    }
    refreshed
}

/// Reads the files of users again that have changed.
fn refresh_users(snapshot: &Snapshot) {
    let edges = snapshot.fronts.iter().filter_map(|front| front.edge.as_ref());
    for file in edges.filter_map(|edge| edge.users_file()) {
        let path = file.path().display();
        match file.refresh() {
            None => {}
            Some(Ok(())) => tracing::info!("the users of {path} have been read again, and are in force"),
            Some(Err(error)) => tracing::error!("the users of {path} have changed and are not used: {error}"),
        }
    }
}

/// Takes what visitors are shown from files that have just been written.
pub(super) fn take_renewed(tls: &Acceptor) {
    tell(tls.certificates().refresh());
}

/// Reads pages and answers again whose files have changed.
fn tell_of_files(snapshot: &Snapshot) {
    for Reread { path, error } in snapshot.fronts.iter().flat_map(Front::refresh_files) {
        match error {
            None => tracing::info!("{} has been read again", path.display()),
            Some(error) => tracing::error!("{error}; what was read before goes on"),
        }
    }
}

fn tell(refreshed: Vec<Refreshed>) {
    for Refreshed { file, error } in refreshed {
        let file = file.display();
        match error {
            None => tracing::info!("the certificate {file} has been read again, and is in force"),
            Some(error) => tracing::error!("the certificate {file} has changed and is not used: {error}"),
        }
    }
}
