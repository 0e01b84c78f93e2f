//! The nameserver's rehearsal: every zone and every pool, asked of the rehearsed nameserver and of the running one.
//!
//! Called by [`super::rehearse`].

use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

use super::child::{Child, Place, Serves};
use super::documents::{self, Own, reached};
use super::{Failure, Rehearsed, Stage};
use crate::config::{self, DnsConfig};
use crate::daemon::client::Client;
use crate::daemon::operator::OperatorState;
use crate::dns::api::{PoolStatus, Status};
use crate::dns::number::rtype;
use crate::dns::zone::serial::is_newer;
use crate::health::Verdict;
use crate::push::served::{self, Answer, Over};

/// How often pools are asked again before one that is worse counts, and how long after.
const AGAIN: usize = 3;
const PAUSE: Duration = Duration::from_secs(1);

/// Who asks the rehearsed nameserver to do as the running one does.
const WHO: &str = "polder rehearse";

/// The nameserver that runs.
struct Running {
    at: SocketAddr,
    status: Option<Status>,
}

/// Rehearses the nameserver, if the system has one.
pub(super) async fn rehearse(stage: &Stage<'_>, rehearsed: &mut Rehearsed) -> Result<(), Failure> {
    let Some(path) = stage.document("dns.json")? else { return Ok(()) };
    let config = config::dns::load(&path).map_err(|findings| Failure::Worse(findings.to_string()))?;
    let text = fs::read_to_string(&path).map_err(|error| Failure::Worse(format!("{}: {error}", path.display())))?;
    let document: Value = serde_json::from_str(&text).map_err(|error| Failure::Worse(error.to_string()))?;
    let place = Place::new(config.listeners.len(), Serves::Resolvers)?;
    let own = Own { system: stage.system, folder: place.folder.path(), listeners: &place.listeners };
    let altered = documents::of_nameserver(&document, &own);
    let ready = |status: &Value| status["ready"] == true;
    let mut child = place.start(stage, "polder-dns", &altered, ready).await?;
    let compared = compare(stage, &config, &child, rehearsed).await;
    child.end().await;
    compared
}

async fn compare(
    stage: &Stage<'_>,
    config: &DnsConfig,
    child: &Child,
    rehearsed: &mut Rehearsed,
) -> Result<(), Failure> {
    let Some(listener) = child.listeners.first().copied() else { return Ok(()) };
    let running = running(stage, rehearsed).await;
    let before = running.as_ref().and_then(|running| running.status.as_ref());
    if let Some(before) = before {
        follow(child, before, rehearsed).await;
    }
    let at = running.as_ref().map(|running| running.at);
    for apex in config.zones.keys() {
        zone(apex, listener, at, rehearsed);
    }
    let (pools, status) = ask_and_ask_again(config, child, listener, at).await?;
    rehearsed.proved.extend(pools.proved);
    rehearsed.worse.extend(pools.worse);
    rehearsed.notes.extend(pools.notes);
    if let Some(before) = before {
        rehearsed.notes.extend(lost_members(before, &status));
    }
    Ok(())
}

/// Every pool's result, and the status that explains it. A pool that is worse may have met a lost probe: it is asked again.
async fn ask_and_ask_again(
    config: &DnsConfig,
    child: &Child,
    listener: SocketAddr,
    running: Option<SocketAddr>,
) -> Result<(Rehearsed, Status), Failure> {
    let mut round = 0;
    loop {
        let status = status(&child.client).await;
        let status = status.map_err(|why| Failure::Worse(format!("it does not answer any more: {why}")))?;
        let mut pools = Rehearsed::default();
        for (name, pool) in &config.pools {
            let known = status.pools.iter().find(|known| known.name == *name);
            for owner in std::iter::once(name).chain(&pool.aliases) {
                addresses(owner, known, listener, running, &mut pools);
            }
        }
        if pools.worse.is_empty() || round == AGAIN {
            return Ok((pools, status));
        }
        round += 1;
        sleep(PAUSE).await;
    }
}

