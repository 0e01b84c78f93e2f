//! What answers requests: servers, how one is chosen, cookies, connections (configuration manual, 4.2). Pure.

use std::time::Duration;

use super::super::draft::{Names, SYSTEM_AUTHORITIES};
use super::super::note::Notes;
use super::super::tree::{Table, Tree};
use super::check::Checks;
use super::cookie::Cookie;
use super::limits;
use super::sections::{Proxy, Statement};
use super::server::{self, Parameters, Server};
use super::times;

/// A `backend`, or the servers of a `listen`.
#[derive(Debug, Default)]
pub struct Backend {
    servers: Vec<Server>,
    defaults: Parameters,
    balance: Option<&'static str>,
    checks: Checks,
    cookie: Option<Cookie>,
    redispatch: Option<&'static str>,
    /// `timeout queue`.
    queue: Option<Duration>,
    /// Keys as they are.
    settings: Table,
}

/// The most that a document takes.
const MOST_RETRIES: u64 = 10;

impl Backend {
    /// Takes a statement if it is about backends.
    pub fn take(&mut self, statement: &Statement, notes: &mut Notes) -> bool {
        if self.checks.take(statement, notes) {
            return true;
        }
        if statement.begins(&["timeout", "queue"]) {
            self.queue = statement.argument(1).and_then(times::parse);
            return true;
        }
        match statement.keyword() {
            "server" => self.servers.extend(server::read(statement, &self.defaults, notes)),
            "default-server" => self.defaults.add(statement.arguments()),
            "server-template" => {
                let why =
                    "polder looks up no names of backends: write a server line for each address, and import again";
                notes.left_out(statement.line, &statement.text(), why);
            }
            "balance" => self.take_balance(statement, notes),
            "cookie" if statement.negated => self.cookie = None,
            "cookie" => self.cookie = Some(Cookie::read(statement, notes)),
            "dynamic-cookie-key" => {}
            "retries" => self.take_retries(statement, notes),
            "http-reuse" => {
                let reuse = match statement.argument(0) {
                    Some("never") => "never",
                    Some("safe") => "safe",
                    _ => "always",
                };
                self.settings.set("reuse", reuse);
            }
            "option" => return self.take_option(statement),
            _ => return false,
        }
        true
    }

    fn take_option(&mut self, statement: &Statement) -> bool {
        match statement.argument(0) {
            Some("redispatch") if statement.negated => self.redispatch = None,
            Some("redispatch") => {
                self.redispatch = Some(if statement.argument(1) == Some("1") { "first" } else { "last" });
            }
            Some("abortonclose") => self.settings.set("abort_on_close", !statement.negated),
            _ => return false,
        }
        true
    }

    fn take_balance(&mut self, statement: &Statement, notes: &mut Notes) {
        let algorithm = statement.argument(0).unwrap_or_default();
        self.balance = Some(match algorithm.split('(').next().unwrap_or_default() {
            "roundrobin" | "static-rr" => "round-robin",
            "leastconn" => "least-connections",
            "random" => "random-two-choices",
            _ => {
                let why = "polder has round-robin, least-connections and random-two-choices; round-robin is taken. Where visitors have to stay \
                           on a backend, make the service stateful: a cookie keeps them there";
                notes.changed(statement.line, &statement.text(), why);
                "round-robin"
            }
        });
    }

    fn take_retries(&mut self, statement: &Statement, notes: &mut Notes) {
        let Some(retries) = statement.argument(0).and_then(|text| text.parse::<u64>().ok()) else { return };
        if retries > MOST_RETRIES {
            notes.changed(statement.line, &statement.text(), format!("at most {MOST_RETRIES} here"));
        }
        self.settings.set("retries", retries.min(MOST_RETRIES));
    }

    /// Whether there are servers.
    pub fn has_servers(&self) -> bool {
        !self.servers.is_empty()
    }

    /// The keys of a service.
    pub fn into_settings(self, proxy: &Proxy, notes: &mut Notes) -> Table {
        let is_backup = |server: &&Server| server.parameters.has("backup");
        let all_backups = self.servers.iter().all(|server| is_backup(&server));
        if let Some(first) = self.servers.first().filter(|_| all_backups) {
            notes.changed(
                first.line,
                &first.statement,
                "every server is a backup: one has to be a primary, and this one is",
            );
        }
        let mut settings = Table::new();
        settings.set("mode", if self.cookie.is_some() { "stateful" } else { "stateless" });
        if let Some(cookie) = &self.cookie {
            settings.set("failover", "automatic");
            settings.set("cookie", cookie.table());
            settings.set("redispatch", self.redispatch.unwrap_or("never"));
        }
        settings.set_some("balance", self.balance);
        settings.set("backends", self.backends(all_backups));
        let mut check = self.checks.table(&self.servers, notes);
        self.put_tls(&mut settings, &mut check, notes);
        settings.extend(self.settings.clone());
        self.put_send_proxy(&mut settings, &mut check, notes);
        settings.set("check", check);
        limits::put(&self.servers, self.queue, &mut settings, notes);
        if settings.get("protocol").is_some() && settings.remove("reuse").is_some() {
            let why = "http-reuse has no meaning for backends that speak HTTP/2";
            notes.left_out(proxy.line, &proxy.statement, why);
        }
        settings
    }

