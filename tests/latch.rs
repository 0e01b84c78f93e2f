//! The latch over real processes: kill -9 at any moment, cold starts, reinstallation, proxies that disagreed.

use std::future::Future;
use std::io::{IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use polder::api::proxy::{ServiceStatus, Status};
use polder::demo::documents::{STATEFUL, Times, proxy_name};
use polder::demo::fleet::{Action, Fleet};
use polder::demo::{Programs, backend::Command};
use polder::health::Verdict;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};
use rustix::process::{Pid, PidfdFlags, Resource, Rlimit, getpid, pidfd_open, prlimit};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const PROXIES: usize = 3;
/// For anything that must happen. How soon it does is measured by `polder drill`.
const LIMIT: Duration = Duration::from_secs(60);

fn programs() -> Programs {
    Programs {
        polder: env!("CARGO_BIN_EXE_polder").into(),
        proxy: env!("CARGO_BIN_EXE_polder-proxy").into(),
        dns: env!("CARGO_BIN_EXE_polder-dns").into(),
    }
}

/// Runs a test with a fleet, on the thread that the fleet wants.
fn with_fleet<F: Future<Output = Fleet>>(change: impl Fn(&str, &mut Value), test: impl FnOnce(Fleet) -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
    tokio::task::LocalSet::new().block_on(&runtime, async {
        let fleet = Fleet::start(&programs(), Times::GENEROUS, change).await.expect("the fleet starts");
        test(fleet).await.stop().await;
    });
}

async fn status(fleet: &Fleet, proxy: usize) -> Option<Status> {
    let client = fleet.daemon(&proxy_name(proxy)).expect("the fleet has this proxy").client();
    serde_json::from_value(client.get("/status").await.ok()?).ok()
}

fn shop(status: &Status) -> &ServiceStatus {
    status.services.iter().find(|service| service.name == STATEFUL).expect("every proxy has the stateful service")
}

/// What each proxy's latch names, silent proxies left out.
async fn active(fleet: &Fleet) -> Vec<String> {
    let mut active = Vec::new();
    for proxy in 0..PROXIES {
        if let Some(status) = status(fleet, proxy).await {
            let latch = shop(&status).latch.clone().expect("a stateful service has a latch");
            active.push(latch.active.unwrap_or_else(|| "nothing".to_owned()));
        }
    }
    active
}

