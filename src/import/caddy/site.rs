//! What a site does with requests, as rules in the order in which Caddy asks. Pure.

use super::super::condition::Condition;
use super::super::haproxy::rules::hsts;
use super::super::note::Notes;
use super::super::routes::{Effect, Rule};
use super::super::tree::Table;
use super::blocks::Directive;
use super::matcher::Matchers;
use super::order::sorted;
use super::reverse_proxy;

/// The upstreams that sites send requests to.
#[derive(Debug, Clone)]
pub struct Pool {
    /// Its directive's line.
    pub line: u32,
    /// Its words.
    pub statement: String,
    /// What a service of it is called.
    pub name: String,
    /// The keys of a service.
    pub settings: Table,
}

/// Reads the directives of sites.
pub struct Site<'a> {
    /// What its services are called.
    pub name: String,
    /// The requests of the site.
    pub condition: Condition,
    /// All upstreams so far.
    pub pools: &'a mut Vec<Pool>,
    /// All rules so far.
    pub rules: &'a mut Vec<Rule>,
    /// What is told.
    pub notes: &'a mut Notes,
}

/// What is said of a site and not of requests; `super` reads it.
pub const OF_SITES: &[&str] = &["tls", "bind", "log"];

impl Site<'_> {
    /// Adds the rules of a block, and one behind them for what it leaves unanswered.
    pub fn read(&mut self, site: &Directive) {
        let condition = self.condition.clone();
        self.block(&site.block, &condition, true, &Matchers::of(&site.block));
        self.rule(site, condition, Effect::Refuse);
    }

    fn block(&mut self, block: &[Directive], condition: &Condition, sort: bool, outer: &Matchers) {
        let own = Matchers::of(block);
        let matchers = if block.iter().any(|directive| directive.name().starts_with('@')) { &own } else { outer };
        let directives = if sort { sorted(block) } else { block.iter().collect() };
        let mut handled: Vec<Condition> = Vec::new();
        for directive in directives {
            if directive.name().starts_with('@') || OF_SITES.contains(&directive.name()) {
                continue;
            }
            let (own, arguments) = match matchers.split(directive, self.notes) {
                Ok(split) => split,
                Err(why) => {
                    let guards = matches!(
                        directive.name(),
                        "respond" | "error" | "abort" | "basic_auth" | "basicauth" | "forward_auth"
                    );
                    let danger = if guards { "; what it keeps away is served here" } else { "" };
                    self.notes.left_out(directive.line, &directive.text(), format!("{why}{danger}"));
                    continue;
                }
            };
            let here = condition.clone().and(own.clone());
            match directive.name() {
                "handle" | "handle_path" => {
                    // Of several blocks the first one that matches is the only one.
                    let alone = handled.iter().fold(here, |here, earlier| here.and(earlier.clone().negated()));
                    handled.push(own);
                    if directive.name() == "handle_path" {
                        let why = "polder sends paths to backends as they come: the backend gets the whole path, with this prefix";
                        self.notes.changed(directive.line, &directive.text(), why);
                    }
                    self.block(&directive.block, &alone, true, matchers);
                }
                "route" => self.block(&directive.block, &here, false, matchers),
                _ => self.directive(directive, arguments, here),
            }
        }
    }

    fn directive(&mut self, directive: &Directive, arguments: &[String], condition: Condition) {
        match directive.name() {
            "reverse_proxy" => match reverse_proxy::read(directive, arguments, self.notes) {
                Some(settings) => {
                    let target = self.pools.len();
                    let (line, statement, name) = (directive.line, directive.text(), self.name.clone());
                    self.pools.push(Pool { line, statement, name, settings });
                    self.rule(directive, condition, Effect::Send(target));
                }
                None => self.rule(directive, condition, Effect::Refuse),
            },
            "redir" if is_to_https(arguments) => {
                self.notes.changed(
                    directive.line,
                    &directive.text(),
                    "polder answers 308, which keeps the method of the request",
                );
                self.rule(directive, condition, Effect::ToHttps);
            }
            "header" => self.header(directive, arguments, condition),
            name => {
                self.notes.left_out(directive.line, &directive.text(), why(name));
                if matches!(
                    name,
                    "redir" | "respond" | "error" | "abort" | "file_server" | "php_fastcgi" | "acme_server" | "metrics"
                ) {
                    self.rule(directive, condition, Effect::Refuse);
                }
            }
        }
    }

    /// `header [MATCHER] FIELD VALUE`, or a block of such lines.
    fn header(&mut self, directive: &Directive, arguments: &[String], condition: Condition) {
        let inline = Directive { line: directive.line, words: arguments.to_vec(), block: Vec::new() };
        let lines = std::iter::once(&inline).filter(|line| !line.words.is_empty()).chain(&directive.block);
        let mut settings = Table::new();
        for line in lines {
            let is_hsts =
                line.name().trim_start_matches(['+', '?', '>']).eq_ignore_ascii_case("strict-transport-security");
            match line.argument(0).filter(|_| is_hsts).map(hsts) {
                Some(Ok(value)) => settings.set("hsts", value),
                Some(Err(why)) => self.notes.left_out(line.line, &line.text(), why),
                None => self.notes.left_out(line.line, &format!("header {}", line.text()), why("header")),
            }
        }
        if !settings.is_empty() {
            self.rule(directive, condition, Effect::Set(settings));
        }
    }

    fn rule(&mut self, directive: &Directive, condition: Condition, effect: Effect) {
        self.rules.push(Rule { line: directive.line, statement: directive.text(), condition, effect });
    }
}

/// `redir https://{host}{uri}`.
fn is_to_https(arguments: &[String]) -> bool {
    arguments.first().is_some_and(|to| {
        ["https://{host}{uri}", "https://{http.request.host}{http.request.uri}", "https://{hostport}{uri}"]
            .contains(&to.as_str())
    })
}

fn why(name: &str) -> &'static str {
    match name {
        "file_server" | "root" | "try_files" | "templates" | "fs" => {
            "polder does not serve files from here: let a webserver do that"
        }
        "php_fastcgi" => "polder speaks HTTP to backends: put a webserver before the program",
        "redir" | "respond" | "error" | "abort" | "handle_errors" => "polder does not answer by itself from here",
        "rewrite" | "uri" | "method" => {
            "polder sends requests to backends as they come: let the backend know the whole path"
        }
        "encode" => "polder does not compress yet: let the backends do that",
        "basic_auth" | "basicauth" | "forward_auth" => {
            "polder does not ask who visitors are; WHAT THIS KEEPS AWAY IS SERVED HERE"
        }
        "request_body" => "polder does not limit bodies by service",
        "header" | "request_header" => "polder does not change these fields from here",
        "map" | "vars" => "polder has no variables",
        "invoke" => "named routes are not read: write what it says into the site",
        "log_skip" | "skip_log" | "log_append" | "log_name" => "the access log has all requests",
        "tracing" => "polder does not trace",
        _ => "polder has nothing like it",
    }
}
