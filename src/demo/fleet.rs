//! The fleet: starts every part, and breaks and mends each by name.
//!
//! Owns the parts, their folder and their addresses; all of it goes when the fleet does. Called by the demo and the
//! drill. Must be used within a `LocalSet` on the thread that runs as long as the fleet does ([`crate::daemon::launch`]).

mod https;

use std::fmt;
use std::time::Duration;

use serde_json::Value;

use super::addresses::{Addresses, BACKENDS, NAMESERVERS, PROXIES};
use super::authority::Authority;
use super::backend::{Behaviour, Command};
use super::directory::Directory;
use super::documents::{self, Layout, STATEFUL_HOST, STATELESS_HOST, Times, ZONE, ZONE_KEYS};
use super::identities::Identities;
use super::supervisor::Supervised;
use super::webserver::{Webserver, killed};
use super::{Error, Programs};
use crate::api::daemon::Daemon;
use crate::config::near_miss::did_you_mean;
use crate::demo::visitor::anchor::Anchor;
use crate::demo::visitor::secure::Secure;
use crate::demo::visitor::{Plan, Site, Timeouts};
use crate::dnssec::{self, Algorithm, Role};
use crate::files;
use crate::zone::name;

/// The authority's certificate, in the fleet's folder.
pub const AUTHORITY_FILE: &str = "authority.pem";

/// How much later than its check's time-out a slow backend answers.
const LATE_BY: Duration = Duration::from_millis(250);

/// A running fleet.
pub struct Fleet {
    /// In the order of their names: nameservers, then proxies.
    pub daemons: Vec<Supervised>,
    /// In the order of their names: the stateless service's, then the stateful one's.
    pub webservers: Vec<Webserver>,
    /// Where everything is.
    pub addresses: Addresses,
    identities: Identities,
    authority: Authority,
    /// The key of the zone, which the nameservers have in files.
    anchor: Anchor,
    /// Its times.
    pub times: Times,
    states: Vec<(String, State)>,
    directory: Directory,
}

/// What the demo has done to a part, not what the daemons' checks say of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It runs.
    Running,
    /// Killed.
    Killed,
    /// Stopped without being ended.
    Frozen,
    /// A backend that answers 500.
    Failing,
    /// A backend that answers late.
    Slow,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            State::Running => "running",
            State::Killed => "killed",
            State::Frozen => "frozen",
            State::Failing => "answers 500",
            State::Slow => "answers late",
        })
    }
}

/// What can be done to a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Kill it (SIGKILL) as if its host were gone
    Kill,
    /// Freeze it (SIGSTOP): connections open and nothing answers
    Freeze,
    /// Make it well again
    Mend,
    /// Stop a daemon (SIGTERM) as an operator does
    Stop,
    /// Crash it and start it again; a daemon's listening sockets are kept
    Restart,
    /// Start a new process that takes over from a daemon, as an upgrade does
    Takeover,
    /// Make a daemon read its document again
    Reload,
    /// Make a backend answer every request with status 500
    #[serde(rename = "500")]
    #[value(name = "500")]
    Failing,
    /// Make a backend answer later than its check waits
    Slow,
}

/// A part of the fleet.
enum Part<'a> {
    Daemon(&'a mut Supervised),
    Webserver(&'a mut Webserver),
}

impl Part<'_> {
    async fn start(&mut self) -> Result<(), Error> {
        match self {
            Part::Daemon(daemon) => daemon.start().await,
            Part::Webserver(webserver) => webserver.start().await,
        }
    }

    fn is_running(&self) -> bool {
        match self {
            Part::Daemon(daemon) => daemon.running().next().is_some(),
            Part::Webserver(webserver) => webserver.is_running(),
        }
    }

    /// Kills it; a daemon's listening sockets are kept.
    async fn crash(&mut self) {
        match self {
            Part::Daemon(daemon) => daemon.crash().await,
            Part::Webserver(webserver) => webserver.kill().await,
        }
    }

    async fn freeze(&self, frozen: bool) {
        match self {
            Part::Daemon(daemon) => daemon.freeze(frozen).await,
            Part::Webserver(webserver) => webserver.freeze(frozen).await,
        }
    }
}

