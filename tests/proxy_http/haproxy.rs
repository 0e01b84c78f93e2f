//! HAProxy before and behind the proxy: each names the visitor to the next by the PROXY protocol. Needs Debian's `haproxy`; run with
//! `-- --ignored`.

use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};

use polder::config::proxy::{ConnectionsConfig, Reuse};
use polder::proxy_protocol::Version;
use tempfile::TempDir;

use crate::harness::{Client, GET, OK, Proxy, Script, Setup, eventually, field};
use crate::ports::free_address;

/// It ends with the test.
struct HaProxy(Child);

impl Drop for HaProxy {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// At `front` it passes connections on to `to`, with a header. At `behind` it asks for one, and tells the backend who it names.
fn start(
    folder: &TempDir,
    send: &str,
    front: SocketAddr,
    to: SocketAddr,
    behind: SocketAddr,
    backend: SocketAddr,
) -> HaProxy {
    let config = folder.path().join("haproxy.cfg");
    let text = format!(
        "defaults\n  timeout connect 60s\n  timeout client 60s\n  timeout server 60s\n\
         listen front\n  mode tcp\n  bind {front}\n  server polder {to} {send}\n\
         frontend behind\n  mode http\n  bind {behind} accept-proxy\n  \
         http-request set-header X-Source %[src]:%[src_port]\n  default_backend web\n\
         backend web\n  mode http\n  server web {backend}\n"
    );
    std::fs::write(&config, text).unwrap();
    let found =
        ["/usr/sbin/haproxy", "/usr/local/sbin/haproxy"].into_iter().find(|file| std::path::Path::new(file).exists());
    let mut command = Command::new(found.unwrap_or("haproxy"));
    let started = command.arg("-db").arg("-f").arg(&config).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    HaProxy(started.expect("haproxy is installed (apt-get install haproxy)"))
}

#[test]
#[ignore = "needs haproxy"]
fn haproxy_names_the_visitor_to_us_and_reads_whom_we_name() {
    let backend = Script::answering(OK);
    for (version, send) in [(Version::V1, "send-proxy"), (Version::V2, "send-proxy-v2")] {
        let (front, behind, folder) = (free_address(), free_address(), tempfile::tempdir().unwrap());
        let connections = ConnectionsConfig { reuse: Reuse::Never, ..ConnectionsConfig::default() };
        let proxies = Some(vec!["127.0.0.1/32".parse().unwrap()]);
        let setup = Setup { proxies, send_proxy: Some(version), connections, ..Setup::default() };
        let proxy = Proxy::start(setup, &[behind]);
        let _haproxy = start(&folder, send, front, proxy.address, behind, backend.address);
        eventually("haproxy is there", || [front, behind].iter().all(|address| TcpStream::connect(address).is_ok()));
        for _ in 0..3 {
            let mut client = Client::connect(front);
            let source = client.stream.local_addr().unwrap().to_string();
            for _ in 0..2 {
                client.send(GET);
                assert_eq!(client.response().status(), 200);
                let head = backend.heads().pop().unwrap();
                assert_eq!(field(&head, "X-Source"), Some(&*source), "{head}");
                assert_eq!(field(&head, "X-Forwarded-For"), Some("127.0.0.1"));
            }
        }
    }
}
