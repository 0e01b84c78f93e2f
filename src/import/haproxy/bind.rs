//! `bind`: addresses and certificates (configuration manual, 4.2 and 5.1). Pure.

use super::super::draft::Listener;
use super::super::note::Notes;
use super::super::tree::{Table, Tree};
use super::sections::Statement;
use crate::config::address;

/// One `bind` line: listeners, and the certificates of those that speak TLS.
#[derive(Debug, Default)]
pub struct Bind {
    /// All addresses of the line.
    pub listeners: Vec<Listener>,
    /// It says `ssl`.
    pub tls: bool,
    /// The certificates of its services.
    pub certificates: Vec<Tree>,
    /// Clients that name none of its hosts are refused, and not shown the first certificate.
    pub strict: Option<Statement>,
    /// The certificates that visitors are asked for: `client_certificates` of its services.
    pub visitors: Option<Table>,
}

/// The most ports of a range that become listeners.
const MOST_PORTS: u16 = 64;

/// Where load balancers usually are.
const PRIVATE: &[&str] = &["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "fc00::/7", "::1"];

/// Reads a line; `base` is where relative certificates are.
pub fn read(statement: &Statement, base: Option<&str>, notes: &mut Notes) -> Bind {
    let parameters = statement.words.get(2..).unwrap_or_default();
    let mut bind = Bind { tls: parameters.iter().any(|word| word == "ssl"), ..Bind::default() };
    let mut settings = Table::new();
    let mut both_families = true;
    let (mut verify, mut authority) = ("none", Table::new());
    let told = |what: &[&str]| what.join(" ");
    let mut words = parameters.iter().map(String::as_str);
    while let Some(word) = words.next() {
        match word {
            "ssl"
            | "v4v6"
            | "tfo"
            | "defer-accept"
            | "transparent"
            | "no-sslv3"
            | "no-tlsv10"
            | "no-tlsv11"
            | "no-tls-tickets"
            | "allow-0rtt"
            | "prefer-client-ciphers"
            | "accept-netscaler-cip"
            | "quic-force-retry" => {
                if let Some(why) = why_flag(word) {
                    notes.left_out(statement.line, word, why);
                }
            }
            "strict-sni" => bind.strict = Some(statement.clone()),
            "v6only" => both_families = false,
            "accept-proxy" => {
                let why = "HAProxy believes whoever connects there; polder believes private networks, until you list in \"trusted_proxies\" who may";
                notes.changed(statement.line, &statement.text(), why);
                settings.set("proxy_protocol", true);
                settings.set("trusted_proxies", PRIVATE.to_vec());
            }
            "crt" => bind.certificates.extend(certificate(statement, words.next().unwrap_or_default(), base, notes)),
            "alpn" => {
                let protocols = words.next().unwrap_or_default();
                if bind.tls && !protocols.split(',').any(|protocol| protocol == "h2") {
                    settings.set("http2", false);
                }
            }
            "name" | "id" | "process" | "thread" | "backlog" | "user" | "group" | "mode" | "nice" | "level"
            | "proto" => {
                words.next();
            }
            "verify" => verify = words.next().unwrap_or_default(),
            "ca-file" => authority.set("ca_file", words.next().unwrap_or_default()),
            "crl-file" => authority.set("crl_file", words.next().unwrap_or_default()),
            "ssl-min-ver" => {
                let version = words.next().unwrap_or_default();
                if version == "TLSv1.3" {
                    notes.changed(statement.line, &told(&[word, version]), "polder speaks TLS 1.2, too");
                }
            }
            other => {
                let value = words.next().unwrap_or_default();
                notes.left_out(statement.line, &told(&[other, value]), why_parameter(other));
            }
        }
    }
    bind.visitors = visitors(statement, verify, authority, notes);
    if bind.tls && bind.certificates.is_empty() {
        let why = "there is no certificate file for it (crt FILE): name each file, or write \"tls\": \"acme\" into the services later";
        notes.left_out(statement.line, &statement.text(), why);
        return Bind::default();
    }
    for address in statement.argument(0).unwrap_or_default().split(',') {
        match addresses(address, both_families) {
            Ok(addresses) => bind.listeners.extend(addresses.into_iter().map(|address| Listener {
                line: statement.line,
                statement: statement.text(),
                address,
                tls: bind.tls,
                settings: settings.clone(),
            })),
            Err(why) => notes.left_out(statement.line, &format!("bind {address}"), why),
        }
    }
    bind
}

/// `verify required ca-file FILE [crl-file FILE]`, or `verify optional`.
fn visitors(statement: &Statement, verify: &str, authority: Table, notes: &mut Notes) -> Option<Table> {
    if !matches!(verify, "required" | "optional") {
        return None;
    }
    let files: Vec<&str> = authority.iter().filter_map(|(_, file)| file.text()).collect();
    if authority.get("ca_file").is_none() || !files.iter().all(|file| file.starts_with('/')) {
        let why = "visitors' certificates need the file of their authority, by its whole path (ca-file /FILE); what it refuses is served here";
        notes.left_out(statement.line, &format!("verify {verify}"), why);
        return None;
    }
    Some(Table::new().with("mode", verify).with_all(authority))
}

fn certificate(statement: &Statement, file: &str, base: Option<&str>, notes: &mut Notes) -> Option<Tree> {
    let path = match base {
        Some(base) if !file.starts_with('/') => format!("{}/{file}", base.trim_end_matches('/')),
        _ => file.to_owned(),
    };
    if file.is_empty() || file.ends_with('/') {
        let why = "it is a folder: name each file in it (crt FILE), and import again";
        notes.left_out(statement.line, &format!("crt {file}"), why);
        return None;
    }
    // HAProxy has chain and key in one file, and polder reads each out of whatever file it is in.
    Some(Table::new().with("chain_file", path.as_str()).with("key_file", path).into())
}

/// The addresses of `ADDRESS:PORT[-PORT]`, as a document has them.
fn addresses(text: &str, both_families: bool) -> Result<Vec<String>, String> {
    let bare = text.strip_prefix("ipv4@").or_else(|| text.strip_prefix("ipv6@")).unwrap_or(text);
    if bare.starts_with('/') || bare.contains('@') {
        return Err("polder listens on addresses and ports alone".to_owned());
    }
    let Some((host, ports)) = bare.rsplit_once(':') else { return Err("there is no port in it".to_owned()) };
    let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
    let (Ok(first), Ok(last)) = (first.parse::<u16>(), last.parse::<u16>()) else {
        return Err(format!("{ports:?} is not a port"));
    };
    if last < first || last - first >= MOST_PORTS {
        return Err(format!("{ports:?} is not a range of up to {MOST_PORTS} ports"));
    }
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let hosts: Vec<String> = match host {
        "" | "*" if text.starts_with("ipv6@") => vec!["[::]".to_owned()],
        "" | "*" => vec!["0.0.0.0".to_owned()],
        "::" if both_families && !text.starts_with("ipv6@") => vec!["0.0.0.0".to_owned(), "[::]".to_owned()],
        six if six.contains(':') => vec![format!("[{six}]")],
        four => vec![four.to_owned()],
    };
    let all = (first..=last).flat_map(|port| hosts.iter().map(move |host| format!("{host}:{port}")));
    all.map(|address| {
        address::listen(&address).map(|address| address.to_string()).map_err(|invalid| invalid.to_string())
    })
    .collect()
}

fn why_flag(word: &str) -> Option<&'static str> {
    match word {
        "allow-0rtt" => Some("polder takes no early data"),
        "transparent" => Some("polder binds addresses of the machine alone"),
        "no-tls-tickets" => Some("polder hands out tickets"),
        "accept-netscaler-cip" => Some("polder does not read it"),
        _ => None,
    }
}

fn why_parameter(word: &str) -> &'static str {
    match word {
        "crt-list" => "lists of certificates are not read: name each file (crt FILE), and import again",
        "ciphers" | "ciphersuites" | "curves" | "ecdhe" | "ssl-max-ver" | "sigalgs" => {
            "polder chooses among the safe ones by itself"
        }
        "maxconn" => "\"limits.connections\" counts all listeners together",
        "interface" => "write the address of the interface",
        _ => "polder has nothing like it",
    }
}