impl Fleet {
    /// Visitors of both sites, through this fleet's nameservers; `rate` is requests a second, and queries a second.
    ///
    /// # Errors
    ///
    /// There is no TLS.
    pub fn visitors(&self, rate: u32, visitors: usize, resolvers: usize, timeouts: Timeouts) -> Result<Plan, Error> {
        let nameservers = 0..self.of_role(Daemon::Nameserver).count();
        let site = |host: &str, path: &str| Site { host: host.to_owned(), path: path.to_owned() };
        Ok(Plan {
            nameservers: nameservers.map(|index| self.addresses.nameserver(index)).collect(),
            port: self.addresses.http_port(),
            anchor: Some(self.anchor.clone()),
            secure: Some(Secure { port: self.addresses.https_port(), config: self.authority.client()? }),
            sites: vec![site(STATELESS_HOST, "/"), site(STATEFUL_HOST, "/session")],
            requests: rate,
            queries: rate,
            visitors,
            resolvers,
            timeouts,
        })
    }

    /// Starts all parts and returns when every daemon is ready. `change` changes a daemon's document before it is written.
    pub async fn start(programs: &Programs, times: Times, change: impl Fn(&str, &mut Value)) -> Result<Fleet, Error> {
        let addresses = Addresses::claim().map_err(Error::io("no loopback network for the fleet (127.0.0.0/8)"))?;
        let directory = Directory::make()?;
        let identities = Identities::make(directory.path()).map_err(Error::io("no key pair for a daemon"))?;
        let anchor = make_zone_key(&directory)?;
        let mut fleet = Fleet {
            daemons: Vec::new(),
            webservers: Vec::new(),
            addresses,
            identities,
            authority: Authority::make()?,
            anchor,
            times,
            states: Vec::new(),
            directory,
        };
        fleet.write_shared_files()?;
        fleet.describe(programs, change)?;
        for webserver in &mut fleet.webservers {
            webserver.start().await?;
        }
        // Proxies first: a nameserver's first round then finds them.
        for daemon in fleet.daemons.iter_mut().rev() {
            daemon.start().await?;
        }
        Ok(fleet)
    }

