//! What a site does with requests, as rules in the order in which Caddy asks. Pure.

use super::super::answers;
use super::super::condition::Condition;
use super::super::draft::{Names, Pool};
use super::super::error::Inexpressible;
use super::super::guards;
use super::super::haproxy::rules::hsts;
use super::super::headers::{self, Way};
use super::super::note::Notes;
use super::super::routes::{Effect, Rule};
use super::super::tree::Table;
use super::super::vet::vet;
use super::blocks::Directive;
use super::fields::field;
use super::handlers::{FORMATS, encode, error, forward_auth, redir, request_body, respond};
use super::matcher::Matchers;
use super::order::sorted;
use super::reverse_proxy;

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
    /// What lists of users are called so far.
    pub lists: &'a mut Names,
    /// The folder of files, as `root` says.
    pub root: Option<String>,
    /// The file for what is not there, as `try_files` says.
    pub fallback: Option<String>,
    /// Within `handle_path`.
    pub strips: bool,
}

/// What is told of a rule that refuses visitors by their address, whatever it answers.
const WHY_403: &str = "polder answers 403 to those who are refused";

/// What is said of a site and not of requests; `super` reads it.
pub const OF_SITES: &[&str] = &["tls", "bind", "log"];

impl Site<'_> {
    /// Adds the rules of a block, and one behind them for what it leaves unanswered.
    pub fn read(&mut self, site: &Directive) {
        let condition = self.condition.clone();
        self.block(&site.block, &condition, true, &Matchers::default());
        self.rule(site, condition, Effect::Refuse);
    }

    fn block(&mut self, block: &[Directive], condition: &Condition, sort: bool, outer: &Matchers) {
        let matchers = &Matchers::of(block, outer);
        let (root, fallback) = (self.root.clone(), self.fallback.clone());
        self.look_for_files(block);
        let directives = if sort { sorted(block) } else { block.iter().collect() };
        let mut handled: Vec<Condition> = Vec::new();
        let says_something =
            |directive: &&Directive| !directive.name().starts_with('@') && !OF_SITES.contains(&directive.name());
        let mut directives = directives.into_iter().filter(says_something).peekable();
        while let Some(directive) = directives.next() {
            if directive.name() == "handle"
                && let Some((networks, others)) = matchers.networks(directive)
                && let Some(refusing) = directives.next_if(|next| is_for_the_rest(next) && refuses_all(&next.block))
            {
                let alone = but(condition.clone(), &handled);
                handled.push(Condition::Always);
                match guards::networks(&networks, &[], !others) {
                    Ok(settings) => {
                        self.notes.changed(refusing.line, &refusing.text(), WHY_403);
                        self.rule(directive, alone.clone(), Effect::Set(settings));
                        self.block(&directive.block, &alone, true, matchers);
                    }
                    Err(why) => self.refuse(directive, alone, why),
                }
                continue;
            }
            if matches!(directive.name(), "respond" | "error" | "abort")
                && let Some((networks, others)) = matchers.networks(directive)
            {
                match guards::networks(&networks, &[], others) {
                    Ok(settings) => {
                        self.notes.changed(directive.line, &directive.text(), WHY_403);
                        self.rule(directive, condition.clone(), Effect::Set(settings));
                    }
                    Err(why) => {
                        let why = format!("{why}; what it keeps away is served here");
                        self.notes.left_out(directive.line, &directive.text(), why);
                    }
                }
                continue;
            }
            let (own, arguments) = match matchers.split(directive, self.notes) {
                Ok(split) => split,
                Err(why) => {
                    let danger = if is_guard(directive) { "; what it keeps away is served here" } else { "" };
                    self.notes.left_out(directive.line, &directive.text(), format!("{why}{danger}"));
                    continue;
                }
            };
            if is_guard(directive) && own.names_letters() {
                let why = "polder knows capitals of paths from small letters, and Caddy does not; what it keeps away is served here under other spellings";
                self.notes.changed(directive.line, &directive.text(), why);
            }
            let here = condition.clone().and(own.clone());
            match directive.name() {
                "handle" | "handle_path" => {
                    // Of several blocks the first one that matches is the only one.
                    let alone = but(here, &handled);
                    handled.push(own);
                    let strips = self.strips;
                    self.strips |= directive.name() == "handle_path";
                    if directive.name() == "handle_path" && proxies(&directive.block) {
                        let why = "polder sends paths to backends as they come: the backend gets the whole path, with this prefix";
                        self.notes.changed(directive.line, &directive.text(), why);
                    }
                    self.block(&directive.block, &alone, true, matchers);
                    self.strips = strips;
                }
                "route" => self.block(&directive.block, &here, false, matchers),
                _ => self.directive(directive, arguments, here),
            }
        }
        (self.root, self.fallback) = (root, fallback);
    }

    /// `root` and `try_files`, which count for the whole block.
    fn look_for_files(&mut self, block: &[Directive]) {
        for directive in block {
            let arguments: Vec<&str> = directive.arguments().iter().map(String::as_str).collect();
            match (directive.name(), &arguments[..]) {
                ("root", ["*", folder] | [folder]) if !folder.starts_with('@') => {
                    self.root = Some((*folder).to_owned())
                }
                ("try_files", ["{path}", last] | ["{path}", "{path}/", last]) if !last.contains('{') => {
                    self.fallback = Some(last.trim_start_matches('/').to_owned());
                }
                ("root" | "try_files", _) => {
                    let why = "expected root * FOLDER, or try_files {path} FILE: the whole site has one of each";
                    self.notes.left_out(directive.line, &directive.text(), why);
                }
                _ => {}
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
                let why = "polder answers 308, which keeps the method of the request";
                self.notes.changed(directive.line, &directive.text(), why);
                self.rule(directive, condition, Effect::ToHttps);
            }
            "basic_auth" | "basicauth" => {
                let realm = arguments.get(1).map(String::as_str);
                match guards::basic_auth(&self.lists.take(&self.name), realm) {
                    Ok((settings, file)) => {
                        let why = format!(
                            "names and hashes come from {file} here: write each as NAME:HASH into it, on every proxy; nobody comes in before"
                        );
                        self.notes.changed(directive.line, &directive.text(), why);
                        self.rule(directive, condition, Effect::Set(settings));
                    }
                    Err(why) => self.refuse(directive, condition, why),
                }
            }
            "forward_auth" => match forward_auth(directive, arguments, self.notes) {
                Ok(settings) => self.rule(directive, condition, Effect::Set(settings)),
                Err(why) => self.refuse(directive, condition, why),
            },
            "encode" => {
                for inner in directive.block.iter().filter(|inner| !FORMATS.contains(&inner.name())) {
                    let why = "polder compresses text from 1024 bytes on; \"min_size\" and \"types\" of \"compression\" say otherwise";
                    self.notes.left_out(inner.line, &inner.text(), why);
                }
                self.set(directive, condition, encode(directive, arguments));
            }
            "request_body" => self.set(directive, condition, request_body(directive)),
            "redir" => self.answer(directive, condition, redir(arguments)),
            "respond" => self.answer(directive, condition, respond(directive, arguments)),
            "error" => self.answer(directive, condition, error(arguments)),
            "file_server" => {
                let files = self.files(directive, arguments);
                self.answer(directive, condition, files);
            }
            "root" | "try_files" => {}
            "header" => self.header(directive, arguments, condition, Way::Response),
            "request_header" => self.header(directive, arguments, condition, Way::Request),
            name => {
                self.notes.left_out(directive.line, &directive.text(), why(name));
                if matches!(name, "abort" | "php_fastcgi" | "acme_server" | "metrics") {
                    self.rule(directive, condition, Effect::Refuse);
                }
            }
        }
    }

    /// `header [MATCHER] FIELD VALUE`, or a block of such lines; `request_header` alike.
    fn header(&mut self, directive: &Directive, arguments: &[String], condition: Condition, way: Way) {
        let inline = Directive { line: directive.line, words: arguments.to_vec(), block: Vec::new() };
        let lines = std::iter::once(&inline).filter(|line| !line.words.is_empty()).chain(&directive.block);
        let mut settings = Table::new();
        for line in lines.filter(|line| line.name() != "defer") {
            let is_hsts =
                line.name().trim_start_matches(['+', '?', '>']).eq_ignore_ascii_case("strict-transport-security");
            let edited = match line.argument(0).filter(|_| is_hsts && way == Way::Response) {
                Some(value) => hsts(value).map(|hsts| Table::new().with("hsts", hsts)),
                None => field(way, &line.words),
            };
            match edited {
                Ok(edits) => headers::apply(&mut settings, &edits),
                Err(why) => {
                    let told = if line.line == directive.line { directive.text() } else { line.text() };
                    self.notes.left_out(line.line, &told, why);
                }
            }
        }
        if !settings.is_empty() {
            self.rule(directive, condition, Effect::Set(settings));
        }
    }

    /// What would keep visitors away and cannot be taken keeps all of them away.
    fn refuse(&mut self, directive: &Directive, condition: Condition, why: Inexpressible) {
        let why = format!("{why}; what it guards is answered 403 until you say who may come");
        self.notes.left_out(directive.line, &directive.text(), why);
        self.rule(directive, condition, Effect::Answer(answers::answer(403, None, "")));
    }

    /// A directive that says something of requests that others answer.
    fn set(&mut self, directive: &Directive, condition: Condition, keys: Result<Table, Inexpressible>) {
        match keys.and_then(|keys| vet(&keys).map(|()| keys)) {
            Ok(keys) => self.rule(directive, condition, Effect::Set(keys)),
            Err(why) => self.notes.left_out(directive.line, &directive.text(), why),
        }
    }

    /// A directive that answers by itself; where it cannot be expressed, nothing does.
    fn answer(&mut self, directive: &Directive, condition: Condition, keys: Result<Table, Inexpressible>) {
        match keys {
            Ok(keys) => self.rule(directive, condition, Effect::Answer(keys)),
            Err(why) => {
                self.notes.left_out(directive.line, &directive.text(), why);
                self.rule(directive, condition, Effect::Refuse);
            }
        }
    }

    fn files(&mut self, directive: &Directive, arguments: &[String]) -> Result<Table, Inexpressible> {
        let mut files = Table::new();
        let inner = directive.block.iter().find(|inner| inner.name() == "root").and_then(|inner| inner.argument(0));
        match inner.or(self.root.as_deref()) {
            Some(folder) if folder.starts_with('/') && !folder.contains('{') => files.set("folder", folder),
            _ => return Err("the folder is not stated as an absolute path: root * /srv/www".into()),
        }
        if self.strips {
            files.set("strip_prefix", true);
        }
        if arguments.first().is_some_and(|word| word == "browse") {
            self.notes.left_out(directive.line, &directive.text(), "polder lists no folders");
        }
        for inner in &directive.block {
            match inner.name() {
                "root" => {}
                "index" => files.set("index", inner.arguments().to_vec()),
                "precompressed" => files.set("precompressed", true),
                "hide" => {
                    let why =
                        "files whose name begins with a dot are never served; others are: take them out of the folder";
                    self.notes.left_out(inner.line, &inner.text(), why);
                }
                _ => self.notes.left_out(inner.line, &inner.text(), "polder has nothing like it"),
            }
        }
        files.set_some("fallback", self.fallback.clone());
        Ok(Table::new().with("files", files))
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

/// The condition, without what blocks before it have.
fn but(condition: Condition, handled: &[Condition]) -> Condition {
    handled.iter().fold(condition, |here, earlier| here.and(earlier.clone().negated()))
}

/// `handle` without a matcher: of what no `handle` before it has.
fn is_for_the_rest(directive: &Directive) -> bool {
    directive.name() == "handle" && directive.arguments().is_empty()
}

/// Whether a block does nothing but refuse whoever comes to it.
fn refuses_all(block: &[Directive]) -> bool {
    let [only] = block else { return false };
    let for_all = !only.argument(0).is_some_and(|first| first.starts_with(['@', '/']));
    for_all
        && match only.name() {
            "error" | "abort" => true,
            "respond" => respond(only, only.arguments()).is_ok_and(|keys| answers::is_error(&keys)),
            _ => false,
        }
}

/// Whether it keeps visitors away, or may.
fn is_guard(directive: &Directive) -> bool {
    match directive.name() {
        "error" | "abort" | "basic_auth" | "basicauth" | "forward_auth" => true,
        "respond" => directive.arguments().iter().any(|word| word.len() == 3 && word.starts_with('4')),
        "handle" | "handle_path" | "route" => directive.block.iter().any(is_guard),
        _ => false,
    }
}

/// Whether requests go to backends from there.
fn proxies(block: &[Directive]) -> bool {
    block.iter().any(|directive| directive.name() == "reverse_proxy" || proxies(&directive.block))
}

fn why(name: &str) -> &'static str {
    match name {
        "templates" | "fs" => "polder serves files as they are",
        "php_fastcgi" => "polder speaks HTTP to backends: put a webserver before the program",
        "abort" => "polder answers every request",
        "handle_errors" => "pages of errors are a service's: \"error_pages\" in docs/targets.md",
        "rewrite" | "uri" | "method" => {
            "polder sends requests to backends as they come: let the backend know the whole path"
        }
        "rate_limit" => {
            "what a plugin limits, \"rate_limit\" of a service does: docs/limits.md; nothing is limited here"
        }
        "map" | "vars" => "polder has no variables",
        "invoke" => "named routes are not read: write what it says into the site",
        "log_skip" | "skip_log" | "log_append" | "log_name" => "the access log has all requests",
        "tracing" => "polder does not trace",
        _ => "polder has nothing like it",
    }
}
