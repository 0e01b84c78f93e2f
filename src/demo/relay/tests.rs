use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

/// For anything that must happen.
const LIMIT: Duration = Duration::from_secs(60);

/// Answers every connection with what it sends.
async fn echo() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::task::spawn_local(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::task::spawn_local(async move {
                let (mut read, mut write) = stream.split();
                tokio::io::copy(&mut read, &mut write).await
            });
        }
    });
    address
}

async fn says(stream: &mut TcpStream, byte: u8) -> io::Result<u8> {
    stream.write_u8(byte).await?;
    tokio::time::timeout(LIMIT, stream.read_u8()).await.expect("it is answered")
}

#[test]
fn nothing_passes_a_cut_link_and_when_it_is_healed_the_connections_of_before_have_ended_and_new_ones_pass() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, async {
        let relay = Relay::to(echo().await).await.unwrap();
        let mut before = TcpStream::connect(relay.address()).await.unwrap();
        assert_eq!(says(&mut before, 7).await.unwrap(), 7);
        relay.cut(true);
        let mut meanwhile = TcpStream::connect(relay.address()).await.unwrap();
        let answered = tokio::select! {
            _ = says(&mut meanwhile, 8) => true,
            _ = says(&mut before, 8) => true,
            () = tokio::time::sleep(Duration::from_millis(200)) => false,
        };
        assert!(!answered);
        relay.cut(false);
        assert!(before.read_u8().await.is_err());
        let mut after = TcpStream::connect(relay.address()).await.unwrap();
        assert_eq!(says(&mut after, 9).await.unwrap(), 9);
    });
}
