//! Where the daemons are: named by `--socket`, or the running demo's, or this host's.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::daemon::client::{Client, ClientError};
use crate::{dns, proxy};

/// The sockets of a host's own daemons (the NixOS modules put them there).
const HOST_SOCKETS: [&str; 2] = ["/run/polder-proxy/admin.sock", "/run/polder-dns/admin.sock"];

/// What a running demo leaves for the other verbs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DemoFile {
    /// 1.
    pub version: u32,
    /// Every daemon of the demo.
    pub daemons: Vec<Located>,
    /// The demo's own control socket.
    pub control: PathBuf,
}

/// A daemon that should be there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Located {
    /// Its name in the fleet, where known beforehand.
    #[serde(default)]
    pub name: Option<String>,
    /// What it is, where known beforehand.
    #[serde(default)]
    pub role: Option<Role>,
    /// Its admin socket.
    pub socket: PathBuf,
}

/// What a daemon is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// polder-proxy.
    Proxy,
    /// polder-dns.
    Nameserver,
}

impl Located {
    /// What to call it: its name, or its socket.
    pub fn label(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.socket.display().to_string())
    }

    /// A client for it.
    pub fn client(&self) -> Client {
        Client::new(&self.socket)
    }
}

/// A daemon's answer to `GET /status`.
#[derive(Debug, Clone)]
pub enum Answer {
    /// A proxy's.
    Proxy(Box<proxy::api::Status>),
    /// A nameserver's.
    Nameserver(Box<dns::api::Status>),
    /// None, and why.
    None(String),
}

/// A daemon and its answer.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Where it is.
    pub located: Located,
    /// What it said.
    pub answer: Answer,
}

impl Asked {
    /// Its own name if it answered, else what we call it.
    pub fn name(&self) -> String {
        match &self.answer {
            Answer::Proxy(status) => status.name.clone(),
            Answer::Nameserver(status) => status.name.clone(),
            Answer::None(_) => self.located.label(),
        }
    }

    /// What it is, where that is known.
    pub fn role(&self) -> Option<Role> {
        match &self.answer {
            Answer::Proxy(_) => Some(Role::Proxy),
            Answer::Nameserver(_) => Some(Role::Nameserver),
            Answer::None(_) => self.located.role,
        }
    }

    /// A proxy's status.
    pub fn proxy(&self) -> Option<&proxy::api::Status> {
        match &self.answer {
            Answer::Proxy(status) => Some(status),
            _ => None,
        }
    }

    /// A nameserver's status.
    pub fn nameserver(&self) -> Option<&dns::api::Status> {
        match &self.answer {
            Answer::Nameserver(status) => Some(status),
            _ => None,
        }
    }
}

/// The daemons to speak to. The error says what was looked for.
pub fn find(named: &[PathBuf]) -> Result<Vec<Located>, String> {
    let bare = |socket: &Path| Located { name: None, role: None, socket: socket.to_owned() };
    if !named.is_empty() {
        return Ok(named.iter().map(|socket| bare(socket)).collect());
    }
    let demo = demo_file();
    if let Some(demo) = read_demo_file(&demo)? {
        return Ok(demo.daemons);
    }
    let here: Vec<Located> = HOST_SOCKETS.iter().map(Path::new).filter(|socket| socket.exists()).map(bare).collect();
    if here.is_empty() {
        return Err(format!(
            "no daemon found: no demo is running ({} is not there), and neither {} nor {} exists; start `polder demo`, or name an admin socket with --socket",
            demo.display(),
            HOST_SOCKETS[0],
            HOST_SOCKETS[1]
        ));
    }
    Ok(here)
}

/// Where a running demo leaves word: `$XDG_RUNTIME_DIR/polder/demo.json`, or below `/tmp/polder-UID`.
pub fn demo_file() -> PathBuf {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR")
        .map_or_else(|| PathBuf::from(format!("/tmp/polder-{}", nix::unistd::getuid())), PathBuf::from);
    runtime.join("polder/demo.json")
}

/// The running demo, if there is one. A file whose demo has ended is none.
pub fn read_demo_file(path: &Path) -> Result<Option<DemoFile>, String> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("{} cannot be read: {error}", path.display())),
    };
    let demo: DemoFile = serde_json::from_str(&text).map_err(|error| {
        format!(
            "{} is not what a demo of this version writes: {error}; remove it if no demo is running",
            path.display()
        )
    })?;
    let running = std::os::unix::net::UnixStream::connect(&demo.control).is_ok();
    Ok(running.then_some(demo))
}

/// Asks every daemon for its status, all at once; the answers in the order of `daemons`.
pub async fn ask_all(daemons: &[Located]) -> Vec<Asked> {
    let asking: Vec<_> = daemons.iter().cloned().map(|located| tokio::spawn(ask(located))).collect();
    let mut asked = Vec::with_capacity(asking.len());
    for one in asking {
        if let Ok(one) = one.await {
            asked.push(one);
        }
    }
    asked
}

async fn ask(located: Located) -> Asked {
    let answer = match located.client().get("/status").await {
        Ok(value) => understand(value),
        Err(ClientError::Unreachable(why)) => Answer::None(why),
        Err(ClientError::Refused { status, message }) => Answer::None(format!("it answered {status}: {message}")),
    };
    Asked { located, answer }
}

fn understand(value: Value) -> Answer {
    let foreign =
        |error: serde_json::Error| Answer::None(format!("its status is of another version of polder: {error}"));
    match value.get("role").and_then(Value::as_str) {
        Some("proxy") => serde_json::from_value(value).map_or_else(foreign, |status| Answer::Proxy(Box::new(status))),
        Some("nameserver") => {
            serde_json::from_value(value).map_or_else(foreign, |status| Answer::Nameserver(Box::new(status)))
        }
        _ => Answer::None("it is no polder daemon: its status has no role".to_owned()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_demo_file_whose_demo_has_ended_counts_for_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("demo.json");
        assert_eq!(read_demo_file(&path), Ok(None));
        let demo = DemoFile { version: 1, daemons: Vec::new(), control: dir.path().join("control.sock") };
        std::fs::write(&path, serde_json::to_string(&demo).unwrap()).unwrap();
        assert_eq!(read_demo_file(&path), Ok(None));
        let _listening = std::os::unix::net::UnixListener::bind(&demo.control).unwrap();
        assert_eq!(read_demo_file(&path), Ok(Some(demo)));
    }

    #[test]
    fn a_demo_file_of_another_shape_is_an_error_that_says_what_to_do() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("demo.json");
        std::fs::write(&path, "{}").unwrap();
        let error = read_demo_file(&path).unwrap_err();
        assert!(error.contains("remove it if no demo is running"), "{error}");
    }

    #[test]
    fn named_sockets_are_taken_as_they_are() {
        let found = find(&[PathBuf::from("/nowhere/a"), PathBuf::from("/nowhere/b")]).unwrap();
        assert_eq!(found.iter().map(Located::label).collect::<Vec<_>>(), ["/nowhere/a", "/nowhere/b"]);
    }

    #[test]
    fn a_status_without_a_role_is_not_understood() {
        assert!(matches!(understand(serde_json::json!({"hello": 1})), Answer::None(why) if why.contains("no role")));
    }
}
