//! Every host of the fleet has a system, and every system is a host's.

use super::report::Checked;
use crate::counted::listed;
use crate::fleet::{Fleet, Role, System};

pub(super) fn check(fleet: &Fleet, checked: &mut Checked) {
    for (name, host) in &fleet.hosts {
        let Some(system) = fleet.systems.get(name) else {
            checked.finding(
                format!("host {name}"),
                format!(
                    "is in the fleet and has no system: write hosts/{name}.nix, or take it out of polder.fleet.hosts"
                ),
            );
            continue;
        };
        let System::Rendered { dns, proxy, .. } = system else { continue };
        for (role, rendered, what) in
            [(Role::Nameserver, dns.is_some(), "nameserver"), (Role::Proxy, proxy.is_some(), "proxy")]
        {
            if host.is(role) && !rendered {
                checked.finding(
                    format!("host {name}"),
                    format!("has the role {what}, and polder.{what}.enable is false there: it would serve nothing"),
                );
            }
        }
    }
    let unknown: Vec<&String> = fleet.systems.keys().filter(|name| !fleet.hosts.contains_key(*name)).collect();
    if !unknown.is_empty() {
        checked.note("fleet", format!("systems that are no host of the fleet: {}", listed(unknown)));
    }
}
