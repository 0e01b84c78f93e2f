//! The night that is played, and what is asked in it.

use std::time::{Duration, SystemTime};

use polder::demo::fleet::Action;
use polder::unix_time::{formatted, unix_ms};
use serde_json::Value;

use super::page::{Answer, Page};
use super::stage::{Question, Stage, copy_keys, field};

/// What only looks.
fn look<'q>(question: &'static str, shown: &'q str, answer: &'q str) -> Question<'q> {
    Question { chapter: None, question, shown, typed: None, answer, exit: 0, is_change: false, is_loose: false }
}

/// What changes something.
fn change<'q>(question: &'static str, shown: &'q str, answer: &'q str) -> Question<'q> {
    Question { is_change: true, ..look(question, shown, answer) }
}

impl<'q> Question<'q> {
    fn begins(self, chapter: &'static str) -> Question<'q> {
        Question { chapter: Some(chapter), ..self }
    }

    fn says_no(self) -> Question<'q> {
        Question { exit: 1, ..self }
    }

    /// What is printed depends on who was first, or on how long something took: the page has one way in which it was.
    fn in_its_own_words(self) -> Question<'q> {
        Question { is_loose: true, ..self }
    }

    fn typed(self, typed: String) -> Question<'q> {
        Question { typed: Some(typed), ..self }
    }
}

pub async fn play(page: &Page) -> Vec<Answer> {
    let mut stage = Stage::open(page).await;
    stage.until("polder status", 0, "All is well.").await;
    quiet(&mut stage).await;
    documents(&mut stage).await;
    a_new_disk(&mut stage).await;
    a_death(&mut stage).await;
    the_next_morning(&mut stage).await;
    all_of_them(&mut stage).await;
    machines(&mut stage).await;
    let Stage { fleet, answers, .. } = stage;
    fleet.stop().await;
    answers
}

async fn quiet(stage: &mut Stage<'_>) {
    let (http, https) = (stage.fleet.addresses.http_port(), stage.fleet.addresses.https_port());
    stage.get(0, "www.polder.test", "/").await;
    let session = stage.get(0, "shop.polder.test", "/session").await;
    let mut ours = session.lines().filter_map(|line| line.split_once(": ")).map(|(_, value)| value);
    let cookie = ours.find(|value| value.starts_with("polder-shop=")).unwrap().split(';').next().unwrap().to_owned();
    stage.run.texts.push((cookie.clone(), "polder-shop=iU0d..."));
    stage.ask(look("Is everything well?", "polder status", "All is well.").begins("On a quiet evening")).await;
    stage
        .ask(
            look(
                "What does a visitor of this URL meet, and why?",
                "polder explain https://www.polder.test:8443/",
                "by round-robin",
            )
            .typed(format!("polder explain https://www.polder.test:{https}/")),
        )
        .await;
    stage
        .ask(look("Why does this name resolve so?", "polder explain polder.test", "its addresses come from pool"))
        .await;
    stage
        .ask(
            look(
                "Where is this visitor's session?",
                "polder explain https://shop.polder.test:8443/ --cookie 'polder-shop=iU0d...'",
                "the latch decides",
            )
            .typed(format!("polder explain https://shop.polder.test:{https}/ --cookie '{cookie}'")),
        )
        .await;
    stage
        .ask(
            look("May this visitor come in?", "polder explain http://www.polder.test:8080/ --from 203.0.113.7", "403")
                .typed(format!("polder explain http://www.polder.test:{http}/ --from 203.0.113.7"))
                .says_no(),
        )
        .await;
    stage
        .ask(
            look("How much is asked, and how fast is it answered?", "polder top --once --interval 1s", "queries/s")
                .in_its_own_words(),
        )
        .await;
    for asked in [
        look("Which backend serves the shop, and which ones could?", "polder status shop", "shop1 is active"),
        look(
            "Which certificate do visitors of www get, and until when?",
            "polder status www.polder.test",
            "valid until",
        ),
        look("Since when is web1 up, and how much was sent there?", "polder status web1", "checks: up since"),
        look(
            "Which version runs on px-1, since when, and does it hear its peers?",
            "polder status px-1",
            "peer px-2: heard",
        ),
        look(
            "Which addresses do the nameservers give, and why?",
            "polder status http0.l.polder.test",
            "in the answers",
        ),
        look(
            "Which serial does each nameserver serve?",
            "polder status polder.test",
            "serial 1, 7 records; on ns-1, ns-2",
        ),
        look("What would happen without web2?", "polder maint web2 --dry-run", "web1, web3 go on"),
        look(
            "What would a failover of the shop move, and what would it cut off?",
            "polder failover shop --dry-run",
            "from shop1 to shop2",
        ),
        look("May I take shop1 out?", "polder maint shop1 --dry-run", "shop1 is the active backend of shop").says_no(),
    ] {
        stage.ask(asked).await;
    }
}

