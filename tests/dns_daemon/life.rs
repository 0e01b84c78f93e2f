//! Start, takeover, end.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use nix::sys::signal::Signal;

use crate::fleet::*;
use crate::ports::free_address;

#[test]
fn check_config_prints_every_finding_of_the_document_and_the_zones() {
    let mut daemon = Daemon::prepare(&Members::start(1));
    let valid = daemon.output(&["--check-config"]);
    assert!(valid.status.success(), "{}", text(&valid.stderr));
    assert!(text(&valid.stdout).contains("valid"));
    daemon.write_zone(1, "www A 192.0.2.300");
    daemon.document["workers"] = "many".into();
    daemon.write_document();
    let invalid = daemon.output(&["--check-config"]);
    assert_eq!(invalid.status.code(), Some(1));
    let printed = text(&invalid.stderr);
    assert!(printed.contains("workers") && printed.contains("192.0.2.300"), "{printed}");
}

#[test]
fn check_config_live_tries_the_sockets() {
    let daemon = Daemon::prepare(&Members::start(1));
    let free = daemon.output(&["--check-config", "--live"]);
    assert!(free.status.success(), "{}", text(&free.stderr));
    let _taken = UdpSocket::bind(("127.0.0.1", daemon.port)).unwrap();
    let taken = daemon.output(&["--check-config", "--live"]);
    assert_eq!(taken.status.code(), Some(1));
    assert!(text(&taken.stderr).contains(&daemon.port.to_string()), "{}", text(&taken.stderr));
}

#[test]
fn check_config_live_beside_the_daemon_that_runs_passes_over_its_sockets_and_no_others() {
    let mut daemon = Daemon::prepare(&Members::start(1));
    daemon.document["admin"]["address"] = free_address().to_string().into();
    daemon.write_document();
    daemon.run();
    let beside = daemon.output(&["--check-config", "--live"]);
    assert!(beside.status.success(), "{}", text(&beside.stderr));
    let holder = UdpSocket::bind("127.0.0.1:0").unwrap();
    let taken = holder.local_addr().unwrap();
    daemon.document["listeners"].as_array_mut().unwrap().push(taken.to_string().into());
    daemon.write_document();
    let another = daemon.output(&["--check-config", "--live"]);
    assert_eq!(another.status.code(), Some(1));
    assert!(text(&another.stderr).contains(&format!("udp {taken}")), "{}", text(&another.stderr));
    assert!(!text(&another.stderr).contains(&format!(":{}", daemon.port)), "{}", text(&another.stderr));
}

#[test]
fn a_port_in_use_is_named_and_the_exit_code_is_3() {
    let daemon = Daemon::prepare(&Members::start(1));
    let _taken = UdpSocket::bind(("127.0.0.1", daemon.port)).unwrap();
    let output = daemon.output(&[]);
    assert_eq!(output.status.code(), Some(3));
    let printed = text(&output.stderr);
    assert!(printed.contains(&format!("127.0.0.1:{}", daemon.port)), "{printed}");
}

#[test]
fn a_takeover_of_nobody_is_exit_code_3() {
    let daemon = Daemon::prepare(&Members::start(1));
    let output = daemon.output(&["--takeover"]);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
}

#[test]
fn sigterm_ends_with_0_and_frees_the_port() {
    let mut daemon = Daemon::start(&Members::start(1));
    daemon.signal(Signal::SIGTERM);
    assert!(daemon.wait_exit().success(), "{}", daemon.log());
    UdpSocket::bind(("127.0.0.1", daemon.port)).unwrap();
}

/// A daemon whose one member never answers: it is not ready before the probe has timed out.
fn starting(timeout: &str) -> (Daemon, std::net::TcpListener) {
    let mut daemon = Daemon::prepare(&Members::start(1));
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let check = &mut daemon.document["pools"][POOL]["check"];
    check["port"] = silent.local_addr().unwrap().port().into();
    check["interval"] = timeout.into();
    check["timeout"] = timeout.into();
    daemon.write_document();
    daemon.process = Some(daemon.spawn(&[]));
    (daemon, silent)
}

