//! Reads the fleet document: all of it, or every finding with its path.

use std::path::{Path, PathBuf};

use super::{Deployable, Fleet, Host, Pool, Role, System, Zone};
use crate::config::dns::Checks;
use crate::config::reader::{Keys, Read, Value, read_file, read_text};
use crate::config::{Findings, address, names, version};

const ROOT: Keys = Keys { object: "the fleet", names: &["agreement", "hosts", "pools", "systems", "version", "zones"] };
const HOST: Keys = Keys { object: "hosts.NAME", names: &["addresses", "host_key", "location", "roles"] };
const ZONE: Keys = Keys { object: "zones.NAME", names: &["checks", "file", "nameservers"] };
const POOL: Keys = Keys { object: "pools.NAME", names: &["ttl"] };
const SYSTEM: Keys = Keys { object: "systems.NAME", names: &["documents", "failed", "toplevel"] };
const TOPLEVEL: Keys = Keys { object: "systems.NAME.toplevel", names: &["derivation", "path"] };
const DOCUMENTS: Keys = Keys { object: "systems.NAME.documents", names: &["dns.json", "proxy.json"] };

/// Reads the fleet from a file. Relative paths of zone files are relative to it.
pub fn load(file: &Path) -> Result<Fleet, Findings> {
    read_file(file, read)
}

/// The same from text, `file` standing in the findings.
pub fn parse(file: &Path, text: &str) -> Result<Fleet, Findings> {
    read_text(file, text, read)
}

fn read(document: &Value<'_>) -> Read<Fleet> {
    version::read(document)?;
    let root = document.object(&ROOT)?;
    let hosts = root.required("hosts", |value| value.table(names::name, |_, _, value| read_host(value)));
    let zones = root.required("zones", |value| value.table(names::zone_name, |_, _, value| read_zone(value)));
    let pools = root.required("pools", |value| value.table(names::pool_owner, |_, _, value| read_pool(value)));
    let systems = root.required("systems", |value| value.table(names::name, |_, _, value| read_system(value)));
    // A fleet without agreement has none, and so has one of an older release.
    let agreement = root.with_default("agreement", Vec::new(), |value| {
        value.list("host names", |value| value.parsed("the name of a host", names::name))
    });
    Ok(Fleet { hosts: hosts?, zones: zones?, pools: pools?, agreement: agreement?, systems: systems? })
}

fn read_host(value: &Value<'_>) -> Read<Host> {
    let host = value.object(&HOST)?;
    let location = host.required("location", |value| value.text("a location"));
    let roles = host.required("roles", |value| {
        value.list("roles", |value| value.one_of(&Role::ALL.map(|role| (role.name(), role))))
    });
    let addresses =
        host.required("addresses", |value| value.list("addresses", |value| value.parsed("an address", address::host)));
    let host_key = host.optional("host_key", |value| value.text("an SSH public key").map(str::to_owned));
    Ok(Host { location: location?.to_owned(), roles: roles?, addresses: addresses?, host_key: host_key? })
}

fn read_zone(value: &Value<'_>) -> Read<Zone> {
    let zone = value.object(&ZONE)?;
    let file = zone.required("file", Value::file);
    let nameservers = zone.required("nameservers", |value| {
        value.list("host names", |value| value.parsed("the name of a host", names::name))
    });
    // A fleet of an older release has none.
    let checks = zone.with_default("checks", Checks::default(), |value| value.one_of(&Checks::ALL));
    Ok(Zone { file: file?, nameservers: nameservers?, checks: checks? })
}

fn read_pool(value: &Value<'_>) -> Read<Pool> {
    let pool = value.object(&POOL)?;
    Ok(Pool { ttl: pool.optional("ttl", |value| value.integer(0..=u32::MAX))? })
}

fn read_system(value: &Value<'_>) -> Read<System> {
    let system = value.object(&SYSTEM)?;
    let failed =
        system.required("failed", |value| value.list("messages", |value| value.text("a message").map(str::to_owned)));
    let documents = system.required("documents", |value| {
        let documents = value.object(&DOCUMENTS)?;
        let text =
            |file: &str| documents.optional(file, |value| value.text("a document as one string").map(str::to_owned));
        Ok((text("dns.json")?, text("proxy.json")?))
    });
    let toplevel = system.optional("toplevel", read_toplevel);
    let (failed, (dns, proxy), deployable) = (failed?, documents?, toplevel?);
    if !failed.is_empty() {
        return Ok(System::Refused(failed));
    }
    Ok(System::Rendered { dns, proxy, deployable })
}

fn read_toplevel(value: &Value<'_>) -> Read<Deployable> {
    let toplevel = value.object(&TOPLEVEL)?;
    let path = |key| toplevel.required(key, |value| value.text("a store path").map(PathBuf::from));
    let (path, derivation) = (path("path"), path("derivation"));
    Ok(Deployable { path: path?, derivation: derivation? })
}