async fn documents(stage: &mut Stage<'_>) {
    let document = stage.document("px-1");
    let mut wrong = document.clone();
    wrong["services"]["shop"]["backends"][1]["address"] = "10.0.0.300:80".into();
    wrong["services"]["www"]["balnace"] = "random".into();
    let pretty = |document: &Value| serde_json::to_string_pretty(document).unwrap();
    stage.write("proxy.json", &pretty(&document));
    stage.write("new.json", &pretty(&wrong));
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    stage.write("fleet.json", &std::fs::read_to_string(root.join("tests/data/fleet/example.json")).unwrap());
    std::fs::create_dir_all(stage.work().join("hosts/zones")).unwrap();
    let zone = "hosts/zones/example.net.zone";
    stage.write(zone, &std::fs::read_to_string(root.join(zone)).unwrap());
    copy_keys(&stage.work().join("keys"));
    stage.write(
        "haproxy.cfg",
        "frontend web\n    mode http\n    bind 192.0.2.11:80\n    default_backend www\n\nbackend www\n    mode http\n    \
         balance leastconn\n    option httpchk GET /healthz\n    http-request lua.rewrite\n    server web1 192.0.2.21:80 check\n    \
         server web2 192.0.2.22:80 check\n",
    );
    for asked in [
        look("Is this document valid?", "polder-proxy --config proxy.json --check-config", "valid, 3 services")
            .begins("Before a change"),
        look("What is wrong with this one?", "polder-proxy --config new.json --check-config", "is not an address")
            .says_no(),
        look("Can it be started on this machine?", "polder-proxy --config proxy.json --check-config --live", "valid"),
        look(
            "Is the whole fleet as it must be, across hosts?",
            "polder check --fleet fleet.json --offline",
            "nothing is wrong",
        ),
        look(
            "What of my haproxy.cfg is not in the document?",
            "polder import haproxy haproxy.cfg --output imported.json --force",
            "lua",
        )
        .says_no(),
        look(
            "What is the parent of a signed zone to have?",
            "polder dnssec ds example.net --folder keys",
            "example.net. IN DS 61202 15 2 ",
        ),
        look(
            "Is every signed zone signed by all of its nameservers, and until when?",
            "polder dnssec status",
            "zone example.net: signed on ns-1 and ns-2; the first signature runs out at",
        )
        .in_its_own_words(),
        change("What is the zone's next serial?", "polder serial example.net", "-> 2026"),
        change("Has every daemon taken its new document?", "polder reload", "reloaded"),
    ] {
        stage.ask(asked).await;
    }
}

async fn a_new_disk(stage: &mut Stage<'_>) {
    for asked in [
        change(
            "How do I take px-2 out for a new disk?",
            "polder drain px-2 --for 2h --why 'new disk'",
            "is set to drain",
        )
        .begins("A proxy gets a new disk"),
        look("Is px-2 safe to power off?", "polder drain px-2 --wait --idle 1s", "px-2: safe to power off.")
            .in_its_own_words(),
        look("Who has drained px-2, why, and until when?", "polder status http0.l.polder.test/px-2", "by alice@")
            .says_no(),
        look("What have operators said lately?", "polder events --kind operator --since 1m", " by alice@")
            .in_its_own_words(),
        change("How do I put px-2 back?", "polder ready px-2", "is set to ready"),
    ] {
        stage.ask(asked).await;
    }
    stage.until("polder status", 0, "All is well.").await;
}

async fn a_death(stage: &mut Stage<'_>) {
    stage.act(Action::Kill, "web1").await;
    for asked in [
        look("What is wrong?", "polder status", "www/web1 is down: connection refused")
            .says_no()
            .begins("A backend dies"),
        look("Why is web1 out, and since when?", "polder status web1", "checks: down since").says_no(),
    ] {
        stage.ask(asked).await;
    }
    stage.act(Action::Mend, "web1").await;
    stage.until("polder status", 0, "All is well.").await;
    let before = the_next_second().await;
    stage.act(Action::Kill, "shop1").await;
    stage.until("polder status shop", 1, "shop2 is active, epoch 1").await;
    let moment = |at: u64| formatted(at, "%Y-%m-%dT%H:%M:%SZ");
    let after = moment(unix_ms() + 60_000);
    for asked in [
        look("Which backend serves the shop now, since when, and why?", "polder status shop", "since").says_no(),
        look(
            "What happened at 04:12?",
            "polder events --since 04:12 --until 04:13 --kind check",
            "check of shop/shop1",
        )
        .typed(format!("polder events --since {} --until {after} --kind check", moment(before)))
        .in_its_own_words(),
        look(
            "When has the shop moved, and who decided it?",
            "polder events --service shop --kind latch",
            "shop1 -> shop2",
        )
        .in_its_own_words(),
        look("How did it stand before that?", "polder explain shop.polder.test --at 04:11", "shop1")
            .typed(format!("polder explain shop.polder.test --at {}", moment(before))),
    ] {
        stage.ask(asked).await;
    }
    stage.act(Action::Mend, "shop1").await;
    for asked in [
        look("Is shop1 well enough to go back?", "polder status shop1", "checks: up since").says_no(),
        change("How do I go back to shop1?", "polder failback shop --why 'shop1 is well again'", "done"),
    ] {
        stage.ask(asked).await;
    }
    stage.until("polder status", 0, "All is well.").await;
}

