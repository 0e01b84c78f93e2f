//! Global options, and what sites say that holds for all of them here. Pure.

use std::time::Duration;

use super::super::bounds::within;
use super::super::draft::{DefaultTls, Draft};
use super::super::note::Notes;
use super::super::tree::{Table, Tree};
use super::address::Ports;
use super::blocks::Directive;
use super::times;
use crate::config::address;

/// What holds for the whole file.
#[derive(Debug)]
pub struct Global {
    /// Where both schemes are listened for.
    pub ports: Ports,
    /// At which addresses, in brackets where they are IPv6.
    pub bind: Vec<String>,
    /// Visitors in clear text are sent to https.
    pub redirects: bool,
    /// Caddy's own authority gives all certificates.
    pub local_certs: bool,
    /// The mail address of the CA's account.
    pub email: Option<String>,
    /// The option that says whose certificate clients get that name no host, or an unknown one.
    pub default_sni: Option<Directive>,
    acme: Table,
    trusted: Vec<String>,
    timeouts: Table,
    limits: Table,
    log: Option<Table>,
    line: u32,
}

/// What Caddy means by `private_ranges`.
pub const PRIVATE: &[&str] = &["192.168.0.0/16", "172.16.0.0/12", "10.0.0.0/8", "127.0.0.0/8", "fd00::/8", "::1"];

impl Global {
    /// Reads the block of global options.
    pub fn read(block: &[Directive], notes: &mut Notes) -> Global {
        let mut global = Global {
            ports: Ports { http: 80, https: 443 },
            bind: vec!["0.0.0.0".to_owned(), "[::]".to_owned()],
            redirects: true,
            local_certs: false,
            email: None,
            default_sni: None,
            acme: Table::new(),
            trusted: Vec::new(),
            timeouts: Table::new(),
            limits: Table::new(),
            log: None,
            line: block.first().map_or(1, |directive| directive.line),
        };
        block.iter().for_each(|option| global.take(option, notes));
        global
    }

    fn take(&mut self, option: &Directive, notes: &mut Notes) {
        let argument = option.argument(0).unwrap_or_default();
        let port = argument.parse::<u16>().ok().filter(|port| *port > 0);
        match (option.name(), port) {
            ("http_port", Some(port)) => self.ports.http = port,
            ("https_port", Some(port)) => self.ports.https = port,
            ("email", _) => self.email = Some(argument.to_owned()),
            ("acme_ca", _) => self.acme.set("directory", argument),
            ("acme_ca_root", _) => self.acme.set("ca_file", argument),
            ("auto_https", _) => match argument {
                "disable_redirects" => self.redirects = false,
                "disable_certs" => {}
                _ => {
                    self.redirects = false;
                    let why = "sites without a scheme are served over TLS all the same: write http:// before those that are not";
                    notes.changed(option.line, &option.text(), why);
                }
            },
            ("local_certs", _) => self.local_certs = true,
            ("default_sni" | "fallback_sni", _) if !argument.is_empty() => self.default_sni = Some(option.clone()),
            ("default_bind", _) => self.bind(option, notes),
            ("grace_period", _) => {
                let time = times::parse(argument).unwrap_or(Duration::from_secs(30));
                self.timeouts.set("drain", within(time, Duration::ZERO, Duration::from_secs(3600)).0);
            }
            ("servers", _) => option.block.iter().for_each(|inner| self.server(inner, notes)),
            (
                "admin" | "debug" | "persist_config" | "skip_install_trust" | "shutdown_delay" | "metrics" | "storage"
                | "log",
                _,
            ) => {}
            ("order", _) => {
                let why =
                    "directives are asked in Caddy's own order here: put them into a route block, which keeps theirs";
                notes.left_out(option.line, &option.text(), why);
            }
            _ => notes.left_out(option.line, &option.text(), why(option.name())),
        }
    }

    /// `servers`: proxies that are believed, and time limits.
    fn server(&mut self, option: &Directive, notes: &mut Notes) {
        match option.name() {
            "trusted_proxies" => {
                for range in option.arguments().iter().skip(1) {
                    match range.as_str() {
                        "private_ranges" => self.trusted.extend(PRIVATE.iter().map(|range| (*range).to_owned())),
                        range if address::network(range).is_ok() => self.trusted.push(range.to_owned()),
                        range => notes.left_out(option.line, range, "it is no network that polder can read"),
                    }
                }
            }
            "timeouts" => option.block.iter().for_each(|inner| self.timeout(inner, notes)),
            "client_ip_headers"
                if option.arguments().iter().any(|name| !name.eq_ignore_ascii_case("x-forwarded-for")) =>
            {
                let why = "polder takes the visitor's address from X-Forwarded-For alone, as those in \"trusted_proxies\" say it";
                notes.left_out(option.line, &option.text(), why);
            }
            "max_header_size"
            | "keepalive_interval"
            | "protocols"
            | "trusted_proxies_strict"
            | "client_ip_headers"
            | "name"
            | "metrics"
            | "log_credentials" => {
                if option.name() == "protocols" && option.arguments().iter().any(|protocol| protocol == "h3") {
                    notes.left_out(option.line, "h3", "polder does not speak HTTP/3");
                }
            }
            "listener_wrappers" => {
                notes.left_out(
                    option.line,
                    &option.text(),
                    "the PROXY protocol of a listener is written into the document: docs/documents.md",
                );
            }
            _ => notes.left_out(option.line, &option.text(), "polder has nothing like it"),
        }
    }

