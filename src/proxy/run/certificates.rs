//! Files that have changed come into force, whoever wrote them: renewed certificates, users, networks, and the pages that services hold.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::MissedTickBehavior;

use crate::config::proxy::HostPattern;
use crate::daemon::looks::{Look, Looks};
use crate::proxy::edge::Edge;
use crate::proxy::edge::watched::Watched;
use crate::proxy::snapshot::{Front, Snapshot};
use crate::proxy::target::files::folder::WatchedFolder;
use crate::proxy::target::kept_file::Reread;
use crate::proxy::tls::acceptor::Acceptor;
use crate::proxy::tls::client_authority::ClientAuthority;
use crate::proxy::traffic::shared::Shared;
use crate::tls::certificates::{Origin, Slot};
use crate::tls::client::Connector;

/// How often these files are looked at.
const EVERY: Duration = Duration::from_secs(5);

/// Takes renewed certificates into use, for as long as the process lives.
pub(super) async fn watch(shared: Arc<Shared>, looks: Arc<Looks>) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        looks.take(of_snapshot(&shared.snapshot.load_full()));
        looks.tell();
    }
}

/// A look at every file: of what visitors are shown, of connections to backends, of users, networks and pages.
fn of_snapshot(snapshot: &Snapshot) -> Vec<Look> {
    let tls = snapshot.settings.tls.iter();
    let shown = tls.clone().flat_map(|tls| tls.certificates().used()).map(at_certificate);
    let authorities = tls.flat_map(|tls| tls.authorities()).map(at_authority);
    // Services of the same settings share one, whose second look finds no change.
    let connectors = snapshot.services.iter().filter_map(|service| service.backend_tls.as_ref()).map(at_connector);
    let fronts = (0..snapshot.fronts.len()).flat_map(|index| at_front(&snapshot.fronts, index));
    shown.chain(authorities).chain(connectors).chain(fronts).collect()
}

fn at_certificate((slot, hosts): (&Arc<Slot>, &[HostPattern])) -> Look {
    let (own, hosts) = (Arc::clone(slot), hosts.to_vec());
    Look::at([&*slot.files.chain_file, &slot.files.key_file], move || take_certificate(&own, &hosts))
}

fn take_certificate(slot: &Slot, hosts: &[HostPattern]) {
    let what = || format!("the certificate {}", slot.files.chain_file.display());
    tell(slot.refresh(hosts), what);
}

fn at_authority(authority: &Arc<ClientAuthority>) -> Look {
    let own = Arc::clone(authority);
    let files = [&*authority.files.ca_file].into_iter().chain(authority.files.crl_file.as_deref());
    Look::at(files, move || {
        tell(own.refresh(), || format!("what visitors' certificates are checked by ({})", own.files.ca_file.display()));
    })
}

fn at_connector(connector: &Arc<Connector>) -> Look {
    let own = Arc::clone(connector);
    Look::at(connector.files(), move || tell(own.refresh(), || format!("what TLS to backends goes by ({own})")))
}

/// At the users and networks of a service, at its pages and answers, and at the folder that it answers from.
fn at_front(fronts: &Arc<[Front]>, index: usize) -> impl Iterator<Item = Look> {
    let front = &fronts[index];
    let rules = front
        .edge
        .iter()
        .flat_map(|edge| (0..).zip(edge.files()).map(move |(place, file)| at_rules(edge, place, file)));
    let pages = (!front.files().is_empty()).then(|| {
        let fronts = Arc::clone(fronts);
        Look::at(front.files(), move || tell_of_files(fronts[index].refresh_files()))
    });
    let folder = front.folder().map(|folder| {
        let fronts = Arc::clone(fronts);
        Look::at_folder(folder.path(), move || fronts[index].folder().into_iter().for_each(tell_of_folder))
    });
    rules.chain(pages).chain(folder)
}

/// At the file of this place among those that rules of a service stand in.
fn at_rules(edge: &Arc<Edge>, place: usize, file: &dyn Watched) -> Look {
    let own = Arc::clone(edge);
    Look::at([file.path()], move || {
        let Some(file) = own.files().nth(place) else { return };
        tell(own.refresh(file), || format!("the file of {} {}", file.name(), file.path().display()));
    })
}

/// Takes what has just been written of what a CA has given.
pub(super) fn take_renewed(tls: &Acceptor) {
    let ordered = tls.certificates().used().filter(|(slot, _)| slot.origin == Origin::Acme);
    ordered.for_each(|(slot, hosts)| take_certificate(slot, hosts));
}

/// Tells of pages and answers that have been read again.
fn tell_of_files(reread: Vec<Reread>) {
    for Reread { path, error } in reread {
        match error {
            None => tracing::info!("{} has been read again", path.display()),
            Some(error) => tracing::error!("{error}; what was read before goes on"),
        }
    }
}

/// Looks whether a folder can be opened, and tells if it is not as it was.
fn tell_of_folder(folder: &WatchedFolder) {
    if folder.refresh() {
        match folder.error() {
            None => tracing::info!("{} can be opened again", folder.path().display()),
            Some(error) => tracing::error!("{error}"),
        }
    }
}

/// Tells of files that have changed.
fn tell<E: std::fmt::Display>(refreshed: Option<Result<(), E>>, what: impl FnOnce() -> String) {
    match refreshed {
        None => {}
        Some(Ok(())) => tracing::info!("{} has been read again, and is in force", what()),
        Some(Err(error)) => tracing::error!("{} has changed and is not used: {error}", what()),
    }
}
