//! What a proxy has written to its access log.

use polder::config::proxy::{AccessLogConfig, AccessLogPath};
use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{Proxy, Setup, eventually};

const NAME: &str = "access.log";

/// A folder for the log, and a setup that has it written there.
pub fn with_log(setup: Setup) -> (TempDir, Setup) {
    let folder = tempfile::tempdir().unwrap();
    let path = AccessLogPath::File(folder.path().join(NAME));
    let log = Some(AccessLogConfig::to(path));
    (folder, Setup { log, ..setup })
}

/// The lines of the log, once every connection and the proxy have ended.
pub fn lines(folder: &TempDir, mut proxy: Proxy) -> Vec<Value> {
    eventually("every connection ends", || proxy.shared.admission.connections() == 0);
    proxy.drain();
    proxy.join();
    drop(proxy);
    let text = std::fs::read_to_string(folder.path().join(NAME)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// How the requests ended, in the two letters of the log.
pub fn ends(folder: &TempDir, proxy: Proxy) -> Vec<String> {
    lines(folder, proxy).iter().map(|line| line["end"].as_str().unwrap().to_owned()).collect()
}
