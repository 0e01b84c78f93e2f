//! Clients of HTTP/2 that want to make the proxy work, or hold, for nothing: each is bounded, and the log says which.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use polder::config::proxy::{AccessLogConfig, AccessLogPath};
use tempfile::TempDir;

use crate::authority::Authority;
use crate::h2_client::{self, H2, send, soon, whole};
use crate::h2_frames::*;
use crate::harness::{OK, Proxy, Script, Setup, eventually};
use crate::tls::www;

const ENHANCE_YOUR_CALM: u32 = 11;

/// A proxy that logs, in front of a backend.
struct Target {
    authority: Authority,
    proxy: Proxy,
    log: PathBuf,
    _folder: TempDir,
}

impl Target {
    fn start(backend: &Script, change: impl FnOnce(&mut Setup)) -> Target {
        let (authority, mut setup) = www();
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("access.log");
        setup.log = Some(AccessLogConfig::to(AccessLogPath::File(log.clone())));
        change(&mut setup);
        Target { authority, proxy: Proxy::start(setup, &[backend.address]), log, _folder: folder }
    }

    fn connect(&self) -> Frames {
        Frames::connect(&self.proxy, &self.authority)
    }

    /// Waits until a line of the log has this code.
    fn logs(&self, code: &str) {
        let written = || std::fs::read_to_string(&self.log).unwrap();
        eventually(&format!("a line with {code}"), || written().contains(&format!("\"end\":\"{code}\"")));
    }

    /// Sends these frames again and again, at most so often, until the proxy says that it is enough.
    fn flood(&self, first: &[u8], most: u32, frames: impl Fn(u32) -> Vec<u8>) {
        let mut connection = self.connect();
        connection.send(first);
        for number in 0..most {
            if !connection.send(&frames(number)) {
                break;
            }
        }
        assert_eq!(connection.farewell(), Some(ENHANCE_YOUR_CALM));
        self.logs("RF");
        let counters = &self.proxy.worker.as_ref().unwrap().counters;
        assert_eq!(counters.http2_floods.load(Ordering::Relaxed), 1);
        eventually("no request is left", || self.proxy.running(0) == 0);
        let mut other = self.connect();
        other.send(&get_with(1, &[]));
        let served = std::iter::from_fn(|| other.event()).find(|event| event.kind == HEADERS);
        assert_eq!(served.unwrap().status(), Some(200), "others are served");
    }
}

#[test]
fn streams_that_are_reset_as_soon_as_they_are_begun() {
    let backend = Script::start(|served, _| {
        while let Some(head) = served.head() {
            // Those of the flood are held until they are reset.
            if head.contains("x-flood") {
                served.rest();
            }
            served.send(OK);
        }
    });
    let target = Target::start(&backend, |_| {});
    target.flood(&[], 300, |number| {
        let stream = number * 2 + 1;
        [get_with(stream, &[("x-flood", "1")]), frame(RST_STREAM, 0, stream, &[0, 0, 0, 8])].concat()
    });
}

#[test]
fn streams_that_the_proxy_is_made_to_reset() {
    let backend = Script::answering(OK);
    let target = Target::start(&backend, |_| {});
    target.flood(&[], 300, |number| {
        let stream = number * 2 + 1;
        [post(stream, &[]), frame(WINDOW_UPDATE, 0, stream, &[0x7f, 255, 255, 255])].concat()
    });
}

#[test]
fn frames_that_ask_for_nothing() {
    let floods: [(&str, Vec<u8>, Vec<u8>); 6] = [
        ("PING", vec![], frame(PING, 0, 0, &[0; 8])),
        ("SETTINGS", vec![], frame(SETTINGS, 0, 0, &[])),
        ("PRIORITY", vec![], frame(PRIORITY, 0, 1, &[0, 0, 0, 0, 1])),
        ("WINDOW_UPDATE", vec![], frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1])),
        ("empty DATA", post(1, &[]), frame(DATA, 0, 1, &[])),
        ("CONTINUATION", frame(HEADERS, 0, 1, &block(&GET)), frame(CONTINUATION, 0, 1, &[])),
    ];
    for (what, first, again) in floods {
        eprintln!("{what}");
        let backend = Script::answering(OK);
        let target = Target::start(&backend, |_| {});
        target.flood(&first, 200, |_| again.repeat(20));
    }
}

#[test]
fn a_small_block_that_becomes_a_large_head() {
    let backend = Script::answering(OK);
    let target = Target::start(&backend, |_| {});
    // An entry of the dynamic table, then references to it (RFC 7541, 6.2.1, 6.1): 60 MB.
    let value = "v".repeat(3900);
    let mut bomb = block(&GET);
    bomb.extend([0x40, 1, b'x']);
    bomb.extend(&block(&[("", &value)])[2..]);
    bomb.extend([0xbe; 12_000]);
    let mut connection = target.connect();
    connection.send(&frame(HEADERS, END_HEADERS | END_STREAM, 1, &bomb));
    assert_eq!(connection.farewell(), Some(ENHANCE_YOUR_CALM));
    target.logs("RF");
    assert!(backend.heads().is_empty());
}

#[test]
fn a_head_that_is_too_long_or_has_too_many_fields() {
    let backend = Script::answering(OK);
    let target = Target::start(&backend, |_| {});
    let long = "v".repeat(8000);
    for fields in [vec![("x", long.as_str()); 3], vec![("x", "y"); 120]] {
        let mut connection = target.connect();
        let head = block(&[&GET[..], &fields].concat());
        let (first, rest) = head.split_at(head.len() / 2);
        connection.send(&[frame(HEADERS, END_STREAM, 1, first), frame(CONTINUATION, END_HEADERS, 1, rest)].concat());
        let answer = std::iter::from_fn(|| connection.event()).find(|event| event.kind == HEADERS).unwrap();
        assert_eq!(answer.status(), Some(431));
    }
    target.logs("PR");
    assert!(backend.heads().is_empty());
}