#[test]
fn the_operator_is_answered_while_a_start_waits_for_its_checks() {
    let (daemon, _silent) = starting("30s");
    let status = wait_for("the admin API", || daemon.get("/status").ok());
    assert_eq!(
        (&status["ready"], &status["pools"][0]["members"][0]["addresses"][0]["check"]),
        (&false.into(), &"unchecked".into())
    );
    let mut next = daemon.spawn(&["--takeover"]);
    assert_eq!(wait_exit(&mut next, &daemon).code(), Some(3));
}

#[test]
fn a_reload_that_is_asked_for_before_the_daemon_is_ready_is_done_when_it_is() {
    let (daemon, _silent) = starting("1s");
    wait_for("the admin API", || daemon.get("/status").ok());
    assert!(daemon.reload().unwrap().done.contains("reloaded"));
    assert!(daemon.status().daemon.ready);
}

#[test]
fn sigterm_before_ready_ends_with_0() {
    let (mut daemon, _silent) = starting("30s");
    wait_for("the admin API", || daemon.get("/status").ok());
    daemon.signal(Signal::SIGTERM);
    assert_eq!(daemon.wait_exit().code(), Some(0), "{}", daemon.log());
}

#[test]
fn a_daemon_told_to_stop_hands_over_to_nobody() {
    let mut daemon = Daemon::start(&Members::start(1));
    // Keeps the old process in its drain.
    let mut visitor = connect(daemon.port);
    write_framed(&mut visitor, &query(POOL, 1));
    read_framed(&mut visitor).unwrap();
    let refused = block_on(async {
        let socket = daemon.folder.path().join("admin.sock");
        let (_, takeover) =
            polder::daemon::takeover::request(&socket, &socket.with_file_name("state"), "polder-dns").await.unwrap();
        daemon.signal(Signal::SIGTERM);
        wait_for("the drain", || daemon.log().contains("told to stop").then_some(()));
        takeover.ready().await.unwrap_err()
    });
    assert!(refused.to_string().contains("withdrew"), "{refused}");
    assert!(daemon.wait_exit().success(), "{}", daemon.log());
}

#[test]
fn a_daemon_that_has_handed_over_probes_nobody() {
    let members = Members::start(1);
    let mut daemon = Daemon::prepare(&members);
    daemon.document["drain"] = "5m".into();
    daemon.write_document();
    daemon.run();
    let mut visitor = connect(daemon.port);
    write_framed(&mut visitor, &query(POOL, 1));
    read_framed(&mut visitor).unwrap();
    let (sockets, state) = block_on(async {
        let socket = daemon.folder.path().join("admin.sock");
        let (sockets, takeover) =
            polder::daemon::takeover::request(&socket, &socket.with_file_name("state"), "polder-dns").await.unwrap();
        let succession = takeover.ready().await.unwrap();
        let state = succession.state.clone();
        succession.taken().await.unwrap();
        (sockets, state)
    });
    assert!(!sockets.is_empty() && state["health"].is_object());
    wait_for("the end of the probes", || {
        let before = members.probes();
        std::thread::sleep(std::time::Duration::from_millis(500));
        (members.probes() == before).then_some(())
    });
    assert!(daemon.process.as_mut().unwrap().try_wait().unwrap().is_none(), "it still drains");
    write_framed(&mut visitor, &query(POOL, 1));
    assert_eq!(read_framed(&mut visitor).unwrap().answers.len(), 1, "with what was last known");
}

