//! Operators who contradict each other at two daemons at once.

use polder::api::client::Client;
use serde_json::json;

use crate::site::{Daemon, Site, block_on, eventually, run_together};

#[test]
fn of_two_operators_who_put_the_last_two_backends_into_maint_at_two_proxies_at_once_one_loses() {
    let site = Site::new();
    let mut proxies = [site.proxy(0, &[0, 1]), site.proxy(1, &[0, 1])];
    run_together(&mut proxies.each_mut());
    for proxy in &proxies {
        let heard = || proxy.status()["peers"][0]["heard"].as_u64().map(|_| ());
        eventually("the peer", || format!("{:#}", proxy.status()), heard);
    }
    let say = |proxy: &Daemon<'_>, subject: &str, state: &str| {
        let (socket, command) = (proxy.admin_socket(), json!({ "subject": subject, "state": state, "who": "a test" }));
        std::thread::spawn(move || block_on(Client::new(&socket).post("/operator", &command)))
    };
    for round in 0..5 {
        let said =
            [(&proxies[0], "shop/shop1"), (&proxies[1], "shop/shop2")].map(|(proxy, of)| say(proxy, of, "maint"));
        let said = said.map(|said| said.join().unwrap());
        assert!(said.iter().any(Result::is_err), "round {round}: {said:?}");
        for proxy in &proxies {
            assert_eq!(proxy.visit_shop().0, 200, "round {round}: {said:?}");
        }
        for backend in ["shop/shop1", "shop/shop2"] {
            say(&proxies[0], backend, "ready").join().unwrap().unwrap();
        }
        let failback = json!({ "service": "shop", "who": "a test" });
        let back = || proxies[0].post("/failback", &failback).ok().map(|_| ());
        eventually("the failback", || format!("{:#}", proxies[0].status()), back);
        for proxy in &proxies {
            let ready = || (!proxy.status().to_string().contains("\"operator\":\"maint\"")).then_some(());
            eventually("both backends", || format!("{:#}", proxy.status()), ready);
            proxy.wait_latch("the primary", |latch| latch["active"] == "shop1" && latch["spent"] == json!([]));
        }
    }
}
