//! What the life of a daemon needs to know of one kind of daemon.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::super::admin::{AdminReply, AdminRequest};
use super::super::clock::Now;
use super::super::history::{Disk, History};
use super::super::key_file::KeyError;
use super::super::peers::{Identity, PeerEvent, PeerHealth};
use super::super::sockets::{BindError, Listing, Sockets};
use super::super::trends::{Reading, Trends};
use super::descriptors::DescriptorError;
use super::error::RunError;
use super::input::Inputs;
use super::persistence::{Obeyed, Persistence};
use super::question::Question;
use crate::config::{AdminConfig, Finding, Findings, PeersConfig};
use crate::health::{HealthView, Target, Targets};
use crate::log_line::LogLine;
use crate::unix_time::moment;

/// A document, read and ready to be put in force.
pub trait Document: Sized + Send + Sync + 'static {
    /// What a document says, before any key file is read.
    type Parsed: Send;

    /// Reads and checks a document, and what else `--check-config` reads.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it.
    fn parse(file: &Path) -> Result<Self::Parsed, Findings>;

    /// The same for a start, where what is bad in a file that the document names may be better left out than everything.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the document.
    fn parse_at_start(file: &Path) -> Result<Self::Parsed, Findings> {
        Self::parse(file)
    }

    /// The same for a reload. What the document that is in force has already may be taken from it.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it.
    fn parse_again(file: &Path, _in_force: &Self) -> Result<Self::Parsed, Findings> {
        Self::parse(file)
    }

    /// Reads the key files that the document names. Gives what it goes on without besides, for the log of whoever does go on.
    ///
    /// # Errors
    ///
    /// One for each key file that cannot be used.
    fn with_keys(parsed: Self::Parsed) -> Result<(Self, Vec<String>), Vec<KeyError>>;

    /// What is hardly meant, though it is no reason to refuse the document.
    fn warnings(_: &Self::Parsed) -> &[Finding] {
        &[]
    }

    /// Keeps its limits on visitors within what is left of `open_files`, the descriptors that this process may have. Gives what
    /// the operator should know, if that is less than the default.
    ///
    /// # Errors
    ///
    /// What it needs, or asks for, is more than that.
    fn fit(&mut self, open_files: u64) -> Result<Option<String>, DescriptorError>;

    /// What a valid document holds, in a few words: `3 services`.
    fn in_words(parsed: &Self::Parsed) -> String;

    /// The settings that both kinds of document have.
    fn settings_of(parsed: &Self::Parsed) -> Settings<'_>;

    /// Where visitors and resolvers are served.
    fn listens_on(parsed: &Self::Parsed) -> Listing;

    /// The same of the document that is in force.
    fn settings(&self) -> Settings<'_>;

    /// The key by which peers know this daemon; none if it has no peers.
    fn identity(&self) -> Option<&Identity>;

    /// Everything to be probed, with who uses it.
    fn targets(&self) -> Targets;
}

/// The settings that both kinds of document have.
#[derive(Debug, Clone, Copy)]
pub struct Settings<'a> {
    /// The daemon's name in the fleet.
    pub name: &'a str,
    /// Where its state lies.
    pub state_dir: &'a Path,
    /// Where the operator asks.
    pub admin: &'a AdminConfig,
    /// The exchange with peers.
    pub peers: Option<&'a PeersConfig>,
    /// How many threads serve, in a daemon that starts them once; none in one that a reload gives others.
    pub fixed_workers: Option<usize>,
    /// The longest drain.
    pub drain: Duration,
}

/// What happens to every daemon's state.
#[derive(Debug)]
pub enum Event<P> {
    /// The checker has published another view.
    Health(Arc<HealthView>),
    /// A peer has sent its state.
    Peer(PeerEvent),
    /// Every peer has been asked, or tried, in exchanges that began at this time ([`Now::running`]) or later; what they said has been taken
    /// in.
    PeersAsked(Duration),
    /// A write of `operator.json` has ended.
    OperatorWritten(io::Result<()>),
    /// Another document is in force.
    Reloaded(Arc<P>),
    /// The daemon stops or has handed over.
    Draining,
    /// Time has passed ([`Daemon::wakes`]).
    Time,
}

/// What every daemon's state wants done.
#[derive(Debug)]
pub enum Effect {
    /// `operator.json` is to hold this; answered with [`Event::OperatorWritten`].
    WriteOperator(Value),
    /// This is sent to peers from now on.
    TellPeers(Value),
    /// These are to be probed now.
    Probe(Vec<Target>),
    /// One line for the log.
    Log(LogLine),
}

/// How the last reload ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastReload {
    /// When, in milliseconds since the epoch.
    pub when: u64,
    /// The result as a text for the operator.
    pub words: String,
    /// Nothing has changed.
    pub refused: bool,
}

impl LastReload {
    /// When and how.
    pub fn in_words(&self) -> String {
        format!("{}: {}", moment(self.when), self.words)
    }
}

/// What status and metrics show of a daemon besides its control state.
#[derive(Debug, Default)]
pub struct Figures {
    /// How each peer is doing.
    pub peers: BTreeMap<String, PeerHealth>,
    /// The document on disk is not the one that was read: what the operator should know of that.
    pub document: Option<String>,
    /// How the last reload ended.
    pub last_reload: Option<LastReload>,
    /// Reloads that put a document in force.
    pub reloads: u64,
    /// Reloads that changed nothing.
    pub reloads_refused: u64,
    /// Why health is not on disk.
    pub health_unwritten: Option<String>,
    /// Writes of health that failed since the start.
    pub health_write_failures: u64,
    /// How it stands with the history on disk.
    pub events: Disk,
    /// What happened.
    pub history: History,
    /// The last hour, for the page.
    pub trends: Rc<Trends>,
}

