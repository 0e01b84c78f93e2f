//! A cluster of etcd on this machine: real members, on ports that the kernel chose, or on hosts of a network.

mod faults;
mod membership;
mod watch;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::time::{Duration, Instant};

use nix::sched::{CloneFlags, unshare};
use polder::daemon::launch;
use serde_json::{Value, json};

use crate::keys::Keys;
use crate::network::Network;
use crate::ports::free_address;
use crate::{LIMIT, programs};

pub use watch::Watch;

/// How a member is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setting {
    AsEver,
    /// On a disk of its own, which can be filled.
    SmallDisk,
    /// With little room for its data.
    SmallQuota,
    /// Its clock, by which it counts the time of leases, shows another day than this machine's.
    ADayAhead,
}

const METRICS: u16 = 2381;
const SMALL_DISK: &str = "size=200m";
const SMALL_QUOTA: &str = "16777216";
const DAY: &str = "86400";

/// Its members.
pub struct Cluster {
    folder: tempfile::TempDir,
    members: Vec<Member>,
    /// Where members have hosts of their own, and so must not speak in clear text.
    elsewhere: Option<(Rc<Network>, Keys)>,
}

struct Member {
    name: String,
    client: SocketAddr,
    peer: SocketAddr,
    setting: Setting,
    /// It begins a cluster (`new`), or joins one (`existing`).
    begins: &'static str,
    process: Option<Child>,
    /// It is stopped, and does not end.
    is_frozen: bool,
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for member in 0..self.members.len() {
            self.kill(member);
            if self.members[member].setting == Setting::SmallDisk {
                let _ = Command::new("umount").arg("--lazy").arg(self.data(member)).status();
            }
        }
    }
}

/// The name of a member, and of its host in a network.
pub fn name(member: usize) -> String {
    format!("etcd-{}", member + 1)
}

impl Cluster {
    /// So many members, which answer.
    pub fn start(members: usize) -> Cluster {
        let member = |number| Member {
            name: name(number),
            client: free_address(),
            peer: free_address(),
            setting: Setting::AsEver,
            begins: "new",
            process: None,
            is_frozen: false,
        };
        Cluster::run_all(tempfile::tempdir().unwrap(), (0..members).map(member).collect(), None)
    }

    /// Members that are run like this, each on its host of a network.
    pub fn start_in(network: &Rc<Network>, settings: &[Setting]) -> Cluster {
        let member = |(number, setting): (usize, &Setting)| {
            let name = name(number);
            let (client, peer) = (network.at(&name, 2379), network.at(&name, 2380));
            Member { name, client, peer, setting: *setting, begins: "new", process: None, is_frozen: false }
        };
        let members: Vec<Member> = settings.iter().enumerate().map(member).collect();
        let folder = tempfile::tempdir().unwrap();
        let keys = Keys::make(folder.path(), &members.iter().map(|member| member.client.ip()).collect::<Vec<_>>());
        Cluster::run_all(folder, members, Some((Rc::clone(network), keys)))
    }

    fn run_all(folder: tempfile::TempDir, members: Vec<Member>, elsewhere: Option<(Rc<Network>, Keys)>) -> Cluster {
        let mut cluster = Cluster { folder, members, elsewhere };
        for member in 0..cluster.members.len() {
            if cluster.members[member].setting == Setting::SmallDisk {
                mount_small_disk(&cluster.data(member));
            }
            cluster.run(member);
        }
        cluster.wait_until_it_answers();
        cluster
    }

    /// Where clients reach them.
    pub fn endpoints(&self) -> Vec<String> {
        self.members.iter().map(|member| self.url(member)).collect()
    }

    fn url(&self, member: &Member) -> String {
        let scheme = if self.elsewhere.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", member.client)
    }

    /// `agreement` of a proxy that agrees by this cluster.
    pub fn document(&self, lease: Duration) -> Value {
        let lease = format!("{}s", lease.as_secs());
        let mut document = json!({ "engine": "etcd", "endpoints": self.endpoints(), "lease": lease });
        if let Some((_, keys)) = &self.elsewhere {
            document["tls"] = keys.document();
        }
        document
    }

    fn data(&self, member: usize) -> PathBuf {
        self.folder.path().join(member.to_string())
    }

