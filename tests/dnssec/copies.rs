//! Copies of a zone that polder-dns signs, kept by NSD and by another polder-dns: they are told of each change, and get the zone. What has changed alone they
//! would get a day after the start: until then other nameservers may not have the same keys.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use serde_json::{Value, json};

use crate::ask::Reply;
use crate::keys::{self, SIGNINGS, Signing};
use crate::lab::{polder_dns, wait};
use crate::ports::free_address;
use crate::programs::{Running, program, told_by};
use crate::whole_zone::{transferred, whole};
use crate::zone::ZONE;

/// The zone with so many names besides.
fn write_zone(at: &Path, names: usize) {
    let serial = 2_026_113_000 + names;
    let mut text = format!("$TTL 300\n@ SOA ns hostmaster {serial} 3600 600 86400 300\n@ NS ns\nns A 127.0.0.1\n");
    (0..names).for_each(|n| text += &format!("n{n} TXT \"number {n}\"\n"));
    fs::write(at.join("zone"), text).unwrap();
}

fn start(folder: &Path, name: &str, listen: SocketAddr, zone: Value) -> Running {
    let at = folder.join(name);
    fs::create_dir_all(at.join("state")).unwrap();
    let document = json!({
        "version": 1, "name": name, "listeners": [listen], "admin": { "socket": at.join("admin.sock") },
        "state_dir": at.join("state"), "workers": 1, "rate_limit": { "exempt": ["127.0.0.0/8"] }, "zones": { ZONE: zone }
    });
    fs::write(at.join("dns.json"), document.to_string()).unwrap();
    Running::start(&at, name, polder_dns(&at))
}

fn start_nsd(folder: &Path, listen: SocketAddr, primary: SocketAddr) -> Running {
    let at = folder.join("nsd");
    fs::create_dir(&at).unwrap();
    let (shown, ip, port) = (at.display(), listen.ip(), listen.port());
    let text = format!(
        "server:\n ip-address: {ip}@{port}\n server-count: 1\n username: \"\"\n chroot: \"\"\n zonesdir: \"{shown}\"\n database: \"\"\n \
         pidfile: \"{shown}/pid\"\n zonelistfile: \"{shown}/list\"\n xfrdfile: \"{shown}/xfrd\"\n xfrdir: \"{shown}\"\n rrl-ratelimit: 0\n verbosity: 2\n\
         remote-control:\n control-enable: no\nzone:\n name: \"{ZONE}\"\n zonefile: \"copy\"\n provide-xfr: 127.0.0.0/8 NOKEY\n \
         allow-notify: 127.0.0.0/8 NOKEY\n request-xfr: {}@{} NOKEY\n",
        primary.ip(),
        primary.port()
    );
    fs::write(at.join("nsd.conf"), text).unwrap();
    let mut command = program("nsd");
    command.arg("-d").arg("-c").arg(at.join("nsd.conf"));
    Running::start(&at, "nsd", command)
}

fn soa(server: SocketAddr) -> Vec<String> {
    Reply::with_authority(server, ZONE, "SOA").map(|reply| reply.answers).unwrap_or_default()
}

/// Waits until all have the zone as the primary has it.
fn until_alike(primary: SocketAddr, copies: &[(SocketAddr, &Running)], names: usize) {
    let last = format!("n{}.{ZONE}", names - 1);
    wait(
        || format!("the primary does not answer {last}"),
        || Reply::with_authority(primary, &last, "TXT").is_ok_and(|reply| reply.answers.len() == 1),
    );
    for (copy, running) in copies {
        wait(
            || format!("{:?} at the primary, {:?} at its copy:\n{}", soa(primary), soa(*copy), running.log()),
            || !soa(primary).is_empty() && soa(primary) == soa(*copy),
        );
    }
    let records = whole(primary);
    // At a full hour all of them change, one after the other.
    copies.iter().for_each(|(copy, _)| assert!(whole(*copy) == records || soa(*copy) != soa(primary)));
}

fn verify(folder: &Path, copy: SocketAddr, anchor: &keys::Anchor) {
    fs::write(folder.join("copied"), transferred(copy)).unwrap();
    fs::write(folder.join("anchor"), anchor.in_zone_text()).unwrap();
    told_by(program("ldns-verify-zone").arg("-k").arg(folder.join("anchor")).arg(folder.join("copied")));
}

#[test]
#[ignore = "needs NSD and BIND: see CONTRIBUTING.md"]
fn copies_of_a_signed_zone_are_told_when_its_serial_rises_and_have_it_whole_and_proved() {
    for signing in SIGNINGS.iter().filter(|signing| !signing.is_split) {
        play(*signing);
    }
}

fn play(signing: Signing) {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let anchor = keys::make(&at.join("primary/keys"), ZONE, signing);
    write_zone(&at.join("primary"), 40);
    let [primary, by_nsd, by_polder] = [(); 3].map(|()| free_address());
    let all = json!([{ "networks": ["127.0.0.0/8"] }]);
    let zone = json!({
        "file": "zone",
        "dnssec": { "keys": "keys", "denial": signing.denial, "serial": "hourly" },
        "transfer": { "allow": all, "notify": [{ "address": by_nsd }, { "address": by_polder }] }
    });
    let signer = start(at, "primary", primary, zone);
    let nsd = start_nsd(at, by_nsd, primary);
    let zone = json!({ "primaries": [{ "address": primary }], "transfer": { "allow": all } });
    let polder = start(at, "secondary", by_polder, zone);
    let copies = [(by_nsd, &nsd), (by_polder, &polder)];
    until_alike(primary, &copies, 40);
    for names in [41, 45, 46] {
        write_zone(&at.join("primary"), names);
        signer.reload();
        until_alike(primary, &copies, names);
        verify(at, by_nsd, &anchor);
    }
    assert!(!signer.log().contains("what has changed since"), "{}", signer.log());
}