#[test]
fn nothing_is_answered_before_the_first_checks() {
    let members = Members::start(1);
    let mut daemon = Daemon::prepare(&members);
    // A member that never answers: the first round lasts as long as its time-out.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let check = &mut daemon.document["pools"][POOL]["check"];
    check["port"] = silent.local_addr().unwrap().port().into();
    daemon.write_document();
    let started = std::time::Instant::now();
    daemon.process = Some(daemon.spawn(&[]));
    let server = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), daemon.port);
    wait_for("the socket", || exists(&daemon.folder.path().join("admin.sock")));
    let message = udp(server, &query(POOL, 1));
    assert!(started.elapsed().as_millis() >= 1000, "answered after {:?}", started.elapsed());
    assert_eq!(message.answers.len(), 1, "all are down: all are answered");
}

#[test]
fn a_takeover_loses_no_query_over_udp_nor_tcp() {
    let mut daemon = Daemon::start(&Members::start(2));
    daemon.say("m2", "drain", false).unwrap();
    let server = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), daemon.port);
    let stop = Arc::new(AtomicBool::new(false));
    let answered = Arc::new(AtomicU64::new(0));
    let ask = |over_tcp: bool| {
        let (stop, answered, port) = (Arc::clone(&stop), Arc::clone(&answered), daemon.port);
        std::thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                let query = query(POOL, 1);
                let message = if over_tcp {
                    let mut stream = connect(port);
                    write_framed(&mut stream, &query);
                    read_framed(&mut stream).expect("an answer over TCP")
                } else {
                    udp(server, &query)
                };
                assert_eq!(message.answers.len(), 1);
                answered.fetch_add(1, Ordering::Relaxed);
            }
        })
    };
    let visitors = [ask(false), ask(false), ask(true)];
    let more = |answered: &AtomicU64, than: u64| (answered.load(Ordering::Relaxed) > than).then_some(());
    wait_for("the first answers", || more(&answered, 20));
    for _ in 0..3 {
        daemon.take_over();
        let before = answered.load(Ordering::Relaxed);
        wait_for("answers after the takeover", || more(&answered, before + 20));
    }
    stop.store(true, Ordering::Relaxed);
    for visitor in visitors {
        visitor.join().unwrap_or_else(|_| panic!("a query was lost:\n{}", daemon.log()));
    }
    assert_eq!(daemon.addresses(POOL), ["127.0.0.1"], "the operator's word came along");
}

#[test]
fn a_takeover_that_fails_leaves_the_running_one_serving() {
    let mut daemon = Daemon::start(&Members::start(1));
    let good = std::fs::read_to_string(daemon.config()).unwrap();
    std::fs::write(daemon.config(), good.replace("\"drain\":\"2s\"", "\"drain\":\"soon\"")).unwrap();
    let mut next = daemon.spawn(&["--takeover"]);
    assert_eq!(wait_exit(&mut next, &daemon).code(), Some(1));
    assert_eq!(daemon.addresses(POOL), ["127.0.0.1"]);
    assert!(daemon.process.as_mut().unwrap().try_wait().unwrap().is_none());
}

#[test]
fn health_that_is_fresh_is_used_after_a_crash() {
    let members = Members::start(2);
    members.set(0, false);
    let mut daemon = Daemon::start(&members);
    daemon.signal(Signal::SIGTERM);
    daemon.wait_exit();
    let since = |daemon: &Daemon| daemon.status().pools[0].members[0].addresses[0].check_since;
    daemon.run();
    let first = since(&daemon);
    daemon.signal(Signal::SIGTERM);
    daemon.wait_exit();
    daemon.run();
    assert_eq!(since(&daemon), first);
}

/// Asks until it is told to stop, each query from a port of its own; panics if one is lost.
fn resolver(port: u16, stop: &Arc<AtomicBool>, answered: &Arc<AtomicU64>) -> std::thread::JoinHandle<()> {
    let (stop, answered) = (Arc::clone(stop), Arc::clone(answered));
    std::thread::spawn(move || {
        let server = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port);
        while !stop.load(Ordering::Relaxed) {
            assert_eq!(udp(server, &query(POOL, 1)).answers.len(), 1);
            answered.fetch_add(1, Ordering::Relaxed);
        }
    })
}

