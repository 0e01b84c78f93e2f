//! Queries and responses for a receiver: over every transport, switched while the daemon runs, and never at a query's cost.

mod leaving;
mod receiver;

use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::encrypted::{self, Encrypted};
use crate::encrypted_streams::{self, framed, zero};
use crate::fleet::*;
use receiver::{Heard, Message, Receiver};

const QUERY: u64 = 1;
const RESPONSE: u64 = 2;
const NAME: &str = "ns1.example.net";

fn socket(daemon: &Daemon) -> PathBuf {
    daemon.folder.path().join("dnstap.sock")
}

/// A document with this of dnstap besides the socket; nothing is started.
fn prepare(more: Value) -> Daemon {
    let mut daemon = Daemon::prepare(&Members::start(1));
    write(&mut daemon, more);
    daemon
}

fn write(daemon: &mut Daemon, mut more: Value) {
    more["socket"] = json!(socket(daemon));
    daemon.document["dnstap"] = more;
    daemon.write_document();
}

/// A client over UDP.
struct Asker(UdpSocket);

impl Asker {
    fn new(daemon: &Daemon) -> Asker {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        socket.connect((Ipv4Addr::LOCALHOST, daemon.port)).unwrap();
        socket.set_read_timeout(Some(LIMIT)).unwrap();
        Asker(socket)
    }

    fn port(&self) -> u64 {
        self.0.local_addr().unwrap().port().into()
    }

    fn ask(&self, query: &[u8]) -> Vec<u8> {
        self.0.send(query).unwrap();
        let mut answer = vec![0; 4096];
        let length = self.0.recv(&mut answer).unwrap();
        answer.truncate(length);
        answer
    }
}

/// The value of a metric with these labels.
fn metric(daemon: &Daemon, name: &str) -> Option<u64> {
    let page = block_on(daemon.client().get_text("/metrics")).unwrap();
    page.lines().find(|line| line.starts_with(name)).map(|line| line.rsplit_once(' ').unwrap().1.parse().unwrap())
}

fn dropped(daemon: &Daemon) -> u64 {
    metric(daemon, "polder_dnstap_messages_total{daemon=\"nameserver\",result=\"dropped\"}").unwrap()
}

fn switch(daemon: &Daemon, on: bool) -> Value {
    daemon.post("/dnstap", &json!({ "on": on, "who": "a test", "why": "to see" })).unwrap()
}

fn alarm(daemon: &Daemon) -> Option<String> {
    daemon.status().daemon.alarms.into_iter().find(|alarm| alarm.starts_with("dnstap: "))
}

/// Takes the two messages of an exchange, and holds them to what both ends know of it.
fn assert_exchange(receiver: &Receiver, protocol: u64, server: u16, query: &[u8], response: Option<&[u8]>) -> Message {
    let (asked, answered) = (receiver.message(), receiver.message());
    assert_eq!((asked.kind, answered.kind), (QUERY, RESPONSE));
    for message in [&asked, &answered] {
        assert_eq!((message.family, message.protocol), (1, protocol));
        assert_eq!(message.http, (protocol == 4).then_some(2));
        assert_eq!(message.client.0, Ipv4Addr::LOCALHOST);
        assert_eq!(message.server, (Ipv4Addr::LOCALHOST.into(), server.into()));
        assert_eq!(
            (&*message.identity, &*message.version),
            ("ns-test", concat!("polder-dns ", env!("CARGO_PKG_VERSION")))
        );
    }
    assert_eq!((asked.query.as_deref(), asked.response.as_deref()), (Some(query), None));
    assert_eq!((asked.query_time, asked.client), (answered.query_time, answered.client));
    assert_eq!((answered.query.as_deref(), asked.response_time), (None, None));
    let sent = answered.response.as_deref().unwrap();
    assert_eq!((&sent[..2], sent[2] & 0x80), (&query[..2], 0x80), "a response to that query");
    assert!(response.is_none_or(|response| sent == response));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let (began, ended) = (answered.query_time, answered.response_time.unwrap());
    assert!(began <= ended && ended <= now && now - began < LIMIT, "{began:?} {ended:?} {now:?}");
    answered
}