impl Figures {
    /// What the operator should look at: health that is not on disk, a reload that was refused or is due, clocks that
    /// are off.
    pub fn alarms(&self) -> Vec<String> {
        let health = self.health_unwritten.iter();
        let health = health.map(|why| format!("health cannot be written: {why}; the write is tried again every 5 s"));
        let refused = self.last_reload.as_ref().filter(|last| last.refused).map(|last| last.words.clone());
        let reload = refused.or_else(|| self.document.clone());
        let clocks = self.peers.iter().filter_map(|(peer, health)| health.clock_alarm(peer));
        let events = self.events.failure.iter();
        let events =
            events.map(|why| format!("what happens here is not kept over a restart: events cannot be written: {why}"));
        health.chain(events).chain(reload).chain(clocks).collect()
    }
}

/// The way back into the control loop of a kind of daemon.
pub type InputsOf<D> = Inputs<<D as Daemon>::Document, <D as Daemon>::Event>;

/// A command that this kind of daemon has obeyed.
pub type ObeyedBy<D> = Obeyed<<D as Daemon>::Effect, <D as Daemon>::Change>;

/// One kind of daemon: its pure state, and the threads that serve.
pub trait Daemon: Sized + 'static {
    /// The program's name, by which a takeover knows its own kind.
    const PROGRAM: &'static str;

    /// Its documents.
    type Document: Document;
    /// What happens to its state.
    type Event: From<Event<Self::Document>> + Send + 'static;
    /// What its state wants done.
    type Effect;
    /// What a command changed, which its answer waits for.
    type Change;
    /// Its listening sockets, bound and not yet served.
    type Bound;
    /// What it saves of health.
    type SavedHealth: Serialize + Send + 'static;

    /// The document in force.
    fn document(&self) -> &Arc<Self::Document>;

    /// What checks say.
    fn health(&self) -> &HealthView;

    /// Takes an event in, and gives what follows.
    fn on_event(&mut self, event: Self::Event, now: Now) -> Vec<Self::Effect>;

    /// Performs an effect, or gives it back as one that the shell performs.
    fn perform(&mut self, effect: Self::Effect, is_daemon: bool, inputs: &InputsOf<Self>) -> Option<Effect>;

    /// The next moment at which [`Event::Time`] has something to do.
    fn wakes(&self, now: Now) -> Option<Duration>;

    /// Whether what a command changed is on disk.
    fn persistence(&self, change: &Self::Change, now: Now) -> Persistence;

    /// One line for `systemctl status`.
    fn summary(&self) -> String;

    /// The number of the present snapshot.
    fn generation(&self) -> u64;

    /// What `health.json` holds, put into words by whoever writes it.
    fn health_to_save(&self, now: Now) -> Self::SavedHealth;

    /// What a successor gets.
    fn to_hand_over(&self, now: Now) -> Value;

    /// Binds the sockets that a document names.
    fn bind(&self, document: &Self::Document, sockets: &mut Sockets) -> Result<Self::Bound, BindError>;

    /// Serves these sockets from now on, and no others; the document is about to be in force. Gives what the operator should
    /// know, if something that a reload cannot fail by went wrong.
    ///
    /// # Errors
    ///
    /// No thread can be started: nothing has changed.
    fn serve(&mut self, bound: Self::Bound, document: &Self::Document) -> Result<Vec<String>, RunError>;

    /// The document that [`Daemon::serve`] was given is in force. Who has to see its snapshot before the first connection comes
    /// on a new socket accepts on it from here on, and not before. `is_daemon`: no other process is.
    fn accept(&mut self, is_daemon: bool);

    /// What it can be asked on each of its sockets, for a process that is to take over.
    fn questions(&self) -> Vec<Question>;

    /// The threads that serve and have answered nobody since they were started, by name.
    fn silent_threads(&self) -> Vec<String>;

    /// Whether an effect changes no more than what this process answers and logs.
    fn is_of_serving(effect: &Self::Effect) -> bool;

    /// Stops accepting and reading for good; requests that have been accepted are answered, for at most `limit`.
    fn drain(&mut self, limit: Duration);

    /// Whether all that was accepted has ended.
    fn has_drained(&self) -> bool;

    /// What the page shows of the last hour, as it is now.
    fn readings(&self) -> Vec<(String, Reading)>;

    /// Called after each event and at least four times a second, for changes that no event announces.
    fn poll(&mut self, _now: Now) {}

    /// Another process is the daemon now, and listens on this admin socket.
    fn follow(&self, _admin_socket: &Path, _inputs: &InputsOf<Self>) {}

    /// Answers a request that reads; `None` if there is no such path.
    fn show(&self, request: &AdminRequest, figures: Figures, now: Now) -> Option<AdminReply>;

    /// Carries out an operator's command; `None` if there is no such path.
    ///
    /// # Errors
    ///
    /// The answer of a command that is refused.
    fn command(&mut self, request: &AdminRequest, now: Now) -> Option<Result<ObeyedBy<Self>, AdminReply>>;
}
