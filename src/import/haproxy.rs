//! HAProxy's configuration as polder's document (pure).
//!
//! [`words`](mod@words) cuts lines as HAProxy does, [`sections`] knows what a section has from its `defaults`. [`frontend`],
//! [`backend`] and [`rules`] take the statements of a section; [`super::routes`] turns the rules into a table. What it can be told
//! with is the manual of HAProxy 2.6 to 3.2: docs/import.md has the list.

pub mod acl;
pub mod backend;
pub mod bind;
pub mod check;
pub mod compression;
pub mod cookie;
pub mod criteria;
pub mod frontend;
pub mod guards;
pub mod limits;
pub mod other;
pub mod rate;
pub mod rules;
pub mod sections;
pub mod server;
pub mod timeouts;
pub mod times;
pub mod words;

use std::collections::BTreeSet;

use super::Environment;
use super::draft::{DefaultTls, Draft, Pool, Service};
use super::error::ImportError;
use super::note::Notes;
use super::routes::{self, Effect, Front};
use super::settle::{Imported, settle};
use super::tree::Table;
use backend::Backend;
use frontend::{Frontend, Targets};
use rate::Tables;
use rules::Rules;
use sections::{Kind, Proxy, Sections, Statement};
use timeouts::Timeouts;

/// A section with its statements taken apart.
struct Parts<'a> {
    proxy: &'a Proxy,
    frontend: Frontend,
    backend: Backend,
    rules: Rules,
}

/// Imports a configuration.
///
/// # Errors
///
/// It is none, or nothing of it could be served by polder.
pub fn import(text: &str, environment: Environment<'_>) -> Result<Imported, ImportError> {
    let mut notes = Notes::default();
    let sections = sections::read(text, environment, &mut notes)?;
    let mut draft = Draft::default();
    other::global(&sections.global, &mut draft.limits, &mut draft.root, &mut notes);
    let rates = Tables::of(&sections.proxies);
    let parts = take_apart(&sections, &rates, &mut notes);
    put_log(&parts, &mut draft.root);
    let (fronts, pools) = connect(parts, &rates, &mut draft, &mut notes);
    let placed = routes::compile(&fronts, &mut notes)?;
    tell_of_unused(&pools, &fronts, &mut notes);
    put_timeouts(&sections, &mut draft, &mut notes);
    draft.services = placed.into_iter().map(|placed| Service::placed(placed, &pools, &mut notes)).collect();
    settle(draft, notes)
}

fn take_apart<'a>(sections: &'a Sections, rates: &Tables, notes: &mut Notes) -> Vec<Parts<'a>> {
    let crt_base = sections.global.iter().rev().find(|statement| statement.keyword() == "crt-base");
    let crt_base = crt_base.and_then(|statement| statement.argument(0));
    let served = sections.proxies.iter().filter(|proxy| is_served(proxy, notes));
    let served: Vec<&Proxy> = served.collect();
    served.into_iter().map(|proxy| Parts::of(proxy, crt_base, rates, notes)).collect()
}

/// Whether a section is about HTTP, and not HAProxy's own pages alone.
fn is_served(proxy: &Proxy, notes: &mut Notes) -> bool {
    let last = |keyword: &str| proxy.statements.iter().rev().find(|statement| statement.keyword() == keyword);
    let has = |keyword: &str| proxy.statements.iter().any(|statement| statement.keyword() == keyword);
    let mode = last("mode").and_then(|statement| statement.argument(0)).unwrap_or("tcp");
    if proxy.statements.iter().any(|statement| statement.keyword() == "disabled" && !statement.negated) {
        notes.left_out(proxy.line, &proxy.statement, "it is disabled");
        return false;
    }
    if mode != "http" {
        let why = format!("polder proxies HTTP alone, and this section has the mode {mode} (tcp where none is said)");
        notes.left_out(proxy.line, &proxy.statement, why);
        return false;
    }
    if has("stats") && !has("server") && !has("use_backend") && !has("default_backend") {
        let why = "polder has pages of its own: /status and /metrics at \"admin.address\", and `polder status`";
        notes.left_out(proxy.line, &proxy.statement, why);
        return false;
    }
    true
}

