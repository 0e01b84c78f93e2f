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

/// The backends that requests can be given to, by name: the place of the target, none without servers, and the rules that are asked there.
pub type Targets = BTreeMap<String, (Option<usize>, Vec<Rule>)>;

/// What a `bind` line shows to clients that name none of its hosts.
pub enum Default<'b> {
    /// Nothing: `strict-sni`.
    Refused(&'b Statement),
    /// The first certificate of the line of this listener.
    Certificate(&'b Listener, &'b Tree),
}

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

    /// The lines of it that are reached over TLS.
    fn secure(&self) -> impl Iterator<Item = &Bind> {
        self.binds.iter().filter(|bind| bind.tls && !bind.listeners.is_empty())
    }

    /// What its lines show to clients that name none of their hosts.
    pub fn defaults(&self) -> impl Iterator<Item = Default<'_>> {
        self.secure().filter_map(|bind| match &bind.strict {
            Some(statement) => Some(Default::Refused(statement)),
            None => Some(Default::Certificate(bind.listeners.first()?, bind.certificates.first()?)),
        })
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
                Err(why) => {
                    let keeps_away = |(_, own): &(_, Vec<Rule>)| own.iter().any(|rule| rule.effect.guards());
                    let danger =
                        if targets.get(name).is_some_and(keeps_away) { "; what it refuses is served here" } else { "" };
                    notes.left_out(statement.line, &statement.text(), format!("{why}{danger}"));
                }
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
        let secure = self.secure().next().is_some();
        Front {
            line: proxy.line,
            statement: proxy.statement.clone(),
            clear: self.binds.iter().any(is_clear),
            tls: secure.then(|| {
                let mut tls = Table::new().with("certificates", certificates);
                tls.set_some("client_certificates", self.visitors(proxy, notes));
                tls.into()
            }),
            rules: all,
        }
    }
}

impl Frontend {
    /// The certificates that its listeners ask visitors for: services have the same at all of them.
    fn visitors(&self, proxy: &Proxy, notes: &mut Notes) -> Option<Table> {
        let secure = || self.secure();
        let is_required = |asked: &&Table| asked.get("mode").and_then(Tree::text) == Some("required");
        let asked = || secure().filter_map(|bind| bind.visitors.as_ref());
        let taken = asked().find(is_required).or(asked().next())?;
        if secure().any(|bind| bind.visitors.as_ref() != Some(taken)) {
            let why = "its listeners ask visitors for different certificates, or some for none, and share all services: all ask for the first kind that is required; what another one refuses is served here";
            notes.changed(proxy.line, &proxy.statement, why);
        }
        Some(taken.clone())
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
    let place = |effect| {
        let (line, statement) = (statement.line, statement.text());
        Rule { line, statement, condition: condition.clone(), effect }
    };
    if name.contains("%[") {
        let why = "the backend is computed for each request: write a use_backend line for each host, and import again";
        notes.left_out(statement.line, &statement.text(), why);
        return;
    }
    // What has its requests and cannot be reached here keeps them: they do not go to the next one, which may be open.
    let Some((target, own)) = targets.get(name) else {
        let why = format!("the backend {name} is not there, or was left out; its requests are answered 404");
        notes.left_out(statement.line, &statement.text(), why);
        all.push(place(Effect::Refuse));
        return;
    };
    all.extend(rules::behind(own, condition));
    match target {
        Some(target) => all.push(place(Effect::Send(*target))),
        None => {
            let answers = |rule: &Rule| rule.condition == Condition::Always && matches!(rule.effect, Effect::Answer(_));
            if !own.iter().any(answers) {
                let why =
                    format!("the backend {name} has no server that could be taken; its requests are answered 404");
                notes.left_out(statement.line, &statement.text(), why);
            }
            all.push(place(Effect::Refuse));
        }
    }
}

#[cfg(test)]
mod tests;