#[test]
fn while_a_new_process_that_said_ready_does_not_answer_the_old_one_does() {
    let mut daemon = Daemon::start(&Members::start(1));
    let (stop, answered) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
    let resolvers: Vec<_> = (0..3).map(|_| resolver(daemon.port, &stop, &answered)).collect();
    // Says ready, gets the final state, and never answers anybody.
    let succession = block_on(async {
        let socket = daemon.folder.path().join("admin.sock");
        let (sockets, takeover) =
            polder::daemon::takeover::request(&socket, &socket.with_file_name("state"), "polder-dns").await.unwrap();
        let succession = takeover.ready().await.unwrap();
        let before = answered.load(Ordering::Relaxed);
        let more = || (answered.load(Ordering::Relaxed) > before + 50).then_some(());
        wait_for("answers of the old one", more);
        let mut stream = connect(daemon.port);
        write_framed(&mut stream, &query(POOL, 1));
        assert_eq!(read_framed(&mut stream).unwrap().answers.len(), 1);
        drop(sockets);
        wait_for("the old one's patience", || daemon.log().contains("the takeover did not happen").then_some(()));
        succession
    });
    assert!(block_on(succession.taken()).is_err(), "it is too late");
    assert!(daemon.status().daemon.ready);
    stop.store(true, Ordering::Relaxed);
    for resolver in resolvers {
        resolver.join().unwrap_or_else(|_| panic!("a query was lost:\n{}", daemon.log()));
    }
    assert!(daemon.process.as_mut().unwrap().try_wait().unwrap().is_none());
}

/// Stops a process, every thread of it.
fn freeze(process: u32) {
    let id = nix::unistd::Pid::from_raw(process as i32);
    nix::sys::signal::kill(id, Signal::SIGSTOP).unwrap();
    wait_for("all threads to stop", || {
        let threads = std::fs::read_dir(format!("/proc/{process}/task")).unwrap();
        let stopped = |thread: std::fs::DirEntry| {
            let stat = std::fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
            stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('T'))
        };
        threads.flatten().all(stopped).then_some(())
    });
}

/// Lets a process go on.
fn thaw(process: u32) {
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(process as i32), Signal::SIGCONT).unwrap();
}

#[test]
fn a_new_process_that_freezes_at_any_moment_of_a_takeover_costs_no_query_but_what_it_had_read() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| fastrand::u64(..));
    println!("SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let mut daemon = Daemon::start(&Members::start(1));
    let (stop, answered) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
    let resolvers: Vec<_> = (0..8).map(|_| resolver(daemon.port, &stop, &answered)).collect();
    for _ in 0..8 {
        let log = daemon.log().len();
        let mut next = daemon.spawn(&["--takeover"]);
        wait_for("the takeover", || daemon.log()[log..].contains("taking over").then_some(()));
        // The moment is the test's input.
        std::thread::sleep(std::time::Duration::from_micros(random.u64(0..20_000)));
        freeze(next.id());
        // All who have asked until now may wait for what the new one has read. Who asks from now on does not.
        let (enough, answered_since) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
        let asks_since = resolver(daemon.port, &enough, &answered_since);
        wait_for("answers of the old one, or its end", || {
            let has_let_go = daemon.log()[log..].contains("has taken over");
            (has_let_go || answered_since.load(Ordering::Relaxed) > 50).then_some(())
        });
        enough.store(true, Ordering::Relaxed);
        thaw(next.id());
        asks_since.join().unwrap_or_else(|_| panic!("a query was lost:\n{}", daemon.log()));
        // What it had read it answers now.
        let (new, old) = (&mut next, daemon.process.as_mut().unwrap());
        let (new, old) = wait_for("the end of one of them", || {
            let (new, old) = (new.try_wait().unwrap(), old.try_wait().unwrap());
            (new.is_some() || old.is_some()).then_some((new, old))
        });
        match (new, old) {
            (None, Some(old)) => {
                assert!(old.success(), "{}", daemon.log());
                daemon.process = Some(next);
            }
            (new, _) => assert_eq!(new.and_then(|new| new.code()), Some(3), "{}", daemon.log()),
        }
        let id = daemon.process.as_ref().unwrap().id();
        daemon.wait_ready(id);
    }
    stop.store(true, Ordering::Relaxed);
    for resolver in resolvers {
        resolver.join().unwrap_or_else(|_| panic!("a query was lost:\n{}", daemon.log()));
    }
}