impl<'a> Parts<'a> {
    fn of(proxy: &'a Proxy, crt_base: Option<&str>, rates: &Tables, notes: &mut Notes) -> Parts<'a> {
        let mut parts =
            Parts { proxy, frontend: Frontend::default(), backend: Backend::default(), rules: Rules::default() };
        for statement in &proxy.statements {
            let taken = parts.rules.take(statement)
                || (proxy.kind != Kind::Backend && parts.frontend.take(statement, crt_base, notes))
                || (proxy.kind != Kind::Frontend && parts.backend.take(statement, notes))
                || rates.explains(&proxy.name, statement)
                || is_of_the_other_kind(statement);
            if !taken {
                other::tell(statement, notes);
            }
        }
        parts
    }
}

/// What `defaults` say for sections of the other kind: HAProxy passes over it.
fn is_of_the_other_kind(statement: &Statement) -> bool {
    let (mut frontend, mut backend) = (Frontend::default(), Backend::default());
    let mut unheard = Notes::default();
    frontend.take(statement, None, &mut unheard) || backend.take(statement, &mut unheard)
}

/// `option httplog` is what `"format": "haproxy"` is like.
fn put_log(parts: &[Parts<'_>], root: &mut Table) {
    let says = |option: &str| {
        let mut statements = parts.iter().flat_map(|parts| &parts.proxy.statements);
        statements.any(|statement| statement.begins(&["option", option]) && !statement.negated)
    };
    if says("httplog") {
        root.set("access_log", Table::new().with("path", "-").with("format", "haproxy"));
    }
}

/// Frontends with the backends that they name.
fn connect(parts: Vec<Parts<'_>>, rates: &Tables, draft: &mut Draft, notes: &mut Notes) -> (Vec<Front>, Vec<Pool>) {
    let (mut targets, mut pools) = (Targets::new(), Vec::new());
    let mut fronts = Vec::new();
    for Parts { proxy, frontend, backend, rules } in parts {
        let has_servers = backend.has_servers();
        let is_meant_to = proxy.statements.iter().any(|statement| statement.keyword().starts_with("server"));
        if proxy.kind == Kind::Backend && !has_servers && is_meant_to {
            notes.left_out(proxy.line, &proxy.statement, "none of its servers could be taken");
        }
        if has_servers || proxy.kind == Kind::Backend {
            let own = if proxy.kind == Kind::Backend { rules.read(&proxy.name, rates, notes) } else { Vec::new() };
            targets.insert(proxy.name.clone(), (has_servers.then_some(pools.len()), own));
        }
        if has_servers {
            pools.push(Pool {
                line: proxy.line,
                statement: proxy.statement.clone(),
                name: proxy.name.clone(),
                settings: backend.into_settings(proxy, notes),
            });
        }
        if proxy.kind != Kind::Backend {
            fronts.push((proxy, frontend, rules, has_servers));
        }
    }
    draft.default_tls = default_tls(fronts.iter().flat_map(|(_, frontend, ..)| frontend.defaults()), notes);
    let mut met = BTreeSet::new();
    let fronts = fronts.into_iter().map(|(proxy, frontend, rules, has_servers)| {
        for listener in frontend.listeners() {
            if met.insert(listener.address.clone()) {
                draft.listeners.push(listener);
            }
        }
        frontend.into_front(proxy, &rules, rates, &targets, has_servers, notes)
    });
    let fronts = fronts.collect();
    (fronts, pools)
}

/// What the first line that has one shows to clients that name no host which is there: polder has one for all listeners.
fn default_tls<'b>(lines: impl Iterator<Item = frontend::Default<'b>>, notes: &mut Notes) -> Option<DefaultTls> {
    let lines: Vec<_> = lines.collect();
    let shown = |line: &frontend::Default<'b>| match line {
        frontend::Default::Certificate(listener, certificate) => Some((listener.line, *certificate)),
        frontend::Default::Refused(_) => None,
    };
    let (first, certificate) = lines.iter().find_map(shown)?;
    for line in &lines {
        match line {
            frontend::Default::Refused(statement) => {
                let why = format!(
                    "who names no host there, or an unknown one, gets the certificate of line {first}: \"tls.default\" is for all listeners"
                );
                notes.changed(statement.line, "strict-sni", why);
            }
            frontend::Default::Certificate(listener, other) if *other != certificate => {
                let why = format!(
                    "who names no host there, or an unknown one, gets the certificate of line {first}, and not its first: \"tls.default\" is for all listeners"
                );
                notes.changed(listener.line, &listener.statement, why);
            }
            frontend::Default::Certificate(..) => {}
        }
    }
    Some(DefaultTls::Certificate(certificate.clone()))
}

fn tell_of_unused(pools: &[Pool], fronts: &[Front], notes: &mut Notes) {
    let rules = fronts.iter().flat_map(|front| &front.rules);
    let used: BTreeSet<usize> =
        rules.filter_map(|rule| if let Effect::Send(target) = rule.effect { Some(target) } else { None }).collect();
    for (_, pool) in pools.iter().enumerate().filter(|(n, _)| !used.contains(n)) {
        notes.left_out(pool.line, &pool.statement, "no rule that could be taken sends requests to it");
    }
}

fn put_timeouts(sections: &Sections, draft: &mut Draft, notes: &mut Notes) {
    let mut timeouts = Timeouts::default();
    for proxy in &sections.proxies {
        timeouts.add(&proxy.statements, notes);
    }
    draft.timeouts = timeouts.table(notes);
    let stop = sections.global.iter().rev().find(|statement| statement.keyword() == "hard-stop-after");
    if let Some(time) = stop.and_then(|statement| times::parse(statement.argument(0)?)) {
        draft.timeouts.set("drain", crate::config::duration::format(time.min(std::time::Duration::from_secs(3600))));
    }
}

#[cfg(test)]
mod tests;