/// The running nameserver, if it can be reached.
async fn running(stage: &Stage<'_>, rehearsed: &mut Rehearsed) -> Option<Running> {
    let path = stage.running.join("dns.json");
    if !path.exists() {
        rehearsed.notes.push("no nameserver runs here: compared with nothing".to_owned());
        return None;
    }
    let config = match config::dns::load(&path) {
        Ok(config) => config,
        Err(findings) => {
            let why = format!("the running nameserver's document cannot be read, compared with nothing: {findings}");
            rehearsed.notes.push(why);
            return None;
        }
    };
    let apex = config.zones.keys().next()?;
    let mut listeners = config.listeners.iter().map(|listener| reached(*listener));
    let Some(at) = listeners.find(|at| served::serial(*at, apex).is_ok()) else {
        rehearsed.notes.push("the running nameserver does not answer: compared with nothing".to_owned());
        return None;
    };
    let status = status(&Client::new(&config.admin.socket)).await;
    if let Err(why) = &status {
        rehearsed.notes.push(format!("the running nameserver's operator states are not known: {why}"));
    }
    Some(Running { at, status: status.ok() })
}

async fn status(client: &Client) -> Result<Status, String> {
    let status = client.get("/status").await.map_err(|error| error.to_string())?;
    serde_json::from_value(status).map_err(|error| format!("its status is not in our words: {error}"))
}

/// Lets the rehearsed nameserver leave out whom the running one leaves out by its operator's word.
async fn follow(child: &Child, running: &Status, rehearsed: &mut Rehearsed) {
    let Ok(own) = status(&child.client).await else { return };
    for pool in &own.pools {
        let before = running.pools.iter().filter(|before| before.name == pool.name).flat_map(|before| &before.members);
        for member in before.filter(|member| member.operator != OperatorState::Ready) {
            let subject = format!("{}/{}", pool.name, member.name);
            let word = json!({ "subject": subject, "state": member.operator, "who": WHO, "force": true });
            if pool.members.iter().any(|own| own.name == member.name)
                && let Err(why) = child.client.post("/operator", &word).await
            {
                rehearsed.notes.push(format!("{subject} is in {}, and not in the rehearsal: {why}", member.operator));
            }
        }
    }
}

/// A zone is served with authority over both transports, and does not go back.
fn zone(apex: &str, listener: SocketAddr, running: Option<SocketAddr>, rehearsed: &mut Rehearsed) {
    let mut serial = None;
    for (over, word) in [(Over::Udp, "UDP"), (Over::Tcp, "TCP")] {
        match served::ask(listener, apex, rtype::SOA, over) {
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
    let (Some(serial), before) = (serial, running.map(|at| served::serial(at, apex))) else { return };
    match before {
        Some(Ok(Answer::Serial(before))) if serial != before && !is_newer(serial, before) => {
            rehearsed.worse.push(format!(
                "zone {apex}: serial {serial} is lower than {before}, which is served now, and secondaries would keep that \
                 one: raise it with `polder serial {apex} --above {before}`"
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

/// A pool's name or alias has addresses where it has some now.
fn addresses(
    owner: &str,
    pool: Option<&PoolStatus>,
    listener: SocketAddr,
    running: Option<SocketAddr>,
    rehearsed: &mut Rehearsed,
) {
    let mut found = 0;
    for (rtype, word) in [(rtype::A, "A"), (rtype::AAAA, "AAAA")] {
        let count = |at: SocketAddr| served::ask(at, owner, rtype, Over::Udp).map(|answer| answer.addresses);
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

/// Members that are up for the running nameserver and down for the rehearsed one.
fn lost_members(before: &Status, now: &Status) -> Vec<String> {
    let mut lost = Vec::new();
    for pool in &now.pools {
        let known = before.pools.iter().filter(|known| known.name == pool.name).flat_map(|known| &known.members);
        let up: Vec<&str> = known
            .flat_map(|member| &member.addresses)
            .filter(|address| address.check == Verdict::Up)
            .map(|address| address.address.as_str())
            .collect();
        for address in pool.members.iter().flat_map(|member| &member.addresses) {
            if address.check == Verdict::Down && up.contains(&address.address.as_str()) {
                let (pool, at, why) = (&pool.name, &address.address, &address.check_reason);
                lost.push(format!("{pool}: {at} is up, and down in the rehearsal: {why}"));
            }
        }
    }
    lost
}
