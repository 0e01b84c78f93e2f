//! What an operator sees of the members: while all are well, when one is gone, when most are.

use std::process::Output;

use polder::api::agreement::Cluster;
use polder::demo::addresses::PROXIES;
use polder::demo::documents::proxy_name;
use polder::demo::fleet::Fleet;
use serde_json::Value;

use crate::{LEASE, programs, status, until, with_fleet};

/// How the members stand, as a proxy says.
async fn members(fleet: &Fleet, proxy: usize) -> Option<Cluster> {
    status(fleet, proxy).await?.agreement
}

/// `polder` with these words, asking the proxies.
async fn polder(fleet: &Fleet, words: &[&str]) -> Output {
    let mut command = tokio::process::Command::new(&programs().polder);
    command.args(words).env("COLUMNS", "200");
    for proxy in 0..PROXIES {
        command.arg("--socket").arg(fleet.daemon(&proxy_name(proxy)).unwrap().admin_socket());
    }
    command.output().await.unwrap()
}

fn words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
#[ignore = "needs etcd: see CONTRIBUTING.md"]
fn status_shows_members_leader_and_lag_and_says_what_is_left_when_one_is_gone_and_when_most_are() {
    with_fleet("keep", LEASE, |mut cluster, fleet| async move {
        for proxy in 0..PROXIES {
            until("all members answer", || async {
                members(&fleet, proxy).await.is_some_and(|members| {
                    members.members.iter().all(|member| member.is_well() && member.name.starts_with("etcd-"))
                })
            })
            .await;
        }
        let seen = members(&fleet, 0).await.unwrap();
        assert_eq!((seen.votes(), seen.answering(), seen.members.len()), (3, 3, 3), "{seen:#?}");
        let behind = |one: &polder::api::agreement::Member| one.report.as_ref().and_then(|report| report.behind);
        assert!(seen.members.iter().all(|member| behind(member).is_some_and(|behind| behind < 100)), "{seen:#?}");
        let status = polder(&fleet, &["status"]).await;
        assert!(words(&status).contains("agreement: 3 members of etcd 3."), "{}", words(&status));
        let table = words(&polder(&fleet, &["status", "agreement"]).await);
        assert_eq!((table.matches("  leads ").count(), table.matches("  follows ").count()), (1, 2), "{table}");
        let metrics = fleet.daemon("px-1").unwrap().client();
        let metrics = metrics.get_text("/metrics").await.unwrap();
        assert!(metrics.contains("polder_agreement_voters_answering{daemon=\"proxy\"} 3"), "{metrics}");

        let leader = seen.leader().unwrap().name.clone();
        cluster.kill(leader.trim_start_matches("etcd-").parse::<usize>().unwrap() - 1);
        let said = format!("member {leader} of etcd answers nobody since ");
        until("the dead one is told once, and what is left", || async {
            let status = words(&polder(&fleet, &["status"]).await);
            let is_led_again = !status.contains("none of them leads");
            is_led_again
                && status.matches(&said).count() == 1
                && status.contains("2 of 3 members of etcd answer: with the next")
        })
        .await;
        let status = polder(&fleet, &["status", "--json"]).await;
        assert_eq!(status.status.code(), Some(1));
        let status: Value = serde_json::from_slice(&status.stdout).unwrap();
        assert_eq!(status["daemons"][0]["agreement"]["members"].as_array().map(Vec::len), Some(3), "{status}");

        let second = (0..3).find(|member| format!("etcd-{}", member + 1) != leader).unwrap();
        cluster.kill(second);
        until("no majority is left", || async {
            let status = words(&polder(&fleet, &["status"]).await);
            status.contains("agreement: etcd has no leader: 1 of 3 members answer, and 2 are needed")
        })
        .await;
        cluster.run(second);
        cluster.run(leader.trim_start_matches("etcd-").parse::<usize>().unwrap() - 1);
        until("all is well again", || async { polder(&fleet, &["status"]).await.status.code() == Some(0) }).await;
        fleet
    });
}
