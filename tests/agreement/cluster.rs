//! A cluster of etcd on this machine: real members, on ports that the kernel chose.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Longer than anything of etcd's takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Its members.
pub struct Cluster {
    folder: tempfile::TempDir,
    members: Vec<Member>,
}

struct Member {
    name: String,
    client: SocketAddr,
    peer: SocketAddr,
    process: Option<Child>,
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for member in 0..self.members.len() {
            self.kill(member);
        }
    }
}

/// An address that nobody listens on.
fn free() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

impl Cluster {
    /// So many members, which answer.
    pub fn start(members: usize) -> Cluster {
        let member = |number| Member { name: format!("etcd-{number}"), client: free(), peer: free(), process: None };
        let members = (0..members).map(member).collect();
        let mut cluster = Cluster { folder: tempfile::tempdir().unwrap(), members };
        for member in 0..cluster.members.len() {
            cluster.run(member);
        }
        cluster.wait_until_it_answers();
        cluster
    }

    /// Where clients reach them.
    pub fn endpoints(&self) -> Vec<String> {
        self.members.iter().map(|member| format!("http://{}", member.client)).collect()
    }

    /// Runs a member, with the data it had.
    pub fn run(&mut self, member: usize) {
        let all = self.members.iter().map(|member| format!("{}=http://{}", member.name, member.peer));
        let all = all.collect::<Vec<_>>().join(",");
        let data = self.folder.path().join(member.to_string());
        let one = &mut self.members[member];
        let log = std::fs::File::create(self.folder.path().join(format!("{member}.log"))).unwrap();
        let mut command = Command::new("etcd");
        command.args(["--name", &one.name, "--data-dir"]).arg(&data);
        command.args(["--listen-client-urls", &format!("http://{}", one.client)]);
        command.args(["--advertise-client-urls", &format!("http://{}", one.client)]);
        command.args(["--listen-peer-urls", &format!("http://{}", one.peer)]);
        command.args(["--initial-advertise-peer-urls", &format!("http://{}", one.peer)]);
        command.args(["--initial-cluster", &all, "--initial-cluster-state", "new"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        one.process = Some(command.spawn().expect("etcd (Debian's etcd-server) runs"));
    }

    /// Waits until a quorum answers.
    pub fn wait_until_it_answers(&self) {
        let until = Instant::now() + PATIENCE;
        while !self.etcdctl(&["get", "nothing"], &self.folder.path().join("ctl.log")) {
            assert!(Instant::now() < until, "etcd does not answer within {PATIENCE:?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn etcdctl(&self, args: &[&str], log: &Path) -> bool {
        let log = std::fs::File::create(log).unwrap();
        let mut command = Command::new("etcdctl");
        command.env("ETCDCTL_API", "3").args(["--endpoints", &self.endpoints().join(","), "--command-timeout", "2s"]);
        command
            .args(args)
            .stdout(Stdio::null())
            .stderr(log)
            .status()
            .expect("etcdctl (Debian's etcd-client) runs")
            .success()
    }

    /// Ends a member at once (SIGKILL).
    pub fn kill(&mut self, member: usize) {
        if let Some(mut process) = self.members[member].process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}