/// The beginning of the next whole second, in milliseconds since the epoch: times on the command line have no parts of one.
async fn the_next_second() -> u64 {
    let next = unix_ms().div_ceil(1000) * 1000;
    let at = SystemTime::UNIX_EPOCH + Duration::from_millis(next);
    tokio::time::sleep(at.duration_since(SystemTime::now()).unwrap_or_default()).await;
    next
}

async fn the_next_morning(stage: &mut Stage<'_>) {
    let first = stage.get(0, "api.polder.test", "/").await;
    assert!(first.starts_with("HTTP/1.1 200"), "{first}");
    let refused = stage.get(0, "api.polder.test", "/").await;
    let id = field(&refused, "x-request-id");
    stage
        .ask(
            look("Why was this visitor refused?", "polder why 0f3a9c51d27be846", "429")
                .typed(format!("polder why {id}")),
        )
        .await;
}

async fn all_of_them(stage: &mut Stage<'_>) {
    for web in ["web1", "web2", "web3"] {
        stage.act(Action::Kill, web).await;
    }
    let http = stage.fleet.addresses.http_port();
    let explained = format!("polder explain http://www.polder.test:{http}/");
    stage.until(&explained, 1, "no backend").await;
    let failed = stage.get(0, "www.polder.test", "/cart").await;
    let id = field(&failed, "x-request-id");
    stage
        .ask(
            look("Why this 503?", "polder why 0f3a9c51d27be846", "503")
                .typed(format!("polder why {id}"))
                .in_its_own_words()
                .begins("All backends are dead"),
        )
        .await;
    stage
        .ask(
            look("What do visitors of www meet now?", "polder explain http://www.polder.test:8080/", "no backend")
                .typed(explained)
                .says_no(),
        )
        .await;
    for web in ["web1", "web2", "web3"] {
        stage.act(Action::Mend, web).await;
    }
    stage.until("polder status", 0, "All is well.").await;
}

async fn machines(stage: &mut Stage<'_>) {
    let before = the_next_second().await;
    stage.act(Action::Takeover, "px-1").await;
    let since = formatted(before, "%Y-%m-%dT%H:%M:%SZ");
    stage
        .ask(
            look("Which daemon was restarted or upgraded?", "polder events --kind daemon --since 04:12", "px-1")
                .typed(format!("polder events --kind daemon --since {since}"))
                .in_its_own_words()
                .begins("Machines"),
        )
        .await;
    let mut other = stage.document("px-2");
    other["services"]["www"]["backends"][0]["weight"] = 50.into();
    stage.fleet.write_json("px-2", &other).unwrap();
    stage.act(Action::Reload, "px-2").await;
    stage.ask(look("Which proxies differ?", "polder status www", "weight 50").says_no()).await;
    stage.fleet.write_json("px-2", &stage.document("px-2")).unwrap();
    stage.act(Action::Reload, "px-2").await;
    stage.act(Action::Kill, "px-3").await;
    stage.until("polder status", 1, "px-3  down").await;
    for asked in [
        look("Which daemon is not there?", "polder status", "px-3 does not answer").says_no(),
        look("Which peers has px-1 lost, and when did it hear them last?", "polder status px-1", "connection refused"),
        look("Who has lost px-3, and when?", "polder events --service px-3 --since 04:12", "connection refused")
            .typed(format!("polder events --service px-3 --since {since}"))
            .says_no()
            .in_its_own_words(),
    ] {
        stage.ask(asked).await;
    }
    stage.act(Action::Mend, "px-3").await;
    stage.until("polder status", 0, "All is well.").await;
    stage.act(Action::Freeze, "ns-2").await;
    stage.until("polder status --timeout 1s", 1, "ns-2 does not answer").await;
    stage
        .ask(
            look("Which daemon is silent?", "polder status", "ns-2 does not answer")
                .typed("polder status --timeout 1s".to_owned())
                .says_no(),
        )
        .await;
    stage.act(Action::Mend, "ns-2").await;
}
