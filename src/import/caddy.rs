//! A Caddyfile as polder's document (pure).
//!
//! [`words`](mod@words) and [`blocks`] read the file as Caddy does, with snippets in their places; [`address`] knows what a site is
//! reached under, [`site`] turns its directives into rules in Caddy's [`order`], and [`super::routes`] these into a table. What can be
//! told with is the documentation of Caddy 2.6 to 2.10: docs/import.md has the list.

pub mod address;
pub mod blocks;
pub mod fields;
pub mod global;
pub mod handlers;
pub mod matcher;
pub mod order;
pub mod reverse_proxy;
pub mod site;
pub mod times;
pub mod tls;
pub mod words;

use std::collections::{BTreeMap, BTreeSet};

use super::Environment;
use super::condition::Condition;
use super::draft::{Draft, Listener, Names, Pool, Service};
use super::error::ImportError;
use super::note::Notes;
use super::routes::{self, Effect, Front, Rule};
use super::settle::{Imported, settle};
use super::tree::{Table, Tree};
use crate::config::HostPattern;
use address::Address;
use blocks::Directive;
use global::Global;
use site::Site;

/// A site, its addresses read.
struct Reached<'a> {
    site: &'a Directive,
    addresses: Vec<Address>,
    /// The `tls` of its services, where it is reached over TLS.
    tls: Option<Tree>,
}

/// Imports a Caddyfile.
///
/// # Errors
///
/// It is none, or nothing of it could be served by polder.
pub fn import(text: &str, environment: Environment<'_>) -> Result<Imported, ImportError> {
    let mut notes = Notes::default();
    let file = blocks::read(&words::words(text, environment)?, &mut notes)?;
    let mut global = Global::read(&file.global, &mut notes);
    let sites = file.sites.iter().filter_map(|site| reach(site, &mut global, &mut notes)).collect();
    let sites = apart(sites, &global, &mut notes);
    let mut draft = Draft { listeners: listeners(&sites, &global), ..Draft::default() };
    let (front, pools) = front(&sites, &global, &mut notes);
    let placed = routes::compile(&[front], &mut notes)?;
    let uses_acme = sites.iter().any(|site| site.tls.as_ref().is_some_and(is_acme));
    let default_sni = global.default_sni.take();
    global.put(&mut draft, uses_acme, &mut notes);
    draft.services = placed.into_iter().map(|placed| Service::placed(placed, &pools, &mut notes)).collect();
    if let Some(option) = &default_sni {
        Global::put_default(option, &mut draft, &mut notes);
    }
    settle(draft, notes)
}

/// The addresses and certificates of a site; none if nothing of it can be reached here.
fn reach<'a>(site: &'a Directive, global: &mut Global, notes: &mut Notes) -> Option<Reached<'a>> {
    let mut addresses = Vec::new();
    for text in &site.words {
        match address::read(text, global.ports) {
            Ok(address) => {
                if matches!(address.host, HostPattern::Suffix(_)) {
                    notes.changed(
                        site.line,
                        text,
                        "a name with any number of labels in front belongs to it; with Caddy one label does",
                    );
                }
                addresses.push(address);
            }
            Err(why) => notes.left_out(site.line, text, why),
        }
    }
    let tls_directive = site.block.iter().find(|directive| directive.name() == "tls");
    let stated = tls_directive.map(|directive| tls::read(directive, notes)).unwrap_or_default();
    for directive in site.block.iter().filter(|directive| site::OF_SITES.contains(&directive.name())) {
        global.of_site(directive, notes);
    }
    global.email = global.email.take().or(stated.email);
    let mut tls = stated.files;
    if tls.is_none() && addresses.iter().any(|address| address.tls) {
        addresses
            .retain_mut(|address| keep(address, site, stated.internal || global.local_certs, global.ports.http, notes));
        if addresses.iter().any(|address| address.tls) {
            tls = Some("acme".into());
        }
    }
    addresses.retain(|address| !address.tls || tls.is_some());
    let tls = tls.filter(|_| addresses.iter().any(|address| address.tls));
    let tls = match (tls, stated.visitors) {
        (Some(tls), Some(asked)) => {
            let source = tls.table().cloned().unwrap_or_else(|| Table::new().with("acme", Table::new()));
            Some(source.with("client_certificates", asked).into())
        }
        (tls, _) => tls,
    };
    (!addresses.is_empty()).then_some(Reached { site, addresses, tls })
}

