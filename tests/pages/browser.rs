//! Chromium, headless, driven over a pipe (`--remote-debugging-pipe`, the DevTools protocol): messages of JSON that end with a zero.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use command_fds::{CommandFdExt, FdMapping};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A browser with one page.
pub struct Browser {
    process: Child,
    to: File,
    from: BufReader<File>,
    session: String,
    sent: u64,
    _profile: TempDir,
}

impl Browser {
    pub fn start() -> Browser {
        let profile = TempDir::new().unwrap();
        let (their_in, to) = nix::unistd::pipe().unwrap();
        let (from, their_out) = nix::unistd::pipe().unwrap();
        let mapping = |parent_fd: OwnedFd, child_fd| FdMapping { parent_fd, child_fd };
        let process = Command::new("chromium")
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
            .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
            .args(["--remote-debugging-pipe", &format!("--user-data-dir={}", profile.path().display())])
            .fd_mappings(vec![mapping(their_in, 3), mapping(their_out, 4)])
            .unwrap()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromium is installed (apt-get install chromium)");
        let mut browser = Browser {
            process,
            to: to.into(),
            from: BufReader::new(from.into()),
            session: String::new(),
            sent: 0,
            _profile: profile,
        };
        let target = browser.call("Target.createTarget", json!({ "url": "about:blank" }));
        let attached = json!({ "targetId": target["targetId"], "flatten": true });
        browser.session = browser.call("Target.attachToTarget", attached)["sessionId"].as_str().unwrap().to_owned();
        browser
    }

    /// Loads an address at a width, in the light or in the dark, and waits until it is there.
    pub fn open(&mut self, url: &str, width: u32, is_dark: bool, with_scripts: bool) {
        let size = json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500 });
        self.call("Emulation.setDeviceMetricsOverride", size);
        let scheme = if is_dark { "dark" } else { "light" };
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.call("Emulation.setEmulatedMedia", media);
        self.call("Emulation.setScriptExecutionDisabled", json!({ "value": !with_scripts }));
        self.call("Page.navigate", json!({ "url": url }));
        self.wait_for("document.readyState === 'complete' && location.href !== 'about:blank'");
    }

    /// Waits until an expression is true; the page's events are looked at every few milliseconds by the page itself.
    pub fn wait_for(&mut self, condition: &str) {
        let limit = std::time::Instant::now() + std::time::Duration::from_secs(60);
        while self.value(condition) != json!(true) {
            assert!(
                std::time::Instant::now() < limit,
                "waited 60 s for {condition}: {}",
                self.value("document.body.innerText")
            );
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }

    /// What an expression is in the page; a promise is waited for.
    pub fn value(&mut self, expression: &str) -> Value {
        let asked = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let mut answer = self.call("Runtime.evaluate", asked);
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {answer}");
        answer["result"]["value"].take()
    }

    /// The whole page as a picture.
    pub fn picture(&mut self) -> Vec<u8> {
        let shot = self.call("Page.captureScreenshot", json!({ "captureBeyondViewport": true, "format": "png" }));
        STANDARD.decode(shot["data"].as_str().unwrap()).unwrap()
    }

    fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.sent += 1;
        let mut message = json!({ "id": self.sent, "method": method, "params": parameters });
        if !self.session.is_empty() {
            message["sessionId"] = self.session.as_str().into();
        }
        self.to.write_all(format!("{message}\0").as_bytes()).unwrap();
        loop {
            let mut answer = Vec::new();
            self.from.read_until(0, &mut answer).unwrap();
            assert_eq!(answer.pop(), Some(0), "the browser has ended");
            let mut answer: Value = serde_json::from_slice(&answer).unwrap();
            if answer["id"] == self.sent {
                assert!(answer["error"].is_null(), "{method}: {answer}");
                return answer["result"].take();
            }
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
