//! What a configuration comes to, before polder's own reader has looked at it.

use std::collections::BTreeSet;

use super::headers;
use super::note::Notes;
use super::routes::{Placed, Target};
use super::tree::{Table, Tree};

/// A document that is being put together.
#[derive(Debug, Default)]
pub struct Draft {
    /// Where visitors are accepted.
    pub listeners: Vec<Listener>,
    /// What they reach.
    pub services: Vec<Service>,
    /// `timeouts`, each with the line that says so.
    pub timeouts: Table,
    /// `limits`.
    pub limits: Table,
    /// What clients are shown that name no host which is there.
    pub default_tls: Option<DefaultTls>,
    /// Further keys of the document.
    pub root: Table,
}

/// What clients are shown that name no host which is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DefaultTls {
    /// This certificate, as a service has it.
    Certificate(Tree),
    /// That of this host.
    Host(String),
}

/// One listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// The line that asks for it.
    pub line: u32,
    /// The words there.
    pub statement: String,
    /// Address and port.
    pub address: String,
    /// It speaks https.
    pub tls: bool,
    /// Further keys.
    pub settings: Table,
}

/// One service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// The line where it begins.
    pub line: u32,
    /// The words there.
    pub statement: String,
    /// What it is to be called.
    pub name: String,
    /// All its keys.
    pub settings: Table,
}

/// The file of keys for cookies that README and docs name, too.
pub const COOKIE_KEYS: &str = "/var/lib/polder-keys/cookies";
/// The authorities of the system, as Debian and NixOS have them.
pub const SYSTEM_AUTHORITIES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Where the daemon's unit has its own.
const ADMIN_SOCKET: &str = "/run/polder-proxy/admin.sock";
const STATE_DIR: &str = "/var/lib/polder-proxy";

impl Draft {
    /// The document as it stands.
    pub fn document(&self) -> Table {
        let mut names = Names::default();
        let listeners: Vec<Tree> = self.listeners.iter().map(|listener| listener.tree(&mut names)).collect();
        let mut services = Table::new();
        for service in &self.services {
            services.set(&service.name, service.settings.clone());
        }
        let mut document = Table::new()
            .with("version", 1)
            .with("listeners", listeners)
            .with("admin", Table::new().with("socket", ADMIN_SOCKET))
            .with("state_dir", STATE_DIR);
        for (key, table) in [("timeouts", &self.timeouts), ("limits", &self.limits)] {
            if !table.is_empty() {
                document.set(key, table.clone());
            }
        }
        document.extend(self.root.clone());
        if let Some(service) = self.default_service() {
            document.set("tls", Table::new().with("default", service.name.as_str()));
        }
        document.with("services", services)
    }

    /// The service whose certificate is shown to clients that name no host which is there.
    pub fn default_service(&self) -> Option<&Service> {
        let default = self.default_tls.as_ref()?;
        self.services.iter().find(|service| {
            let settings = &service.settings;
            let Some(tls) = settings.get("tls") else { return false };
            match default {
                DefaultTls::Certificate(certificate) => {
                    let certificates = tls.table().and_then(|tls| tls.get("certificates"));
                    certificates.and_then(|all| all.list().first()) == Some(certificate)
                }
                DefaultTls::Host(host) => {
                    let hosts = settings.get("hosts").map_or(&[][..], Tree::list);
                    hosts.iter().any(|one| one.text() == Some(host))
                }
            }
        })
    }

    /// Gives every service a name of its own.
    pub fn name_services(&mut self) {
        let mut names = Names::default();
        for service in &mut self.services {
            service.name = names.take(&service.name);
        }
    }
}

/// What configurations call targets, with the keys of a service.
#[derive(Debug, Clone)]
pub struct Pool {
    /// Where it stands.
    pub line: u32,
    /// The words there.
    pub statement: String,
    /// What a service of it is called.
    pub name: String,
    /// The keys of a service.
    pub settings: Table,
}

/// What means something before backends alone.
const OF_BACKENDS: &[&str] = &["request_headers"];

impl Service {
    /// The service that a place in the table comes to.
    pub fn placed(placed: Placed, pools: &[Pool], notes: &mut Notes) -> Service {
        let Placed { hosts, paths, tls, to_https, settings: mut rules, line, statement, target } = placed;
        let pool = match target {
            Target::Place(place) => pools[place].clone(),
            Target::Own(settings) => {
                OF_BACKENDS.iter().for_each(|key| drop(rules.remove(key)));
                if settings.get("redirect").is_some() {
                    rules.remove("compression");
                }
                let name = settings.iter().next().map_or("answer", |(key, _)| key).to_owned();
                Pool { line, statement, name, settings }
            }
        };
        let mut settings = Table::new();
        settings.set("hosts", hosts.iter().map(ToString::to_string).collect::<Vec<_>>());
        if paths != ["/"] {
            settings.set("paths", paths);
        }
        // Sites have certificates of their own; of a whole front all services have the same.
        let own_tls = rules.remove("tls");
        if let Some(tls) = tls {
            settings.set("tls", own_tls.unwrap_or(tls));
            if to_https {
                settings.set("https", "redirect");
            }
        } else if rules.remove("hsts").is_some() {
            notes.left_out(line, &pool.statement, "Strict-Transport-Security means nothing without TLS");
        }
        settings.extend(pool.settings);
        headers::apply(&mut settings, &rules);
        if settings.get("tls").is_none() {
            for name in headers::without_tls(&mut settings) {
                let why = format!("{name}: what is known of TLS is known of services with TLS alone");
                notes.left_out(line, &pool.statement, why);
            }
        }
        Service { line: pool.line, statement: pool.statement, name: pool.name, settings }
    }
}

impl Listener {
    fn tree(&self, names: &mut Names) -> Tree {
        let protocol = if self.tls { "https" } else { "http" };
        let six = if self.address.starts_with('[') { "6" } else { "" };
        let mut tree =
            Table::new().with("name", names.take(&format!("{protocol}{six}"))).with("address", self.address.as_str());
        if self.tls {
            tree.set("protocol", protocol);
        }
        tree.extend(self.settings.clone());
        tree.into()
    }
}

/// Names that are given once.
#[derive(Debug, Default)]
pub struct Names(BTreeSet<String>);

/// The longest name of a thing of polder's own, as `config` has it.
const LONGEST: usize = 64;
/// Room for a number behind it.
const ROOM: usize = 6;

impl Names {
    /// A name like the wanted one, that a document can have and nothing else has.
    pub fn take(&mut self, wanted: &str) -> String {
        let wanted = fit(wanted);
        let mut name = wanted.clone();
        let mut number = 1_u32;
        while !self.0.insert(name.clone()) {
            number = number.saturating_add(1);
            name = format!("{wanted}-{number}");
        }
        name
    }
}

fn fit(wanted: &str) -> String {
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
    let name: String = wanted.chars().map(|letter| if allowed(letter) { letter } else { '-' }).collect();
    let name = name.trim_start_matches(['-', '_', '.']);
    let name: String = name.chars().take(LONGEST - ROOM).collect();
    if name.is_empty() { "unnamed".to_owned() } else { name }
}
