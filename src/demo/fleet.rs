//! The fleet: starts every part, and breaks and mends each by name.
//!
//! Owns the parts, their folder and their addresses; all of it goes when the fleet does. Called by the demo and the
//! drill. Must be used within a `LocalSet` on the thread that runs as long as the fleet does ([`crate::daemon::launch`]).

use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

use super::addresses::{Addresses, BACKENDS, NAMESERVERS, PROXIES};
use super::backend::{Behaviour, CheckPort, Command};
use super::directory::{self, Directory};
use super::documents::{self, Places, Times};
use super::identities::Identities;
use super::supervisor::Supervised;
use super::webserver::Webserver;
use super::{Error, Programs};
use crate::api::client::ClientError;
use crate::api::daemon::Daemon;

/// How late a slow backend answers: later than its check's time-out.
pub const SLOW: Duration = Duration::from_millis(400);

/// A running fleet.
pub struct Fleet {
    /// In the order of their names: nameservers, then proxies.
    pub daemons: Vec<Supervised>,
    /// In the order of their names: the stateless service's, then the stateful one's.
    pub webservers: Vec<Webserver>,
    /// Where everything is.
    pub addresses: Addresses,
    identities: Identities,
    /// Its times.
    pub times: Times,
    states: Vec<(String, State)>,
    directory: Directory,
}

/// What the demo has done to a part. What the daemons make of it is theirs to say.
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Deed {
    /// End it at once, as if its host had gone.
    Kill,
    /// Stop it without ending it: connections open and nothing answers.
    Freeze,
    /// Stop a daemon as an operator does.
    Stop,
    /// Make it well again.
    Mend,
    /// A crash: end a daemon at once and start it again with the sockets that were kept.
    Restart,
    /// Let a new process take over from a daemon.
    Takeover,
    /// Let a daemon read its document again.
    Reload,
    /// Let a backend answer 500.
    #[serde(rename = "500")]
    Failing,
    /// Let a backend answer late.
    Slow,
}

/// A part by its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// A daemon.
    Daemon(usize),
    /// A backend.
    Webserver(usize),
}

