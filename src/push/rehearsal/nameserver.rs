//! The nameserver's rehearsal: every zone and every pool, asked of the rehearsed nameserver and of the running one.
//!
//! Called by [`super::rehearse`].

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::child::{Child, Serves, Workspace, status};
use super::documents::{self, reached};
use super::result::Rehearsed;
use super::setup::{Failure, Setup, missing_keys, notice_limit, start_limit};
use crate::api::client::Client;
use crate::api::daemon::Daemon;
use crate::api::dns::{AddressStatus, PoolStatus, Status};
use crate::api::operator::OperatorState;
use crate::config::{self, CheckConfig, DnsConfig};
use crate::health::Verdict;
use crate::health::dns_query::{self, QueryError, Question, Response, Transport};
use crate::zone::number::rtype;
use crate::zone::serial::is_newer;

/// The pause before pools are asked again.
const PAUSE: Duration = Duration::from_secs(1);

/// The running nameserver.
struct Running {
    at: SocketAddr,
    client: Client,
    status: Option<Status>,
}

/// Rehearses the nameserver, if the system has one.
pub(super) async fn rehearse(setup: &Setup<'_>, rehearsed: &mut Rehearsed) -> Result<(), Failure> {
    let Some((config, document)) = setup.document(Daemon::Nameserver, config::dns::load)? else { return Ok(()) };
    if config.zones.values().all(|zone| zone.file().is_none()) {
        rehearsed.worse.extend(missing_keys(&document));
        rehearsed.notes.push("every zone comes from other nameservers: there is nothing to rehearse".to_owned());
        return Ok(());
    }
    let place = Workspace::new(config.listeners.len(), Serves::Resolvers)?;
    rehearsed.worse.extend(missing_keys(&document));
    let altered = documents::of_nameserver(&document, &place.substitutes(setup));
    let ready = |status: &Value| status["ready"] == true;
    let mut child = place.start(setup, Daemon::Nameserver, &altered, ready, start_limit(checks(&config))).await?;
    let compared = compare(setup, &config, &child, rehearsed).await;
    child.end().await;
    compared
}

fn checks(config: &DnsConfig) -> impl Iterator<Item = &CheckConfig> {
    config.pools.values().map(|pool| &pool.check)
}

async fn compare(
    setup: &Setup<'_>,
    config: &DnsConfig,
    child: &Child,
    rehearsed: &mut Rehearsed,
) -> Result<(), Failure> {
    let Some(listener) = child.listeners.first().copied() else { return Ok(()) };
    let running = running(setup, rehearsed).await;
    let running = running.as_ref();
    if let Some(before) = running.and_then(|running| running.status.as_ref()) {
        follow(child, before, rehearsed).await;
    }
    for (apex, _) in config.zones.iter().filter(|(_, zone)| zone.file().is_some()) {
        zone(apex, listener, running.map(|running| running.at), rehearsed);
    }
    let pools = ask_and_ask_again(config, child, listener, running).await?;
    rehearsed.proved.extend(pools.proved);
    rehearsed.worse.extend(pools.worse);
    rehearsed.notes.extend(pools.notes);
    Ok(())
}

/// The result of every pool. A worse one may be due to a lost probe, or to a member that has just failed: then both nameservers are
/// asked again.
async fn ask_and_ask_again(
    config: &DnsConfig,
    child: &Child,
    listener: SocketAddr,
    running: Option<&Running>,
) -> Result<Rehearsed, Failure> {
    let (began, limit) = (Instant::now(), notice_limit(checks(config)));
    loop {
        let status: Status = child.status().await?;
        let mut pools = Rehearsed::default();
        for (name, pool) in &config.pools {
            let known = status.pools.iter().find(|known| known.name == *name);
            for owner in std::iter::once(name).chain(&pool.aliases) {
                addresses(owner, known, listener, running.map(|running| running.at), &mut pools);
            }
        }
        if let Some(before) = lately(running).await {
            pools.worse.extend(lost_members(&before, &status));
        }
        if pools.worse.is_empty() || began.elapsed() > limit {
            return Ok(pools);
        }
        sleep(PAUSE).await;
    }
}

/// The running nameserver's present status. A failure has been noted before.
async fn lately(running: Option<&Running>) -> Option<Status> {
    status(&running?.client).await.ok()
}

/// The running nameserver, if it can be reached.
async fn running(setup: &Setup<'_>, rehearsed: &mut Rehearsed) -> Option<Running> {
    let config = setup.running(Daemon::Nameserver, config::dns::load, &mut rehearsed.notes)?;
    // One from a file: one of other nameservers may be missing there for their reasons.
    let (apex, _) = config.zones.iter().find(|(_, zone)| zone.file().is_some())?;
    let mut listeners = config.listeners.iter().map(|listener| reached(*listener));
    let Some(at) = listeners.find(|at| dns_query::serial(*at, apex).is_ok()) else {
        rehearsed.notes.push("the running nameserver does not answer, so there is nothing to compare with".to_owned());
        return None;
    };
    let client = Client::new(&config.admin.socket);
    let status = status(&client).await;
    if let Err(why) = &status {
        rehearsed.notes.push(format!("the running nameserver's operator states are not known: {why}"));
    }
    Some(Running { at, client, status: status.ok() })
}