#[test]
fn a_takeover_with_more_workers_ends_with_as_many_sockets() {
    let mut daemon = Daemon::start(&Members::start(1));
    let (stop, answered) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
    let resolvers: Vec<_> = (0..4).map(|_| resolver(daemon.port, &stop, &answered)).collect();
    daemon.document["workers"] = 5.into();
    daemon.write_document();
    daemon.take_over();
    let id = daemon.process.as_ref().unwrap().id();
    let before = answered.load(Ordering::Relaxed);
    wait_for("answers after the takeover", || (answered.load(Ordering::Relaxed) > before + 50).then_some(()));
    stop.store(true, Ordering::Relaxed);
    for resolver in resolvers {
        resolver.join().unwrap_or_else(|_| panic!("a query was lost:\n{}", daemon.log()));
    }
    let threads = std::fs::read_dir(format!("/proc/{id}/task")).unwrap();
    let name = |thread: std::fs::DirEntry| std::fs::read_to_string(thread.path().join("comm")).unwrap_or_default();
    assert_eq!(threads.flatten().map(name).filter(|name| name.starts_with("dns-udp-")).count(), 5);
}

/// Gives the document a second member, which never answers: its first check takes `timeout`.
fn silent_member(daemon: &mut Daemon, members: &Members, timeout: &str) -> std::net::TcpListener {
    let silent = std::net::TcpListener::bind(("127.0.0.2", members.port)).unwrap();
    let pool = &mut daemon.document["pools"][POOL];
    pool["members"]["m2"] = serde_json::json!({ "addresses": ["127.0.0.2"] });
    (pool["check"]["interval"], pool["check"]["timeout"]) = (timeout.into(), timeout.into());
    daemon.write_document();
    silent
}

#[test]
fn a_new_process_checks_what_it_does_not_know_before_it_takes_over() {
    let members = Members::start(1);
    let mut daemon = Daemon::start(&members);
    let _silent = silent_member(&mut daemon, &members, "1s");
    let next = daemon.spawn(&["--takeover"]);
    let id = next.id();
    let mut old = daemon.process.replace(next).unwrap();
    daemon.wait_ready(id);
    let status = daemon.get("/status").unwrap();
    assert_eq!(status["pools"][0]["members"][1]["addresses"][0]["check"], "down", "{status}");
    old.wait().unwrap();
}

#[test]
fn the_heir_of_a_killed_process_answers_at_once_and_not_when_it_has_checked_everything() {
    let members = Members::start(1);
    let mut daemon = Daemon::start(&members);
    // Its first check takes most of this test's patience.
    let _silent = silent_member(&mut daemon, &members, "50s");
    let next = daemon.spawn(&["--takeover"]);
    let id = next.id();
    wait_for("the takeover", || daemon.log().contains("taking over").then_some(()));
    let mut old = daemon.process.replace(next).unwrap();
    old.kill().unwrap();
    old.wait().unwrap();
    daemon.wait_ready(id);
    assert_eq!(daemon.addresses(POOL), ["127.0.0.1"]);
    let status = daemon.get("/status").unwrap();
    assert_eq!(status["pools"][0]["members"][1]["addresses"][0]["check"], "unchecked", "{status}");
}
