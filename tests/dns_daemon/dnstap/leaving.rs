//! What a receiver that is not wanted any more still gets, and how long it can hold up who leaves it.

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use super::*;

/// A receiver that has shaken hands, and does nothing more by itself.
fn shaken(listener: &UnixListener) -> UnixStream {
    let (mut stream, _) = listener.accept().unwrap();
    receiver::accept(&mut stream).unwrap();
    stream
}

/// A daemon with one worker, which has recorded more than a ring and a socket's buffer hold for this listener's receiver.
fn full(listener: &UnixListener, daemon: &mut Daemon) -> UnixStream {
    daemon.document["workers"] = json!(1);
    daemon.write_document();
    daemon.write_zone(1, &format!("big TXT {}", format!("\"{}\" ", "x".repeat(200)).repeat(5)));
    daemon.run();
    let stream = shaken(listener);
    let asker = Asker::new(daemon);
    let mut large = query("big.example.net", 16);
    large[11] = 1;
    large.extend_from_slice(&[0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0]);
    for _ in 0..1500 {
        assert!(asker.ask(&large).len() > 1000);
    }
    stream
}

/// Reads until the daemon has left: slowly, but never so slowly that the receiver hangs.
fn read_slowly(mut stream: UnixStream) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        let mut piece = vec![0; 16 << 10];
        while stream.read(&mut piece).is_ok_and(|count| count > 0) {
            std::thread::sleep(Duration::from_millis(700));
        }
    })
}

/// Says something that looks like a control frame, a byte at a time, and gives how many bytes were listened to.
fn trickle(stream: &mut UnixStream) -> usize {
    let frame = [&[0; 4][..], &512u32.to_be_bytes(), &[0; 512]].concat();
    let heard = frame.iter().take_while(|byte| {
        std::thread::sleep(Duration::from_millis(100));
        stream.write_all(&[**byte]).is_ok()
    });
    heard.count()
}

#[test]
fn what_was_recorded_before_it_was_switched_off_goes_to_nobody_who_comes_later() {
    let mut daemon = prepare(json!({ "messages": ["AUTH_QUERY"] }));
    daemon.document["workers"] = json!(1);
    daemon.write_document();
    daemon.run();
    let asker = Asker::new(&daemon);
    let [first, second, third, fourth] = ["a", "b", "c", "d"].map(|name| query(&format!("{name}.example.net"), 1));
    asker.ask(&first);
    switch(&daemon, false);
    wait_for("what was recorded to be thrown away", || (dropped(&daemon) == 1).then_some(()));
    asker.ask(&second);

    // Another receiver, and then yet another one without a switch.
    for (socket, asked) in [("other.sock", &third), ("third.sock", &fourth)] {
        let socket = daemon.folder.path().join(socket);
        daemon.document["dnstap"]["socket"] = json!(socket);
        daemon.write_document();
        daemon.reload().unwrap();
        switch(&daemon, true);
        asker.ask(asked);
        let receiver = Receiver::start(&socket);
        receiver.began();
        assert_eq!(receiver.message().query.as_ref(), Some(asked));
        drop(receiver);
        wait_for("an alarm", || alarm(&daemon));
        asker.ask(&first);
    }

    // The same one, off and on again.
    let socket = daemon.folder.path().join("third.sock");
    switch(&daemon, false);
    switch(&daemon, true);
    asker.ask(&fourth);
    let receiver = Receiver::start(&socket);
    receiver.began();
    assert_eq!(receiver.message().query, Some(fourth));
    assert_eq!(receiver.rest(), []);
    wait_for("all to be counted", || (dropped(&daemon) == 3).then_some(()));
}

#[test]
fn a_receiver_that_takes_what_is_left_slowly_is_left_soon_after_it_is_switched_off() {
    let mut daemon = prepare(json!({}));
    let listener = UnixListener::bind(socket(&daemon)).unwrap();
    let reading = read_slowly(full(&listener, &mut daemon));
    let before = dropped(&daemon);
    let began = Instant::now();
    switch(&daemon, false);
    wait_for("the daemon to leave", || (metric(&daemon, "polder_dnstap_connected") == Some(0)).then_some(()));
    // All that is left would take it more than half a minute.
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    assert!(dropped(&daemon) > before, "what is left is counted");
    reading.join().unwrap();
}

#[test]
fn a_receiver_that_takes_what_is_left_slowly_holds_up_no_end() {
    let mut daemon = prepare(json!({}));
    daemon.document["drain"] = json!("60s");
    let listener = UnixListener::bind(socket(&daemon)).unwrap();
    let reading = read_slowly(full(&listener, &mut daemon));
    let began = Instant::now();
    daemon.signal(nix::sys::signal::Signal::SIGTERM);
    assert!(daemon.wait_exit().success());
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    reading.join().unwrap();
}

#[test]
fn a_receiver_that_speaks_a_byte_at_a_time_is_not_listened_to_for_long() {
    let mut daemon = prepare(json!({}));
    let listener = UnixListener::bind(socket(&daemon)).unwrap();
    daemon.run();
    // In its handshake; all of it would take most of a minute.
    let (mut stream, _) = listener.accept().unwrap();
    assert!(trickle(&mut stream) < 200);
    let told = wait_for("an alarm", || alarm(&daemon));
    assert!(told.contains("has a receiver that has not shaken hands after 2 s"), "{told}");
    // When it is to confirm that it has everything.
    let mut stream = shaken(&listener);
    switch(&daemon, false);
    assert!(trickle(&mut stream) < 200);
}
