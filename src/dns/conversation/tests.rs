use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::*;
use crate::config::dns::RateLimitConfig;
use crate::dns::cookie::Secrets;

const IDLE: Duration = Duration::from_secs(60);

fn responder() -> Responder {
    let protection = Protection { limits: RateLimitConfig::default(), secrets: Secrets::random().unwrap() };
    Responder::new(Answering::default(), Arc::new(ArcSwap::from_pointee(protection)), Protocol::Tcp, Arc::default())
}

/// A query for the root's A, with its length before it.
fn query(id: u16, options: &[u8]) -> Vec<u8> {
    let mut message = [&id.to_be_bytes()[..], &[0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 1]].concat();
    message.extend([0, 0, 41, 4, 208, 0, 0, 0, 0, 0, options.len() as u8]);
    message.extend(options);
    [&(message.len() as u16).to_be_bytes()[..], &message].concat()
}

async fn answer(stream: &mut DuplexStream) -> Vec<u8> {
    let mut message = vec![0; stream.read_u16().await.unwrap().into()];
    stream.read_exact(&mut message).await.unwrap();
    message
}

/// Runs a conversation with `client`, which has its stream and gives it up in the end.
fn converse(is_encrypted: bool, client: impl AsyncFnOnce(DuplexStream)) -> (io::Result<()>, Responder) {
    let responder = responder();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let (ours, theirs) = duplex(1024);
    let ends = Ends::new("192.0.2.1:1024".parse().unwrap(), None);
    let party = Party { ends, is_encrypted, may_transfer: true };
    let (ended, ()) =
        runtime.block_on(async { tokio::join!(responder.converse(ours, party, || IDLE), client(theirs)) });
    (ended, responder)
}

#[test]
fn queries_that_come_together_are_answered_in_their_order() {
    let (_, responder) = converse(false, async |stream| {
        let together: Vec<u8> = (0..200).flat_map(|id| query(id, &[])).collect();
        let (mut read, mut write) = tokio::io::split(stream);
        let written = async { write.write_all(&together).await.unwrap() };
        let answered = async {
            for id in 0..200u16 {
                let mut message = vec![0; read.read_u16().await.unwrap().into()];
                read.read_exact(&mut message).await.unwrap();
                assert_eq!(message[..2], id.to_be_bytes());
                assert_eq!(message[3] & 15, 5, "REFUSED, for there is no zone");
            }
        };
        tokio::join!(written, answered);
    });
    assert_eq!(responder.counters().answered(), 200);
}

#[test]
fn a_query_that_is_not_whole_does_not_hold_up_those_before_it() {
    let _ended = converse(false, async |mut stream| {
        let half = query(2, &[]);
        stream.write_all(&[&query(1, &[])[..], &half[..9]].concat()).await.unwrap();
        assert_eq!(answer(&mut stream).await[..2], [0, 1]);
        stream.write_all(&half[9..]).await.unwrap();
        assert_eq!(answer(&mut stream).await[..2], [0, 2]);
    });
}

#[test]
fn what_gets_no_answer_ends_the_conversation_after_the_answers_before_it() {
    let (ended, _) = converse(false, async |mut stream| {
        stream.write_all(&[&query(1, &[])[..], &[0, 3, 1, 2, 3]].concat()).await.unwrap();
        assert_eq!(answer(&mut stream).await[..2], [0, 1]);
        assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
    });
    ended.unwrap();
}

#[test]
fn only_answers_that_nobody_else_can_read_are_padded_and_only_to_who_pads() {
    let padding = [0, 12, 0, 2, 0, 0];
    for (is_encrypted, options, padded) in [(true, &padding[..], true), (true, &[], false), (false, &padding, false)] {
        let _ended = converse(is_encrypted, async move |mut stream| {
            stream.write_all(&query(1, options)).await.unwrap();
            assert_eq!(answer(&mut stream).await.len() == 468, padded, "{is_encrypted} {options:?}");
        });
    }
}
