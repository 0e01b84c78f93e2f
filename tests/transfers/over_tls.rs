//! Zones that come over TLS (RFC 9103): from BIND and from NSD, which give them in no other way.

use std::fs;
use std::path::Path;
use std::process::Command;

use rcgen::{CertificateParams, KeyPair};
use serde_json::json;

use crate::ports::free_address;
use crate::primaries::Ours;
use crate::servers::{self, KEY, Kind, Running, SECRET, prepare_polder_dns, records, server};
use crate::wait;
use crate::zone::Zone;

const NAME: &str = "primary.example.net";

/// A server at a port of UDP and TCP, with a certificate that it has issued to itself, which gives its zone over TLS at another port.
struct Primary {
    kind: Kind,
    port: u16,
    over_tls: u16,
    running: Running,
}

impl Primary {
    fn start(kind: Kind, zone: &Zone) -> Primary {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        let signing_key = KeyPair::generate().unwrap();
        let cert = CertificateParams::new(vec![NAME.to_owned()]).unwrap().self_signed(&signing_key).unwrap();
        fs::write(at.join("own.pem"), cert.pem()).unwrap();
        fs::write(at.join("own.key"), signing_key.serialize_pem()).unwrap();
        fs::write(at.join("zone"), zone.text()).unwrap();
        let (port, over_tls) = (free_address().port(), free_address().port());
        let command = match kind {
            Kind::Bind => bind(at, port, over_tls),
            Kind::Nsd => nsd(at, port, over_tls),
            Kind::Knot => panic!("Knot 3.2 gives no zone over TLS"),
        };
        Primary { kind, port, over_tls, running: Running::start(folder, command) }
    }

    /// polder-dns, as its secondary.
    fn secondary(&self, name: &str) -> Ours {
        let folder = tempfile::tempdir().unwrap();
        let (at, port) = (folder.path(), free_address().port());
        let tls = json!({ "ca_file": self.running.folder.path().join("own.pem"), "server_name": name });
        let primary = json!({ "address": format!("127.0.0.1:{}", self.over_tls), "key": KEY, "tls": tls });
        let transfer = json!({ "allow": [{ "networks": ["127.0.0.0/8"] }] });
        let command = prepare_polder_dns(at, port, &json!({ "primaries": [primary], "transfer": transfer }));
        Ours { running: Running::start(folder, command), port }
    }
}

fn bind(at: &Path, port: u16, over_tls: u16) -> Command {
    let folder = at.display();
    let text = format!(
        "tls own {{ cert-file \"{folder}/own.pem\"; key-file \"{folder}/own.key\"; protocols {{ TLSv1.3; }}; }};\n\
         options {{ directory \"{folder}\"; pid-file none; session-keyfile none; listen-on port {port} {{ 127.0.0.1; }}; \
         listen-on port {over_tls} tls own {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; recursion no; allow-query {{ any; }}; \
         allow-transfer {{ none; }}; notify no; dnssec-validation no; empty-zones-enable no; check-names primary ignore; }};\n\
         controls {{ }};\nkey \"{KEY}\" {{ algorithm hmac-sha256; secret \"{SECRET}\"; }};\n\
         zone \"example.net\" {{ type primary; file \"zone\"; allow-transfer port {over_tls} transport tls {{ key \"{KEY}\"; }}; }};\n"
    );
    fs::write(at.join("conf"), text).unwrap();
    let mut command = server("named");
    command.arg("-g").arg("-n").arg("1").arg("-c").arg(at.join("conf"));
    command
}

fn nsd(at: &Path, port: u16, over_tls: u16) -> Command {
    let folder = at.display();
    let text = format!(
        "server:\n ip-address: 127.0.0.1@{port}\n ip-address: 127.0.0.1@{over_tls}\n server-count: 1\n username: \"\"\n chroot: \"\"\n \
         tls-port: {over_tls}\n tls-service-key: \"{folder}/own.key\"\n tls-service-pem: \"{folder}/own.pem\"\n \
         zonesdir: \"{folder}\"\n database: \"\"\n pidfile: \"{folder}/pid\"\n zonelistfile: \"{folder}/list\"\n \
         xfrdfile: \"{folder}/xfrd\"\n xfrdir: \"{folder}\"\n verbosity: 2\nremote-control:\n control-enable: no\n\
         key:\n name: \"{KEY}\"\n algorithm: hmac-sha256\n secret: \"{SECRET}\"\n\
         zone:\n name: \"example.net\"\n zonefile: \"zone\"\n provide-xfr: 127.0.0.1 {KEY}\n"
    );
    fs::write(at.join("conf"), text).unwrap();
    let mut command = server("nsd");
    command.arg("-d").arg("-c").arg(at.join("conf"));
    command
}

#[test]
#[ignore = "needs NSD, BIND and kdig: see CONTRIBUTING.md"]
fn a_zone_comes_over_tls_from_whoever_proves_to_be_its_primary_and_from_nobody_else() {
    let zone = Zone::random(&mut fastrand::Rng::with_seed(3), 300);
    for kind in [Kind::Bind, Kind::Nsd] {
        let primary = Primary::start(kind, &zone);
        wait(
            || format!("{:?}:\n{}", primary.kind, primary.running.log()),
            || servers::serial(primary.port) == Some(zone.serial),
        );
        let ours = primary.secondary(NAME);
        wait(
            || format!("from {:?}:\n{}\n{}", primary.kind, ours.log(), primary.running.log()),
            || servers::serial(ours.port) == Some(zone.serial),
        );
        assert!(records(ours.port, false).len() > 200);
        let stranger = primary.secondary("other.example.net");
        let refused = "its certificate is for primary.example.net, and not for other.example.net";
        wait(|| stranger.log(), || stranger.log().contains(refused));
        assert_eq!(servers::serial(stranger.port), None);
    }
}
