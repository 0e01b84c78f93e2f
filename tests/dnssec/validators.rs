//! Resolvers that validate, with the zone's key as their trust anchor: unbound, named and Knot Resolver; and delv, which asks the nameserver itself.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::ask::Reply;
use crate::lab::{Lab, wait};
use crate::ports::free_address;
use crate::programs::{Running, program, run};
use crate::zone::{Question, ZONE, absolute};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Unbound,
    /// It answers from what proofs that it has seen say of other names (RFC 8198).
    UnboundAggressive,
    /// It asks the nameserver itself, and follows its referrals.
    Named,
    /// It forwards to the nameserver, which it takes for a resolver.
    NamedForwarding,
    /// Likewise.
    Knot,
}

impl Kind {
    /// For all types Knot Resolver answers nothing, and named at times what it has in its cache and has not validated yet.
    pub fn can_be_asked(self, question: &Question) -> bool {
        let takes_any = matches!(self, Kind::Unbound | Kind::UnboundAggressive);
        (takes_any || question.rtype != "ANY") && !(self.is_forwarding() && question.is_below_a_cut())
    }

    /// It takes a referral for an answer without data, and so is not asked for what is below a delegation.
    fn is_forwarding(self) -> bool {
        matches!(self, Kind::NamedForwarding | Kind::Knot)
    }

    pub const ALL: [Kind; 5] = [Kind::Unbound, Kind::UnboundAggressive, Kind::Named, Kind::NamedForwarding, Kind::Knot];
}

pub struct Validator {
    pub kind: Kind,
    pub server: SocketAddr,
    process: Running,
    _folder: TempDir,
}

impl Validator {
    /// One that keeps no answer for longer than so many seconds.
    pub fn start(kind: Kind, lab: &Lab, longest_ttl: u32) -> Validator {
        let folder = tempfile::tempdir().unwrap();
        let (at, server) = (folder.path(), free_address());
        let command = match kind {
            Kind::Unbound => unbound(at, server, lab, longest_ttl, false),
            Kind::UnboundAggressive => unbound(at, server, lab, longest_ttl, true),
            Kind::Named => named(at, server, lab, longest_ttl, false),
            Kind::NamedForwarding => named(at, server, lab, longest_ttl, true),
            Kind::Knot => knot(at, server, lab, longest_ttl),
        };
        let validator = Validator { kind, server, process: Running::start(at, "log", command), _folder: folder };
        // What it answers is looked at later.
        wait(
            || format!("{kind:?} does not answer:\n{}", validator.log()),
            || std::net::TcpStream::connect(server).is_ok() && validator.ask(&absolute("ns1"), "A").is_ok(),
        );
        validator
    }

    pub fn ask(&self, name: &str, rtype: &str) -> std::io::Result<Reply> {
        Reply::of(self.server, name, rtype)
    }

    pub fn log(&self) -> String {
        self.process.log()
    }
}

fn unbound(at: &Path, server: SocketAddr, lab: &Lab, longest_ttl: u32, is_aggressive: bool) -> Command {
    let folder = at.display();
    let is_aggressive = if is_aggressive { "yes" } else { "no" };
    fs::write(at.join("anchor"), lab.anchor.in_zone_text()).unwrap();
    let mut text = format!(
        "server:\n directory: \"{folder}\"\n chroot: \"\"\n username: \"\"\n pidfile: \"\"\n use-syslog: no\n do-daemonize: no\n verbosity: 1\n \
         val-log-level: 2\n interface: 127.0.0.1@{port}\n port: {port}\n access-control: 127.0.0.0/8 allow\n do-ip6: no\n num-threads: 1\n \
         do-not-query-localhost: no\n module-config: \"validator iterator\"\n aggressive-nsec: {is_aggressive}\n \
         cache-max-ttl: {longest_ttl}\n cache-max-negative-ttl: {longest_ttl}\n target-fetch-policy: \"0 0 0 0 0\"\n trust-anchor-file: \"{folder}/anchor\"\n\
         remote-control:\n control-enable: no\n",
        port = server.port()
    );
    for (zone, address) in stubs(lab) {
        text += &format!("stub-zone:\n name: \"{zone}\"\n stub-addr: {}@{}\n", address.ip(), address.port());
    }
    fs::write(at.join("conf"), text).unwrap();
    let mut command = program("unbound");
    command.arg("-d").arg("-c").arg(at.join("conf"));
    command
}

/// Where each zone is: it cannot follow a referral to another port than 53.
fn stubs(lab: &Lab) -> [(String, SocketAddr); 3] {
    [(absolute("secure"), lab.children()), (absolute("insecure"), lab.children()), (ZONE.to_owned(), lab.parent())]
}

fn named(at: &Path, server: SocketAddr, lab: &Lab, longest_ttl: u32, forwards: bool) -> Command {
    let folder = at.display();
    let zone = match forwards {
        true => format!(
            "zone \"{ZONE}\" {{ type forward; forward only; forwarders {{ 127.0.0.1 port {}; }}; }};\n",
            lab.port
        ),
        false => format!("zone \"{ZONE}\" {{ type static-stub; server-addresses {{ 127.0.0.1; }}; }};\n"),
    };
    let text = format!(
        "options {{ directory \"{folder}\"; pid-file none; session-keyfile none; port {}; listen-on port {} {{ 127.0.0.1; }}; \
         listen-on-v6 {{ none; }}; recursion yes; allow-query {{ any; }}; allow-recursion {{ any; }}; dnssec-validation yes; \
         empty-zones-enable no; max-cache-ttl {longest_ttl}; max-ncache-ttl {longest_ttl}; }};\ncontrols {{ }};\n{}{zone}",
        lab.port,
        server.port(),
        lab.anchor.for_bind(),
    );
    fs::write(at.join("conf"), text).unwrap();
    let mut command = program("named");
    command.args(["-g", "-4", "-n", "1", "-c"]).arg(at.join("conf"));
    command
}

fn knot(at: &Path, server: SocketAddr, lab: &Lab, longest_ttl: u32) -> Command {
    let text = format!(
        "net.listen('127.0.0.1', {}, {{ kind = 'dns' }})\nnet.ipv6 = false\ncache.size = 10 * MB\ncache.min_ttl(0)\ncache.max_ttl({longest_ttl})\n\
         trust_anchors.remove('.')\ntrust_anchors.add([[{}]])\n\
         policy.add(policy.suffix(policy.FORWARD({{'127.0.0.1@{}'}}), policy.todnames({{'{ZONE}'}})))\n",
        server.port(),
        lab.anchor.in_zone_text().trim_end(),
        lab.port
    );
    fs::write(at.join("conf"), text).unwrap();
    let mut command = program("kresd");
    command.arg("-n").arg("-c").arg(at.join("conf")).arg(at);
    command
}

/// What delv finds of the nameserver's own answer: nothing if it proves what it says.
pub fn unproved_by_delv(lab: &Lab, name: &str, rtype: &str) -> Option<String> {
    let anchor = lab.folder.path().join("anchor.conf");
    fs::write(&anchor, lab.anchor.for_bind()).unwrap();
    let mut command = Command::new("delv");
    command.args(["@127.0.0.1", "-p", &lab.port.to_string(), "-4", "-a"]).arg(&anchor);
    let ended = run(command.arg(format!("+root={ZONE}")).args([name, rtype]));
    let is_proved = ended.said.contains("fully validated") && !ended.said.contains("unsigned");
    (!is_proved).then_some(ended.said)
}
