//! Health checks: `option httpchk`, `http-check` and what servers say of them (configuration manual, 4.2 and 5.2). Pure.

use std::time::Duration;

use super::super::bounds::within;
use super::super::note::Notes;
use super::super::tree::Table;
use super::sections::Statement;
use super::server::Server;
use super::times;
use crate::config::names;

/// What a section says of checks; what comes later counts.
#[derive(Debug, Clone, Default)]
pub struct Checks {
    /// `option httpchk`.
    http: Option<Asked>,
    expect: Option<String>,
    timeout: Option<Duration>,
}

#[derive(Debug, Clone, Default)]
struct Asked {
    path: Option<String>,
    host: Option<String>,
    /// Another method than GET, and who says so.
    method: Option<(String, Statement)>,
}

/// As HAProxy's.
const INTERVAL: Duration = Duration::from_secs(2);
/// What a document may say.
const INTERVALS: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(3600));
const TIMEOUTS: (Duration, Duration) = (Duration::from_millis(1), Duration::from_secs(60));

impl Checks {
    /// Takes a statement if it is about checks.
    pub fn take(&mut self, statement: &Statement, notes: &mut Notes) -> bool {
        if statement.begins(&["option", "httpchk"]) {
            if statement.negated {
                self.http = None;
            } else {
                self.httpchk(statement, notes);
            }
        } else if statement.begins(&["option", "tcp-check"]) {
            self.http = None;
        } else if statement.begins(&["http-check", "send"]) {
            self.send(statement, notes);
        } else if statement.begins(&["http-check", "expect"]) {
            self.expected(statement, notes);
        } else if statement.begins(&["timeout", "check"]) {
            self.timeout = statement.argument(1).and_then(times::parse);
        } else if statement.begins(&["http-check", "disable-on-404"]) {
            notes.left_out(
                statement.line,
                &statement.text(),
                "an operator drains a backend by `polder drain`, not the backend itself",
            );
        } else if matches!(statement.keyword(), "http-check" | "tcp-check" | "external-check")
            || (statement.keyword() == "option"
                && statement
                    .argument(0)
                    .is_some_and(|option| option.ends_with("-check") || option.ends_with("-hello-chk")))
        {
            let why = "polder's checks are GET of a path, or a connection: the backend counts as up when that succeeds";
            notes.left_out(statement.line, &statement.text(), why);
        } else {
            return false;
        }
        true
    }

    /// `option httpchk [METHOD] [PATH] [VERSION]`, in older configurations with `\r\nHost: NAME` behind the version.
    fn httpchk(&mut self, statement: &Statement, notes: &mut Notes) {
        let (method, path) = match (statement.argument(1), statement.argument(2)) {
            (None, _) => ("OPTIONS", None),
            (Some(path), None) => ("OPTIONS", Some(path)),
            (Some(method), Some(path)) => (method, Some(path)),
        };
        let mut asked = Asked::default();
        asked.set_method(method, statement);
        asked.set_path(path, statement, notes);
        for field in statement.argument(3).unwrap_or_default().split("\r\n").skip(1) {
            asked.set_field(field, statement, notes);
        }
        self.http = Some(asked);
    }

    fn send(&mut self, statement: &Statement, notes: &mut Notes) {
        let asked = self.http.get_or_insert_default();
        let mut words = statement.words.iter().skip(2).map(String::as_str);
        while let Some(word) = words.next() {
            match word {
                "meth" => asked.set_method(words.next().unwrap_or_default(), statement),
                "uri" => asked.set_path(words.next(), statement, notes),
                "ver" => {
                    words.next();
                }
                "hdr" => {
                    let (name, value) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
                    asked.set_field(&format!("{name}: {value}"), statement, notes);
                }
                other => {
                    notes.left_out(statement.line, &statement.text(), format!("{other}: polder's checks have no body"));
                    break;
                }
            }
        }
    }

    fn expected(&mut self, statement: &Statement, notes: &mut Notes) {
        let arguments: Vec<&str> = statement.words.iter().skip(2).map(String::as_str).collect();
        match arguments[..] {
            ["status", statuses] if is_list_of_statuses(statuses) => self.expect = Some(statuses.to_owned()),
            _ => notes.left_out(
                statement.line,
                &statement.text(),
                "polder's checks look at the status alone (\"expect\")",
            ),
        }
    }

