//! Daemons in a folder and on addresses of their own, the backends they need, and what a visitor and an operator ask.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hickory_proto::op::Message;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use polder::api::client::Client;
use polder::daemon::launch;
use polder::demo::addresses::Addresses;
use polder::demo::authority::Authority;
use polder::demo::documents::{self, Layout, STATEFUL, STATEFUL_HOST, STATELESS, STATELESS_HOST, Times, ZONE};
use polder::demo::identities::Identities;
use polder::dnssec::{Algorithm, Role};
use serde_json::{Value, json};
use tempfile::TempDir;

/// No event is waited for longer.
pub const LIMIT: Duration = Duration::from_secs(60);

/// Waits until `met` gives something; `shown` tells a failing test what there was instead.
pub fn eventually<T>(what: &str, shown: impl Fn() -> String, mut met: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + LIMIT;
    loop {
        if let Some(found) = met() {
            return found;
        }
        assert!(Instant::now() < end, "waited {LIMIT:?} for {what}; there is:\n{}", shown());
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Asserts that a text holds every one of these words.
#[track_caller]
pub fn assert_says(said: &str, words: &[&str]) {
    for word in words {
        assert!(said.contains(word), "{word:?} is not in:\n{said}");
    }
}

/// A webserver in this process: answers its name, or 503 while it is told to.
pub struct Backend {
    well: Arc<AtomicBool>,
}

impl Backend {
    fn start(address: SocketAddr, name: String) -> Backend {
        let well = Arc::new(AtomicBool::new(true));
        let told = Arc::clone(&well);
        let listener = TcpListener::bind(address).unwrap();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let status = if told.load(Ordering::Relaxed) { "200 OK" } else { "503 Unwell" };
                let _ = stream.read(&mut [0; 4096]);
                let length = name.len();
                let answer =
                    format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{name}");
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        Backend { well }
    }

    pub fn set_well(&self, well: bool) {
        self.well.store(well, Ordering::Relaxed);
    }
}

/// What a test's daemons share.
pub struct Site {
    pub folder: TempDir,
    pub addresses: &'static Addresses,
    pub identities: Identities,
    /// `shop1`, the primary, and `shop2`, its backup.
    pub shop: [Backend; 2],
}

impl Site {
    pub fn new() -> Site {
        let folder = tempfile::tempdir().unwrap();
        // Backends listen as long as this program runs: so long nobody else gets their network.
        let addresses = Box::leak(Box::new(Addresses::claim().unwrap()));
        let identities = Identities::make(folder.path()).unwrap();
        for index in [0, 1] {
            Backend::start(addresses.stateless_backend(index), documents::stateless_name(index));
        }
        let shop =
            [0, 1].map(|index| Backend::start(addresses.stateful_backend(index), documents::stateful_name(index)));
        let site = Site { folder, addresses, identities, shop };
        polder::files::replace_own(&site.path("cookies.key"), documents::key_file().unwrap().as_bytes()).unwrap();
        Authority::make().unwrap().issue_all(site.folder.path()).unwrap();
        fs::write(site.path("polder.test.zone"), site.places().zone()).unwrap();
        site.make_zone_key();
        site
    }

    /// The key by which nameservers sign the zone, where their documents name it.
    fn make_zone_key(&self) {
        let folder = self.path(documents::ZONE_KEYS);
        fs::create_dir(&folder).unwrap();
        let apex = polder::zone::name::from_text(documents::ZONE).unwrap();
        let key = polder::dnssec::make(&apex, Role::Ksk, Algorithm::EcdsaP256, polder::dnssec::Times::default(), &[]);
        key.unwrap().write(&folder).unwrap();
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn places(&self) -> Layout<'_> {
        Layout {
            directory: self.folder.path(),
            addresses: self.addresses,
            identities: &self.identities,
            times: Times::SCALED,
        }
    }

    /// A proxy with one stateless backend, and a primary and a backup of the stateful service; its peers are `members`.
    pub fn proxy(&self, index: usize, members: &[usize]) -> Daemon<'_> {
        let mut document = self.places().proxy(index);
        for (service, backends) in [(STATELESS, 1), (STATEFUL, 2)] {
            document["services"][service]["backends"].as_array_mut().unwrap().truncate(backends);
        }
        document["services"][STATEFUL]["check"].as_object_mut().unwrap().remove("port");
        document["workers"] = json!(2);
        let serves = Serves::Visitors(self.addresses.proxy(index));
        let mut proxy =
            Daemon::new(self, documents::proxy_name(index), env!("CARGO_BIN_EXE_polder-proxy"), document, serves);
        proxy.keep_peers(members.iter().map(|index| documents::proxy_name(*index)).collect());
        proxy
    }

    /// A nameserver whose peer is not there.
    pub fn nameserver_with_peer(&self) -> Daemon<'_> {
        let mut nameserver = self.nameserver();
        nameserver.document = self.places().nameserver(0);
        nameserver.write();
        nameserver
    }

    /// A nameserver without peers.
    pub fn nameserver(&self) -> Daemon<'_> {
        let document = self.places().nameserver(0);
        let serves = Serves::Resolvers(self.addresses.nameserver(0));
        let name = documents::nameserver_name(0);
        let mut nameserver = Daemon::new(self, name, env!("CARGO_BIN_EXE_polder-dns"), document, serves);
        nameserver.keep_peers(Vec::new());
        nameserver
    }
}

