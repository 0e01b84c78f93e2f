//! Files that have changed come into force, whoever wrote them: renewed certificates, users, networks, and the pages that services hold.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::MissedTickBehavior;

use crate::proxy::snapshot::{Front, Snapshot};
use crate::proxy::target::kept_file::Reread;
use crate::proxy::tls::acceptor::Acceptor;
use crate::proxy::tls::certificate::CertificateError;
use crate::proxy::tls::certificates::Refreshed;
use crate::proxy::traffic::shared::Shared;

/// How often these files are looked at.
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
            refresh_rules(&snapshot);
            tell_of_files(&snapshot);
        };
        let _ = tokio::task::spawn_blocking(look).await;
    }
}

/// What has been read again, in the operator's words, and why it is not used if it is not.
struct Reloaded(String, Option<CertificateError>);

/// Reads the files again that have changed: of what visitors are shown, and of connections to backends.
fn refresh(snapshot: &Snapshot) -> Vec<Reloaded> {
    let mut reloaded: Vec<_> = snapshot.settings.tls.iter().flat_map(|tls| shown(tls)).collect();
    for authority in snapshot.settings.tls.iter().flat_map(|tls| tls.authorities()) {
        let what = format!("what visitors' certificates are checked by ({})", authority.files.ca_file.display());
        reloaded.extend(authority.refresh().map(|ended| Reloaded(what, ended.err())));
    }
    // Services of the same settings share one, whose second look finds no change.
    for connector in snapshot.services.iter().filter_map(|service| service.backend_tls.as_ref()) {
        let tls = connector.tls();
        let own = tls.client_certificate.as_ref().map(|own| format!(" and {}", own.chain_file.display()));
        let own = own.unwrap_or_default();
        let what = format!("what TLS to backends goes by ({}{own})", tls.ca_file.display());
        reloaded.extend(connector.refresh().map(|ended| Reloaded(what, ended.err())));
    }
    reloaded
}

fn shown(tls: &Acceptor) -> Vec<Reloaded> {
    let refreshed = tls.certificates().refresh().into_iter();
    refreshed.map(|Refreshed { file, error }| Reloaded(format!("the certificate {}", file.display()), error)).collect()
}

/// Reads the files of users and of networks again that have changed.
fn refresh_rules(snapshot: &Snapshot) {
    let edges = snapshot.fronts.iter().filter_map(|front| front.edge.as_ref());
    for (file, became) in edges.flat_map(|edge| edge.refresh_files()) {
        let (name, path) = (file.name(), file.path().display());
        match became {
            Ok(()) => tracing::info!("the {name} of {path} have been read again, and are in force"),
            Err(error) => tracing::error!("the {name} of {path} have changed and are not used: {error}"),
        }
    }
}

/// Takes what visitors are shown from files that have just been written.
pub(super) fn take_renewed(tls: &Acceptor) {
    tell(shown(tls));
}

/// Reads pages and answers again whose files have changed, and looks whether folders can be opened.
fn tell_of_files(snapshot: &Snapshot) {
    for Reread { path, error } in snapshot.fronts.iter().flat_map(Front::refresh_files) {
        match error {
            None => tracing::info!("{} has been read again", path.display()),
            Some(error) => tracing::error!("{error}; what was read before goes on"),
        }
    }
    for folder in snapshot.fronts.iter().filter_map(Front::folder).filter(|folder| folder.refresh()) {
        match folder.error() {
            None => tracing::info!("{} can be opened again", folder.path().display()),
            Some(error) => tracing::error!("{error}"),
        }
    }
}

fn tell(reloaded: Vec<Reloaded>) {
    for Reloaded(what, error) in reloaded {
        match error {
            None => tracing::info!("{what} has been read again, and is in force"),
            Some(error) => tracing::error!("{what} has changed and is not used: {error}"),
        }
    }
}
