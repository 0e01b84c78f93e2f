//! The conversation with etcd: one member at a time, a lease that is kept alive, and a watch on what the proxies have there.
//!
//! Owns the connection. Must never: decide anything, or hold up a request; what happens is reported to `control`, and what `control` asks for
//! is tried once. A member that does not answer in a fifth of the lease's time is left, and the others are asked one shortly after the other: so one
//! that is frozen holds up nobody, and where a leader is lost time is left for the members to elect another one.

use std::cell::RefCell;
use std::time::Duration;

use etcd_client::{
    Client, Compare, CompareOp, EventType, GetOptions, GetResponse, KeyValue, LeaseKeepAliveStream, LeaseKeeper,
    PutOptions, Txn, TxnOp, WatchOptions, WatchResponse,
};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use crate::config::proxy::{AgreementConfig, AgreementTlsConfig};
use crate::etcd::{self, Error, within};
use crate::proxy::agreement::key::PREFIX;
use crate::proxy::agreement::{Condition, Ended, Entry, Event, Key, Mark, Transaction, View};
use crate::running_time::running;

/// Between two attempts where no member answered.
const PAUSE: Duration = Duration::from_millis(200);

/// How long one member is waited for before the next one is asked too, where none is connected to (RFC 8305, section 5).
const PATIENCE: Duration = Duration::from_millis(250);

/// How long a member may take for one answer, at most; a lease that is shorter shortens it.
const LIMIT: Duration = Duration::from_secs(2);

/// The link to the store, where the document names one.
#[derive(Default)]
pub(super) struct Link(RefCell<Option<Conversation>>);

struct Conversation {
    config: AgreementConfig,
    asked: mpsc::UnboundedSender<(u64, Transaction)>,
    task: AbortHandle,
}

impl Drop for Conversation {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Link {
    /// Talks to the store that this document names, and goes on as before if it is the same.
    pub(super) fn follow(&self, config: Option<&AgreementConfig>, report: impl Fn(Event) + Clone + 'static) {
        let mut conversation = self.0.borrow_mut();
        if conversation.as_ref().map(|conversation| &conversation.config) == config {
            return;
        }
        *conversation = config.map(|config| {
            let (asked, asks) = mpsc::unbounded_channel();
            let task = tokio::task::spawn_local(converse(config.clone(), asks, report)).abort_handle();
            Conversation { config: config.clone(), asked, task }
        });
    }

    /// Asks for a transaction.
    pub(super) fn transact(&self, ticket: u64, transaction: Transaction) {
        // Without a conversation nobody waits for the answer.
        let _ = self.0.borrow().as_ref().map(|conversation| conversation.asked.send((ticket, transaction)));
    }

