//! Operators who contradict each other at two daemons at once, and one word about several uses of a backend.

use polder::api::client::Client;
use polder::demo::documents::{self, STATELESS, STATELESS_HOST};
use serde_json::json;

use crate::site::{Daemon, Site, assert_says, block_on, eventually, polder, request, run_together};

/// Two proxies that are each other's peers and know it; `www` has web1 and web2.
fn two_proxies(site: &Site) -> [Daemon<'_>; 2] {
    let mut proxies = [site.proxy(0, &[0, 1]), site.proxy(1, &[0, 1])];
    for proxy in &mut proxies {
        let backends = proxy.document["services"][STATELESS]["backends"].as_array_mut().unwrap();
        let mut second = backends[0].clone();
        second["name"] = json!(documents::stateless_name(1));
        second["address"] = json!(site.addresses.stateless_backend(1));
        backends.push(second);
        proxy.write();
    }
    run_together(&mut proxies.each_mut());
    for proxy in &proxies {
        let heard = || proxy.status()["peers"][0]["heard"].as_u64().map(|_| ());
        eventually("the peer", || format!("{:#}", proxy.status()), heard);
    }
    proxies
}

#[test]
fn of_two_operators_who_put_the_last_two_backends_into_maint_at_two_proxies_at_once_one_loses() {
    let site = Site::new();
    let proxies = two_proxies(&site);
    let say = |proxy: &Daemon<'_>, subject: &str, state: &str| {
        let (socket, command) = (proxy.admin_socket(), json!({ "subject": subject, "state": state, "who": "a test" }));
        std::thread::spawn(move || block_on(Client::new(&socket).post("/operator", &command)))
    };
    for round in 0..5 {
        let said = [(&proxies[0], "www/web1"), (&proxies[1], "www/web2")].map(|(proxy, of)| say(proxy, of, "maint"));
        let said = said.map(|said| said.join().unwrap());
        assert!(said.iter().any(Result::is_err), "round {round}: {said:?}");
        for index in 0..2 {
            let visit = request(site.addresses.proxy(index), STATELESS_HOST, "/");
            assert_eq!(visit.0, 200, "round {round}: {said:?}");
        }
        for backend in ["www/web1", "www/web2"] {
            say(&proxies[0], backend, "ready").join().unwrap().unwrap();
        }
        for proxy in &proxies {
            let ready = || (!proxy.status().to_string().contains("\"operator\":\"maint\"")).then_some(());
            eventually("both backends", || format!("{:#}", proxy.status()), ready);
        }
    }
}

/// The operator state of `SERVICE/BACKEND` and the active backend of the shop, at each proxy.
fn seen(proxies: &[Daemon<'_>; 2], service: &str, backend: &str) -> Vec<(String, String)> {
    let of = |proxy: &Daemon<'_>| {
        let status = proxy.status();
        let named = |list: &serde_json::Value, name: &str| -> serde_json::Value {
            list.as_array().unwrap().iter().find(|one| one["name"] == name).unwrap().clone()
        };
        let state = named(&named(&status["services"], service)["backends"], backend)["operator"].clone();
        (state.as_str().unwrap().to_owned(), proxy.latch()["active"].as_str().unwrap().to_owned())
    };
    proxies.iter().map(of).collect()
}

#[test]
fn a_word_about_several_uses_of_a_backend_is_done_in_all_of_them_or_in_none() {
    let site = Site::new();
    let mut proxies = [site.proxy(0, &[0, 1]), site.proxy(1, &[0, 1])];
    for proxy in &mut proxies {
        // `shop1`, the shop's primary, serves www too, beside web1.
        let backends = proxy.document["services"][STATELESS]["backends"].as_array_mut().unwrap();
        let mut second = backends[0].clone();
        second["name"] = json!(documents::stateful_name(0));
        second["address"] = json!(site.addresses.stateless_backend(1));
        backends.push(second);
        proxy.write();
    }
    run_together(&mut proxies.each_mut());
    let other = proxies[1].admin_socket();
    let say = |arguments: &[&str]| polder(&proxies[0], &[arguments, &["--socket", other.to_str().unwrap()]].concat());

    for verb in ["maint", "drain"] {
        let refused = say(&[verb, "shop1"]);
        let names = "shop/shop1: refused by px-1, px-2: shop1 is the active backend of shop and has all its visitors";
        refused.assert(1, &[names, "`polder failover shop`", "www/shop1: would be done", "Nothing has changed"]);
        assert_eq!(
            seen(&proxies, "www", "shop1"),
            [("ready".into(), "shop1".into()), ("ready".into(), "shop1".into())]
        );
    }

    let forced = say(&["drain", "shop1", "--force", "--why", "new disk"]);
    forced.assert(
        0,
        &["shop moves from shop1 to shop2 first", "web1 goes on alone", "www/shop1   done    is set to drain"],
    );
    for service in ["www", "shop"] {
        assert_eq!(
            seen(&proxies, service, "shop1"),
            [("drain".into(), "shop2".into()), ("drain".into(), "shop2".into())]
        );
    }

    let again = say(&["drain", "www/shop1"]);
    again.assert(0, &["www/shop1", "is in drain already", "new disk); nothing changed"]);
    let json = say(&["ready", "shop1", "--json"]);
    let answer: serde_json::Value = serde_json::from_str(&json.said).unwrap();
    assert_eq!(answer["would"].as_array().unwrap().len(), 4, "{answer:#}");
    assert!(answer["told"].as_array().unwrap().iter().all(|told| told["outcome"] == "done"), "{answer:#}");
    assert_says(&format!("{:?}", seen(&proxies, "www", "shop1")), &["ready"]);
}
