//! Where requests come in, and which backend they are given to (configuration manual, 4.2). Pure.

use std::collections::BTreeMap;

use super::super::condition::Condition;
use super::super::draft::Listener;
use super::super::note::Notes;
use super::super::routes::{Effect, Front, Rule};
use super::super::tree::{Table, Tree};
use super::bind::{self, Bind};
use super::rate::Tables;
use super::rules::{self, Rules};
use super::sections::{Proxy, Statement};

/// A `frontend`, or what a `listen` has of one.
#[derive(Debug, Default)]
pub struct Frontend {
    binds: Vec<Bind>,
    switches: Vec<Statement>,
    default: Option<Statement>,
}

/// The backends that requests can be given to, by name: the place of the target, and the rules that are asked there.
pub type Targets = BTreeMap<String, (usize, Vec<Rule>)>;

impl Frontend {
    /// Takes a statement if it is about where requests come in.
    pub fn take(&mut self, statement: &Statement, certificates: Option<&str>, notes: &mut Notes) -> bool {
        match statement.keyword() {
            "bind" => self.binds.push(bind::read(statement, certificates, notes)),
            "use_backend" => self.switches.push(statement.clone()),
            "default_backend" => self.default = Some(statement.clone()),
            _ => return false,
        }
        true
    }

    /// The listeners of it.
    pub fn listeners(&self) -> Vec<Listener> {
        self.binds.iter().flat_map(|bind| bind.listeners.clone()).collect()
    }

    /// Its rules in order. Of a `listen`, `own` is its name: what no rule sends elsewhere goes to its own servers.
    pub fn into_front(
        self,
        proxy: &Proxy,
        own: &Rules,
        rates: &Tables,
        targets: &Targets,
        has_servers: bool,
        notes: &mut Notes,
    ) -> Front {
        let mut all = own.read(&proxy.name, rates, notes);
        for statement in &self.switches {
            let (action, condition) = rules::split(&statement.words);
            let (Some(name), 2) = (action.get(1), action.len()) else {
                notes.left_out(statement.line, &statement.text(), "expected use_backend, one name, and a condition");
                continue;
            };
            match own.acls.condition(statement, condition, notes) {
                Ok(condition) => send(statement, name, &condition, targets, &mut all, notes),
                Err(why) => notes.left_out(statement.line, &statement.text(), why),
            }
        }
        match &self.default {
            Some(statement) => {
                let name = statement.argument(0).unwrap_or_default();
                send(statement, name, &Condition::Always, targets, &mut all, notes);
            }
            None if has_servers => {
                let statement = Statement { line: proxy.line, words: vec![proxy.statement.clone()], negated: false };
                send(&statement, &proxy.name, &Condition::Always, targets, &mut all, notes);
            }
            None => {}
        }
        let is_clear = |bind: &Bind| !bind.tls && !bind.listeners.is_empty();
        let mut certificates: Vec<Tree> = self.binds.iter().flat_map(|bind| bind.certificates.clone()).collect();
        certificates.dedup();
        let secure = self.binds.iter().any(|bind| bind.tls && !bind.listeners.is_empty());
        Front {
            line: proxy.line,
            statement: proxy.statement.clone(),
            clear: self.binds.iter().any(is_clear),
            tls: secure.then(|| Table::new().with("certificates", certificates).into()),
            rules: all,
        }
    }
}

/// Requests go to a backend, where its own rules are asked first.
fn send(
    statement: &Statement,
    name: &str,
    condition: &Condition,
    targets: &Targets,
    all: &mut Vec<Rule>,
    notes: &mut Notes,
) {
    let Some((target, own)) = targets.get(name) else {
        let why = if name.contains("%[") {
            "the backend is computed for each request: write a use_backend line for each host, and import again"
                .to_owned()
        } else {
            format!("the backend {name} is not there, or was left out")
        };
        notes.left_out(statement.line, &statement.text(), why);
        return;
    };
    all.extend(rules::behind(own, condition));
    all.push(Rule {
        line: statement.line,
        statement: statement.text(),
        condition: condition.clone(),
        effect: Effect::Send(*target),
    });
}