    fn backends(&self, all_backups: bool) -> Vec<Tree> {
        let mut names = Names::default();
        let weight = |server: &Server| server.parameters.get("weight").and_then(|weight| weight.parse::<u64>().ok());
        // As HAProxy: 1 where nothing is said, and shares are relative.
        let weighted = self.servers.iter().any(|server| weight(server).is_some_and(|weight| weight != 1));
        let backends = self.servers.iter().enumerate().map(|(n, server)| {
            let mut backend =
                Table::new().with("name", names.take(&server.name)).with("address", server.address.as_str());
            if weighted {
                backend.set("weight", weight(server).unwrap_or(1));
            }
            if server.parameters.has("backup") && !(all_backups && n == 0) {
                backend.set("backup", true);
            }
            backend.into()
        });
        backends.collect()
    }

    /// `send_proxy`: which version of the PROXY protocol connections begin with.
    fn put_send_proxy(&self, settings: &mut Table, check: &mut Table, notes: &mut Notes) {
        let Some(model) = self.servers.first() else { return };
        let v2 = ["send-proxy-v2", "send-proxy-v2-ssl", "send-proxy-v2-ssl-cn"];
        let version = if v2.iter().any(|name| model.parameters.has(name)) { "v2" } else { "v1" };
        if version == "v1" && !model.parameters.has("send-proxy") {
            return;
        }
        if settings.get("protocol").is_some() {
            let why =
                "connections of HTTP/2 carry the requests of all visitors, and the header names one: it is not sent";
            notes.left_out(model.line, &model.statement, why);
            return;
        }
        settings.set("send_proxy", version);
        if settings.remove("reuse").is_some_and(|reuse| reuse.text() != Some("never")) {
            let why = "with the PROXY protocol a connection is of the visitor whom it names: http-reuse is \"never\"";
            notes.changed(model.line, &model.statement, why);
        }
        if model.parameters.has("check-send-proxy") && model.parameters.has("port") {
            check.set("send_proxy", version);
        }
    }

    /// `backend_tls` and `protocol`, from the first server; a service speaks to all of its backends alike.
    fn put_tls(&self, settings: &mut Table, check: &mut Table, notes: &mut Notes) {
        let Some(model) = self.servers.first() else { return };
        let speaks = |server: &Server| {
            let parameter = |name| server.parameters.get(name).map(str::to_owned);
            (
                server.parameters.has("ssl"),
                ["ca-file", "crt", "sni", "verifyhost", "verify", "proto", "alpn", "send-proxy", "send-proxy-v2"]
                    .map(parameter),
            )
        };
        for server in self.servers.iter().filter(|server| speaks(server) != speaks(model)) {
            let why = format!("a service speaks to all its backends alike: as to the server in line {}", model.line);
            notes.changed(server.line, &server.statement, why);
        }
        let parameter = |name: &str| model.parameters.get(name);
        let is_h2 = parameter("proto") == Some("h2")
            || parameter("alpn").is_some_and(|alpn| alpn.split(',').next() == Some("h2"));
        if !model.parameters.has("ssl") {
            if is_h2 {
                settings.set("protocol", "h2c");
            }
            return;
        }
        if is_h2 {
            settings.set("protocol", "h2");
        }
        let mut tls = Table::new()
            .with("ca_file", parameter("ca-file").filter(|file| *file != "@system-ca").unwrap_or(SYSTEM_AUTHORITIES));
        let name = parameter("verifyhost").or_else(|| parameter("sni")?.strip_prefix("str(")?.strip_suffix(')'));
        tls.set_some("server_name", name);
        if let Some(file) = parameter("crt") {
            tls.set("client_certificate", Table::new().with("chain_file", file).with("key_file", file));
        }
        if parameter("verify") == Some("none") {
            let why = "polder verifies backends always: put the authority of their certificates into \"ca_file\", or nothing is sent to them";
            notes.changed(model.line, &model.statement, why);
        } else if name.is_none() {
            let why = "HAProxy looks at the authority alone; polder wants the certificate to be for the backend's address, or for \"server_name\"";
            notes.changed(model.line, &model.statement, why);
        }
        settings.set("backend_tls", tls);
        let checked_in_clear = !model.parameters.has("check-ssl") && parameter("port").is_some();
        check.set("tls", !checked_in_clear);
    }
}