/// Whether an address over TLS can be served without a certificate in files; a local one becomes one in clear text.
fn keep(address: &mut Address, site: &Directive, internal: bool, http: u16, notes: &mut Notes) -> bool {
    let text = site.text();
    if !address.tls {
        return true;
    }
    if address::is_local(&address.host) {
        let why = "polder has no authority of its own for local names: it is served in clear text; name a certificate for it (tls CERTIFICATE KEY)";
        notes.changed(site.line, &text, why);
        *address = Address { tls: false, port: http, ..address.clone() };
        return true;
    }
    let why = match &address.host {
        _ if internal => "polder has no authority of its own: name a certificate (tls CERTIFICATE KEY)",
        HostPattern::Suffix(_) => {
            "certificates for *. are ordered by dns-01, which needs polder's own nameservers (docs/certificates.md); name one in files (tls CERTIFICATE KEY)"
        }
        HostPattern::Any => {
            "certificates are ordered for names: write the hosts, or name a certificate (tls CERTIFICATE KEY)"
        }
        HostPattern::Exact(_) => return true,
    };
    notes.left_out(site.line, &text, why);
    false
}

/// Sites that ports keep apart with Caddy. Here all listeners share all services: a site of all hosts at a port of its own would be met
/// at the public one, too, and is left out; of others it is told.
fn apart<'a>(mut sites: Vec<Reached<'a>>, global: &Global, notes: &mut Notes) -> Vec<Reached<'a>> {
    let all =
        |reached: &[Reached<'_>]| reached.iter().flat_map(|reached| reached.addresses.clone()).collect::<Vec<_>>();
    let met = all(&sites);
    let redirects = global.redirects && met.iter().any(|address| address.tls);
    let is_public = |tls: bool| {
        let port = if tls { global.ports.https } else { global.ports.http };
        (!tls && redirects) || met.iter().any(|address| address.tls == tls && address.port == port)
    };
    for Reached { site, addresses, .. } in &mut sites {
        addresses.retain(|address| {
            let port = if address.tls { global.ports.https } else { global.ports.http };
            let kept = address.host != HostPattern::Any || address.port == port || !is_public(address.tls);
            if !kept {
                let why = format!(
                    "polder's listeners share all services: for all hosts it would be served at port {port}, too; give it hosts of its own (http://NAME:{})",
                    address.port
                );
                notes.left_out(site.line, &site.text(), why);
            }
            kept
        });
    }
    sites.retain(|reached| !reached.addresses.is_empty());
    let left = all(&sites);
    for Reached { site, addresses, .. } in &sites {
        for tls in [false, true] {
            let ports = |of: &[Address]| -> BTreeSet<u16> {
                of.iter().filter(|address| address.tls == tls).map(|address| address.port).collect()
            };
            let (own, mut shared) = (ports(addresses), ports(&left));
            if !tls && redirects {
                shared.insert(global.ports.http);
            }
            if !own.is_empty() && own != shared {
                let shared = shared.iter().map(u16::to_string).collect::<Vec<_>>().join(", ");
                let why = format!(
                    "polder's listeners share all services: it is reached at every listener, ports {shared}; what a port or its firewall kept away is served here"
                );
                notes.changed(site.line, &site.text(), why);
            }
        }
    }
    sites
}