#[test]
fn queries_and_responses_of_every_transport_come_with_who_when_and_what() {
    let mut encrypted = Encrypted::prepare();
    write(&mut encrypted.daemon, json!({}));
    encrypted.daemon.run();
    let receiver = Receiver::start(&socket(&encrypted.daemon));
    receiver.began();
    let (plain, tls, https) = (encrypted.daemon.port, encrypted.port, encrypted.https);

    let asker = Asker::new(&encrypted.daemon);
    let asked = query(NAME, 1);
    let answer = asker.ask(&asked);
    let recorded = assert_exchange(&receiver, 1, plain, &asked, Some(&answer));
    assert_eq!(recorded.client.1, asker.port());

    let mut stream = connect(plain);
    write_framed(&mut stream, &asked);
    let mut answer = [0; 2];
    stream.read_exact(&mut answer).unwrap();
    let mut answer = vec![0; u16::from_be_bytes(answer).into()];
    stream.read_exact(&mut answer).unwrap();
    let recorded = assert_exchange(&receiver, 2, plain, &asked, Some(&answer));
    assert_eq!(recorded.client.1, u64::from(stream.local_addr().unwrap().port()));

    let mut stream = encrypted.connect("ns.example.net", Some("dot")).unwrap();
    encrypted::ask(&mut stream, &asked).unwrap();
    let recorded = assert_exchange(&receiver, 3, tls, &asked, None);
    assert_eq!(recorded.client.1, u64::from(stream.sock.local_addr().unwrap().port()));

    let asked = zero(NAME, 1);
    let kind = Some("application/dns-message");
    let (_, answer) = block_on(encrypted.request("POST", "/dns-query", kind, asked.clone()));
    assert_exchange(&receiver, 4, https, &asked, Some(&answer));

    let port = block_on(async {
        let (endpoint, connection) = encrypted.quic().await.unwrap();
        encrypted_streams::ask(&connection, &framed(&asked)).await.unwrap();
        endpoint.local_addr().unwrap().port()
    });
    let recorded = assert_exchange(&receiver, 7, tls, &asked, None);
    assert_eq!(recorded.client.1, u64::from(port));
    assert_eq!(receiver.rest(), []);
    assert_eq!(metric(&encrypted.daemon, "polder_dnstap_connected"), Some(1));
    assert_eq!(
        metric(&encrypted.daemon, "polder_dnstap_messages_total{daemon=\"nameserver\",result=\"sent\"}"),
        Some(10)
    );
    assert_eq!(dropped(&encrypted.daemon), 0);
}

#[test]
fn a_datagram_to_a_wildcard_socket_comes_with_the_address_that_it_was_sent_to() {
    let has_v6 = UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).is_ok();
    let mut daemon = prepare(json!({ "messages": ["AUTH_RESPONSE"] }));
    let mut listeners = vec![format!("0.0.0.0:{}", daemon.port)];
    listeners.extend(has_v6.then(|| format!("[::]:{}", daemon.port)));
    daemon.document["listeners"] = json!(listeners);
    daemon.write_document();
    let receiver = Receiver::start(&socket(&daemon));
    daemon.run();
    receiver.began();
    let mut addresses: Vec<(IpAddr, u64)> = vec![([127, 0, 0, 7].into(), 1)];
    addresses.extend(has_v6.then_some((Ipv6Addr::LOCALHOST.into(), 2)));
    for (address, family) in addresses {
        udp(SocketAddr::new(address, daemon.port), &query(NAME, 1));
        let recorded = receiver.message();
        assert_eq!((recorded.server, recorded.family), ((address, daemon.port.into()), family));
        assert_eq!(recorded.client.0.is_ipv4(), address.is_ipv4());
    }
}

