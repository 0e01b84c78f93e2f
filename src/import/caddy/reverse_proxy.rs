//! `reverse_proxy` as the keys of a service. Pure.

use std::time::Duration;

use super::super::bounds::within;
use super::super::dial::dial;
use super::super::draft::{COOKIE_KEYS, Names, SYSTEM_AUTHORITIES};
use super::super::headers::{self, Way};
use super::super::note::Notes;
use super::super::tree::{Table, Tree};
use super::blocks::Directive;
use super::fields::field;
use super::times;
use crate::config::names;

/// What is read of one directive.
struct Reader<'a> {
    directive: &'a Directive,
    notes: &'a mut Notes,
    backends: Vec<Tree>,
    names: Names,
    /// The scheme of all upstreams.
    scheme: Option<String>,
    ordered: bool,
    service: Table,
    check: Table,
    checks_http: bool,
    tls: Option<Table>,
    protocol: Option<&'static str>,
}

/// The keys of a service; none if no upstream can be taken. `upstreams` are the words behind the matcher.
pub fn read(directive: &Directive, upstreams: &[String], notes: &mut Notes) -> Option<Table> {
    let mut reader = Reader {
        directive,
        notes,
        backends: Vec::new(),
        names: Names::default(),
        scheme: None,
        ordered: false,
        service: Table::new().with("mode", "stateless").with("balance", "random-two-choices"),
        check: Table::new(),
        checks_http: false,
        tls: None,
        protocol: None,
    };
    reader.upstreams(upstreams, directive.line);
    for inner in &directive.block {
        reader.take(inner);
    }
    reader.finish()
}

