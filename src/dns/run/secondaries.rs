//! Asks primaries for zones, and stores what they send before it is served.

mod asking;
mod link;
mod store;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::{Instant, sleep};

use super::notifier::own_address;
use crate::config::dns::ZoneConfig;
use crate::daemon::lifecycle::{Input, Inputs};
use crate::dns::control::prepared::Prepared;
use crate::dns::control::{Event, Question, SecondaryNews, SecondaryTask};
use crate::dns::journal;
use crate::dns::secondary::bell::Bell;
use crate::dns::secondary::made;

use asking::Asking;
use store::{Leave, Places};

/// How many transfers there are at a time: each has a zone in memory, several times over.
const TRANSFERS: usize = 16;

/// How many questions one primary is asked at a time. Those for a primary that is silent keep nobody else's waiting.
const OF_ONE_PRIMARY: usize = 8;

/// Between two tellings of what primaries have told.
const TELLINGS: Duration = Duration::from_millis(100);

/// The tasks that ask.
pub struct Secondaries {
    inputs: Inputs<Prepared, Event>,
    transfers: Rc<Semaphore>,
    /// By primary, while it is asked anything.
    of_primaries: RefCell<HashMap<SocketAddr, Rc<Turns>>>,
    /// By zone, the question that is under way, and those before it that were let go.
    under_way: RefCell<HashMap<String, UnderWay>>,
    /// Another process is the daemon, or none: nothing is written any more.
    is_over: Arc<AtomicBool>,
    tasks: RefCell<Vec<JoinHandle<()>>>,
    /// What is to be asked once this process is the daemon.
    held: RefCell<Vec<Question>>,
}

/// The turns of one primary's questions.
struct Turns {
    permits: Semaphore,
    /// When it could not be reached last.
    unreached: Cell<Option<Instant>>,
}

/// A question for a zone.
struct UnderWay {
    task: AbortHandle,
    leave: Leave,
}

impl Secondaries {
    /// None is asked yet; what the bell tells becomes events.
    pub fn new(inputs: Inputs<Prepared, Event>, bell: Arc<Bell>) -> Secondaries {
        let told = inputs.clone();
        let listening = tokio::task::spawn_local(async move {
            loop {
                told.send(Input::Event(Event::Secondary(SecondaryNews::Told(bell.heard().await))));
                // Whoever tells without end, in a primary's name, is heard no more often.
                sleep(TELLINGS).await;
            }
        });
        Secondaries {
            inputs,
            transfers: Rc::new(Semaphore::new(TRANSFERS)),
            of_primaries: RefCell::default(),
            under_way: RefCell::default(),
            is_over: Arc::default(),
            tasks: RefCell::new(vec![listening]),
            held: RefCell::default(),
        }
    }

    /// Does what control wants done.
    pub fn perform(&self, task: SecondaryTask, document: &Prepared, is_daemon: bool) {
        match task {
            SecondaryTask::Read(apex, config) => self.read(apex, config, document),
            // What another process has stored is its own; it is looked through when this one is the daemon.
            SecondaryTask::Remove(apex) if is_daemon => self.remove(apex, document),
            SecondaryTask::Remove(apex) => self.cancel(&apex),
            SecondaryTask::Ask(question) if is_daemon => self.ask(question, document),
            SecondaryTask::Ask(question) => self.held.borrow_mut().push(question),
            SecondaryTask::Cancel(apex) => self.cancel(&apex),
        }
    }