impl Fleet {
    /// Starts all parts and returns when every daemon is ready. `change` changes a daemon's document before it is written.
    pub async fn start(programs: &Programs, times: Times, change: impl Fn(&str, &mut Value)) -> Result<Fleet, Error> {
        let addresses = Addresses::claim()
            .map_err(|error| Error(format!("no loopback network for the fleet (127.0.0.0/8): {error}")))?;
        let directory = Directory::make()?;
        let identities = Identities::make(directory.path()).map_err(Error)?;
        let mut fleet = Fleet {
            daemons: Vec::new(),
            webservers: Vec::new(),
            addresses,
            identities,
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

    fn places(&self) -> Places<'_> {
        Places {
            directory: self.directory.path(),
            addresses: &self.addresses,
            identities: &self.identities,
            times: self.times,
        }
    }

    fn write_shared_files(&self) -> Result<(), Error> {
        let folder = self.directory.path();
        directory::write(&folder.join("cookies.key"), &documents::key_file().map_err(Error)?)?;
        Ok(directory::write(&folder.join("polder.test.zone"), &self.places().zone())?)
    }

    fn describe(&mut self, programs: &Programs, change: impl Fn(&str, &mut Value)) -> Result<(), Error> {
        for (name, role, mut document) in self.rendered() {
            change(&name, &mut document);
            let folder = self.directory.folder(&name)?;
            self.directory.folder(&format!("{name}/state"))?;
            let config = folder.join(match role {
                Daemon::Proxy => "proxy.json",
                Daemon::Nameserver => "dns.json",
            });
            directory::write(&config, &pretty(&document))?;
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

    /// Every daemon with its document as it was first rendered.
    fn rendered(&self) -> Vec<(String, Daemon, Value)> {
        let places = self.places();
        let nameservers = (0..NAMESERVERS)
            .map(|index| (documents::nameserver_name(index), Daemon::Nameserver, places.nameserver(index)));
        let proxies = (0..PROXIES).map(|index| (documents::proxy_name(index), Daemon::Proxy, places.proxy(index)));
        nameservers.chain(proxies).collect()
    }

    /// The document of a daemon as it was first rendered.
    pub fn document(&self, name: &str) -> Value {
        let rendered = self.rendered().into_iter().find(|(daemon, _, _)| daemon == name);
        rendered.map_or(Value::Null, |(_, _, document)| document)
    }

    /// Replaces the text of a daemon's document; the daemon is not told.
    pub fn write_document(&self, name: &str, text: &str) -> Result<(), Error> {
        Ok(directory::write(self.daemon(name)?.config(), text)?)
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

    /// The part of this name.
    pub fn part(&self, name: &str) -> Result<Part, Error> {
        let daemon = self.daemons.iter().position(|daemon| daemon.name == name).map(Part::Daemon);
        let webserver = || self.webservers.iter().position(|webserver| webserver.name == name).map(Part::Webserver);
        daemon.or_else(webserver).ok_or_else(|| {
            let names: Vec<&str> = self.names().collect();
            Error(format!("no part is named {name}; there are {}", names.join(", ")))
        })
    }

    /// The daemon of this name.
    pub fn daemon(&self, name: &str) -> Result<&Supervised, Error> {
        match self.part(name)? {
            Part::Daemon(index) => Ok(&self.daemons[index]),
            Part::Webserver(_) => Err(Error(format!("{name} is a backend, not a daemon"))),
        }
    }

    /// The same, to be changed.
    pub fn daemon_mut(&mut self, name: &str) -> Result<&mut Supervised, Error> {
        match self.part(name)? {
            Part::Daemon(index) => Ok(&mut self.daemons[index]),
            Part::Webserver(_) => Err(Error(format!("{name} is a backend, not a daemon"))),
        }
    }

    /// The backend of this name.
    pub fn webserver_mut(&mut self, name: &str) -> Result<&mut Webserver, Error> {
        match self.part(name)? {
            Part::Webserver(index) => Ok(&mut self.webservers[index]),
            Part::Daemon(_) => Err(Error(format!("{name} is a daemon, not a backend"))),
        }
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
    pub async fn act(&mut self, deed: Deed, name: &str) -> Result<String, Error> {
        match (deed, self.part(name)?) {
            (Deed::Mend, part) => self.mend(part, name).await,
            (Deed::Kill, part) => {
                match part {
                    Part::Daemon(index) => self.daemons[index].lose().await,
                    Part::Webserver(index) => self.webservers[index].kill().await,
                }
                self.set_state(name, State::Killed);
                Ok(format!("{name} is killed"))
            }
            (_, _) if self.state(name) == State::Killed => Err(Error(format!("{name} is killed: mend it first"))),
            (Deed::Freeze, part) => {
                match part {
                    Part::Daemon(index) => self.daemons[index].freeze(true).await,
                    Part::Webserver(index) => self.webservers[index].freeze(true).await,
                }
                self.set_state(name, State::Frozen);
                Ok(format!("{name} is frozen"))
            }
            (Deed::Stop, Part::Daemon(index)) => {
                // From here on its end is our doing.
                self.set_state(name, State::Killed);
                self.daemons[index].stop().await;
                Ok(format!("{name} is stopped"))
            }
            (Deed::Restart, Part::Daemon(index)) => {
                self.daemons[index].crash().await;
                self.daemons[index].start().await?;
                self.set_state(name, State::Running);
                Ok(format!("{name} was killed and started again with the sockets that were kept"))
            }
            (Deed::Takeover, Part::Daemon(index)) => {
                self.daemons[index].take_over().await?;
                Ok(format!("a new process took over from {name}"))
            }
            (Deed::Reload, Part::Daemon(_)) => self.reload(name).await.map_err(|refused| Error(words(refused))),
            (Deed::Failing, Part::Webserver(_)) => {
                self.behave(name, Behaviour::Failing).await?;
                Ok(format!("{name} answers 500"))
            }
            (Deed::Slow, Part::Webserver(_)) => {
                self.behave(name, Behaviour::Slow(SLOW)).await?;
                Ok(format!("{name} answers after {} ms", SLOW.as_millis()))
            }
            (Deed::Restart, Part::Webserver(_)) => {
                self.webserver_mut(name)?.kill().await;
                self.webserver_mut(name)?.start().await?;
                self.set_state(name, State::Running);
                Ok(format!("{name} was killed and started again; its visits are lost"))
            }
            (Deed::Stop | Deed::Takeover | Deed::Reload, Part::Webserver(_)) => {
                Err(Error(format!("{name} is a backend: only daemons do that")))
            }
            (Deed::Failing | Deed::Slow, Part::Daemon(_)) => {
                Err(Error(format!("{name} is a daemon: only backends do that")))
            }
        }
    }

    async fn behave(&mut self, name: &str, behaviour: Behaviour) -> Result<(), Error> {
        self.webserver_mut(name)?.tell(Command::Behave(behaviour)).await?;
        let state = match behaviour {
            Behaviour::Well => State::Running,
            Behaviour::Failing => State::Failing,
            Behaviour::Slow(_) => State::Slow,
        };
        self.set_state(name, state);
        Ok(())
    }

    async fn mend(&mut self, part: Part, name: &str) -> Result<String, Error> {
        match (self.state(name), part) {
            (State::Running, _) => return Ok(format!("{name} is well")),
            (State::Killed, Part::Daemon(index)) => self.daemons[index].start().await?,
            (State::Killed, Part::Webserver(index)) => self.webservers[index].start().await?,
            (State::Frozen, Part::Daemon(index)) => self.daemons[index].freeze(false).await,
            (State::Frozen, Part::Webserver(index)) => self.webservers[index].freeze(false).await,
            (State::Failing | State::Slow, _) => self.behave(name, Behaviour::Well).await?,
        }
        self.set_state(name, State::Running);
        Ok(format!("{name} is mended"))
    }

    /// Opens or closes the port on which one proxy checks a stateful backend.
    pub async fn blind(&mut self, backend: &str, proxy: usize, blind: bool) -> Result<(), Error> {
        let port = self.addresses.check_port(proxy);
        let order = if blind { CheckPort::Close(port) } else { CheckPort::Open(port) };
        self.webserver_mut(backend)?.tell(Command::CheckPort(order)).await
    }

    /// Asks a daemon to read its document again.
    pub async fn reload(&self, name: &str) -> Result<String, ClientError> {
        let daemon = self.daemon(name).map_err(|error| ClientError::Unreachable(error.0))?;
        let done = daemon.client().post("/reload", &json!({})).await?;
        Ok(done["done"].as_str().unwrap_or("reloaded").to_owned())
    }

    /// Daemons whose main process has ended without our doing, with how.
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

/// What a daemon answered, or why it did not, for a person.
pub fn words(refused: ClientError) -> String {
    match refused {
        ClientError::Unreachable(why) => why,
        ClientError::Refused { status, message } => format!("it refused ({status}): {message}"),
    }
}

fn pretty(document: &Value) -> String {
    let mut text = serde_json::to_string_pretty(document).unwrap_or_default();
    text.push('\n');
    text
}
