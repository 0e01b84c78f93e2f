//! Rules that answer requests or change them: `http-request`, `http-response` and `redirect` (configuration manual, 4.2). Pure.

use super::super::condition::Condition;
use super::super::error::Inexpressible;
use super::super::note::Notes;
use super::super::routes::{Effect, Rule};
use super::super::tree::Table;
use super::acl::Acls;
use super::sections::Statement;

/// The rules and acls of a section.
#[derive(Debug, Default)]
pub struct Rules {
    /// The acls, which `use_backend` asks, too.
    pub acls: Acls,
    rules: Vec<Statement>,
}

/// Fields that polder sets by itself.
const OWN_FIELDS: &[&str] = &["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "forwarded"];

impl Rules {
    /// Takes a statement if it is a rule.
    pub fn take(&mut self, statement: &Statement) -> bool {
        match statement.keyword() {
            "acl" => self.acls.add(statement),
            "http-request" | "http-response" | "redirect" => self.rules.push(statement.clone()),
            _ => return false,
        }
        true
    }

    /// All of them in the order in which they are asked: `redirect` comes behind `http-request`.
    pub fn read(&self, notes: &mut Notes) -> Vec<Rule> {
        let is_redirect = |statement: &&Statement| statement.keyword() == "redirect";
        let (redirects, others): (Vec<_>, Vec<_>) = self.rules.iter().partition(is_redirect);
        others.into_iter().chain(redirects).filter_map(|statement| self.read_one(statement, notes)).collect()
    }

    fn read_one(&self, statement: &Statement, notes: &mut Notes) -> Option<Rule> {
        let words = if statement.keyword() == "redirect" { &statement.words[..] } else { statement.arguments() };
        let (action, condition) = split(words);
        if sets_own_field(action) {
            return None;
        }
        let effect = match effect(action, statement, notes) {
            Ok(effect) => effect,
            Err(why) => {
                notes.left_out(statement.line, &statement.text(), why);
                return None;
            }
        };
        match self.acls.condition(statement, condition, notes) {
            Ok(condition) => Some(Rule { line: statement.line, statement: statement.text(), condition, effect }),
            Err(why) => {
                let danger = if effect == Effect::Refuse { "; what it refuses is served here" } else { "" };
                notes.left_out(statement.line, &statement.text(), format!("{why}{danger}"));
                None
            }
        }
    }
}

/// The action, and its condition from `if` or `unless` on.
pub fn split(words: &[String]) -> (&[String], &[String]) {
    let end = words.iter().position(|word| word == "if" || word == "unless").unwrap_or(words.len());
    words.split_at(end)
}

fn sets_own_field(action: &[String]) -> bool {
    match action {
        [verb, name, ..] => {
            matches!(verb.as_str(), "set-header" | "add-header" | "del-header")
                && OWN_FIELDS.contains(&name.to_ascii_lowercase().as_str())
        }
        _ => false,
    }
}

fn effect(action: &[String], statement: &Statement, notes: &mut Notes) -> Result<Effect, Inexpressible> {
    let words: Vec<&str> = action.iter().map(String::as_str).collect();
    match words[..] {
        ["redirect", "scheme", "https", ref options @ ..] => {
            let is_308 = options.windows(2).any(|pair| pair == ["code", "308"]);
            if !is_308 {
                notes.changed(
                    statement.line,
                    &statement.text(),
                    "polder answers 308, which keeps the method of the request",
                );
            }
            Ok(Effect::ToHttps)
        }
        ["deny" | "reject" | "tarpit" | "silent-drop", ..] => Ok(Effect::Refuse),
        ["set-header" | "add-header", name, value] if is_hsts(name) && statement.keyword() == "http-response" => {
            hsts(value).map(|hsts| Effect::Set(Table::new().with("hsts", hsts)))
        }
        [verb, ..] => Err(why(verb).into()),
        [] => Err("there is no action in it".into()),
    }
}

fn is_hsts(name: &str) -> bool {
    name.eq_ignore_ascii_case("strict-transport-security")
}

/// `hsts` of a service from the value of the field (RFC 6797, 6.1).
pub fn hsts(value: &str) -> Result<Table, Inexpressible> {
    let (mut seconds, mut table) = (None, Table::new());
    for directive in value.split(';').map(|part| part.trim().to_ascii_lowercase()) {
        match directive.split_once('=') {
            Some(("max-age", number)) => seconds = number.trim().trim_matches('"').parse::<u64>().ok(),
            None if directive == "includesubdomains" => table.set("include_subdomains", true),
            None if directive == "preload" => table.set("preload", true),
            _ => {}
        }
    }
    let Some(seconds) = seconds else { return Err("it has no max-age".into()) };
    let age = crate::config::duration::format(std::time::Duration::from_secs(seconds.min(10 * 365 * 86_400)));
    Ok(Table::new().with("max_age", age).with_all(table))
}

/// A condition in front of all rules of a backend: that the request goes there.
pub fn behind(rules: &[Rule], condition: &Condition) -> Vec<Rule> {
    let behind = |rule: &Rule| Rule { condition: condition.clone().and(rule.condition.clone()), ..rule.clone() };
    rules.iter().map(behind).collect()
}

fn why(verb: &str) -> &'static str {
    match verb {
        "auth" => "passwords come from a file of hashes here: see docs/documents.md",
        "set-path" | "replace-path" | "set-uri" | "replace-uri" | "set-query" | "set-pathq" | "replace-pathq" => {
            "polder sends paths to backends as they come: let the backend know the whole path"
        }
        "set-var" | "unset-var" | "set-var-fmt" => "polder has no variables; what is made of them is left out, too",
        "track-sc0" | "track-sc1" | "track-sc2" | "sc-inc-gpc0" | "sc-inc-gpc1" | "sc-set-gpt0" => {
            "polder has no stick tables"
        }
        "lua.service" | "use-service" => "polder runs no programs of others",
        "capture" | "set-log-level" => "what is logged of a request is fixed",
        "cache-use" | "cache-store" => "polder does not cache",
        _ => "polder has nothing like it yet",
    }
}