    /// This process is the daemon, with this document. Nothing is kept of zones other than these, if they are known.
    pub fn serve<'z>(&self, document: &Prepared, stored: Option<impl Iterator<Item = &'z str>>) {
        for question in std::mem::take(&mut *self.held.borrow_mut()) {
            self.ask(question, document);
        }
        self.under_way
            .borrow_mut()
            .retain(|_, UnderWay { task, leave }| !task.is_finished() || Arc::strong_count(&leave.store) > 1);
        if let Some(apexes) = stored
            && let Err(why) = Places::of(document).stored.keep(apexes)
        {
            tracing::warn!("what is stored of zones that are none of the document's cannot be removed: {why}");
        }
    }

    /// Nobody is asked, and nothing written, any more.
    pub fn stop(&self) {
        self.is_over.store(true, Ordering::Relaxed);
        self.tasks.borrow_mut().drain(..).for_each(|task| task.abort());
    }

    fn read(&self, apex: String, config: ZoneConfig, document: &Prepared) {
        let places = Places::of(document);
        let inputs = self.inputs.clone();
        self.spawn(async move {
            let asked = apex.clone();
            let read = tokio::task::spawn_blocking(move || {
                let (records, age) = match places.stored.read(&apex) {
                    Ok(stored) => stored?,
                    Err(why) => {
                        tracing::warn!("zone {apex}: what is stored cannot be used: {why}; it is got whole");
                        return None;
                    }
                };
                match made::zone(&apex, &records, config.checks) {
                    Ok(mut made) => {
                        made.zone.is_catalog = config.is_catalog();
                        journal::follow_stored(&mut made.zone, &config, || places.journals.read(&apex), || None);
                        Some((Arc::new(made.zone), made.times, age))
                    }
                    Err(why) => {
                        tracing::warn!("zone {apex}: what is stored cannot be used: {why}; it is got whole");
                        None
                    }
                }
            });
            let read = read.await.unwrap_or(None);
            inputs.send(Input::Event(Event::Secondary(SecondaryNews::Read(asked, read))));
        });
    }

    fn ask(&self, question: Question, document: &Prepared) {
        let key = question.primary.key.as_deref().and_then(|name| document.transfers.keys().named(name)).cloned();
        let (apex, number, to) = (question.apex.clone(), question.number, question.primary.address);
        let lacks_key = question.primary.key.clone().filter(|_| key.is_none());
        let from = own_address(&document.config, to);
        let leave = self.leave(&apex);
        let asking = Asking {
            question,
            key,
            from,
            places: Places::of(document),
            leave: leave.clone(),
            transfers: Rc::clone(&self.transfers),
        };
        let (inputs, turns) = (self.inputs.clone(), self.turns_of(to));
        let zone = apex.clone();
        let task = self.spawn(async move {
            let began = Instant::now();
            // The semaphore is never closed.
            let _turn = turns.permits.acquire().await;
            let asked = match lacks_key {
                Some(name) => Err(format!("there is no key {name} any more")),
                // What one question has met, those that waited for it need not wait for again.
                None if turns.unreached.get().is_some_and(|at| at >= began) => {
                    Err("it could not be reached for another zone either".to_owned())
                }
                None => asking.ask().await.map_err(|why| {
                    if why.is_of_primary() {
                        turns.unreached.set(Some(Instant::now()));
                    }
                    why.to_string()
                }),
            };
            let asked = asked.map_err(|why| format!("primary {to}: {why}"));
            inputs.send(Input::Event(Event::Secondary(SecondaryNews::Asked(zone, number, asked))));
        });
        self.under_way.borrow_mut().insert(apex, UnderWay { task, leave });
    }

    /// What a question for this zone brings is not stored: from now on, or from when a thread has ended that writes already.
    fn cancel(&self, apex: &str) {
        self.held.borrow_mut().retain(|question| question.apex != apex);
        if let Some(UnderWay { task, leave }) = self.under_way.borrow().get(apex) {
            leave.is_unwanted.store(true, Ordering::Relaxed);
            task.abort();
        }
    }

    /// Removes what is stored of a zone, once nobody writes it any more.
    fn remove(&self, apex: String, document: &Prepared) {
        self.cancel(&apex);
        let (store, stored) = (self.leave(&apex).store, Places::of(document).stored);
        self.spawn(async move {
            let _held = store.lock().await;
            if let Err(why) = stored.remove(&apex) {
                tracing::warn!("zone {apex}: what is stored cannot be removed: {why}");
            }
        });
    }

    /// For the next question for this zone.
    fn leave(&self, apex: &str) -> Leave {
        let under_way = self.under_way.borrow();
        let before = under_way.get(apex);
        let store = before.map_or_else(Arc::default, |UnderWay { leave, .. }| Arc::clone(&leave.store));
        Leave { is_over: Arc::clone(&self.is_over), is_unwanted: Arc::default(), store }
    }

    /// For a question for this primary.
    fn turns_of(&self, primary: SocketAddr) -> Rc<Turns> {
        let mut all = self.of_primaries.borrow_mut();
        all.retain(|_, turns| Rc::strong_count(turns) > 1);
        let new = || Rc::new(Turns { permits: Semaphore::new(OF_ONE_PRIMARY), unreached: Cell::new(None) });
        Rc::clone(all.entry(primary).or_insert_with(new))
    }

    fn spawn(&self, task: impl Future<Output = ()> + 'static) -> AbortHandle {
        let mut tasks = self.tasks.borrow_mut();
        // Not at each: they may be many that have not ended.
        if tasks.len() == tasks.capacity() {
            tasks.retain(|task| !task.is_finished());
        }
        let task = tokio::task::spawn_local(task);
        let handle = task.abort_handle();
        tasks.push(task);
        handle
    }
}