#[test]
fn an_operator_switches_it_while_the_daemon_runs_and_reloads_and_takeovers_leave_that_alone() {
    let mut daemon = prepare(json!({ "on": false, "messages": ["AUTH_QUERY"] }));
    let receiver = Receiver::start(&socket(&daemon));
    daemon.run();
    let asker = Asker::new(&daemon);
    let [first, second, third, fourth] = ["a", "b", "c", "d"].map(|name| query(&format!("{name}.example.net"), 1));
    asker.ask(&first);
    let output = polder(&daemon, &["dnstap", "ns-test", "on", "--why", "to see"]);
    assert!(output.contains("is on: messages go to the receiver at") && output.contains("done"), "{output}");
    receiver.began();
    asker.ask(&second);
    assert_eq!(receiver.message().query, Some(second));
    assert_eq!(switch(&daemon, true)["unchanged"], true);
    let shown = polder(&daemon, &["status", "ns-test"]);
    assert!(shown.contains("dnstap on, since ") && shown.contains("to see"), "{shown}");
    assert!(daemon.log().contains("dnstap is on: messages go to the receiver at "), "{}", daemon.log());

    // What the document says is for the next start.
    write(&mut daemon, json!({ "on": false, "messages": ["AUTH_RESPONSE"] }));
    daemon.reload().unwrap();
    let answer = asker.ask(&third);
    let recorded = wait_for("what the new document wants", || {
        let recorded = receiver.message();
        (recorded.kind == RESPONSE).then_some(recorded)
    });
    assert_eq!(recorded.response, Some(answer));

    switch(&daemon, false);
    assert_eq!(receiver.next(), Heard::Stopped);
    asker.ask(&fourth);
    let mut old = daemon.process.take().unwrap();
    write(&mut daemon, json!({ "on": true }));
    let next = daemon.spawn(&["--takeover"]);
    let id = next.id();
    daemon.process = Some(next);
    daemon.wait_ready(id);
    assert!(wait_exit(&mut old, &daemon).success(), "{}", daemon.log());
    let dnstap = daemon.status().dnstap.unwrap();
    assert!(!dnstap.on && dnstap.note.is_some(), "{dnstap:?}");
    asker.ask(&fourth);
    assert_eq!(receiver.rest(), []);

    // A restart begins with the document; who stops takes leave.
    daemon.signal(nix::sys::signal::Signal::SIGTERM);
    assert!(daemon.wait_exit().success());
    daemon.run();
    receiver.began();
    daemon.signal(nix::sys::signal::Signal::SIGTERM);
    assert!(daemon.wait_exit().success());
    assert_eq!(receiver.next(), Heard::Stopped);
}

#[test]
fn without_a_receiver_in_the_document_the_switch_says_what_is_missing() {
    let daemon = Daemon::start(&Members::start(1));
    let output = polder(&daemon, &["dnstap", "ns-test", "on"]);
    assert!(output.contains("refused") && output.contains("the document has no `dnstap`"), "{output}");
    let output = polder(&daemon, &["dnstap", "ns-tset", "on"]);
    assert!(output.contains("no nameserver is named \"ns-tset\"; did you mean ns-test?"), "{output}");
    assert!(metric(&daemon, "polder_dnstap").is_none());
}

#[test]
fn a_receiver_that_is_not_there_costs_no_query_is_an_alarm_and_gets_what_had_room_when_it_comes() {
    let mut daemon = prepare(json!({ "messages": ["AUTH_QUERY"] }));
    daemon.run();
    let asker = Asker::new(&daemon);
    let [first, second, third] = ["a", "b", "c"].map(|name| query(&format!("{name}.example.net"), 1));
    let told = wait_for("an alarm", || alarm(&daemon));
    assert!(told.contains("dnstap.sock has no receiver: No such file or directory"), "{told}");
    asker.ask(&first);
    {
        let receiver = Receiver::start(&socket(&daemon));
        receiver.began();
        assert_eq!(receiver.message().query, Some(first));
        wait_for("no alarm", || alarm(&daemon).is_none().then_some(()));
    }
    let told = wait_for("an alarm", || alarm(&daemon));
    assert!(told.contains("is tried again: 0 messages were dropped so far"), "{told}");
    asker.ask(&second);
    let receiver = Receiver::start(&socket(&daemon));
    receiver.began();
    assert_eq!(receiver.message().query, Some(second));
    asker.ask(&third);
    assert_eq!(receiver.message().query, Some(third));
    assert_eq!(dropped(&daemon), 0);
}

#[test]
fn while_a_receiver_hangs_queries_are_answered_and_what_has_no_room_is_dropped_and_counted() {
    let mut daemon = prepare(json!({}));
    daemon.document["workers"] = json!(1);
    daemon.write_document();
    daemon.write_zone(1, &format!("big TXT {}", format!("\"{}\" ", "x".repeat(200)).repeat(5)));
    let listener = UnixListener::bind(socket(&daemon)).unwrap();
    daemon.run();
    // It agrees, and reads nothing.
    let (mut hanging, _) = listener.accept().unwrap();
    receiver::accept(&mut hanging).unwrap();
    let asker = Asker::new(&daemon);
    let mut large = query("big.example.net", 16);
    large[11] = 1;
    large.extend_from_slice(&[0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0]);
    // More than the ring and the socket's buffer hold.
    for _ in 0..2000 {
        assert!(asker.ask(&large).len() > 1000);
    }
    assert!(dropped(&daemon) > 0, "{}", daemon.log());
    let told = wait_for("an alarm", || alarm(&daemon));
    assert!(told.contains("messages were dropped so far, and queries are answered all the same"), "{told}");
    wait_for("a line in the log", || daemon.log().contains("messages were dropped: its receiver").then_some(()));
    drop((hanging, listener));
    std::fs::remove_file(socket(&daemon)).unwrap();
    let receiver = Receiver::start(&socket(&daemon));
    receiver.began();
    wait_for("a message that had room", || matches!(receiver.next(), Heard::Message(_)).then_some(()));
}