    fn timeout(&mut self, inner: &Directive, notes: &mut Notes) {
        let key = match inner.name() {
            "read_header" => "request_head",
            "read_body" | "write" => "body_idle",
            "idle" => "keep_alive",
            _ => return,
        };
        let Some(time) = inner.argument(0).and_then(times::parse) else { return };
        let (text, _) = within(time, Duration::from_millis(1), Duration::from_secs(3600));
        if key == "body_idle" {
            notes.changed(
                inner.line,
                &inner.text(),
                "polder limits the time between two reads or writes of a body, not that of the whole",
            );
        }
        self.timeouts.set(key, text);
    }

    /// What a site says that holds for all sites here.
    pub fn of_site(&mut self, directive: &Directive, notes: &mut Notes) {
        match directive.name() {
            "bind" => self.bind(directive, notes),
            "log" => self.access_log(directive, notes),
            _ => {}
        }
    }

    fn bind(&mut self, directive: &Directive, notes: &mut Notes) {
        let addresses: Vec<String> = directive
            .arguments()
            .iter()
            .filter_map(|text| text.parse().ok())
            .map(
                |address: std::net::IpAddr| {
                    if address.is_ipv6() { format!("[{address}]") } else { address.to_string() }
                },
            )
            .collect();
        if addresses.is_empty() {
            notes.left_out(directive.line, &directive.text(), "expected addresses");
            return;
        }
        if directive.name() == "bind" {
            notes.changed(
                directive.line,
                &directive.text(),
                "polder's listeners share all services: all sites are reached at these addresses",
            );
        }
        self.bind = addresses;
    }

    /// There is one log for all services: the first that a site has.
    fn access_log(&mut self, directive: &Directive, notes: &mut Notes) {
        let output = directive.block.iter().find(|inner| inner.name() == "output");
        let file = output.filter(|output| output.argument(0) == Some("file")).and_then(|output| output.argument(1));
        let log =
            Table::new().with("path", file.filter(|file| file.starts_with('/')).unwrap_or("-")).with("format", "json");
        match &self.log {
            None => self.log = Some(log),
            Some(first) if *first != log => {
                notes.left_out(
                    directive.line,
                    &directive.text(),
                    "there is one access log for all services: that of the first site is taken",
                );
            }
            Some(_) => {}
        }
        for inner in &directive.block {
            if inner.name() == "format" && inner.argument(0) != Some("json") {
                notes.changed(inner.line, &inner.text(), "lines are JSON objects with polder's own keys");
            }
        }
    }

    /// Has the document show the certificate of a host to clients that name none which is there; its services are there.
    pub fn put_default(option: &Directive, draft: &mut Draft, notes: &mut Notes) {
        let host = option.argument(0).unwrap_or_default().to_ascii_lowercase();
        draft.default_tls = Some(DefaultTls::Host(host));
        let (line, text) = (option.line, option.text());
        match draft.default_service() {
            Some(_) => {
                let why = "clients that name no host and those that name an unknown one get the certificate alike";
                notes.changed(line, &text, why);
            }
            None => notes.left_out(line, &text, "no site over TLS has this host: write a service into \"tls.default\""),
        }
    }

    /// Puts it into the document.
    pub fn put(self, draft: &mut Draft, uses_acme: bool, notes: &mut Notes) {
        draft.timeouts = self.timeouts;
        draft.limits = self.limits;
        if !self.trusted.is_empty() {
            draft.root.set("trusted_proxies", self.trusted);
        }
        draft.root.set_some("access_log", self.log);
        if uses_acme {
            let mut acme = Table::new().with("terms_of_service_agreed", true).with_all(self.acme);
            acme.set_some("contact", self.email.map(|email| vec![Tree::from(format!("mailto:{email}"))]));
            draft.root.set("acme", acme);
            let why = "certificates are ordered from Let's Encrypt or acme_ca: by \"terms_of_service_agreed\" you agree to its terms, as with Caddy";
            notes.changed(self.line, "automatic HTTPS", why);
        }
    }
}

fn why(name: &str) -> &'static str {
    match name {
        "on_demand_tls" => "polder orders certificates for the hosts of the document alone",
        "acme_dns" | "dns" => "polder answers dns-01 by its own nameservers: docs/certificates.md",
        "acme_eab" => "write \"eab\" into \"acme\", its key in a file: docs/documents.md",
        "cert_issuer" | "preferred_chains" | "renew_interval" | "cert_lifetime" | "key_type" | "ocsp_stapling"
        | "ocsp_interval" => "polder renews in good time and chooses by itself",
        _ => "polder has nothing like it",
    }
}
