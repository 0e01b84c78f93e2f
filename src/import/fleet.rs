//! A document as options of the fleet: what stands in hosts/default.nix (docs/options.md).

use super::draft::Names;
use super::tree::{Table, Tree};

/// What the modules derive from the fleet, and so has no option.
const DERIVED: &[&str] = &["version", "listeners", "admin", "state_dir", "services"];

/// The options that say what the document says: `polder.fleet.services` with `checks` and `cookies`, `polder.fleet.acme`, and
/// `polder.proxy.settings` for all other keys, each under its path. Backends stand there by address; where they are hosts of the fleet, `host` is for them.
pub fn options(document: &Table) -> Vec<(&'static str, Table)> {
    let (mut services, mut checks, mut cookies) = (Table::new(), Named::default(), Named::default());
    for (name, service) in document.get("services").and_then(Tree::table).into_iter().flat_map(Table::iter) {
        if let Some(settings) = service.table() {
            services.set(name, service_options(name, settings, &mut checks, &mut cookies));
        }
    }
    let mut fleet = Table::new();
    fleet.set("checks", checks.table);
    if !cookies.table.is_empty() {
        fleet.set("cookies", cookies.table);
    }
    fleet.set("services", services);
    let mut settings = Table::new();
    for (key, value) in document.iter().filter(|(key, _)| !DERIVED.contains(key)) {
        if key == "acme" { fleet.set(key, value.clone()) } else { settings.set(key, value.clone()) }
    }
    if !has_usual_ports(document) {
        settings.set_some("listeners", document.get("listeners").cloned());
    }
    let mut options = vec![("polder.fleet", fleet)];
    if !settings.is_empty() {
        options.push(("polder.proxy.settings", settings));
    }
    options
}

/// Equal values under one name.
#[derive(Default)]
struct Named {
    table: Table,
    names: Names,
}

impl Named {
    fn name_of(&mut self, wanted: &str, value: &Table) -> String {
        let known = self.table.iter().find(|(_, other)| other.table() == Some(value)).map(|(name, _)| name.to_owned());
        known.unwrap_or_else(|| {
            let name = self.names.take(wanted);
            self.table.set(&name, value.clone());
            name
        })
    }
}

fn service_options(name: &str, settings: &Table, checks: &mut Named, cookies: &mut Named) -> Table {
    let mut options = Table::new();
    for (key, value) in settings.iter() {
        match (key, value.table()) {
            ("backends", _) => {
                let backends: Vec<Tree> = value.list().iter().filter_map(Tree::table).map(backend_options).collect();
                options.set(key, backends);
            }
            ("check", Some(check)) => options.set(key, checks.name_of(name, check)),
            ("cookie", Some(cookie)) => {
                options.set_some("cookieName", cookie.get("name").cloned());
                // A sealed one, with the key `polder.keys.cookies`, is what a service has anyway.
                if cookie.get("value").is_some() {
                    let mut kind = cookie.clone();
                    kind.remove("name");
                    options.set(key, cookies.name_of(name, &kind));
                }
            }
            _ => options.set(key, value.clone()),
        }
    }
    options
}

fn backend_options(backend: &Table) -> Tree {
    let mut options = Table::new();
    for (key, value) in backend.iter() {
        match value.text().filter(|_| key == "address").and_then(|address| address.rsplit_once(':')) {
            Some((address, port)) => {
                options.set("address", address.trim_start_matches('[').trim_end_matches(']'));
                if let Some(port) = port.parse::<u64>().ok().filter(|port| *port != 80) {
                    options.set("port", port);
                }
            }
            None => options.set(key, value.clone()),
        }
    }
    options.into()
}

/// The role `proxy` listens on 80, and on 443 for TLS, at all addresses.
fn has_usual_ports(document: &Table) -> bool {
    let listeners = document.get("listeners").map_or(&[][..], Tree::list).iter().filter_map(Tree::table);
    listeners.into_iter().all(|listener| {
        let address = listener.get("address").and_then(Tree::text).unwrap_or_default();
        let secure = listener.get("protocol").is_some();
        let usual = if secure { ["0.0.0.0:443", "[::]:443"] } else { ["0.0.0.0:80", "[::]:80"] };
        usual.contains(&address) && listener.get("http2").is_none()
    })
}
