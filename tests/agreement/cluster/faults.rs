//! What is done to members, and asked of them, while visitors come: nothing of it holds up this thread.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use super::{Cluster, Member, Setting};
use crate::LIMIT;

const PAUSE: Duration = Duration::from_millis(50);
/// A value as large as etcd takes.
const LARGE: usize = 1_000_000;

async fn done(mut command: Command) -> Output {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    tokio::process::Command::from(command).output().await.expect("etcdctl (Debian's etcd-client) runs")
}

async fn must(command: Command) -> Output {
    let words = format!("{command:?}");
    let output = done(command).await;
    assert!(output.status.success(), "{words}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

impl Member {
    fn answers(&self) -> bool {
        self.process.is_some() && !self.is_frozen
    }
}

impl Cluster {
    async fn ask(&self, member: usize, args: &[&str]) -> Output {
        done(self.etcdctl(&[self.url(&self.members[member])], args)).await
    }

    /// What a member says of itself; none: it does not answer.
    async fn status(&self, member: usize) -> Option<Value> {
        let output = self.ask(member, &["endpoint", "status", "--write-out", "json"]).await;
        let mut status: Value = serde_json::from_slice(&output.stdout).ok()?;
        Some(status.get_mut(0)?["Status"].take())
    }

    /// The member that leads.
    pub async fn leader(&self) -> usize {
        let began = Instant::now();
        loop {
            for member in (0..self.members.len()).filter(|member| self.members[*member].answers()) {
                let status = self.status(member).await;
                if status.is_some_and(|status| status["leader"] == status["header"]["member_id"]) {
                    return member;
                }
            }
            assert!(began.elapsed() < LIMIT, "no member leads within {LIMIT:?}");
        }
    }

    /// Lets a member lead.
    pub async fn make_leader(&self, member: usize) {
        let began = Instant::now();
        let status = self.status(member).await.expect("the member answers");
        let id = status["header"]["member_id"].as_u64().expect("a member has a number");
        loop {
            let leader = self.leader().await;
            if leader == member {
                return;
            }
            self.ask(leader, &["move-leader", &format!("{id:x}")]).await;
            assert!(began.elapsed() < LIMIT, "member {member} does not lead within {LIMIT:?}");
        }
    }

    /// Stops a member without ending it (SIGSTOP), or lets it go on.
    pub fn freeze(&mut self, member: usize, is_frozen: bool) {
        let member = &mut self.members[member];
        let process = member.process.as_ref().expect("the member runs");
        let signal = if is_frozen { Signal::SIGSTOP } else { Signal::SIGCONT };
        kill(Pid::from_raw(process.id().cast_signed()), signal).unwrap();
        member.is_frozen = is_frozen;
    }

    /// Stops a member as an operator does (SIGTERM).
    pub async fn stop(&mut self, member: usize) {
        let process = self.members[member].process.as_ref().expect("the member runs");
        kill(Pid::from_raw(process.id().cast_signed()), Signal::SIGTERM).unwrap();
        self.until_ended(member).await;
        self.kill(member);
    }

    async fn until_ended(&mut self, member: usize) {
        let began = Instant::now();
        while !self.has_ended(member) {
            assert!(began.elapsed() < LIMIT, "member {member} does not end within {LIMIT:?}");
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn has_ended(&mut self, member: usize) -> bool {
        self.members[member].process.as_mut().is_none_or(|process| process.try_wait().unwrap().is_some())
    }

    /// A key with a large value; whether it was taken.
    async fn put(&self, member: usize, key: usize) -> Result<(), String> {
        let value = self.folder.path().join("large");
        if !value.exists() {
            std::fs::write(&value, "x".repeat(LARGE)).unwrap();
        }
        let mut command = self.etcdctl(&[self.url(&self.members[member])], &["put", &format!("filler-{key}")]);
        command.stdin(std::fs::File::open(&value).unwrap());
        let output = done(command).await;
        if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
    }

    /// Fills a small disk to the last byte, and lets etcd write until this member has ended by it.
    pub async fn fill_disk(&mut self, member: usize) {
        let mut filler = std::fs::File::create(self.data(member).join("filler")).unwrap();
        let zeros = vec![0; 1 << 16];
        while filler.write_all(&zeros).is_ok() {}
        let other = (member + 1) % self.members.len();
        let began = Instant::now();
        for key in 0.. {
            // One that is not taken is as good: the disk is full.
            let _ = self.put(other, key % 50).await;
            if self.has_ended(member) {
                return;
            }
            assert!(began.elapsed() < LIMIT, "member {member} lives with a full disk");
        }
    }

    /// Fills etcd until it takes nothing more.
    pub async fn fill_quota(&self) {
        for key in 0..1000 {
            if let Err(why) = self.put(0, key).await {
                assert!(why.contains("database space exceeded"), "{why}");
                return;
            }
        }
        panic!("etcd has no quota");
    }

    fn kept(&self, member: usize) -> PathBuf {
        self.folder.path().join(format!("{member}.kept"))
    }

    /// Puts a copy of a member's disk aside.
    pub fn keep_disk(&self, member: usize) {
        assert!(self.members[member].process.is_none(), "it is copied while nobody writes");
        let copied = Command::new("cp").arg("-a").arg(self.data(member)).arg(self.kept(member)).status();
        assert!(copied.unwrap().success());
    }

    /// Gives it this copy instead of what it has.
    pub fn bring_back_disk(&self, member: usize) {
        std::fs::remove_dir_all(self.data(member)).unwrap();
        std::fs::rename(self.kept(member), self.data(member)).unwrap();
    }

    fn snapshot(&self) -> PathBuf {
        self.folder.path().join("snapshot")
    }

    /// Saves what etcd has.
    pub async fn save_snapshot(&self) {
        let file = self.snapshot();
        let one = [self.url(&self.members[0])];
        must(self.etcdctl(&one, &["snapshot", "save", &file.to_string_lossy()])).await;
    }

    /// Restores all members from it, as docs/etcd.md has it.
    pub async fn restore_snapshot(&self) {
        for member in 0..self.members.len() {
            assert_eq!(self.members[member].setting, Setting::AsEver);
            std::fs::remove_dir_all(self.data(member)).unwrap();
            let file = self.snapshot();
            let mut command = self.etcdctl(&[], &["snapshot", "restore", &file.to_string_lossy()]);
            command.args(self.membership(member)).arg("--data-dir").arg(self.data(member));
            must(command).await;
        }
    }

    /// Whether a member's clock shows another day.
    pub fn is_a_day_ahead(&self, member: usize) -> bool {
        let pid = self.members[member].process.as_ref().map_or(0, std::process::Child::id);
        std::fs::read_to_string(format!("/proc/{pid}/timens_offsets")).unwrap_or_default().contains(super::DAY)
    }
}