#[test]
fn a_window_that_never_opens() {
    let sent = Arc::<AtomicUsize>::default();
    let counted = Arc::clone(&sent);
    let backend = Script::start(move |served, _| {
        while served.head().is_some() {
            served.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
            while served.stream.write_all(&[b'x'; 10_000]).is_ok() {
                counted.fetch_add(10_000, Ordering::Relaxed);
            }
        }
    });
    let target = Target::start(&backend, |setup| setup.timeouts.body_idle = Duration::from_millis(100));
    let mut connection = target.connect();
    connection.send(&[setting(4, 0), get_with(1, &[])].concat());
    let events: Vec<_> = std::iter::from_fn(|| connection.event()).take(2).collect();
    assert_eq!(events[0].status(), Some(200));
    assert_eq!((events[1].kind, events[1].stream), (RST_STREAM, 1));
    target.logs("cD");
    eventually("the backend is left", || target.proxy.running(0) == 0);
    // What the kernel holds for both sides is most of it.
    assert!(sent.load(Ordering::Relaxed) < 20_000_000, "{sent:?} bytes were taken from the backend");
}

#[test]
fn streams_that_are_begun_and_say_no_more() {
    let backend = Script::start(|served, _| {
        served.head();
        served.rest();
    });
    let target = Target::start(&backend, |setup| setup.timeouts.body_idle = Duration::from_millis(100));
    let mut connection = target.connect();
    connection.send(&(0..100).flat_map(|number| post(number * 2 + 1, &[])).collect::<Vec<u8>>());
    let answers = std::iter::from_fn(|| connection.event()).filter(|event| event.kind == HEADERS);
    let answers: Vec<_> = answers.take(100).collect();
    // The others say it by a reference to the table of header fields, which is not kept here.
    assert_eq!((answers.len(), answers[0].status()), (100, Some(408)));
    target.logs("cD");
    eventually("the backend is left", || target.proxy.running(0) == 0);
}

#[test]
fn a_client_that_says_nothing_or_stops_within_a_head() {
    let backend = Script::answering(OK);
    let target = Target::start(&backend, |setup| setup.timeouts.request_head = Duration::from_millis(100));
    let mut silent = Frames::silent(&target.proxy, &target.authority);
    silent.farewell();
    target.logs("cR");
    let target = Target::start(&backend, |setup| setup.timeouts.request_head = Duration::from_millis(100));
    for part in [frame(HEADERS, END_STREAM, 1, &block(&GET)), get_with(1, &[])[..20].to_vec()] {
        let mut connection = target.connect();
        connection.send(&part);
        connection.farewell();
    }
    target.logs("cR");
}

#[test]
fn an_upload_that_pauses_within_a_frame_is_no_slow_head() {
    let backend = Script::start(|served, _| {
        served.head().unwrap();
        assert_eq!(served.bytes(10), b"0123456789");
        served.send(OK);
    });
    let target = Target::start(&backend, |setup| setup.timeouts.request_head = Duration::from_secs(1));
    let mut connection = target.connect();
    let data = frame(DATA, END_STREAM, 1, b"0123456789");
    let (now, later) = data.split_at(data.len() / 2);
    connection.send(&[&post(1, &[("content-length", "10")]), now].concat());
    // Has its limit when the other's would have passed.
    let mut slow = target.connect();
    slow.send(&frame(HEADERS, END_STREAM, 1, &block(&GET)));
    slow.farewell();
    connection.send(later);
    let answer = std::iter::from_fn(|| connection.event()).find(|event| event.kind == HEADERS);
    assert_eq!(answer.expect("a response").status(), Some(200));
}

#[test]
fn a_client_that_breaks_the_rules() {
    let backend = Script::answering(OK);
    let target = Target::start(&backend, |_| {});
    let mut connection = target.connect();
    connection.send(&frame(DATA, 0, 0, b"x"));
    connection.farewell();
    target.logs("PF");
}

#[tokio::test]
async fn a_stream_that_is_not_read_or_not_taken_does_not_stop_its_neighbours() {
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let stopped = std::sync::Mutex::new(stopped);
    let backend = Script::start(move |served, _| {
        while let Some(head) = served.head() {
            match () {
                // Takes nothing of its body.
                () if head.contains("/stuck") => drop(stopped.lock().unwrap().recv()),
                () if head.contains("/large") => {
                    let text = "x".repeat(1_000_000);
                    served.send(&format!("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n{text}"));
                }
                () => {
                    served.bytes(200_000);
                    served.send(OK);
                }
            }
        }
    });
    let (authority, setup) = www();
    let proxy = Proxy::start(setup, &[backend.address]);
    // A window of its own for each of its streams.
    let mut builder = h2::client::Builder::new();
    builder.initial_connection_window_size(1_000_000);
    let mut client = H2::connect_with(&proxy, &authority, &builder).await;
    let (unread, _) = client.begin(h2_client::get("/large"), true).await;
    let unread = soon(unread).await.unwrap().into_body();
    let (_stuck, mut untaken) = client.begin(h2_client::post("/stuck"), false).await;
    let sending = tokio::spawn(async move { send(&mut untaken, Bytes::from(vec![0; 20_000_000]), true).await });
    for _ in 0..3 {
        let request = http::Request::post("https://www.test/").header("content-length", 200_000).body(()).unwrap();
        let (response, mut stream) = client.begin(request, false).await;
        send(&mut stream, Bytes::from(vec![0; 200_000]), true).await;
        assert_eq!(whole(response).await.unwrap().status(), 200);
    }
    assert!(!sending.is_finished());
    sending.abort();
    drop((unread, stop));
}