/// Waits until `wanted` holds of what the latches name.
async fn until_active(fleet: &Fleet, what: &str, wanted: impl Fn(&[String]) -> bool) {
    let began = Instant::now();
    loop {
        let now = active(fleet).await;
        if wanted(&now) {
            return;
        }
        assert!(began.elapsed() < LIMIT, "not {what} within {LIMIT:?}: the latches name {now:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn all_on<'a>(backend: &'a str) -> impl Fn(&[String]) -> bool + 'a {
    move |active| active.len() == PROXIES && active.iter().all(|name| name == backend)
}

fn all_agree(active: &[String]) -> bool {
    active.len() == PROXIES && active.iter().all(|name| name == &active[0])
}

/// Waits until every proxy sees the backend so.
async fn until_seen(fleet: &Fleet, backend: &str, verdict: Verdict) {
    let began = Instant::now();
    loop {
        let mut seen = Vec::new();
        for proxy in 0..PROXIES {
            if let Some(status) = status(fleet, proxy).await {
                seen.extend(shop(&status).backends.iter().filter(|one| one.name == backend).map(|one| one.check));
            }
        }
        if seen.len() == PROXIES && seen.iter().all(|check| *check == verdict) {
            return;
        }
        assert!(began.elapsed() < LIMIT, "{backend} is not {verdict} on all proxies: {seen:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn act(fleet: &mut Fleet, action: Action, name: &str) {
    let done = fleet.act(action, name).await;
    assert!(done.is_ok(), "{action:?} {name}: {done:?}");
}

async fn fail_back(fleet: &Fleet) {
    let began = Instant::now();
    for proxy in 0..PROXIES {
        let client = fleet.daemon(&proxy_name(proxy)).expect("the fleet has this proxy").client();
        let command = json!({ "service": STATEFUL, "who": "test", "why": "" });
        while let Err(error) = client.post("/failback", &command).await {
            assert!(began.elapsed() < LIMIT, "failback refused: {error}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Kill -9 of a proxy at any moment of a failover, a hundred times, then start: one active backend, the same on all
/// proxies, never the failed primary again until failback.
#[test]
fn a_proxy_killed_at_any_moment_of_a_failover_agrees_with_the_others_when_it_is_back() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| fastrand::u64(..));
    println!("SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let rounds: usize = std::env::var("ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(100);
    let faster = |_: &str, document: &mut Value| {
        // A quarter of the demo's interval: a hundred failovers in a minute.
        if document["services"][STATEFUL].is_object() {
            document["services"][STATEFUL]["check"]["interval"] = json!("50ms");
            document["services"][STATEFUL]["start_grace"] = json!("200ms");
        }
    };
    with_fleet(faster, |mut fleet| async move {
        until_active(&fleet, "on the primary", all_on("shop1")).await;
        for round in 0..rounds {
            let victim = proxy_name(random.usize(..PROXIES));
            let moment = Duration::from_micros(random.u64(0..250_000));
            act(&mut fleet, Action::Kill, "shop1").await;
            // The moment is the test's input, not a wait for something.
            tokio::time::sleep(moment).await;
            act(&mut fleet, Action::Restart, &victim).await;
            until_active(
                &fleet,
                &format!("on shop2 everywhere (round {round}, {victim} killed after {moment:?})"),
                all_on("shop2"),
            )
            .await;
            act(&mut fleet, Action::Mend, "shop1").await;
            until_seen(&fleet, "shop1", Verdict::Up).await;
            assert!(
                all_on("shop2")(&active(&fleet).await),
                "round {round}: the failed primary serves again without failback"
            );
            fail_back(&fleet).await;
            until_active(&fleet, "failed back", all_on("shop1")).await;
        }
        fleet
    });
}

/// A backup that is up before the primary at a cold start does not take the service.
#[test]
fn a_backup_that_is_up_first_at_a_cold_start_does_not_take_the_service() {
    let patient = |_: &str, document: &mut Value| {
        if document["services"][STATEFUL].is_object() {
            document["services"][STATEFUL]["start_grace"] = json!("1h");
        }
    };
    with_fleet(patient, |mut fleet| async move {
        for proxy in 0..PROXIES {
            act(&mut fleet, Action::Kill, &proxy_name(proxy)).await;
            forget_state(&fleet, proxy);
        }
        act(&mut fleet, Action::Kill, "shop1").await;
        for proxy in 0..PROXIES {
            act(&mut fleet, Action::Mend, &proxy_name(proxy)).await;
        }
        // Every proxy has what would make it fail over: the primary is down, a backup is up.
        until_seen(&fleet, "shop2", Verdict::Up).await;
        until_seen(&fleet, "shop1", Verdict::Down).await;
        let now = active(&fleet).await;
        assert!(all_on("shop1")(&now), "in its grace the primary lost the service: {now:?}");
        act(&mut fleet, Action::Mend, "shop1").await;
        until_seen(&fleet, "shop1", Verdict::Up).await;
        assert!(all_on("shop1")(&active(&fleet).await));
        fleet
    });
}

fn forget_state(fleet: &Fleet, proxy: usize) {
    let folder = fleet.document(&proxy_name(proxy))["state_dir"].as_str().expect("a proxy has a state_dir").to_owned();
    for entry in std::fs::read_dir(&folder).expect("the state directory is there") {
        std::fs::remove_file(entry.expect("an entry").path()).expect("a state file can be removed");
    }
}

#[test]
fn a_reinstalled_proxy_learns_the_latch_from_its_peers_before_it_says_ready() {
    with_fleet(
        |_, _| (),
        |mut fleet| async move {
            act(&mut fleet, Action::Kill, "shop1").await;
            until_active(&fleet, "failed over", all_on("shop2")).await;
            act(&mut fleet, Action::Kill, "px-2").await;
            forget_state(&fleet, 1);
            act(&mut fleet, Action::Mend, "shop1").await;
            // Mending returns when the daemon has said READY: what it says then is what it knew.
            act(&mut fleet, Action::Mend, "px-2").await;
            let status = status(&fleet, 1).await.expect("px-2 is back");
            let latch = shop(&status).latch.clone().expect("it has a latch");
            assert_eq!(latch.active.as_deref(), Some("shop2"), "{latch:?}");
            fleet
        },
    );
}

#[test]
fn proxies_that_failed_over_to_different_backups_agree_when_they_meet() {
    with_fleet(
        |_, _| (),
        |mut fleet| async move {
            until_active(&fleet, "on the primary", all_on("shop1")).await;
            // A key that its peers do not list, nor its own document: they do not hear each other.
            let mut apart = fleet.document("px-1");
            let peers = &mut apart["peers"];
            peers["key_file"] = json!(peers["key_file"].as_str().map(|path| path.replace("px-1", "ns-1")));
            peers["members"].as_object_mut().expect("it has members").remove("px-1");
            fleet.write_json("px-1", &apart).expect("the document is written");
            fleet.daemon("px-1").expect("the fleet has it").reload().await.expect("the document is accepted");
            let close = |fleet: &Fleet, proxy: usize| Command::Close(fleet.addresses.check_port(proxy));
            for (backend, proxies) in [("shop2", vec![1, 2]), ("shop1", vec![0, 1, 2])] {
                for proxy in proxies {
                    let order = close(&fleet, proxy);
                    fleet.send(backend, order).await.expect("it obeys");
                }
            }
            until_active(&fleet, "failed over to different backups", |active| active == ["shop2", "shop3", "shop3"])
                .await;
            let document = fleet.document("px-1");
            fleet.write_json("px-1", &document).expect("the document is written");
            fleet.daemon("px-1").expect("the fleet has it").reload().await.expect("the document is accepted");
            until_active(&fleet, "of one mind", all_agree).await;
            fleet
        },
    );
}

#[test]
fn a_proxy_without_descriptors_to_spare_fails_over_while_idle_visitors_hold_all_that_they_may_have() {
    const OPEN_FILES: u64 = 256;
    let crowd = |_: &str, document: &mut Value| {
        if document["services"][STATEFUL].is_object() {
            document["limits"]["connections_per_address"] = json!(1000);
        }
    };
    with_fleet(crowd, |mut fleet| async move {
        for proxy in 0..PROXIES {
            let name = proxy_name(proxy);
            let pid = status(&fleet, proxy).await.expect("the proxy answers").daemon.pid;
            let limit = Rlimit { current: Some(OPEN_FILES), maximum: Some(OPEN_FILES) };
            prlimit(Pid::from_raw(pid as i32), Resource::Nofile, limit).expect("a process of ours");
            fleet.daemon(&name).expect("the fleet has it").reload().await.expect("the document fits");
        }
        let mut visitors = Vec::new();
        for proxy in 0..PROXIES {
            for _ in 0..400 {
                visitors
                    .push(tokio::net::TcpStream::connect(fleet.addresses.proxy(proxy)).await.expect("a connection"));
            }
        }
        act(&mut fleet, Action::Kill, "shop1").await;
        until_active(&fleet, "failed over", all_on("shop2")).await;
        drop(visitors);
        fleet
    });
}

/// Checks so seldom that no verdict changes while it is so.
fn unchecked(_: &str, document: &mut Value) {
    if document["services"][STATEFUL].is_object() {
        document["services"][STATEFUL]["check"]["interval"] = json!("1h");
        document["services"][STATEFUL]["check"]["fast_interval"] = json!("1h");
        // A check that replaces this one asks it too, and waits for its verdict.
        document["services"][STATEFUL]["check"]["fall"] = json!(1);
        document["timeouts"]["drain"] = json!("5m");
        document["timeouts"]["response_head"] = json!("5m");
    }
}

/// A visitor's request to a proxy, and the status it gets; none: no response within the limit.
async fn visit(fleet: &Fleet, proxy: usize) -> impl Future<Output = Option<String>> + use<> {
    let response = whole_visit(fleet, proxy).await;
    async move { response.await?.lines().next().map(str::to_owned) }
}

/// The same with all of the response.
async fn whole_visit(fleet: &Fleet, proxy: usize) -> impl Future<Output = Option<String>> + use<> {
    let document = fleet.document(&proxy_name(proxy));
    let address = document["listeners"][0]["address"].as_str().expect("a proxy listens").to_owned();
    let host = document["services"][STATEFUL]["hosts"][0].as_str().expect("a service has hosts").to_owned();
    let mut stream = tokio::net::TcpStream::connect(address).await.expect("the proxy accepts");
    let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("the proxy reads");
    async move {
        let mut response = Vec::new();
        let read = stream.read_to_end(&mut response);
        tokio::time::timeout(LIMIT, read).await.ok()?.ok()?;
        Some(String::from_utf8_lossy(&response).into_owned())
    }
}

/// Waits until every proxy but the first serves the backup, and sees the primary so.
async fn until_others_serve_shop2(fleet: &Fleet, primary: Verdict) {
    let began = Instant::now();
    for proxy in 1..PROXIES {
        while !status(fleet, proxy).await.is_some_and(|status| {
            let latch = shop(&status).latch.as_ref().and_then(|latch| latch.active.as_deref());
            latch == Some("shop2")
                && shop(&status).backends.iter().any(|one| one.name == "shop1" && one.check == primary)
        }) {
            assert!(began.elapsed() < LIMIT, "shop1 is not {primary} for proxy {proxy}, or shop2 does not serve");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

#[test]
fn a_proxy_that_was_stopped_while_the_others_failed_over_sends_nothing_to_the_primary_that_came_back() {
    // Checks so patient that only what its peers say tells the proxy that it was stopped.
    with_fleet(
        |_, _| (),
        |mut fleet| async move {
            until_seen(&fleet, "shop1", Verdict::Up).await;
            act(&mut fleet, Action::Freeze, "px-1").await;
            let stopped = Instant::now();
            act(&mut fleet, Action::Kill, "shop1").await;
            until_others_serve_shop2(&fleet, Verdict::Down).await;
            act(&mut fleet, Action::Mend, "shop1").await;
            until_others_serve_shop2(&fleet, Verdict::Up).await;
            let response = whole_visit(&fleet, 0).await;
            // The time is the test's input: longer than proxies go without hearing each other.
            tokio::time::sleep((polder::daemon::peers::RECENT * 2).saturating_sub(stopped.elapsed())).await;
            act(&mut fleet, Action::Mend, "px-1").await;
            let response = response.await.expect("a response");
            assert!(response.to_lowercase().contains(": shop2"), "{response}");
            fleet
        },
    );
}

#[test]
fn a_request_in_a_process_that_was_taken_over_moves_when_the_new_one_fails_over() {
    with_fleet(unchecked, |mut fleet| async move {
        act(&mut fleet, Action::Freeze, "shop1").await;
        let response = visit(&fleet, 0).await;
        // The new process alone checks often enough for a verdict.
        let mut document = fleet.document("px-1");
        unchecked("px-1", &mut document);
        let times = json!({ "path": "/healthz", "interval": "200ms", "timeout": "2s" });
        document["services"][STATEFUL]["check"] = times;
        fleet.write_json("px-1", &document).expect("the document is written");
        act(&mut fleet, Action::Takeover, "px-1").await;
        until_active(&fleet, "failed over", all_on("shop2")).await;
        assert_eq!(response.await.as_deref(), Some("HTTP/1.1 200 OK"));
        fleet
    });
}

/// A check that the active backend fails and its backups pass, though nothing happened but a new document.
#[test]
fn a_reload_with_a_wrong_check_moves_no_latch_and_says_what_is_wrong() {
    with_fleet(
        |_, _| (),
        |mut fleet| async move {
            until_seen(&fleet, "shop1", Verdict::Up).await;
            let mut document = fleet.document("px-1");
            let address = |backend: usize| -> std::net::SocketAddr {
                let address = &document["services"][STATEFUL]["backends"][backend]["address"];
                address.as_str().and_then(|text| text.parse().ok()).expect("a backend has an address")
            };
            let second = std::net::TcpListener::bind((address(1).ip(), 0)).expect("a port of shop2");
            let port = second.local_addr().expect("it is bound").port();
            let third = std::net::TcpListener::bind((address(2).ip(), port)).expect("the same port of shop3");
            let right = document.clone();
            let check = &mut document["services"][STATEFUL]["check"];
            *check = json!({ "port": port, "interval": check["interval"], "timeout": check["timeout"], "fall": 1 });
            fleet.write_json("px-1", &document).expect("the document is written");
            fleet.daemon("px-1").expect("the fleet has it").reload().await.expect("the document is accepted");
            until_alarmed(&fleet, "shop1 fails its changed check").await;
            // More than the grace of a start, in which the backups were well.
            let grace = fleet.document("px-1")["services"][STATEFUL]["start_grace"].clone();
            assert_eq!(grace, "1s");
            tokio::time::sleep(Duration::from_millis(1_500)).await;
            assert!(all_on("shop1")(&active(&fleet).await), "the document moved the latch");
            assert_eq!(visit(&fleet, 0).await.await.as_deref(), Some("HTTP/1.1 200 OK"));
            fleet.write_json("px-1", &right).expect("the document is written");
            fleet.daemon("px-1").expect("the fleet has it").reload().await.expect("the document is accepted");
            assert!(all_on("shop1")(&active(&fleet).await), "taking it back moved the latch");
            act(&mut fleet, Action::Kill, "shop1").await;
            until_active(&fleet, "failed over", all_on("shop2")).await;
            drop((second, third));
            fleet
        },
    );
}

/// Waits until px-1 has an alarm with these words.
async fn until_alarmed(fleet: &Fleet, words: &str) {
    let began = Instant::now();
    loop {
        let alarms = status(fleet, 0).await.map(|status| status.daemon.alarms).unwrap_or_default();
        if alarms.iter().any(|alarm| alarm.contains(words)) {
            return;
        }
        assert!(began.elapsed() < LIMIT, "no alarm says {words:?}: {alarms:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The new side of a takeover as far as its "ready": the old one waits for its "taken".
async fn be_ready_to_take_over(socket: &str) -> UnixStream {
    let socket = socket.to_owned();
    tokio::task::spawn_blocking(move || ready_to_take_over(&socket)).await.expect("it gets there")
}

fn ready_to_take_over(socket: &str) -> UnixStream {
    let mut stream = UnixStream::connect(socket).expect("the admin socket is there");
    let ask = "POST /takeover HTTP/1.1\r\nHost: test\r\nConnection: upgrade\r\nUpgrade: polder-takeover\r\n\
               Content-Length: 0\r\n\r\n";
    stream.write_all(ask.as_bytes()).expect("it reads");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(byte(&mut stream));
    }
    assert!(head.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&head));
    say(&mut stream, &json!({ "hello": { "program": "polder-proxy", "protocol": 2, "version": "test" } }));
    let ourselves = pidfd_open(getpid(), PidfdFlags::empty()).expect("a pidfd");
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut rights = SendAncillaryBuffer::new(&mut space);
    let descriptors = [ourselves.as_fd()];
    rights.push(SendAncillaryMessage::ScmRights(&descriptors));
    sendmsg(&stream, &[IoSlice::new(b"F")], &mut rights, SendFlags::empty()).expect("it reads");

    let mut length = [0; 4];
    stream.read_exact(&mut length).expect("it offers");
    let mut offer = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut offer).expect("all of it");
    let offer: serde_json::Value = serde_json::from_slice(&offer).expect("a frame");
    let sockets = offer["offer"]["sockets"].as_u64().expect("an offer") as u32;
    // The receipt goes over the second of the two that come first; the sockets themselves are the kernel's to drop.
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut rights = RecvAncillaryBuffer::new(&mut space);
    recvmsg(&stream, &mut [IoSliceMut::new(&mut [0])], &mut rights, RecvFlags::CMSG_CLOEXEC).expect("descriptors");
    let received = rights.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(received) => received.last(),
        _ => None,
    });
    rustix::io::write(received.expect("a socket for the receipt"), &sockets.to_be_bytes()).expect("it reads");
    say(&mut stream, &json!("ready"));
    // The final state comes last; it alone begins so.
    let mut said = Vec::new();
    while !said.windows(8).any(|part| part == b"{\"final\"") {
        said.push(byte(&mut stream));
    }
    stream
}

fn say(stream: &mut UnixStream, frame: &serde_json::Value) {
    let text = frame.to_string();
    stream.write_all(&(text.len() as u32).to_be_bytes()).expect("it reads");
    stream.write_all(text.as_bytes()).expect("it reads");
}

fn byte(stream: &mut UnixStream) -> u8 {
    let mut byte = [0];
    stream.read_exact(&mut byte).expect("it goes on");
    byte[0]
}

#[test]
fn what_happened_before_a_new_process_gave_up_counts_afterwards() {
    with_fleet(
        |_, _| (),
        |mut fleet| async move {
            for proxy in [1, 2] {
                act(&mut fleet, Action::Kill, &proxy_name(proxy)).await;
            }
            let document = fleet.document("px-1");
            let socket = document["admin"]["socket"].as_str().expect("a proxy has an admin socket");
            let new = be_ready_to_take_over(socket).await;
            act(&mut fleet, Action::Kill, "shop1").await;
            // The verdict falls while nothing may change: only the checker's own line tells of it.
            let log = fleet.folder().join("px-1/log");
            let down = |line: &str| line.contains("shop/shop1") && line.contains("-> down");
            let began = Instant::now();
            while !std::fs::read_to_string(&log).expect("px-1 has a log").lines().any(down) {
                assert!(began.elapsed() < LIMIT, "shop1 is not down for px-1");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            drop(new);
            until_active(&fleet, "failed over", |active| active == ["shop2"]).await;
            fleet
        },
    );
}