/// Whom a daemon serves, and where.
#[derive(Clone, Copy)]
enum Serves {
    Visitors(SocketAddr),
    Resolvers(SocketAddr),
}

/// A daemon's document and its process, if it runs.
pub struct Daemon<'s> {
    pub document: Value,
    pub process: Option<Process>,
    site: &'s Site,
    name: String,
    program: &'static str,
    serves: Serves,
}

impl<'s> Daemon<'s> {
    fn new(site: &'s Site, name: String, program: &'static str, document: Value, serves: Serves) -> Daemon<'s> {
        fs::create_dir_all(site.path(&name).join("state")).unwrap();
        Daemon { document, process: None, site, name, program, serves }
    }

    fn keep_peers(&mut self, members: Vec<String>) {
        let document = self.document.as_object_mut().unwrap();
        if members.is_empty() {
            document.remove("peers");
        } else {
            let known = document["peers"]["members"].as_object_mut().unwrap();
            known.retain(|name, _| members.contains(name));
        }
        self.write();
    }

    pub fn config(&self) -> PathBuf {
        self.site.path(&self.name).join("document.json")
    }

    pub fn state_file(&self, name: &str) -> PathBuf {
        self.site.path(&self.name).join("state").join(name)
    }

    pub fn admin_socket(&self) -> PathBuf {
        self.document["admin"]["socket"].as_str().unwrap().into()
    }

    /// Writes the document, a key a line.
    pub fn write(&self) {
        fs::write(self.config(), format!("{:#}\n", self.document)).unwrap();
    }

    /// Writes a changed document; [`Daemon::document`] stays what it is.
    pub fn write_changed(&self, change: impl FnOnce(&mut Value)) {
        let mut document = self.document.clone();
        change(&mut document);
        fs::write(self.config(), format!("{document:#}\n")).unwrap();
    }

    /// The line of the document in which this text stands.
    pub fn line_of(&self, text: &str) -> usize {
        let document = fs::read_to_string(self.config()).unwrap();
        let line = document.lines().position(|line| line.contains(text));
        1 + line.unwrap_or_else(|| panic!("{text:?} is not in:\n{document}"))
    }

    /// Starts a process. A write beyond its limit of file sizes is an error to it, not its end. Its limit of open files is
    /// low, and may be raised.
    pub fn spawn(&self, more: &[&str]) -> Process {
        let mut command = Command::new("sh");
        command
            .args(["-c", "trap '' XFSZ; ulimit -S -n 256; exec \"$@\"", "sh", self.program, "--config"])
            .arg(self.config())
            .args(more);
        Process::start(command)
    }

    /// The same with descriptors that a service manager would pass.
    pub fn spawn_with(&self, passed: Vec<OwnedFd>, more: &[&str]) -> Process {
        let mut command = launch::command(Path::new(env!("CARGO_BIN_EXE_polder")), self.program);
        command.arg("--config").arg(self.config()).args(more);
        Process::start_with(command, passed)
    }

    /// Starts it and waits until it is ready.
    pub fn run(&mut self) {
        self.become_daemon(self.spawn(&[]));
    }

    /// Starts it and waits until it answers its operator: a proxy that may not know its latch is not ready before it has heard a
    /// peer.
    pub fn run_in_doubt(&mut self) {
        self.await_process(self.spawn(&[]), |_| true);
    }

    /// Waits until this process is the daemon, and ready.
    pub fn become_daemon(&mut self, process: Process) {
        self.await_process(process, |status| status["ready"] == true);
    }

    fn await_process(&mut self, process: Process, met: impl Fn(&Value) -> bool) {
        let id = process.child.id();
        eventually(
            &format!("process {id} to be ready"),
            || process.said(),
            || self.get("/status").is_ok_and(|status| status["pid"] == id && met(&status)).then_some(()),
        );
        self.process = Some(process);
    }

    pub fn wait_ready(&self) {
        eventually("ready", || self.said(), || (self.status()["ready"] == true).then_some(()));
    }

    /// Starts a process that is expected to end.
    pub fn ends(&self, more: &[&str]) -> Ended {
        self.spawn(more).end()
    }

    /// A reload has put another process, no child of ours, in its place: that one ends with what this gives.
    pub fn adopt_successor(&mut self) -> Successor {
        // Its standard error does not end with it: the successor has it.
        let mut own = self.process.take().unwrap();
        let id = own.child.id();
        assert_eq!(own.wait(), Some(0), "{}", own.said());
        let successor = Successor(Pid::from_raw(self.status()["pid"].as_i64().unwrap() as i32));
        assert_ne!(successor.0.as_raw(), id as i32);
        successor
    }

    /// The number of its process.
    pub fn id(&self) -> u32 {
        self.process.as_ref().unwrap().child.id()
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.id() as i32), signal).unwrap();
    }

    /// Kills it, and waits for its end.
    pub fn kill(&mut self) {
        drop(self.process.take());
    }

    /// Stops it as an operator does.
    pub fn stop(&mut self) {
        let process = self.process.take().unwrap();
        kill(Pid::from_raw(process.child.id() as i32), Signal::SIGTERM).unwrap();
        process.end().assert(0, &[]);
    }

    /// What its process has said so far.
    pub fn said(&self) -> String {
        self.process.as_ref().map(Process::said).unwrap_or_default()
    }

    /// Waits until its log has all these words: they reach us a moment after what they tell of.
    pub fn wait_said(&self, words: &[&str]) {
        let all = || words.iter().all(|word| self.said().contains(word)).then_some(());
        eventually(&format!("{words:?} in the log"), || self.said(), all);
    }

    fn get(&self, path: &str) -> Result<Value, String> {
        block_on(Client::new(&self.admin_socket()).get(path)).map_err(|error| error.to_string())
    }

    pub fn post(&self, path: &str, body: &Value) -> Result<Value, String> {
        block_on(Client::new(&self.admin_socket()).post(path, body)).map_err(|error| error.to_string())
    }

    pub fn reload(&self) -> Result<Value, String> {
        self.post("/reload", &json!({}))
    }

    pub fn status(&self) -> Value {
        self.get("/status").unwrap_or_else(|error| panic!("{error}; it said:\n{}", self.said()))
    }

    pub fn alarms(&self) -> String {
        format!("{:#}", self.status()["alarms"])
    }

    pub fn wait_alarm(&self, wanted: &str) {
        eventually(
            &format!("an alarm with {wanted:?}"),
            || self.alarms(),
            || self.alarms().contains(wanted).then_some(()),
        );
    }

    pub fn wait_no_alarms(&self, unwanted: &str) {
        eventually(
            &format!("no alarm with {unwanted:?}"),
            || self.alarms(),
            || (!self.alarms().contains(unwanted)).then_some(()),
        );
    }

    /// The latch of the stateful service.
    pub fn latch(&self) -> Value {
        let status = self.status();
        let services = status["services"].as_array().unwrap();
        services.iter().find(|service| service["name"] == STATEFUL).unwrap()["latch"].clone()
    }

    pub fn wait_latch(&self, what: &str, met: impl Fn(&Value) -> bool) -> Value {
        eventually(what, || format!("{:#}", self.latch()), || Some(self.latch()).filter(&met))
    }

    /// A metric's one sample with these labels beside `daemon`, each `NAME="VALUE"`.
    pub fn metric(&self, name: &str, labels: &[&str]) -> u64 {
        let daemon = match self.serves {
            Serves::Visitors(_) => "proxy",
            Serves::Resolvers(_) => "nameserver",
        };
        let labels: String = labels.iter().map(|label| format!(",{label}")).collect();
        let name = format!("polder_{name}{{daemon=\"{daemon}\"{labels}}}");
        let name = name.as_str();
        let page = self.document["admin"]["address"].as_str().unwrap();
        let (_, text) = request(page.parse().unwrap(), "localhost", "/metrics");
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("{name} is not in:\n{text}")).parse().unwrap()
    }

    /// A visitor's request of the stateful service: the status, and the backend's name.
    pub fn visit_shop(&self) -> (u16, String) {
        let Serves::Visitors(address) = self.serves else { panic!("nameservers have no visitors") };
        request(address, STATEFUL_HOST, "/")
    }

    /// A visitor's request of this path, of no service.
    pub fn visit(&self, path: &str) -> (u16, String) {
        let Serves::Visitors(address) = self.serves else { panic!("nameservers have no visitors") };
        request(address, "localhost", path)
    }

    /// It still answers as it did.
    #[track_caller]
    pub fn assert_serves(&mut self) {
        match self.serves {
            Serves::Visitors(address) => {
                assert_eq!(request(address, STATELESS_HOST, "/"), (200, "web1".to_owned()), "{}", self.said());
            }
            Serves::Resolvers(address) => {
                let answer = query(address, &format!("ns-1.{ZONE}"));
                assert_eq!(answer.answers.len(), 1, "{answer:?}\n{}", self.said());
            }
        }
        let process = self.process.as_mut().unwrap();
        assert!(process.child.try_wait().unwrap().is_none(), "it has ended:\n{}", process.said());
    }
}

