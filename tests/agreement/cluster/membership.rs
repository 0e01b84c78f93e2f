//! Members that come and go, and the document that names them.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::{Cluster, Member, Setting, name};
use crate::ports::free_address;

impl Cluster {
    /// A member more, which is not run yet.
    pub fn extend(&mut self) {
        let name = name(self.members.len());
        let (client, peer, setting) = (free_address(), free_address(), Setting::AsEver);
        self.members.push(Member { name, client, peer, setting, begins: "existing", process: None, is_frozen: false });
    }

    /// The last member is none any more.
    pub fn shrink(&mut self) {
        self.kill(self.members.len() - 1);
        self.members.pop();
    }

    /// Takes a member's data away; it joins when it is run again.
    pub fn wipe(&mut self, member: usize) {
        std::fs::remove_dir_all(self.data(member)).unwrap();
        self.members[member].begins = "existing";
    }

    /// The folder of a member's data.
    pub fn folder_of(&self, member: usize) -> PathBuf {
        self.data(member)
    }

    /// `agreement.json` of the host of this member.
    pub fn write_document(&self, member: usize) -> PathBuf {
        let named = |one: &Member| {
            let (client, peer) = (self.url(one), format!("http://{}", one.peer));
            (one.name.clone(), json!({ "client": client, "peer": peer }))
        };
        let members: Map<String, Value> = self.members.iter().map(named).collect();
        let document = json!({
            "version": 1, "members": members, "token": "etcd-cluster", "name": name(member), "data_dir": self.data(member),
        });
        let file = self.folder.path().join(format!("agreement-{member}.json"));
        std::fs::write(&file, document.to_string()).unwrap();
        file
    }

    /// Writes a key.
    pub fn set(&self, key: &str, value: &str) {
        let done = self.etcdctl(&self.endpoints(), &["put", key, value]).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    /// Reads one.
    pub fn get(&self, key: &str) -> String {
        let done = self.etcdctl(&self.endpoints(), &["get", "--print-value-only", key]).output().unwrap();
        String::from_utf8_lossy(&done.stdout).trim().to_owned()
    }

    /// Which cluster it is, as each answer of etcd says.
    pub fn number(&self) -> String {
        let done = self.etcdctl(&self.endpoints(), &["get", "--write-out", "json", "latch"]).output().unwrap();
        let answer: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
        answer["header"]["cluster_id"].to_string()
    }

    /// A file beside the members' data.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(Path::new(name))
    }
}
