use std::future::poll_fn;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

/// Both ends of a connection.
async fn connection() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (near, far) = tokio::join!(TcpStream::connect(address), listener.accept());
    (near.unwrap(), far.unwrap().0)
}

async fn take(passage: &mut Passage<'_>, most: u64) -> io::Result<Taken> {
    poll_fn(|context| passage.poll_take(most, context)).await
}

fn open() -> (usize, usize) {
    PIPES.with_borrow(|pipes| (pipes.open, pipes.spare.len()))
}

#[tokio::test]
async fn bytes_arrive_in_order_and_none_beyond_the_most() {
    let (mut sender, from) = connection().await;
    let (to, mut receiver) = connection().await;
    sender.write_all(b"before after").await.unwrap();
    let mut passage = Passage::new(&from, &to);
    assert_eq!(take(&mut passage, 6).await.unwrap(), Taken::Bytes(6));
    while !passage.is_empty() {
        poll_fn(|context| passage.poll_give(context)).await.unwrap();
    }
    let mut got = [0; 6];
    receiver.read_exact(&mut got).await.unwrap();
    assert_eq!(&got, b"before");
    assert_eq!(open(), (1, 1), "the pipe is kept for the next one");

    drop(sender);
    assert_eq!(take(&mut passage, 100).await.unwrap(), Taken::Bytes(6));
    drop(passage);
    assert_eq!(open(), (0, 0), "what is left in a pipe never comes to somebody else");
    let mut passage = Passage::new(&from, &to);
    assert_eq!(take(&mut passage, 100).await.unwrap(), Taken::End);
}

#[tokio::test]
async fn whoever_waits_for_a_sender_holds_no_pipe_and_whoever_finds_none_is_told() {
    let (_silent, from) = connection().await;
    let (to, _receiver) = connection().await;
    let mut waiting = Passage::new(&from, &to);
    let polled = poll_fn(|context| Poll::Ready(waiting.poll_take(1, context).is_pending())).await;
    assert!(polled);
    assert_eq!(open().0, open().1);

    let (mut sender, from) = connection().await;
    sender.write_all(&[0; MOST_PIPES + 1]).await.unwrap();
    let mut full: Vec<Passage<'_>> = (0..MOST_PIPES).map(|_| Passage::new(&from, &to)).collect();
    for passage in &mut full {
        assert_eq!(take(passage, 1).await.unwrap(), Taken::Bytes(1));
    }
    let mut late = Passage::new(&from, &to);
    assert_eq!(take(&mut late, 1).await.unwrap(), Taken::NoPipe);
    full.pop();
    assert_eq!(take(&mut late, 1).await.unwrap(), Taken::Bytes(1));
}

#[tokio::test]
async fn a_thread_has_no_more_pipes_than_it_is_allowed() {
    allow(1);
    let (mut sender, from) = connection().await;
    let (to, _receiver) = connection().await;
    sender.write_all(b"ab").await.unwrap();
    let mut first = Passage::new(&from, &to);
    assert_eq!(take(&mut first, 1).await.unwrap(), Taken::Bytes(1));
    assert_eq!(take(&mut Passage::new(&from, &to), 1).await.unwrap(), Taken::NoPipe);
}

#[tokio::test]
async fn a_receiver_that_is_gone_is_an_error() {
    let (mut sender, from) = connection().await;
    let (to, receiver) = connection().await;
    receiver.set_zero_linger().unwrap();
    drop(receiver);
    sender.write_all(&[0; 100]).await.unwrap();
    let mut passage = Passage::new(&from, &to);
    assert_eq!(take(&mut passage, 100).await.unwrap(), Taken::Bytes(100));
    // Until the reset has come, bytes are taken from us.
    let mut given = Ok(());
    while given.is_ok() && !passage.is_empty() {
        given = poll_fn(|context| passage.poll_give(context)).await;
    }
    let after = to.peer_addr();
    assert!(given.is_err() || after.is_err(), "{given:?} {after:?}");
}