/// Starts proxies that are each other's peers, for the first time: they decide together.
pub fn run_together(proxies: &mut [&mut Daemon<'_>]) {
    proxies.iter_mut().for_each(|proxy| proxy.run_in_doubt());
    proxies.iter().for_each(|proxy| proxy.wait_ready());
}

/// A running process; killed when it is dropped.
pub struct Process {
    pub child: Child,
    said: Arc<Mutex<String>>,
    reader: Option<std::thread::JoinHandle<()>>,
}

/// A daemon that the test did not start itself; killed when this is dropped.
pub struct Successor(Pid);

impl Drop for Successor {
    fn drop(&mut self) {
        let _ = kill(self.0, Signal::SIGKILL);
    }
}

/// How a process ended.
pub struct Ended {
    code: Option<i32>,
    pub said: String,
}

impl Ended {
    /// Asserts the exit code, and that standard error had these words.
    #[track_caller]
    pub fn assert(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, Some(code), "{}", self.said);
        assert_says(&self.said, words);
    }
}

impl Process {
    pub fn start(command: Command) -> Process {
        Process::start_with(command, Vec::new())
    }

    fn start_with(mut command: Command, passed: Vec<OwnedFd>) -> Process {
        for name in ["NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "POLDER_LOG"] {
            command.env_remove(name);
        }
        if !passed.is_empty() {
            launch::pass(&mut command, passed).unwrap();
        }
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut errors = child.stderr.take().unwrap();
        let said = Arc::<Mutex<String>>::default();
        let heard = Arc::clone(&said);
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = errors.read(&mut buffer) {
                heard.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer[..length]));
            }
        });
        Process { child, said, reader: Some(reader) }
    }

    /// What it has said on standard error so far.
    pub fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    /// Waits for its end; gives its exit code.
    fn wait(&mut self) -> Option<i32> {
        let said = Arc::clone(&self.said);
        let shown = || said.lock().unwrap().clone();
        eventually("a process to end", shown, || self.child.try_wait().unwrap()).code()
    }

    /// Waits for its end and for all that it said.
    pub fn end(mut self) -> Ended {
        let code = self.wait();
        self.reader.take().unwrap().join().unwrap();
        Ended { code, said: self.said() }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One GET: the status and the body.
pub fn request(address: SocketAddr, host: &str, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no response but {answer:?}"));
    (head[9..12].parse().unwrap(), body.to_owned())
}

/// One query for A over UDP.
pub fn query(server: SocketAddr, name: &str) -> Message {
    let mut query = vec![fastrand::u8(..), fastrand::u8(..), 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    query.extend_from_slice(&polder::zone::name::from_text(name).unwrap());
    query.extend_from_slice(&[0, 1, 0, 1]);
    let socket = UdpSocket::bind((server.ip(), 0)).unwrap();
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    socket.connect(server).unwrap();
    socket.send(&query).unwrap();
    let mut buffer = [0; 4096];
    let length = socket.recv(&mut buffer).unwrap_or_else(|error| panic!("no answer from {server}: {error}"));
    Message::from_vec(&buffer[..length]).unwrap()
}

/// Cuts a file in half, as a crash or a full disk may.
pub fn cut_in_half(path: &Path) {
    let bytes = fs::read(path).unwrap();
    // A latch's slot is filled up to a whole block: half of what says something.
    let said = bytes.trim_ascii_end().len();
    fs::write(path, &bytes[..said / 2]).unwrap();
}

/// `polder` with an operator's verb for one daemon; what it says on both outputs.
pub fn polder(daemon: &Daemon<'_>, arguments: &[&str]) -> Ended {
    let mut command = Command::new(env!("CARGO_BIN_EXE_polder"));
    command.args(arguments).arg("--socket").arg(daemon.admin_socket());
    // What it says is looked for as it is, on however busy a machine.
    let output = command.env("COLUMNS", "2000").env("POLDER_TIMEOUT", "60s").output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    Ended { code: output.status.code(), said: String::from_utf8_lossy(&said).into_owned() }
}

pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}