impl Reader<'_> {
    fn upstreams(&mut self, upstreams: &[String], line: u32) {
        for upstream in upstreams {
            let (scheme, rest) =
                upstream.split_once("://").map_or((None, upstream.as_str()), |(scheme, rest)| (Some(scheme), rest));
            let with_port = match scheme {
                Some("https") if !has_port(rest) => format!("{rest}:443"),
                _ if !has_port(rest) && !rest.contains('/') => format!("{rest}:80"),
                _ => rest.to_owned(),
            };
            match dial(&with_port) {
                Ok((address, changed)) => {
                    if let Some(changed) = changed {
                        self.notes.changed(line, upstream, changed);
                    }
                    if let Some(scheme) = scheme {
                        self.scheme = Some(scheme.to_owned());
                    }
                    let name = self.names.take(&address);
                    self.backends.push(Table::new().with("name", name).with("address", address).into());
                }
                Err(why) => self.notes.left_out(line, upstream, why),
            }
        }
    }

    fn take(&mut self, inner: &Directive) {
        let argument = inner.argument(0).unwrap_or_default();
        let number = argument.parse::<u64>().ok();
        match (inner.name(), number) {
            ("to", _) => self.upstreams(inner.arguments(), inner.line),
            ("lb_policy", _) => self.policy(inner, argument),
            ("lb_retries", Some(retries)) => self.service.set("retries", retries.min(10)),
            ("lb_try_duration" | "lb_try_interval", _) => {
                self.changed(
                    inner,
                    "polder tries as often as \"retries\" says, and waits for a verdict of the checks where that helps",
                );
            }
            ("health_uri", _) => match names::check_path(argument) {
                Ok(path) => {
                    self.checks_http = true;
                    self.check.set("path", path);
                }
                Err(invalid) => self.left_out(inner, &invalid.to_string()),
            },
            ("health_port", Some(port)) => self.check.set("port", port),
            ("health_passes", Some(rise)) => self.check.set("rise", rise),
            ("health_fails", Some(fall)) => self.check.set("fall", fall),
            ("health_interval", _) => {
                self.time(inner, "interval", Duration::from_millis(10), Duration::from_secs(3600))
            }
            ("health_timeout", _) => self.time(inner, "timeout", Duration::from_millis(1), Duration::from_secs(60)),
            ("health_status", _) => match statuses(argument) {
                Some(expect) => self.check.set("expect", expect),
                None => self.left_out(inner, "expected a status, or a class of them like 2xx"),
            },
            ("health_headers", _) => self.health_headers(inner),
            ("health_method", _) if argument == "GET" => {}
            ("health_method", _) => self.changed(inner, "polder's checks send GET"),
            ("health_body" | "health_upstream" | "health_request_body" | "health_follow_redirects", _) => {
                self.left_out(
                    inner,
                    "polder's checks are GET of a path at the backend's own address, and look at the status alone",
                );
            }
            (
                "fail_duration" | "max_fails" | "unhealthy_status" | "unhealthy_latency" | "unhealthy_request_count",
                _,
            ) => {
                self.left_out(inner, "polder judges by checks, and by failed connections within a request");
            }
            (
                "flush_interval" | "request_buffers" | "response_buffers" | "stream_timeout" | "stream_close_delay",
                _,
            ) => {}
            ("trusted_proxies", _) => {
                self.left_out(inner, "write them into \"trusted_proxies\", which holds for all services")
            }
            ("header_up", _) if is_own_field(argument) => {}
            ("header_up", _) => self.field(inner, Way::Request),
            ("header_down", _) => self.field(inner, Way::Response),
            ("transport", _) if argument == "http" => inner.block.iter().for_each(|inner| self.transport(inner)),
            ("transport", _) => {
                self.left_out(inner, "polder speaks HTTP to backends: put a webserver before the program")
            }
            ("dynamic", _) => self.left_out(inner, "polder looks up no names of backends: write the addresses"),
            (name, _) => {
                let why = why(name);
                self.left_out(inner, why);
            }
        }
    }

    fn policy(&mut self, inner: &Directive, policy: &str) {
        let balance = match policy {
            "round_robin" | "weighted_round_robin" => "round-robin",
            "least_conn" => "least-connections",
            "random" | "random_choose" => "random-two-choices",
            "first" => {
                self.ordered = true;
                "round-robin"
            }
            "cookie" => {
                self.cookie(inner);
                "random-two-choices"
            }
            _ => {
                self.changed(inner, "polder has round-robin, least-connections and random-two-choices; the last is taken. Where visitors have to stay on a \
                                     backend, make the service stateful: a cookie keeps them there");
                "random-two-choices"
            }
        };
        if policy == "weighted_round_robin" {
            let weights = inner.arguments().get(1..).unwrap_or_default();
            for (backend, weight) in self.backends.iter_mut().zip(weights) {
                if let (Tree::Table(backend), Ok(weight)) = (backend, weight.parse::<u64>()) {
                    backend.set("weight", weight);
                }
            }
        }
        self.service.set("balance", balance);
    }

    fn cookie(&mut self, inner: &Directive) {
        let mut cookie = Table::new();
        cookie.set(
            "name",
            inner.argument(1).and_then(|name| names::cookie_name(name).ok()).unwrap_or_else(|| "lb".to_owned()),
        );
        cookie.set("key_file", COOKIE_KEYS);
        self.service.set("mode", "stateful");
        self.service.set("failover", "automatic");
        self.service.set("cookie", cookie);
        let why = format!(
            "the cookie has other values here, so each visitor begins a session once; they are sealed with a key: put 32 random bytes in \
             base64 into {COOKIE_KEYS} on every proxy (openssl rand -base64 32)"
        );
        self.changed(inner, &why);
    }

    fn field(&mut self, inner: &Directive, way: Way) {
        match field(way, inner.arguments()) {
            Ok(edits) => headers::apply(&mut self.service, &edits),
            Err(why) => self.left_out(inner, &why.0),
        }
    }

    fn time(&mut self, inner: &Directive, key: &str, least: Duration, most: Duration) {
        let Some(time) = inner.argument(0).and_then(times::parse) else {
            self.left_out(inner, "it is no time that polder can read");
            return;
        };
        let (text, fits) = within(time, least, most);
        if !fits {
            self.changed(inner, &format!("it is {text}: more or less is not allowed"));
        }
        self.check.set(key, text);
    }

    fn health_headers(&mut self, inner: &Directive) {
        for field in &inner.block {
            let host = field.name().eq_ignore_ascii_case("host").then(|| field.argument(0)).flatten();
            match host.and_then(|host| names::check_host(host).ok()) {
                Some(host) => self.check.set("host", host),
                None => self.left_out(field, "of a check's fields, Host alone can be chosen"),
            }
        }
    }

    fn transport(&mut self, inner: &Directive) {
        let argument = inner.argument(0).unwrap_or_default();
        match inner.name() {
            "tls" => drop(self.tls.get_or_insert_default()),
            "tls_server_name" => self.tls.get_or_insert_default().set("server_name", argument),
            "tls_trusted_ca_certs" => self.tls.get_or_insert_default().set("ca_file", argument),
            "tls_client_auth" => {
                let certificate =
                    Table::new().with("chain_file", argument).with("key_file", inner.argument(1).unwrap_or_default());
                self.tls.get_or_insert_default().set("client_certificate", certificate);
            }
            "tls_insecure_skip_verify" => {
                self.tls.get_or_insert_default();
                self.changed(inner, "polder verifies backends always: put the authority of their certificates into \"ca_file\", or nothing is sent to them");
            }
            "versions" => match inner.arguments() {
                [only] if only == "h2c" => self.protocol = Some("h2c"),
                [only] if only == "2" => self.protocol = Some("h2"),
                _ => {}
            },
            "compression" if argument == "off" => {}
            "proxy_protocol" if matches!(argument, "v1" | "v2") => self.service.set("send_proxy", argument),
            "keepalive" if argument == "off" => self.service.set("reuse", "never"),
            "read_buffer"
            | "write_buffer"
            | "max_response_header"
            | "keepalive_interval"
            | "expect_continue_timeout" => {}
            _ => self.left_out(
                inner,
                "time limits and connections are those of the whole document (\"timeouts\", \"limits\")",
            ),
        }
    }

    fn finish(mut self) -> Option<Table> {
        if self.backends.is_empty() {
            let why = "none of its upstreams could be taken; nothing is served in its place";
            self.notes.left_out(self.directive.line, &self.directive.text(), why);
            return None;
        }
        if self.ordered {
            self.backends.iter_mut().skip(1).for_each(|backend| {
                if let Tree::Table(backend) = backend {
                    backend.set("backup", true);
                }
            });
        }
        if self.checks_http {
            // As Caddy does where nothing is said.
            for (key, value) in [
                ("interval", Tree::from("30s")),
                ("timeout", "5s".into()),
                ("expect", "200-299".into()),
                ("rise", 1.into()),
                ("fall", 1.into()),
            ] {
                if self.check.get(key).is_none() {
                    self.check.set(key, value);
                }
            }
        } else {
            self.check = Table::new().with("type", "tcp");
            let text = self.directive.text();
            let why = "Caddy does not check its upstreams without health_uri; polder checks every backend, here by a connection";
            self.notes.changed(self.directive.line, &text, why);
        }
        match self.scheme.as_deref() {
            Some("https") => drop(self.tls.get_or_insert_default()),
            Some("h2c") => self.protocol = Some("h2c"),
            _ => {}
        }
        let mut service = self.service;
        if self.backends.len() == 1 {
            service.remove("balance");
        }
        service.set("backends", self.backends);
        service.set("check", self.check);
        if let Some(mut tls) = self.tls {
            if tls.get("ca_file").is_none() {
                tls.set("ca_file", SYSTEM_AUTHORITIES);
            }
            service.set("backend_tls", tls);
            self.protocol = self.protocol.map(|_| "h2");
        } else if self.protocol == Some("h2") {
            self.protocol = None;
        }
        if self.protocol.is_some() {
            service.remove("reuse");
            service.remove("send_proxy");
        }
        service.set_some("protocol", self.protocol);
        Some(service)
    }

    fn left_out(&mut self, inner: &Directive, why: &str) {
        self.notes.left_out(inner.line, &inner.text(), why);
    }

    fn changed(&mut self, inner: &Directive, why: &str) {
        self.notes.changed(inner.line, &inner.text(), why);
    }
}

fn has_port(upstream: &str) -> bool {
    upstream
        .rsplit_once(':')
        .is_some_and(|(_, port)| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit() || b == b'-'))
        && !upstream.ends_with(']')
}

/// Fields that polder sets by itself, or that it passes on as they are.
fn is_own_field(name: &str) -> bool {
    ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"].contains(&name.to_ascii_lowercase().as_str())
}

/// `200`, `2xx`.
fn statuses(text: &str) -> Option<String> {
    match text.strip_suffix("xx") {
        Some(class) if ["1", "2", "3", "4", "5"].contains(&class) => Some(format!("{class}00-{class}99")),
        Some(_) => None,
        None => text.parse::<u16>().ok().filter(|status| (100..=599).contains(status)).map(|status| status.to_string()),
    }
}

fn why(name: &str) -> &'static str {
    match name {
        "rewrite" | "method" => "polder sends requests to backends as they come: let the backend know the whole path",
        "handle_response" | "replace_status" => "polder passes on what a backend answers",
        _ => "polder has nothing like it",
    }
}
