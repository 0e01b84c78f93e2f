//! A network of machines on this one: a namespace for each host, and a router between them that drops what does not get through.
//!
//! Needs root. The thread that makes it is the router, and reaches every host. Nothing is left behind: namespaces have no names, and
//! go with the thread and the processes in them.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::AsRawFd;
use std::process::Command;

use nix::sched::{CloneFlags, setns, unshare};

/// The hosts, by their names.
pub struct Network {
    router: File,
    hosts: Vec<(String, File)>,
}

/// The network namespace that this thread is in.
fn own() -> File {
    File::open("/proc/thread-self/ns/net").unwrap()
}

/// A namespace of its own for this thread.
fn enter_a_new_one() -> File {
    unshare(CloneFlags::CLONE_NEWNET).expect("network namespaces can be made (it needs root)");
    run("ip", &["link", "set", "lo", "up"]);
    own()
}

fn run(program: &str, args: &[&str]) {
    let done = Command::new(program).args(args).output().unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(done.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&done.stderr));
}

impl Network {
    /// Makes the network, and this thread its router.
    pub fn make(names: &[&str]) -> Network {
        let router = enter_a_new_one();
        std::fs::write("/proc/sys/net/ipv4/ip_forward", "1").unwrap();
        let mut network = Network { router, hosts: Vec::new() };
        for name in names {
            network.join(name);
        }
        network
    }

    fn join(&mut self, name: &str) {
        let host = enter_a_new_one();
        let link = format!("to-{name}");
        let router = format!("/proc/{}/fd/{}", std::process::id(), self.router.as_raw_fd());
        run("ip", &["link", "add", "name", "eth0", "type", "veth", "peer", "name", &link, "netns", &router]);
        self.hosts.push((name.to_owned(), host));
        let (own, gateway) = (self.ip(name), self.gateway(name));
        run("ip", &["address", "add", &format!("{own}/24"), "dev", "eth0"]);
        run("ip", &["link", "set", "eth0", "up"]);
        self.leave();
        run("ip", &["address", "add", &format!("{gateway}/24"), "dev", &link]);
        run("ip", &["link", "set", &link, "up"]);
        self.within(name, || run("ip", &["route", "add", "default", "via", &gateway.to_string()]));
    }

    fn number(&self, name: &str) -> u8 {
        let number = self.hosts.iter().position(|(host, _)| host == name);
        u8::try_from(number.unwrap_or_else(|| panic!("no host is named {name}"))).unwrap()
    }

    fn ip(&self, name: &str) -> Ipv4Addr {
        Ipv4Addr::new(10, 77, self.number(name), 2)
    }

    fn gateway(&self, name: &str) -> Ipv4Addr {
        Ipv4Addr::new(10, 77, self.number(name), 1)
    }

    /// A port of a host.
    pub fn at(&self, name: &str, port: u16) -> SocketAddr {
        SocketAddr::from((self.ip(name), port))
    }

    /// From here on this thread, and the processes that it starts, are on that host.
    pub fn enter(&self, name: &str) {
        let (_, host) = &self.hosts[usize::from(self.number(name))];
        setns(host, CloneFlags::CLONE_NEWNET).unwrap();
    }

    /// And from here on at the router again.
    pub fn leave(&self) {
        setns(&self.router, CloneFlags::CLONE_NEWNET).unwrap();
    }

    /// Does something on a host.
    pub fn within<T>(&self, name: &str, done: impl FnOnce() -> T) -> T {
        self.enter(name);
        let done = done();
        self.leave();
        done
    }

    /// Nothing gets through any more between a host of the one side and one of the other; nobody is told.
    pub fn cut(&self, one: &[&str], other: &[&str]) {
        self.rules("add", one, other);
    }

    /// It does again.
    pub fn heal(&self, one: &[&str], other: &[&str]) {
        self.rules("del", one, other);
    }

    fn rules(&self, verb: &str, one: &[&str], other: &[&str]) {
        for (a, b) in one.iter().flat_map(|a| other.iter().map(move |b| (self.ip(a), self.ip(b)))) {
            for (from, to) in [(a, b), (b, a)] {
                run("ip", &["rule", verb, "from", &from.to_string(), "to", &to.to_string(), "blackhole"]);
            }
        }
    }
}
