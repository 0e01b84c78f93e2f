#![allow(clippy::unwrap_used)]

use std::net::Ipv4Addr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

#[tokio::test]
async fn a_server_that_refuses_the_handshake_is_told_of_with_its_reason_though_it_does_not_close() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let tls = BackendTls { ca_file: None, server_name: Some("web.test".to_owned()), client_certificate: None };
    let connector = Connector::open(tls, Application::Http1);
    let connect = async {
        let tcp = TcpStream::connect(address).await.unwrap();
        connector.connect(tcp, address, Proof::Anew).await.map(drop)
    };
    let refuse = async {
        let (mut tcp, _) = listener.accept().await.unwrap();
        assert!(tcp.read(&mut [0; 4096]).await.unwrap() > 0);
        // Fatal, unrecognized_name.
        tcp.write_all(&[21, 3, 3, 0, 2, 2, 112]).await.unwrap();
        tcp
    };
    let both = tokio::time::timeout(Duration::from_secs(30), async { tokio::join!(connect, refuse) });
    let (connected, _still_open) = both.await.expect("an end of the handshake");
    let words = "TLS: the backend has no certificate for the name web.test (backend_tls.server_name)";
    assert_eq!(connected.unwrap_err().to_string(), words);
}
