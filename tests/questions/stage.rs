//! The demo's fleet, a folder to type commands in, and a terminal of 80 columns.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use polder::demo::Programs;
use polder::demo::documents::Times;
use polder::demo::fleet::{Action, Fleet};
use polder::unix_time::{formatted, unix_ms};
use polder::verbs::demo_file::DemoFile;
use polder::verbs::endpoint::Endpoint;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

use super::normal::{Run, key};
use super::page::{Answer, Page};

/// For anything that must happen.
const LIMIT: Duration = Duration::from_secs(60);
/// For an answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(20);
/// For what has its answer and is to be in the words of the page, too.
const WORDS_LIMIT: Duration = Duration::from_secs(10);

/// The fleet's times: nothing fails because this machine is busy, and resolvers forget soon.
const TIMES: Times = Times { ttl: Duration::from_secs(1), ..Times::GENEROUS };

/// A question, and how it is answered.
pub struct Question<'q> {
    pub chapter: Option<&'static str>,
    pub question: &'static str,
    /// As it stands on the page.
    pub shown: &'q str,
    /// As it is typed, where the page has natural values in it.
    pub typed: Option<String>,
    /// What answers the question, in what is printed.
    pub answer: &'q str,
    pub exit: i32,
    /// It changes something, and is typed once.
    pub is_change: bool,
    /// Only its answer is held to the page, not every word.
    pub is_loose: bool,
}

pub struct Stage<'p> {
    pub fleet: Fleet,
    pub folder: TempDir,
    pub run: Run,
    page: &'p Page,
    pub answers: Vec<Answer>,
}