fn listeners(sites: &[Reached<'_>], global: &Global) -> Vec<Listener> {
    let mut met = BTreeSet::new();
    let mut all = Vec::new();
    let mut add = |line, statement: String, port: u16, tls: bool| {
        for host in &global.bind {
            let address = format!("{host}:{port}");
            if met.insert(address.clone()) {
                all.push(Listener { line, statement: statement.clone(), address, tls, settings: Table::new() });
            }
        }
    };
    for Reached { site, addresses, .. } in sites {
        // Caddy listens there to send visitors to https, and to answer the CA.
        if addresses.iter().any(|address| address.tls) && global.redirects {
            add(site.line, site.text(), global.ports.http, false);
        }
        addresses.iter().for_each(|address| add(site.line, site.text(), address.port, address.tls));
    }
    all
}

/// All sites as one front: those of narrow hosts first, for a request is of the narrowest site alone.
fn front(sites: &[Reached<'_>], global: &Global, notes: &mut Notes) -> (Front, Vec<Pool>) {
    let (mut rules, mut redirects, mut pools) = (Vec::new(), Vec::new(), Vec::new());
    let mut met: BTreeMap<(HostPattern, bool), u16> = BTreeMap::new();
    let mut ordered: Vec<&Reached<'_>> = sites.iter().collect();
    ordered.sort_by_key(|reached| reached.addresses.iter().map(|address| breadth(&address.host)).max());
    let (mut last, mut lists) = (None, Names::default());
    for Reached { site, addresses, tls } in ordered {
        // Sites of equal hosts in clear text come before the redirects, wider ones behind them.
        let here = addresses.iter().map(|address| breadth(&address.host)).max();
        if last.replace(here) != Some(here) {
            rules.append(&mut redirects);
        }
        let mut own = Vec::new();
        for address in addresses {
            match met.insert((address.host.clone(), address.tls), address.port) {
                Some(port) if port != address.port => {
                    met.insert((address.host.clone(), address.tls), port);
                    let why = format!(
                        "polder's listeners share all services, and {} is served at port {port} already",
                        address.host
                    );
                    notes.left_out(site.line, &site.text(), why);
                }
                _ => own.push(address),
            }
        }
        let of = |secure: bool| {
            own.iter().filter(|address| address.tls == secure).map(|address| address.host.clone()).collect::<Vec<_>>()
        };
        let (clear, secure) = (of(false), of(true));
        let mut any = Vec::new();
        if !clear.is_empty() {
            any.push(Condition::Host(clear).and(Condition::Tls.negated()));
        }
        if !secure.is_empty() {
            any.push(Condition::Host(secure.clone()).and(Condition::Tls));
        }
        let condition = Condition::Any(any);
        let statement = site.text();
        if let Some(tls) = tls {
            let effect = Effect::Set(Table::new().with("tls", tls.clone()));
            rules.push(Rule { line: site.line, statement: statement.clone(), condition: condition.clone(), effect });
        }
        let name = name_of(addresses);
        let (pools, rules) = (&mut pools, &mut rules);
        Site { name, condition, pools, rules, notes, lists: &mut lists, root: None, fallback: None, strips: false }
            .read(site);
        if global.redirects && !secure.is_empty() {
            let mut all = sites.iter().flat_map(|site| &site.addresses);
            let beside =
                |other: &&Address| !other.tls && other.port != global.ports.http && secure.contains(&other.host);
            if let Some(Address { port, .. }) = all.find(beside) {
                let why = format!(
                    "polder's listeners share all services: the site in clear text at port {port} answers at port {}, too, where Caddy sends visitors to https; give it a host of its own",
                    global.ports.http
                );
                notes.changed(site.line, &statement, why);
            }
            let condition = Condition::Host(secure).and(Condition::Tls.negated());
            redirects.push(Rule { line: site.line, statement, condition, effect: Effect::ToHttps });
        }
    }
    rules.append(&mut redirects);
    let any = |secure: bool| sites.iter().flat_map(|site| &site.addresses).any(|address| address.tls == secure);
    let tls = any(true).then(|| Tree::Text("acme".to_owned()));
    let clear = any(false) || (any(true) && global.redirects);
    (Front { line: 1, statement: "sites".to_owned(), clear, tls, rules }, pools)
}

fn is_acme(tls: &Tree) -> bool {
    tls.text() == Some("acme") || tls.table().is_some_and(|tls| tls.get("acme").is_some())
}

/// The wider, the later.
fn breadth(host: &HostPattern) -> (u8, std::cmp::Reverse<usize>) {
    match host {
        HostPattern::Exact(_) => (0, std::cmp::Reverse(0)),
        HostPattern::Suffix(suffix) => (1, std::cmp::Reverse(suffix.len())),
        HostPattern::Any => (2, std::cmp::Reverse(0)),
    }
}

/// A site is called after its first host.
fn name_of(addresses: &[Address]) -> String {
    match addresses.first().map(|address| &address.host) {
        Some(HostPattern::Exact(name)) => name.clone(),
        Some(HostPattern::Suffix(suffix)) => format!("any.{suffix}"),
        _ => "all".to_owned(),
    }
}

#[cfg(test)]
mod tests;