    fn layout(&self) -> Layout<'_> {
        Layout {
            directory: self.directory.path(),
            addresses: &self.addresses,
            identities: &self.identities,
            times: self.times,
        }
    }

    fn write_shared_files(&self) -> Result<(), Error> {
        let folder = self.directory.path();
        files::replace_own(&folder.join("cookies.key"), documents::key_file()?.as_bytes())?;
        files::replace_own(&folder.join(AUTHORITY_FILE), self.authority.pem().as_bytes())?;
        self.issue_certificates()?;
        Ok(files::replace_own(&folder.join("polder.test.zone"), self.layout().zone().as_bytes())?)
    }

    fn describe(&mut self, programs: &Programs, change: impl Fn(&str, &mut Value)) -> Result<(), Error> {
        for (name, role, mut document) in self.rendered() {
            change(&name, &mut document);
            let folder = self.directory.folder(&name)?;
            self.directory.folder(&format!("{name}/state"))?;
            let config = folder.join(role.document());
            files::replace_own(&config, pretty(&document).as_bytes())?;
            self.daemons.push(Supervised::new(&name, role, programs, &folder, &config)?);
            self.states.push((name, State::Running));
        }
        let check_ports: Vec<u16> = (0..PROXIES).map(|proxy| self.addresses.check_port(proxy)).collect();
        let stateless = (0..BACKENDS)
            .map(|index| (documents::stateless_name(index), self.addresses.stateless_backend(index), Vec::new()));
        let stateful = (0..BACKENDS).map(|index| {
            (documents::stateful_name(index), self.addresses.stateful_backend(index), check_ports.clone())
        });
        for (name, address, ports) in stateless.chain(stateful) {
            let log = self.directory.folder(&name)?.join("log");
            self.webservers.push(Webserver::new(name.clone(), address, ports, &programs.polder, log));
            self.states.push((name, State::Running));
        }
        Ok(())
    }

    /// Every daemon with its document as first rendered.
    fn rendered(&self) -> Vec<(String, Daemon, Value)> {
        let layout = self.layout();
        let nameservers = (0..NAMESERVERS)
            .map(|index| (documents::nameserver_name(index), Daemon::Nameserver, layout.nameserver(index)));
        let proxies = (0..PROXIES).map(|index| (documents::proxy_name(index), Daemon::Proxy, layout.proxy(index)));
        nameservers.chain(proxies).collect()
    }

    /// The document of a daemon as it was first rendered.
    pub fn document(&self, name: &str) -> Value {
        let rendered = self.rendered().into_iter().find(|(daemon, _, _)| daemon == name);
        rendered.map_or(Value::Null, |(_, _, document)| document)
    }

    /// Replaces the text of a daemon's document, without a reload.
    pub fn write_document(&self, name: &str, text: &str) -> Result<(), Error> {
        Ok(files::replace_own(self.daemon(name)?.config(), text.as_bytes())?)
    }

    /// Writes a daemon's document.
    pub fn write_json(&self, name: &str, document: &Value) -> Result<(), Error> {
        self.write_document(name, &pretty(document))
    }

    /// The fleet's folder.
    pub fn folder(&self) -> &std::path::Path {
        self.directory.path()
    }

    /// Leaves the folder with documents and logs behind when the fleet ends; says where it is.
    pub fn keep_folder(&mut self) -> &std::path::Path {
        self.directory.keep();
        self.directory.path()
    }

    fn part(&mut self, name: &str) -> Result<Part<'_>, Error> {
        if let Some(daemon) = self.daemons.iter_mut().find(|daemon| daemon.name == name) {
            return Ok(Part::Daemon(daemon));
        }
        self.webservers.iter_mut().find(|webserver| webserver.name == name).map(Part::Webserver).ok_or_else(|| {
            let known: Vec<&str> = self.states.iter().map(|(name, _)| name.as_str()).collect();
            let meant = did_you_mean(name, known.iter().copied());
            Error::new(format!("the demo has no part {name:?}{meant}; its parts are {}", known.join(", ")))
        })
    }

    /// The daemon of this name.
    pub fn daemon(&self, name: &str) -> Result<&Supervised, Error> {
        let daemon = self.daemons.iter().find(|daemon| daemon.name == name);
        daemon.ok_or_else(|| Error::new(format!("no daemon is named {name}")))
    }

    /// Sends a backend a command.
    pub async fn send(&mut self, backend: &str, command: Command) -> Result<(), Error> {
        match self.part(backend)? {
            Part::Webserver(webserver) => webserver.send(command).await,
            Part::Daemon(_) => Err(Error::new(format!("{backend} is a daemon: only backends can do that"))),
        }
    }

    /// How late a slow backend answers.
    pub fn slow(&self) -> Duration {
        self.times.timeout + LATE_BY
    }

    /// Every part's name.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.states.iter().map(|(name, _)| name.as_str())
    }

    /// What was done to a part.
    pub fn state(&self, name: &str) -> State {
        self.states.iter().find(|(part, _)| part == name).map_or(State::Running, |(_, state)| *state)
    }

    fn set_state(&mut self, name: &str, state: State) {
        if let Some(entry) = self.states.iter_mut().find(|(part, _)| part == name) {
            entry.1 = state;
        }
    }

    /// The daemons of one kind.
    pub fn of_role(&self, role: Daemon) -> impl Iterator<Item = &Supervised> {
        self.daemons.iter().filter(move |daemon| daemon.role == role)
    }

    /// Does something to a part; says what was done.
    pub async fn act(&mut self, action: Action, name: &str) -> Result<String, Error> {
        if action == Action::Mend {
            return self.mend(name).await;
        }
        let (state, slow) = (self.state(name), self.slow());
        let part = self.part(name)?;
        if state == State::Killed && action != Action::Kill {
            return Err(killed(name));
        }
        let (state, done) = match (action, part) {
            (Action::Kill, Part::Daemon(daemon)) => {
                daemon.lose().await;
                (State::Killed, "is killed".to_owned())
            }
            (Action::Kill, Part::Webserver(webserver)) => {
                webserver.kill().await;
                (State::Killed, "is killed".to_owned())
            }
            (Action::Freeze, part) => {
                part.freeze(true).await;
                (State::Frozen, "is frozen".to_owned())
            }
            (Action::Stop, Part::Daemon(daemon)) => {
                daemon.stop().await;
                (State::Killed, "is stopped".to_owned())
            }
            (Action::Restart, mut part) => {
                part.crash().await;
                part.start().await?;
                let kept = match part {
                    Part::Daemon(_) => " with the sockets that were kept",
                    Part::Webserver(_) => "; its visits are lost",
                };
                (State::Running, format!("was killed and started again{kept}"))
            }
            (Action::Takeover, Part::Daemon(daemon)) => {
                daemon.take_over().await?;
                return Ok(format!("a new process took over from {name}"));
            }
            (Action::Reload, Part::Daemon(daemon)) => {
                return daemon.reload().await.map_err(|error| Error::daemon(name, &error));
            }
            (Action::Failing, Part::Webserver(webserver)) => {
                webserver.send(Command::Behave(Behaviour::Failing)).await?;
                (State::Failing, "answers 500".to_owned())
            }
            (Action::Slow, Part::Webserver(webserver)) => {
                webserver.send(Command::Behave(Behaviour::Slow(slow))).await?;
                (State::Slow, format!("answers after {} ms", slow.as_millis()))
            }
            (_, Part::Webserver(_)) => {
                return Err(Error::new(format!("{name} is a backend: only daemons can do that")));
            }
            (_, Part::Daemon(_)) => return Err(Error::new(format!("{name} is a daemon: only backends can do that"))),
        };
        self.set_state(name, state);
        Ok(format!("{name} {done}"))
    }

    async fn mend(&mut self, name: &str) -> Result<String, Error> {
        let state = self.state(name);
        let mut part = self.part(name)?;
        match state {
            State::Running if part.is_running() => return Ok(format!("{name} is well")),
            // Killed here, or by somebody from outside.
            State::Running | State::Killed => part.start().await?,
            State::Frozen => part.freeze(false).await,
            State::Failing | State::Slow => self.send(name, Command::Behave(Behaviour::Well)).await?,
        }
        self.set_state(name, State::Running);
        Ok(format!("{name} is mended"))
    }

    /// Opens or closes the port on which one proxy checks a stateful backend.
    pub async fn blind(&mut self, backend: &str, proxy: usize, blind: bool) -> Result<(), Error> {
        let port = self.addresses.check_port(proxy);
        self.send(backend, if blind { Command::Close(port) } else { Command::Open(port) }).await
    }

    /// Parts whose process has ended although nobody asked for it.
    pub fn unexpected_ends(&self) -> Vec<String> {
        let lives = |name: &str| self.state(name) != State::Killed;
        let daemons = self.daemons.iter().filter(|daemon| lives(&daemon.name) && daemon.running().next().is_none());
        let webservers = self.webservers.iter().filter(|webserver| lives(&webserver.name) && !webserver.is_running());
        daemons.map(|daemon| daemon.name.clone()).chain(webservers.map(|webserver| webserver.name.clone())).collect()
    }

    /// Stops every part, proxies and nameservers as an operator would.
    pub async fn stop(mut self) {
        for daemon in &self.daemons {
            daemon.ask_to_stop().await;
        }
        for daemon in &mut self.daemons {
            daemon.stop().await;
        }
        for webserver in &mut self.webservers {
            webserver.kill().await;
        }
    }
}

/// Makes the key by which the nameservers sign the zone, where their documents name it.
fn make_zone_key(directory: &Directory) -> Result<Anchor, Error> {
    let folder = directory.folder(ZONE_KEYS)?;
    let apex = name::from_text(ZONE).unwrap_or_default();
    let key = dnssec::make(&apex, Role::Ksk, Algorithm::EcdsaP256, dnssec::Times::default(), &[]);
    let key = key.map_err(Error::io("no key for the zone"))?;
    key.write(&folder).map_err(|error| Error::new(format!("no key for the zone: {error}")))?;
    Ok(Anchor { apex, dnskey: key.key().dnskey().into() })
}

fn pretty(document: &Value) -> String {
    let mut text = serde_json::to_string_pretty(document).unwrap_or_default();
    text.push('\n');
    text
}