    /// Lets the lease run out: another process serves from now on.
    pub(super) fn stop(&self) {
        *self.0.borrow_mut() = None;
    }
}

/// Talks to one member after another, for as long as the document names them.
async fn converse(
    config: AgreementConfig,
    mut asks: mpsc::UnboundedReceiver<(u64, Transaction)>,
    report: impl Fn(Event) + Clone + 'static,
) {
    let members = config.endpoints.len();
    // The proxies of a fleet do not all go to the same member.
    let mut first = fastrand::usize(..members);
    let (mut lease, mut in_vain) = (None, 0);
    loop {
        let why = match reach(&config, first).await {
            Ok(reached) => {
                // The one that ends the session is asked last.
                first = reached.member + 1;
                let endpoint = &config.endpoints[reached.member];
                let Err(why) = session(reached, &config, &mut lease, &mut in_vain, &mut asks, &report).await;
                in_vain += 1;
                format!("{endpoint}: {why}")
            }
            Err(why) => {
                in_vain = members;
                why
            }
        };
        // Of one member that is gone nobody needs to hear while another one answers.
        if in_vain >= members {
            report(Event::Lost(why));
            tokio::time::sleep(PAUSE).await;
        }
        // What was asked meanwhile cannot have been done.
        while let Ok((ticket, _)) = asks.try_recv() {
            report(Event::Ended { ticket, how: Ended::Unknown("not connected".into()) });
        }
    }
}

/// A member that answers, with all that it knows of the proxies.
struct Reached {
    /// Its place among the endpoints of the document.
    member: usize,
    client: Client,
    known: GetResponse,
}

/// The first member that answers, of all, beginning with this one; or what each says, or why it says nothing.
async fn reach(config: &AgreementConfig, first: usize) -> Result<Reached, String> {
    let limit = limit(config);
    let members = config.endpoints.len();
    let asks = (first..first + members).map(|member| {
        let (member, config) = (member % members, config.clone());
        async move {
            match ask(&config.endpoints[member], config.tls.as_ref(), limit).await {
                Ok((client, known)) => Ok(Reached { member, client, known }),
                Err(why) => Err(format!("{}: {why}", config.endpoints[member])),
            }
        }
    });
    etcd::first_to_answer(asks, PATIENCE.min(limit / 2)).await.map_err(|failed| failed.join("; "))
}

async fn ask(
    endpoint: &str,
    tls: Option<&AgreementTlsConfig>,
    limit: Duration,
) -> Result<(Client, GetResponse), Error> {
    // A member that has lost the others says so, instead of waiting for them.
    let options = etcd::options(tls, limit).await?.with_require_leader(true);
    let mut client = within(limit, Client::connect([endpoint], Some(options))).await?;
    let known = within(limit, client.get(PREFIX, Some(GetOptions::new().with_prefix()))).await?;
    Ok((client, known))
}

fn limit(config: &AgreementConfig) -> Duration {
    LIMIT.min(config.lease / 5)
}

/// One session with a member; it ends when that does not answer, or says that it cannot.
async fn session(
    Reached { mut client, known, .. }: Reached,
    config: &AgreementConfig,
    lease: &mut Option<i64>,
    in_vain: &mut usize,
    asks: &mut mpsc::UnboundedReceiver<(u64, Transaction)>,
    report: &(impl Fn(Event) + Clone + 'static),
) -> Result<std::convert::Infallible, Error> {
    let limit = limit(config);
    let mark = known.header().map_or_else(Mark::default, |header| Mark {
        cluster: header.cluster_id(),
        term: header.raft_term(),
        revision: header.revision(),
    });
    let entries = known.kvs().iter().filter_map(|kv| entry(kv, true));
    let view = View::new(mark, entries);
    let options = WatchOptions::new().with_prefix().with_start_revision(mark.revision + 1);
    let mut watch = within(limit, client.watch(PREFIX, Some(options))).await?;
    let (mut keeper, mut kept) = keep_lease(&mut client, lease, config, limit, report).await?;
    // Not before: whoever gets no lease has no part in it.
    report(Event::Known(view));
    *in_vain = 0;
    let mut beat = tokio::time::interval(config.lease / 5);
    beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut asked = None;
    loop {
        tokio::select! {
            message = watch.message() => match message? {
                Some(changed) if changed.canceled() => {
                    return Err(Error::Etcd(format!("the watch was ended: {}", changed.cancel_reason())));
                }
                Some(changed) => {
                    // It may be ours, whose lease was ended early: nothing is served here until there is another.
                    if report_changed(&changed, report) {
                        beat.reset_immediately();
                    }
                }
                None => return Err(Error::Closed("watch")),
            },
            // A second question would hide how old the answer to the first one is.
            _ = beat.tick(), if asked.is_none() => {
                asked = Some(running());
                keeper.keep_alive().await?;
            }
            () = silence(asked, limit) => return Err(Error::Silent(limit)),
            message = kept.message() => match (message?, asked.take()) {
                (Some(answer), _) if answer.ttl() <= 0 => {
                    report(Event::LeaseEnded);
                    *lease = None;
                    (keeper, kept) = keep_lease(&mut client, lease, config, limit, report).await?;
                    asked = None;
                }
                (Some(answer), Some(asked)) => {
                    report(Event::Leased { id: answer.id(), asked, lasts: lasts(config, answer.ttl()) });
                }
                (Some(_), None) => {}
                (None, _) => return Err(Error::Closed("lease's stream")),
            },
            Some((ticket, transaction)) = asks.recv() => {
                let (mut client, report) = (client.clone(), report.clone());
                tokio::task::spawn_local(async move {
                    let how = match within(limit, client.txn(request(&transaction))).await {
                        Ok(done) if done.succeeded() => {
                            Ended::Written(done.header().map_or(0, |header| header.revision()))
                        }
                        Ok(_) => Ended::Refused,
                        Err(why) => Ended::Unknown(why.to_string()),
                    };
                    report(Event::Ended { ticket, how });
                });
            }
        }
    }
}

/// Ends when what was asked then has not been answered within the limit.
async fn silence(asked: Option<Duration>, limit: Duration) {
    match asked {
        Some(asked) => tokio::time::sleep((asked + limit).saturating_sub(running())).await,
        None => std::future::pending().await,
    }
}

/// Goes on with the lease of the last session if the store knows it still; else asks for one.
async fn keep_lease(
    client: &mut Client,
    lease: &mut Option<i64>,
    config: &AgreementConfig,
    limit: Duration,
    report: &impl Fn(Event),
) -> Result<(LeaseKeeper, LeaseKeepAliveStream), Error> {
    if let Some(id) = *lease {
        match tokio::time::timeout(limit, client.lease_keep_alive(id)).await {
            Ok(Err(etcd_client::Error::LeaseKeepAliveError(_))) => {
                // It had run out while nobody could renew it.
                *lease = None;
                report(Event::LeaseEnded);
            }
            Ok(kept) => return Ok(kept?),
            Err(_) => return Err(Error::Silent(limit)),
        }
    }
    let asked = running();
    let seconds = i64::try_from(config.lease.as_secs()).unwrap_or(i64::MAX);
    let granted = within(limit, client.lease_grant(seconds, None)).await?;
    *lease = Some(granted.id());
    report(Event::Leased { id: granted.id(), asked, lasts: lasts(config, granted.ttl()) });
    within(limit, client.lease_keep_alive(granted.id())).await
}

/// As long as the store gives it, and no longer than the document says.
fn lasts(config: &AgreementConfig, seconds: i64) -> Duration {
    config.lease.min(Duration::from_secs(u64::try_from(seconds).unwrap_or_default()))
}

/// Gives whether a seat has gone: its lease has run out, or was ended.
fn report_changed(changed: &WatchResponse, report: &impl Fn(Event)) -> bool {
    let written = |event: &etcd_client::Event| entry(event.kv()?, event.event_type() == EventType::Put);
    let entries: Vec<Entry> = changed.events().iter().filter_map(written).collect();
    let has_gone = |entry: &Entry| matches!(entry.key, Key::Seat(_)) && entry.value.is_none();
    let one_has_gone = entries.iter().any(has_gone);
    // The revision in the header may be of what is yet to be told.
    if let Some(revision) = entries.iter().map(|entry| entry.written).max() {
        report(Event::Changed { revision, entries });
    }
    one_has_gone
}

fn entry(kv: &KeyValue, is_there: bool) -> Option<Entry> {
    let key = Key::read(kv.key_str().ok()?)?;
    Some(Entry { key, value: is_there.then(|| kv.value().to_vec()), written: kv.mod_revision() })
}

fn request(transaction: &Transaction) -> Txn {
    let compare = |condition: &Condition| match condition {
        Condition::WrittenAt(key, 0) => Compare::create_revision(key.to_string(), CompareOp::Equal, 0),
        Condition::WrittenAt(key, written) => Compare::mod_revision(key.to_string(), CompareOp::Equal, *written),
        Condition::NoneAfter(kind, revision) => {
            Compare::mod_revision(kind.prefix(), CompareOp::Less, revision + 1).with_prefix()
        }
        Condition::Exists(key) => Compare::create_revision(key.to_string(), CompareOp::Greater, 0),
    };
    let conditions: Vec<Compare> = transaction.conditions.iter().map(compare).collect();
    let put = |(key, value): &(Key, String)| {
        let options = transaction.lease.map(|lease| PutOptions::new().with_lease(lease));
        TxnOp::put(key.to_string(), value.clone(), options)
    };
    Txn::new().when(conditions).and_then(transaction.writes.iter().map(put).collect::<Vec<_>>())
}
