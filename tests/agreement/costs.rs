//! What agreement costs the network: what nine proxies with 200 stateful services and three members of etcd tell each other, at rest and while
//! services move. Read from etcd's own metrics.

use std::net::SocketAddr;
use std::ops::Sub;
use std::time::{Duration, Instant};

use polder::demo::documents::STATEFUL;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::play_all;
use crate::world::{Engine, Plan, World};

const PROXIES: usize = 9;
const SERVICES: usize = 200;
/// As the document has it that says nothing of it.
const LEASE: Duration = Duration::from_secs(5);
/// How long it is listened at rest.
const REST: Duration = Duration::from_secs(30);
/// Nobody says anything new for so long: all is settled.
const QUIET: Duration = Duration::from_secs(3);

/// What the members have heard and said so far.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Traffic {
    /// From and to the proxies, in bytes of gRPC without TLS.
    received: f64,
    sent: f64,
    /// Among themselves.
    among: f64,
    transactions: f64,
    renewals: f64,
}

impl Sub for Traffic {
    type Output = Traffic;

    fn sub(self, before: Traffic) -> Traffic {
        Traffic {
            received: self.received - before.received,
            sent: self.sent - before.sent,
            among: self.among - before.among,
            transactions: self.transactions - before.transactions,
            renewals: self.renewals - before.renewals,
        }
    }
}

async fn metrics(address: SocketAddr) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    text
}

/// The sum of the samples whose names and labels begin with this.
fn sum(metrics: &str, name: &str) -> f64 {
    let samples = metrics.lines().filter(|line| line.starts_with(name));
    samples.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
}

async fn traffic(world: &World) -> Traffic {
    let mut all = Traffic::default();
    for address in world.cluster.as_ref().unwrap().metrics() {
        let text = metrics(address).await;
        all.received += sum(&text, "etcd_network_client_grpc_received_bytes_total");
        all.sent += sum(&text, "etcd_network_client_grpc_sent_bytes_total");
        all.among += sum(&text, "etcd_network_peer_sent_bytes_total");
        all.transactions += sum(&text, "grpc_server_handled_total{grpc_code=\"OK\",grpc_method=\"Txn\"");
        all.renewals += sum(&text, "grpc_server_msg_received_total{grpc_method=\"LeaseKeepAlive\"");
    }
    all
}

/// Waits until nothing was written for a while; what was said until then, and how long ago it was settled.
async fn until_settled(world: &World) -> Traffic {
    let (mut known, mut since) = (traffic(world).await, Instant::now());
    while since.elapsed() < QUIET {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let now = traffic(world).await;
        if now.transactions > known.transactions {
            (known, since) = (now, Instant::now());
        }
    }
    known
}

/// What was said in one phase.
#[derive(Debug)]
struct Phase {
    what: &'static str,
    lasted: Duration,
    /// When every proxy had moved.
    moved: Duration,
    said: Traffic,
}

async fn listen(world: &mut World) -> Vec<Phase> {
    let mut phases = Vec::new();
    let before = until_settled(world).await;
    println!("until all had sat down: {before:?}");

    let (before, began) = (traffic(world).await, Instant::now());
    tokio::time::sleep(REST).await;
    phases.push(Phase {
        what: "at rest",
        lasted: began.elapsed(),
        moved: Duration::ZERO,
        said: traffic(world).await - before,
    });

    let (before, began) = (traffic(world).await, Instant::now());
    let command = json!({ "service": STATEFUL, "to": "shop2", "who": "test", "why": "" });
    world.proxies[0].client().post("/failover", &command).await.unwrap();
    world.until_moved(1).await;
    let moved = began.elapsed();
    let settled = until_settled(world).await;
    let lasted = began.elapsed().saturating_sub(QUIET);
    phases.push(Phase { what: "one service is moved by its operator", lasted, moved, said: settled - before });

    let (before, began) = (traffic(world).await, Instant::now());
    world.kill(0).await;
    world.until_moved(SERVICES).await;
    let moved = began.elapsed();
    let settled = until_settled(world).await;
    let lasted = began.elapsed().saturating_sub(QUIET);
    phases.push(Phase { what: "the backend of the other 199 dies", lasted, moved, said: settled - before });
    phases
}

impl World {
    /// Waits until every proxy has moved so many services.
    async fn until_moved(&self, services: usize) {
        self.until(&format!("{services} have moved"), || async {
            for proxy in 0..self.proxies.len() {
                let status = self.status(proxy).await;
                let moved = |service: &&polder::api::proxy::ServiceStatus| {
                    service.latch.as_ref().is_some_and(|latch| latch.epoch > 0)
                };
                if status.map_or(0, |status| status.services.iter().filter(moved).count()) < services {
                    return false;
                }
            }
            true
        })
        .await;
    }
}

#[test]
#[ignore = "needs etcd and root: see CONTRIBUTING.md"]
fn at_rest_etcd_hears_of_nine_proxies_with_200_services_nothing_but_that_they_live() {
    let plan = Plan { engine: Engine::Etcd(LEASE), proxies: PROXIES, stateful: SERVICES, ..Plan::SMALL };
    let phases = play_all(&[plan], |plan| {
        let plan = *plan;
        async move { listen(&mut World::start(plan).await).await }
    });
    let phases = phases[0].as_ref().expect("it was listened to");
    println!(
        "| what happens | all have moved after | settled after | from proxies | to proxies | among members | transactions | renewals of leases |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- |");
    for Phase { what, lasted, moved, said } in phases {
        let Traffic { received, sent, among, transactions, renewals } = said;
        let (moved, lasted) = (moved.as_secs_f64(), lasted.as_secs_f64());
        println!(
            "| {what} | {moved:.1} s | {lasted:.1} s | {received} B | {sent} B | {among} B | {transactions} | {renewals} |"
        );
    }
    let Phase { lasted, said, .. } = &phases[0];
    assert!(said.renewals > 0.0, "{said:?}");
    assert!(said.transactions < lasted.as_secs_f64(), "proxies write though nothing happens: {said:?}");
}