#[test]
fn of_a_sample_every_so_manyth_query_comes_with_its_response() {
    let mut daemon = prepare(json!({ "sample": 5 }));
    daemon.document["workers"] = json!(1);
    daemon.write_document();
    let receiver = Receiver::start(&socket(&daemon));
    daemon.run();
    receiver.began();
    let asker = Asker::new(&daemon);
    let queries: Vec<Vec<u8>> = (0..11).map(|n| query(&format!("n{n}.example.net"), 1)).collect();
    let answers: Vec<Vec<u8>> = queries.iter().map(|query| asker.ask(query)).collect();
    for n in [0, 5, 10] {
        assert_exchange(&receiver, 1, daemon.port, &queries[n], Some(&answers[n]));
    }
    assert_eq!(receiver.rest(), []);
}

#[test]
fn a_response_that_is_dropped_for_its_rate_leaves_its_query_alone() {
    let mut daemon = prepare(json!({}));
    daemon.document["rate_limit"] = json!({ "responses_per_second": 1, "window": "60s", "slip": 0 });
    daemon.write_document();
    let receiver = Receiver::start(&socket(&daemon));
    daemon.run();
    receiver.began();
    let asker = Asker::new(&daemon);
    let asked = query(NAME, 1);
    (0..10).for_each(|_| drop(asker.0.send(&asked)));
    let mut kinds = [0, 0];
    while kinds[0] < 10 {
        kinds[receiver.message().kind as usize - 1] += 1;
    }
    assert!((1..10).contains(&kinds[1]), "{kinds:?}");
}

/// What the operator's command prints, errors too.
fn polder(daemon: &Daemon, arguments: &[&str]) -> String {
    let socket = daemon.folder.path().join("admin.sock");
    let output =
        Command::new(env!("CARGO_BIN_EXE_polder")).args(arguments).arg("--socket").arg(socket).output().unwrap();
    text(&[output.stdout, output.stderr].concat())
}

/// Runs a program to its end, and gives what it prints.
fn printed(program: &str, arguments: &[&str], file: &Path) -> String {
    let output = Command::new(program).args(arguments).arg(file).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
    text(&[output.stdout, output.stderr].concat())
}

#[test]
#[ignore = "needs fstrm_capture and kdig: see CONTRIBUTING.md"]
fn the_receiver_that_others_have_written_takes_what_is_sent_and_kdig_reads_it() {
    let mut daemon = prepare(json!({}));
    let file = daemon.folder.path().join("captured");
    let capture = Command::new("fstrm_capture")
        .args(["-t", "protobuf:dnstap.Dnstap", "-u"])
        .arg(socket(&daemon))
        .arg("-w")
        .arg(&file)
        .spawn();
    let mut capture = capture.unwrap_or_else(|error| panic!("fstrm_capture: {error}"));
    daemon.run();
    wait_for("its connection", || (metric(&daemon, "polder_dnstap_connected") == Some(1)).then_some(()));
    let asker = Asker::new(&daemon);
    for name in ["ns1.example.net", "nothing.example.net"] {
        asker.ask(&query(name, 1));
    }
    let mut stream = connect(daemon.port);
    write_framed(&mut stream, &query(NAME, 1));
    read_framed(&mut stream).unwrap();
    wait_for("what was sent", || {
        (metric(&daemon, "polder_dnstap_messages_total{daemon=\"nameserver\",result=\"sent\"}") == Some(6))
            .then_some(())
    });
    daemon.signal(nix::sys::signal::Signal::SIGTERM);
    assert!(daemon.wait_exit().success(), "{}", daemon.log());
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(capture.id() as i32), nix::sys::signal::Signal::SIGTERM).unwrap();
    capture.wait().unwrap();
    let read = printed("kdig", &["+qr", "-G"], &file);
    assert_eq!(read.matches(";; ->>HEADER<<-").count(), 6, "{read}");
    for told in ["status: NXDOMAIN", "192.0.2.1", "(TCP)", &format!("From 127.0.0.1@{}(UDP)", asker.port())] {
        assert!(read.contains(told), "{told}: {read}");
    }
}
