//! Rules that answer requests or change them: `http-request`, `http-response` and `redirect` (configuration manual, 4.2). Pure.

use super::super::answers::{self, Keeps};
use super::super::condition::Condition;
use super::super::error::Inexpressible;
use super::super::headers::{self, Edit, Way};
use super::super::note::Notes;
use super::super::routes::{Effect, Rule};
use super::super::tree::Table;
use super::acl::{Acls, danger};
use super::compression;
use super::guards;
use super::rate::Tables;
use super::sections::Statement;

/// The rules and acls of a section.
#[derive(Debug, Default)]
pub struct Rules {
    /// The acls, which `use_backend` asks, too.
    pub acls: Acls,
    rules: Vec<Statement>,
    /// `tcp-request ... reject`, which is asked before them.
    rejections: Vec<Statement>,
    compression: Vec<Statement>,
}

/// Fields that polder sets by itself.
const OWN_FIELDS: &[&str] = &["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "forwarded"];

/// What redirects do there beside, and not here.
const REDIRECTS_WITHOUT: &[(&str, &str)] = &[
    ("set-cookie", "polder's redirects set no cookies"),
    ("clear-cookie", "polder's redirects set no cookies"),
    ("append-slash", "polder's redirects add no slash to a path"),
];

/// What says the text and the fields of an answer.
const OF_BODIES: &[&str] =
    &["content-type", "string", "lf-string", "file", "lf-file", "errorfile", "errorfiles", "hdr"];

impl Rules {
    /// Takes a statement if it is a rule.
    pub fn take(&mut self, statement: &Statement) -> bool {
        match statement.keyword() {
            "acl" => self.acls.add(statement),
            "http-request" | "http-response" | "redirect" => self.rules.push(statement.clone()),
            "tcp-request" if statement.argument(1) == Some("reject") => self.rejections.push(statement.clone()),
            "compression" => self.compression.push(statement.clone()),
            _ => return false,
        }
        true
    }

    /// All of them in the order in which they are asked: `redirect` comes behind `http-request`.
    pub fn read(&self, section: &str, rates: &Tables, notes: &mut Notes) -> Vec<Rule> {
        let is_redirect = |statement: &&Statement| statement.keyword() == "redirect";
        let (redirects, others): (Vec<_>, Vec<_>) = self.rules.iter().partition(is_redirect);
        let compression = compression::read(&self.compression, notes);
        let rules = self.rejections.iter().chain(others).chain(redirects);
        compression.into_iter().chain(rules.filter_map(|rule| self.read_one(section, rates, rule, notes))).collect()
    }

    fn read_one(&self, section: &str, rates: &Tables, statement: &Statement, notes: &mut Notes) -> Option<Rule> {
        let words = match statement.keyword() {
            "redirect" => &statement.words[..],
            "tcp-request" => &statement.words[2..],
            _ => statement.arguments(),
        };
        let (action, condition) = split(words);
        if sets_own_field(action) || rates.explains(section, statement) {
            return None;
        }
        if let Some((limit, counted)) = self.rate_limit(section, rates, statement, notes) {
            let effect = Effect::Set(Table::new().with("rate_limit", limit));
            return self.rule(statement, &counted, effect, danger(statement), notes);
        }
        let guard = match guards::read(action, condition, &self.acls, statement, notes) {
            None => None,
            Some(Ok(guard)) => Some(guard),
            Some(Err(why)) => {
                notes.left_out(statement.line, &statement.text(), format!("{why}; what it refuses is served here"));
                return None;
            }
        };
        if let Some(guards::Guard { settings, rest }) = guard {
            return self.rule(statement, &rest, Effect::Set(settings), "; what it refuses is served here", notes);
        }
        let mut told = Notes::default();
        let effect = match effect(action, statement, &mut told) {
            Ok(effect) => effect,
            Err(why) => {
                notes.left_out(statement.line, &statement.text(), format!("{why}{}", danger(statement)));
                return None;
            }
        };
        let rule = self.rule(statement, condition, effect, danger(statement), notes)?;
        // What would mean something else is told of what is taken.
        notes.take_over(told);
        Some(rule)
    }

    fn rule(
        &self,
        statement: &Statement,
        condition: &[String],
        effect: Effect,
        danger: &str,
        notes: &mut Notes,
    ) -> Option<Rule> {
        match self.acls.condition(statement, condition, notes) {
            Ok(condition) => Some(Rule { line: statement.line, statement: statement.text(), condition, effect }),
            Err(why) => {
                notes.left_out(statement.line, &statement.text(), format!("{why}{danger}"));
                None
            }
        }
    }
}

impl Rules {
    /// `rate_limit`, where the rule refuses whoever asks too often and looks at nothing else; and which requests are counted.
    fn rate_limit(
        &self,
        section: &str,
        rates: &Tables,
        statement: &Statement,
        notes: &mut Notes,
    ) -> Option<(Table, Vec<String>)> {
        let (action, condition) = split(statement.arguments());
        if !action.first().is_some_and(|verb| matches!(verb.as_str(), "deny" | "tarpit" | "reject" | "silent-drop")) {
            return None;
        }
        let test = match condition {
            [word, open, test @ .., close] if word == "if" && open == "{" && close == "}" => test,
            [word, name] if word == "if" => self.acls.only(name)?,
            _ => return None,
        };
        // `sc1_http_req_rate`, `sc_http_req_rate(1)`: the number of what counts; `src_http_req_rate` has none.
        let number = test.first().filter(|counter| !counter.starts_with("src_"));
        let number = number.and_then(|counter| counter.bytes().find(u8::is_ascii_digit)).map(char::from);
        let counts = |rule: &&Statement| {
            let verb = rule.argument(0).and_then(|verb| verb.strip_prefix("track-sc"));
            verb.is_some_and(|of| number.is_none_or(|number| of.starts_with(number)))
        };
        let tracks: Vec<&Statement> = self.rules.iter().filter(counts).collect();
        let (tracked, counted) = match tracks[..] {
            [] => (None, Vec::new()),
            [track] if track.argument(1) == Some("src") => {
                let table = track.words.iter().skip_while(|word| *word != "table").nth(1);
                (table.map(String::as_str), split(track.arguments()).1.to_vec())
            }
            _ => return None,
        };
        Some((rates.limit(section, tracked, test, statement, notes)?, counted))
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
    let option = |name: &str| words.windows(2).find_map(|pair| (pair[0] == name).then_some(pair[1]));
    match words[..] {
        ["redirect", ..] if option("scheme") == Some("https") => {
            if option("code") != Some("308") {
                let why = "polder answers 308, which keeps the method of the request";
                notes.changed(statement.line, &statement.text(), why);
            }
            Ok(Effect::ToHttps)
        }
        ["redirect", ..] => {
            // Its words stand in any order: `redirect code 301 location /x`.
            let to = ["location", "prefix", "scheme"].into_iter().find_map(|kind| Some((kind, option(kind)?)));
            for (word, why) in REDIRECTS_WITHOUT.iter().filter(|(word, _)| words.contains(word)) {
                notes.left_out(statement.line, &statement.text(), format!("{word}: {why}"));
            }
            let (kind, to) = to.ok_or_else(|| Inexpressible::from("expected redirect location, prefix or scheme"))?;
            let status = option("code").and_then(|code| code.parse().ok()).unwrap_or(302);
            redirect(kind, to, words.contains(&"drop-query"), status).map(Effect::Answer)
        }
        [verb @ ("deny" | "reject" | "tarpit" | "silent-drop"), ..] => {
            let status =
                option("deny_status").or(option("status")).and_then(|status| status.parse().ok()).unwrap_or(403);
            if verb == "deny" && words.iter().any(|word| OF_BODIES.contains(word)) {
                let why = format!(
                    "polder answers {status} with the status alone; http-request return takes a text and fields"
                );
                notes.changed(statement.line, &statement.text(), why);
            }
            if verb != "deny" {
                let why = format!("polder answers {status} at once");
                notes.changed(statement.line, &statement.text(), why);
            }
            Ok(Effect::Answer(answers::answer(status, None, "")))
        }
        ["return", ..] => {
            let status = option("status").and_then(|status| status.parse().ok()).unwrap_or(200);
            returned(&words, status, &option).map(Effect::Answer)
        }
        ["set-header" | "add-header", name, value] if is_hsts(name) && statement.keyword() == "http-response" => {
            hsts(value).map(|hsts| Effect::Set(Table::new().with("hsts", hsts)))
        }
        [verb @ ("set-header" | "add-header"), name, value] => {
            let edit = if verb == "set-header" { Edit::Set } else { Edit::Add };
            let value = headers::template(value, sample)?;
            headers::edit(way(statement), edit, name, &value).map(Effect::Set)
        }
        ["del-header", name] => headers::edit(way(statement), Edit::Remove, name, "").map(Effect::Set),
        ["del-header", name, "-m", "beg"] => {
            headers::edit(way(statement), Edit::Remove, &format!("{name}*"), "").map(Effect::Set)
        }
        [verb, ..] => Err(why(verb).into()),
        [] => Err("there is no action in it".into()),
    }
}

/// `redirect location URL`, `redirect prefix URL`, `redirect scheme http`. What is kept of the request is stated by its samples.
fn redirect(kind: &str, to: &str, drop_query: bool, status: u64) -> Result<Table, Inexpressible> {
    let whole = ["%[capture.req.uri]", "%[url]", "%[pathq]"].iter().find_map(|sample| to.strip_suffix(sample));
    let keeps = if drop_query { Keeps::Path } else { Keeps::All };
    match (kind, whole) {
        ("location", Some(front)) => answers::redirect(front, Keeps::All, status),
        ("location", None) => match to.strip_suffix("%[path]") {
            Some(front) => answers::redirect(front, Keeps::Path, status),
            None => answers::redirect(to, Keeps::Nothing, status),
        },
        ("prefix", _) => answers::redirect(to, keeps, status),
        _ => answers::redirect(&format!("{to}://"), keeps, status),
    }
}

/// `return [status N] [content-type T] [string TEXT | file FILE] [hdr NAME VALUE]`.
fn returned<'w>(
    words: &[&'w str],
    status: u64,
    option: &impl Fn(&str) -> Option<&'w str>,
) -> Result<Table, Inexpressible> {
    if let Some(word) = words.iter().find(|word| matches!(**word, "lf-string" | "lf-file" | "errorfile" | "errorfiles"))
    {
        return Err(format!("{word}: polder answers with a fixed text, or with the content of a file").into());
    }
    let mut answer = Table::new().with("status", status);
    let mut headers = Table::new();
    headers.set_some("Content-Type", option("content-type"));
    for triple in words.windows(3).filter(|triple| triple[0] == "hdr") {
        if triple[2].contains("%[") {
            return Err(format!("{} is computed: polder answers with fixed fields", triple[1]).into());
        }
        headers.set(triple[1], triple[2]);
    }
    if !headers.is_empty() {
        answer.set("headers", headers);
    }
    answer.set_some("body", option("string"));
    answer.set_some("file", option("file"));
    Ok(Table::new().with("answer", answer))
}

fn way(statement: &Statement) -> Way {
    if statement.keyword() == "http-response" { Way::Response } else { Way::Request }
}

/// The first `%[SAMPLE]` or `%VARIABLE` of a format (configuration manual, 8.2.6): what stands before it, polder's name of it, the rest.
fn sample(text: &str) -> Option<(&str, Result<&'static str, Inexpressible>, &str)> {
    let (before, rest) = text.split_once('%')?;
    let (name, behind) = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some(split) => split,
        None if rest.starts_with('%') => ("%", &rest[1..]),
        None => rest.split_at(rest.bytes().take_while(u8::is_ascii_alphabetic).count()),
    };
    let variable = match name {
        "%" => "%",
        "src" | "ci" => "{client}",
        "src_port" | "cp" => "{client_port}",
        "unique-id" | "unique_id" | "ID" => "{request_id}",
        "req.hdr(host)" | "hdr(host)" | "req.hdr(Host)" | "hdr(Host)" => "{host}",
        "ssl_fc_protocol" | "sslv" => "{tls_version}",
        "ssl_fc_cipher" | "sslc" => "{tls_cipher}",
        "ssl_fc_sni" => "{tls_server_name}",
        _ => {
            let written = &text[before.len()..text.len() - behind.len()];
            let why = format!("{written}: polder has no such variable; docs/documents.md#header-fields lists them");
            return Some((before, Err(why.into()), behind));
        }
    };
    Some((before, Ok(variable), behind))
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

#[cfg(test)]
mod tests;