impl<'p> Stage<'p> {
    pub async fn open(page: &'p Page) -> Stage<'p> {
        let folder = tempfile::Builder::new().prefix("pq").tempdir_in("/tmp").unwrap();
        let programs = Programs {
            polder: env!("CARGO_BIN_EXE_polder").into(),
            proxy: env!("CARGO_BIN_EXE_polder-proxy").into(),
            dns: env!("CARGO_BIN_EXE_polder-dns").into(),
        };
        let fleet = Fleet::start(&programs, TIMES, change).await.unwrap_or_else(|why| panic!("{why}"));
        let host = nix::unistd::gethostname().unwrap().to_string_lossy().into_owned();
        let address = fleet.addresses.proxy(0);
        let run = Run {
            network: address.ip().to_string().trim_end_matches(char::is_numeric).to_owned(),
            offset: fleet.addresses.http_port() - 8080,
            texts: vec![
                (fleet.folder().to_string_lossy().into_owned(), "/tmp/polder-demo"),
                (format!("alice@{host}"), "alice@nl"),
                // Of today: the first one of the day.
                (format!("{}01", formatted(unix_ms(), "%Y%m%d")), "2026112901"),
            ],
            now: 0,
        };
        let stage = Stage { fleet, folder, run, page, answers: Vec::new() };
        stage.announce();
        stage
    }

    /// The demo's file, so that verbs find its daemons by themselves.
    fn announce(&self) {
        let control = self.folder.path().join("control.sock");
        // Kept until the test ends: a demo whose socket nobody holds has ended.
        std::mem::forget(std::os::unix::net::UnixListener::bind(&control).unwrap());
        let daemon = |daemon: &polder::demo::supervisor::Supervised| Endpoint {
            name: Some(daemon.name.clone()),
            role: Some(daemon.role),
            ..Endpoint::at(&daemon.admin_socket())
        };
        let file = DemoFile { version: 1, daemons: self.fleet.daemons.iter().map(daemon).collect(), control };
        std::fs::create_dir(self.folder.path().join("polder")).unwrap();
        std::fs::create_dir(self.work()).unwrap();
        let path = self.folder.path().join("polder/demo.json");
        std::fs::write(path, serde_json::to_string(&file).unwrap()).unwrap();
    }

    /// Where commands are typed.
    pub fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    /// Writes a file where commands are typed.
    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.work().join(name), text).unwrap();
    }

    /// The document of a daemon.
    pub fn document(&self, name: &str) -> Value {
        let mut document = self.fleet.document(name);
        change(name, &mut document);
        document
    }

    pub async fn act(&mut self, action: Action, name: &str) {
        self.fleet.act(action, name).await.unwrap_or_else(|why| panic!("{name}: {why}"));
    }

    /// Types a command: what it prints on both outputs, and its exit code.
    pub async fn typed(&self, command: &str) -> (String, i32) {
        let words = words(command);
        let program: &Path = match &*words[0] {
            "polder" => env!("CARGO_BIN_EXE_polder").as_ref(),
            "polder-proxy" => env!("CARGO_BIN_EXE_polder-proxy").as_ref(),
            "polder-dns" => env!("CARGO_BIN_EXE_polder-dns").as_ref(),
            other => panic!("{other} is none of our programs"),
        };
        let (mut reader, writer) = std::io::pipe().unwrap();
        let mut process = Command::new(program)
            .args(&words[1..])
            .current_dir(self.work())
            .env("XDG_RUNTIME_DIR", self.folder.path())
            .env("SUDO_USER", "alice")
            .env("COLUMNS", "80")
            .env_remove("POLDER_SOCKETS")
            // However busy the machine is; the one that asks for silent daemons says its own.
            .env("POLDER_TIMEOUT", "20s")
            .stdin(Stdio::null())
            .stdout(writer.try_clone().unwrap())
            .stderr(writer)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let reading = tokio::task::spawn_blocking(move || std::io::read_to_string(&mut reader).unwrap());
        let exit = tokio::time::timeout(LIMIT, process.wait()).await;
        let exit = exit.unwrap_or_else(|_| panic!("{command}: not within {LIMIT:?}")).unwrap();
        // Its ends of the pipe go with the command.
        drop(process);
        (reading.await.unwrap(), exit.code().unwrap_or(-1))
    }

    /// Types a command until it exits so and says this.
    pub async fn until(&self, command: &str, exit: i32, words: &str) -> String {
        let start = Instant::now();
        loop {
            let (printed, code) = self.typed(command).await;
            if code == exit && printed.contains(words) {
                return printed;
            }
            assert!(
                start.elapsed() < LIMIT,
                "{command}: not within {LIMIT:?}: exit {exit} and {words:?}, but {code}:\n{printed}"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Puts a question. What changes nothing is typed until it has the answer, in the words of the page: what it tells may take a moment.
    pub async fn ask(&mut self, asked: Question<'_>) {
        let Question { chapter, question, shown, typed, answer, exit, is_change, is_loose } = asked;
        let command = typed.as_deref().unwrap_or(shown);
        let rewrites = std::env::var_os("REWRITE").is_some();
        let (start, mut last, mut answered) = (Instant::now(), None, None);
        let (printed, unanswered, difference) = loop {
            let (printed, code) = self.typed(command).await;
            self.run.now = unix_ms();
            let natural = self.run.natural(&printed);
            let has_answer = code == exit && printed.contains(answer);
            if !has_answer && (is_change || start.elapsed() > ANSWER_LIMIT) {
                let why = format!("{question}\n$ {command}\nexit {code}, not {exit}, or not {answer:?}:\n{printed}");
                break (natural, Some(why), None);
            }
            if has_answer {
                let answered = *answered.get_or_insert_with(Instant::now);
                let difference = match is_loose {
                    true => self.page.lacks(question, shown, answer),
                    false => self.page.difference(question, shown, &natural),
                };
                let is_settled = is_change || last.as_ref() == Some(&key(&natural));
                if difference.is_none() || is_change || answered.elapsed() > WORDS_LIMIT || (rewrites && is_settled) {
                    break (natural, None, difference);
                }
                last = Some(key(&natural));
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        self.answers.push(Answer { chapter, question, command: shown.to_owned(), printed, unanswered, difference });
    }

    /// Asks a proxy for a page; its response.
    pub async fn get(&self, proxy: usize, host: &str, path: &str) -> String {
        let mut stream = tokio::net::TcpStream::connect(self.fleet.addresses.proxy(proxy)).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut response = String::new();
        tokio::time::timeout(LIMIT, stream.read_to_string(&mut response)).await.unwrap().unwrap();
        response
    }
}

/// What a real fleet has and the demo's has not: ids of requests, a network that may not come, a limit. The demo's key is another one each time, which a
/// page could not show.
fn change(_: &str, document: &mut Value) {
    if document.get("services").is_none() {
        let zone = Path::new(env!("CARGO_MANIFEST_DIR")).join("hosts/zones/example.net.zone");
        let beside = Path::new(document["zones"]["polder.test"]["file"].as_str().unwrap());
        let keys = beside.with_file_name("keys");
        copy_keys(&keys);
        document["zones"]["polder.test"].as_object_mut().unwrap().remove("dnssec");
        document["zones"]["example.net"] = json!({ "file": zone, "dnssec": { "keys": keys } });
        return;
    }
    document["request_id"] = "X-Request-Id".into();
    document["services"]["www"]["deny"] = json!(["203.0.113.0/24"]);
    document["services"]["api"] = json!({
        "hosts": ["api.polder.test"],
        "answer": { "body": "one\n" },
        "rate_limit": { "client": { "rate": "1/h", "burst": 1 } },
    });
}

/// Puts the one key of example.net into a folder.
pub fn copy_keys(folder: &Path) {
    std::fs::create_dir_all(folder).unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for file in ["Kexample.net.+015+61202.key", "Kexample.net.+015+61202.private"] {
        std::fs::copy(root.join("tests/data/dnssec").join(file), folder.join(file)).unwrap();
    }
}

/// The field of this name in a response.
pub fn field<'r>(response: &'r str, name: &str) -> &'r str {
    let (head, _) = response.split_once("\r\n\r\n").unwrap_or((response, ""));
    let fields = head.lines().filter_map(|line| line.split_once(": "));
    let mut found = fields.filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    found.next().unwrap_or_else(|| panic!("no {name} in {response}"))
}

/// The words of a command line, as a shell reads them: apart by blanks, but not between quotes.
pub fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (number, part) in command.split('\'').enumerate() {
        match number % 2 {
            0 => words.extend(part.split_whitespace().map(str::to_owned)),
            _ => words.push(part.to_owned()),
        }
    }
    words
}
