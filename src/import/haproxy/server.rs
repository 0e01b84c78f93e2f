//! `server` and `default-server` (configuration manual, 4.2 and 5.2). Pure.

use std::collections::BTreeMap;

use super::super::dial::dial;
use super::super::note::Notes;
use super::sections::Statement;

/// A server, with what `default-server` lines before it say.
#[derive(Debug, Clone)]
pub struct Server {
    /// Its line.
    pub line: u32,
    /// Its words.
    pub statement: String,
    /// Its name.
    pub name: String,
    /// Its address and port.
    pub address: String,
    /// Its parameters.
    pub parameters: Parameters,
}

/// Parameters by name; those without a value have an empty one.
#[derive(Debug, Clone, Default)]
pub struct Parameters(BTreeMap<String, String>);

/// Those without a value.
const FLAGS: &[&str] = &[
    "agent-check",
    "allow-0rtt",
    "backup",
    "check",
    "check-send-proxy",
    "check-ssl",
    "check-via-socks4",
    "disabled",
    "enabled",
    "force-sslv3",
    "force-tlsv10",
    "force-tlsv11",
    "force-tlsv12",
    "force-tlsv13",
    "non-stick",
    "send-proxy",
    "send-proxy-v2",
    "send-proxy-v2-ssl",
    "send-proxy-v2-ssl-cn",
    "ssl",
    "ssl-reuse",
    "stick",
    "tfo",
    "tls-tickets",
    "no-tls-tickets",
];

/// Those that are taken, or need no place here; [`super::backend`] and [`super::check`] look at them.
const TAKEN: &[&str] = &[
    "check-send-proxy",
    "maxconn",
    "slowstart",
    "send-proxy",
    "send-proxy-v2",
    "send-proxy-v2-ssl",
    "send-proxy-v2-ssl-cn",
    "alpn",
    "backup",
    "ca-file",
    "check",
    "check-ssl",
    "check-sni",
    "cookie",
    "crt",
    "enabled",
    "fall",
    "fastinter",
    "id",
    "inter",
    "port",
    "proto",
    "rise",
    "sni",
    "ssl",
    "ssl-min-ver",
    "ssl-reuse",
    "tfo",
    "tls-tickets",
    "verify",
    "verifyhost",
    "weight",
    "pool-max-conn",
    "pool-purge-delay",
    "pool-low-conn",
    "no-tls-tickets",
];

impl Parameters {
    /// Adds words; what begins with `no-` takes a flag out again.
    pub fn add(&mut self, words: &[String]) {
        let mut words = words.iter();
        while let Some(word) = words.next() {
            if let Some(flag) = word.strip_prefix("no-").filter(|flag| FLAGS.contains(flag)) {
                self.0.remove(flag);
                continue;
            }
            let has_value = !FLAGS.contains(&word.as_str()) && !word.starts_with("no-");
            let value = if has_value { words.next().cloned().unwrap_or_default() } else { String::new() };
            self.0.insert(word.clone(), value);
        }
    }

    /// The value of one.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Whether it is there.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }
}

/// Reads a `server` line.
pub fn read(statement: &Statement, defaults: &Parameters, notes: &mut Notes) -> Option<Server> {
    let mut parameters = defaults.clone();
    parameters.add(statement.words.get(3..).unwrap_or_default());
    let (name, written) = (statement.argument(0)?, statement.argument(1).unwrap_or_default());
    let address = match dial(written) {
        Ok((address, changed)) => {
            if let Some(changed) = changed {
                notes.changed(statement.line, &statement.text(), changed);
            }
            address
        }
        Err(why) => {
            notes.left_out(statement.line, &statement.text(), why);
            return None;
        }
    };
    if parameters.has("disabled") {
        let why = "it is disabled: add it to the document when it is to be used; `polder maint` takes a backend out";
        notes.left_out(statement.line, &statement.text(), why);
        return None;
    }
    for (name, value) in &parameters.0 {
        if !TAKEN.contains(&name.as_str()) {
            notes.left_out(statement.line, format!("{name} {value}").trim_end(), why(name));
        }
    }
    let text = statement.text();
    Some(Server { line: statement.line, statement: text, name: name.to_owned(), address, parameters })
}

fn why(parameter: &str) -> &'static str {
    match parameter {
        "resolvers" | "init-addr" | "resolve-prefer" | "resolve-net" | "resolve-opts" => {
            "polder looks up no names of backends"
        }
        "downinter" => "a backend that is down is probed at the usual interval",
        "agent-check" | "agent-port" | "agent-inter" | "agent-addr" | "agent-send" => {
            "polder asks no agents: `polder drain` and `polder maint` take a backend out"
        }
        "track" => "each service checks its own backends; equal checks of one address are made once",
        "observe" | "on-error" | "error-limit" => "polder judges by checks, and by failed connections within a request",
        "on-marked-down" | "on-marked-up" => {
            "requests that wait for a backend that goes down are moved; running ones go on"
        }
        "source" | "interface" | "namespace" | "usesrc" => "the kernel chooses the address from which polder connects",
        "ciphers" | "ciphersuites" | "ssl-max-ver" | "curves" | "sigalgs" | "force-tlsv12" | "force-tlsv13" => {
            "polder chooses among the safe ones by itself"
        }
        "crl-file" => "polder does not look whether a backend's certificate was revoked",
        "maxqueue" | "minconn" => "polder has no such limit",
        "addr" | "check-alpn" | "check-proto" => "polder probes the backend's own address",
        _ => "polder has nothing like it",
    }
}