/// Copies the operator states of the running nameserver to the rehearsed one.
async fn follow(child: &Child, running: &Status, rehearsed: &mut Rehearsed) {
    let Ok(rehearsing) = child.status::<Status>().await else { return };
    for pool in &rehearsing.pools {
        let before = running.pools.iter().filter(|before| before.name == pool.name).flat_map(|before| &before.members);
        for member in before.filter(|member| member.operator != OperatorState::Ready) {
            let subject = format!("{}/{}", pool.name, member.name);
            if pool.members.iter().any(|own| own.name == member.name) {
                rehearsed.notes.extend(child.set_state(&subject, member.operator).await);
            }
        }
    }
}

fn ask(server: SocketAddr, name: &str, rtype: u16, transport: Transport) -> Result<Response, QueryError> {
    Question::new(name, rtype)?.ask(server, transport)
}

/// Checks that a zone is served with authority over both transports, and that its serial does not go back.
fn zone(apex: &str, listener: SocketAddr, running: Option<SocketAddr>, rehearsed: &mut Rehearsed) {
    let mut serial = None;
    for (transport, word) in [(Transport::Udp, "UDP"), (Transport::Tcp, "TCP")] {
        match ask(listener, apex, rtype::SOA, transport) {
            Ok(answer) if answer.authoritative && answer.serial.is_some() => serial = answer.serial,
            Ok(answer) => {
                let lacks = if answer.serial.is_some() { "without authority" } else { "no SOA" };
                rehearsed.worse.push(format!("zone {apex} over {word}: it answers {} {lacks}", answer.code));
                return;
            }
            Err(error) => {
                rehearsed.worse.push(format!("zone {apex} over {word}: {error}"));
                return;
            }
        }
    }
    let (Some(serial), before) = (serial, running.map(|at| dns_query::serial(at, apex))) else { return };
    match before {
        Some(Ok(Some(before))) if serial != before && !is_newer(serial, before) => {
            // Only a rollback gets here: in a push, `polder check` has refused it.
            rehearsed.notes.push(format!(
                "zone {apex}: serial {serial} is lower than {before}, which is served now: a secondary that somebody else runs \
                 keeps that one"
            ));
        }
        Some(Err(error)) => {
            rehearsed.notes.push(format!("zone {apex}: the running nameserver gives no serial: {error}"))
        }
        Some(Ok(_)) | None => {
            rehearsed.proved.push(format!("zone {apex} answers with serial {serial} over UDP and TCP"))
        }
    }
}

/// Checks that a pool's name or alias has addresses if it has some now.
fn addresses(
    owner: &str,
    pool: Option<&PoolStatus>,
    listener: SocketAddr,
    running: Option<SocketAddr>,
    rehearsed: &mut Rehearsed,
) {
    let mut found = 0;
    for (rtype, word) in [(rtype::A, "A"), (rtype::AAAA, "AAAA")] {
        let count = |at| ask(at, owner, rtype, Transport::Udp).map(|response| response.addresses.len());
        let before = running.map_or(0, |at| count(at).unwrap_or(0));
        match count(listener) {
            Ok(0) if before > 0 => {
                let why = pool.map(members_in_words).unwrap_or_default();
                let before = if before == 1 { "1 address".to_owned() } else { format!("{before} addresses") };
                rehearsed.worse.push(format!("{owner} answers {word} with no address, and with {before} now ({why})"));
            }
            Ok(count) => found += count,
            Err(error) => rehearsed.worse.push(format!("{owner} {word}: {error}")),
        }
    }
    match found {
        0 => {
            rehearsed.notes.push(format!("{owner} has no address ({})", pool.map(members_in_words).unwrap_or_default()))
        }
        1 => rehearsed.proved.push(format!("{owner} answers with 1 address")),
        _ => rehearsed.proved.push(format!("{owner} answers with {found} addresses")),
    }
}

fn members_in_words(pool: &PoolStatus) -> String {
    let members = pool.members.iter().flat_map(|member| {
        member.addresses.iter().map(|address| {
            let (name, at, is, why) = (&member.name, &address.address, address.check, &address.check_reason);
            format!("{name} at {at} is {is}: {why}")
        })
    });
    members.collect::<Vec<_>>().join("; ")
}

/// Members that are up for the running nameserver and down for the rehearsed one, at the same address or at all of their new ones.
/// Members that an operator has taken out do not count.
fn lost_members(before: &Status, now: &Status) -> Vec<String> {
    let is_up = |address: &&AddressStatus| address.check == Verdict::Up;
    let mut lost = Vec::new();
    for pool in &now.pools {
        let Some(known) = before.pools.iter().find(|known| known.name == pool.name) else { continue };
        for member in &pool.members {
            let was = known.members.iter().find(|was| was.name == member.name);
            let Some(was) = was.filter(|was| was.operator == OperatorState::Ready) else { continue };
            let up_at: Vec<&str> = was.addresses.iter().filter(is_up).map(|was| was.address.as_str()).collect();
            let gone = !up_at.is_empty() && !member.addresses.iter().any(|address| is_up(&address));
            for address in member.addresses.iter().filter(|address| address.check == Verdict::Down) {
                if gone || up_at.contains(&address.address.as_str()) {
                    let (subject, at, why) =
                        (format!("{}/{}", pool.name, member.name), &address.address, &address.check_reason);
                    lost.push(format!(
                        "{subject} is up, and down at {at} in the rehearsal: {why}; if that is meant, `polder drain {subject}` first"
                    ));
                }
            }
        }
    }
    lost
}