    /// The `check` of a service with these servers.
    pub fn table(&self, servers: &[Server], notes: &mut Notes) -> Table {
        let mut check = Table::new();
        match &self.http {
            None => check.set("type", "tcp"),
            Some(asked) => {
                check.set("path", asked.path.clone().unwrap_or_else(|| "/".to_owned()));
                check.set_some("host", asked.host.clone());
                check.set_some("expect", self.expect.clone());
                if let Some((method, statement)) = &asked.method {
                    let why = format!("polder's checks send GET, not {method}");
                    notes.changed(statement.line, &statement.text(), why);
                }
            }
        }
        for server in servers.iter().filter(|server| !server.parameters.has("check")) {
            let why = "HAProxy does not check it; polder checks every backend, and sends nothing to one that fails";
            notes.changed(server.line, &server.statement, why);
        }
        let Some(model) = servers.iter().find(|server| server.parameters.has("check")).or(servers.first()) else {
            return check;
        };
        for server in servers.iter().filter(|server| server.parameters.has("check")) {
            let differing = ["inter", "fastinter", "rise", "fall", "port"]
                .into_iter()
                .filter(|name| server.parameters.get(name) != model.parameters.get(name));
            for name in differing {
                let why = format!(
                    "{name}: a service has one check for all its backends, that of the server in line {}",
                    model.line
                );
                notes.changed(server.line, &server.statement, why);
            }
        }
        self.put_times(model, &mut check, notes);
        check
    }

    fn put_times(&self, model: &Server, check: &mut Table, notes: &mut Notes) {
        let parameter = |name: &str| model.parameters.get(name);
        let mut held = |time: Duration, (least, most): (Duration, Duration), what: &str| {
            let (text, fits) = within(time, least, most);
            if !fits {
                notes.changed(model.line, &model.statement, format!("{what} is {text}: more or less is not allowed"));
            }
            text
        };
        let interval = parameter("inter").and_then(times::parse).unwrap_or(INTERVAL);
        let text = held(interval, INTERVALS, "inter");
        let interval = interval.clamp(INTERVALS.0, INTERVALS.1);
        check.set("interval", text);
        let fast = parameter("fastinter").and_then(times::parse).unwrap_or(interval);
        check.set("fast_interval", held(fast, (Duration::from_millis(1), interval), "fastinter"));
        // Without `timeout check`, a probe of HAProxy's may take until the next one.
        check.set("timeout", held(self.timeout.unwrap_or(interval).min(TIMEOUTS.1), TIMEOUTS, "timeout check"));
        for (name, key) in [("rise", "rise"), ("fall", "fall"), ("port", "port")] {
            if let Some(number) = parameter(name).and_then(|text| text.parse::<u64>().ok()) {
                check.set(key, number);
            }
        }
    }
}

impl Asked {
    fn set_method(&mut self, method: &str, statement: &Statement) {
        self.method = (method != "GET").then(|| (method.to_owned(), statement.clone()));
    }

    fn set_path(&mut self, path: Option<&str>, statement: &Statement, notes: &mut Notes) {
        let Some(path) = path else { return };
        match names::check_path(path) {
            Ok(path) => self.path = Some(path),
            Err(invalid) => {
                notes.left_out(statement.line, &statement.text(), format!("{invalid}; the check asks for / now"))
            }
        }
    }

    fn set_field(&mut self, field: &str, statement: &Statement, notes: &mut Notes) {
        let (name, value) = field.split_once(':').unwrap_or((field, ""));
        let host = name.trim().eq_ignore_ascii_case("host").then(|| names::check_host(value.trim()).ok()).flatten();
        match host {
            Some(host) => self.host = Some(host),
            None if name.trim().eq_ignore_ascii_case("connection") => {}
            None => notes.left_out(statement.line, field.trim(), "of a check's fields, Host alone can be chosen"),
        }
    }
}

fn is_list_of_statuses(text: &str) -> bool {
    let status = |text: &str| text.len() == 3 && text.parse::<u16>().is_ok_and(|status| (100..=599).contains(&status));
    let range = |text: &str| {
        let (from, to) = text.split_once('-').unwrap_or((text, text));
        status(from) && status(to) && from <= to
    };
    text.split(',').all(range)
}