    /// Runs a member, with the data it had.
    pub fn run(&mut self, member: usize) {
        let mut command = self.program(self.members[member].setting);
        let (data, client) = (self.data(member), self.url(&self.members[member]));
        let log = std::fs::File::create(self.folder.path().join(format!("{member}.log"))).unwrap();
        command.arg("--data-dir").arg(&data).args([
            "--listen-client-urls",
            &client,
            "--advertise-client-urls",
            &client,
        ]);
        let one = &self.members[member];
        command.args(["--listen-peer-urls", &format!("http://{}", one.peer)]);
        command.args(self.membership(member)).args(["--initial-cluster-state", one.begins]);
        if self.elsewhere.is_some() {
            command.args(["--listen-metrics-urls", &format!("http://{}:{METRICS}", one.client.ip())]);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let mut spawn = || command.spawn().expect("etcd (Debian's etcd-server) runs");
        let process = match &self.elsewhere {
            Some((network, _)) => network.within(&one.name, spawn),
            None => spawn(),
        };
        self.members[member].process = Some(process);
    }

    /// The program, run like this.
    fn program(&self, setting: Setting) -> Command {
        let polder = &programs().polder;
        let mut command = if setting == Setting::ADayAhead {
            let mut command = launch::command(polder, "unshare");
            command.args(["--time", "--monotonic", DAY, "--boottime", DAY, "--fork", "--kill-child", "etcd"]);
            command
        } else {
            launch::command(polder, "etcd")
        };
        if setting == Setting::SmallQuota {
            command.args(["--quota-backend-bytes", SMALL_QUOTA]);
        }
        if let Some((_, keys)) = &self.elsewhere {
            command.args(["--client-cert-auth", "--trusted-ca-file"]).arg(&keys.ca);
            command.arg("--cert-file").arg(&keys.certificate).arg("--key-file").arg(&keys.key);
        }
        command
    }

    /// Where members on hosts of their own tell their metrics.
    pub fn metrics(&self) -> impl Iterator<Item = SocketAddr> {
        self.members.iter().map(|member| SocketAddr::new(member.client.ip(), METRICS))
    }

    /// Who a member is, and of which cluster.
    fn membership(&self, member: usize) -> [String; 6] {
        let all = self.members.iter().map(|member| format!("{}=http://{}", member.name, member.peer));
        let all = all.collect::<Vec<_>>().join(",");
        let Member { name, peer, .. } = &self.members[member];
        let own = format!("http://{peer}");
        ["--name", name, "--initial-cluster", &all, "--initial-advertise-peer-urls", &own].map(str::to_owned)
    }

    /// Waits until a quorum answers.
    pub fn wait_until_it_answers(&self) {
        let until = Instant::now() + LIMIT;
        while !self.etcdctl(&self.endpoints(), &["get", "nothing"]).output().is_ok_and(|done| done.status.success()) {
            assert!(Instant::now() < until, "etcd does not answer within {LIMIT:?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn etcdctl(&self, endpoints: &[String], args: &[&str]) -> Command {
        let mut command = Command::new("etcdctl");
        command.env("ETCDCTL_API", "3").args(["--endpoints", &endpoints.join(","), "--command-timeout", "2s"]);
        if let Some((_, keys)) = &self.elsewhere {
            command.arg("--cacert").arg(&keys.ca).arg("--cert").arg(&keys.certificate).arg("--key").arg(&keys.key);
        }
        command.args(args).stdin(Stdio::null());
        command
    }

    /// Ends a member at once (SIGKILL).
    pub fn kill(&mut self, member: usize) {
        if let Some(mut process) = self.members[member].process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// A disk in memory, seen by this thread and its children only.
fn mount_small_disk(at: &Path) {
    unshare(CloneFlags::CLONE_NEWNS).expect("mount namespaces can be made (it needs root)");
    std::fs::create_dir(at).unwrap();
    let mount = |args: &[&str]| assert!(Command::new("mount").args(args).arg(at).status().unwrap().success());
    assert!(Command::new("mount").args(["--make-rprivate", "/"]).status().unwrap().success());
    mount(&["-t", "tmpfs", "-o", SMALL_DISK, "tmpfs"]);
}
