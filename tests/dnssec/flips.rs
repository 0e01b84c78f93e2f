//! Members of the pool come and go, and all of them at times, while validators ask and others take the zone whole: no answer is ever without its proof.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use fastrand::Rng;
use hickory_proto::op::ResponseCode;

use crate::keys::{SIGNINGS, Signing};
use crate::lab::{Lab, wait};
use crate::programs::{Running, program};
use crate::validators::{Kind, Validator};
use crate::whole_zone;
use crate::zone::{MEMBERS, POOL, absolute};

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

/// What one validator was asked while members came and went.
#[derive(Default)]
struct Seen {
    asked: usize,
    /// Answers by their types and numbers: what has been seen of the pool.
    kinds: BTreeMap<String, usize>,
    wrong: Vec<String>,
}

/// Asks until it is told to end.
fn ask_on(validator: &Validator, is_over: &AtomicBool, rng: &mut Rng) -> Seen {
    let mut seen = Seen::default();
    while !is_over.load(Ordering::Relaxed) {
        let name = match rng.u8(..5) {
            0 => POOL.to_owned(),
            1 => absolute("shop"),
            2 => absolute("@"),
            3 => absolute("to-pool"),
            _ => absolute(&format!("n{}.w", rng.u32(..))),
        };
        let rtype = *rng.choice(&["A", "AAAA", "HTTPS", "MX"]).unwrap();
        let of_pool =
            |reply: &crate::ask::Reply| reply.answers.iter().filter(|answer| !answer.starts_with("CNAME")).count();
        match validator.ask(&name, rtype) {
            Ok(reply) if reply.rcode == ResponseCode::NoError && reply.is_secure => {
                *seen.kinds.entry(format!("{rtype} {}", of_pool(&reply))).or_default() += 1;
            }
            Ok(reply) => seen.wrong.push(format!("{:?}, {name} {rtype}: {reply:?}", validator.kind)),
            Err(error) => seen.wrong.push(format!("{:?}, {name} {rtype}: {error}", validator.kind)),
        }
        seen.asked += 1;
    }
    seen
}

/// Says that it is over, however a flip ends.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Takes the zone whole, again and again, and has it judged, until it is told to end. Gives how many times, and what is wrong.
fn judge_on(lab: &Lab, signing: Signing, is_over: &AtomicBool) -> (usize, Vec<String>) {
    let mut taken = 0;
    let mut wrong = Vec::new();
    while !is_over.load(Ordering::Relaxed) {
        wrong.extend(whole_zone::findings(lab, signing));
        taken += 1;
    }
    (taken, wrong)
}

/// Asks the nameserver itself so many times a second, for as long as it is there.
fn load(lab: &Lab, queries_a_second: u64) -> Option<Running> {
    (queries_a_second > 0).then(|| {
        let queries = lab.folder.path().join("load");
        fs::write(&queries, format!("{POOL} A\n{POOL} AAAA\n{POOL} HTTPS\nnothing.{POOL} A\n")).unwrap();
        let server = lab.parent();
        let mut dnsperf = program("dnsperf");
        dnsperf.args([
            "-D",
            "-s",
            &server.ip().to_string(),
            "-p",
            &server.port().to_string(),
            "-l",
            "100000",
            "-c",
            "8",
            "-T",
            "1",
            "-S",
            "10",
        ]);
        dnsperf.args(["-Q", &queries_a_second.to_string(), "-d"]).arg(&queries);
        Running::start(lab.folder.path(), "dnsperf", dnsperf)
    })
}

/// Changes which members are well, so many times, and waits each time until that is answered, and for its turn: a flip comes no sooner than `pause` behind the one before.
fn flip(lab: &Lab, flips: u64, pause: Duration, rng: &mut Rng) {
    let all = (1u8 << MEMBERS) - 1;
    let began = Instant::now();
    let mut well = all;
    for flip in 0..flips {
        let turn = began + pause * u32::try_from(flip).unwrap();
        std::thread::sleep(turn.saturating_duration_since(Instant::now()));
        let others: Vec<u8> = (0..=all).filter(|other| *other != well).collect();
        // None at all is one of sixteen, and worth more.
        well = if well != 0 && rng.u8(..5) == 0 { 0 } else { *rng.choice(&others).unwrap() };
        for member in 0..MEMBERS {
            lab.members.set(member.into(), well & (1 << member) != 0);
        }
        let mut expected: Vec<String> = (0..MEMBERS)
            .filter(|member| well & (1 << member) != 0)
            .map(|member| format!("A 127.0.0.{}", member + 1))
            .collect();
        if well == 0 {
            expected.push("A 203.0.113.1".to_owned());
        }
        wait(
            || format!("flip {flip}: {:?} is answered, expected {expected:?}:\n{}", lab.pool("A"), lab.log()),
            || lab.pool("A") == expected,
        );
    }
}

#[test]
#[ignore = "needs BIND, unbound, Knot Resolver and NSD: see CONTRIBUTING.md"]
fn members_come_and_go_and_no_validator_ever_finds_an_answer_without_its_proof() {
    let seed = number("SEED").unwrap_or_else(|| fastrand::u64(..1_000_000_000));
    let flips = number("FLIPS").unwrap_or(300);
    let a_second = number("A_SECOND").unwrap_or(0);
    let pause = Duration::from_secs(1).checked_div(a_second as u32).unwrap_or_default();
    let queries_a_second = number("QUERIES_A_SECOND").unwrap_or(0);
    eprintln!("SEED={seed} FLIPS={flips} A_SECOND={a_second} QUERIES_A_SECOND={queries_a_second}");
    let mut rng = Rng::with_seed(seed);
    for signing in [SIGNINGS[0], SIGNINGS[1]] {
        let lab = Lab::of_polder(signing);
        let is_over = Arc::new(AtomicBool::new(false));
        let all = Arc::new(Mutex::new(Vec::new()));
        let threads: Vec<_> = Kind::ALL
            .into_iter()
            .map(|kind| {
                let (validator, mut rng) = (Validator::start(kind, &lab, 1), rng.fork());
                let (is_over, all) = (Arc::clone(&is_over), Arc::clone(&all));
                std::thread::spawn(move || {
                    let seen = ask_on(&validator, &is_over, &mut rng);
                    let bogus =
                        validator.log().lines().filter(|line| is_bogus(line)).map(str::to_owned).collect::<Vec<_>>();
                    all.lock().unwrap().push((kind, seen, bogus));
                })
            })
            .collect();
        wait(|| "answers are signed ahead".to_owned(), || lab.figure("polder_pool_signatures_ahead") > 0);
        let late = || lab.figure("polder_pool_signatures_late_total");
        let (before, hour) = (late(), hour());
        let began = Instant::now();
        let load = load(&lab, queries_a_second);
        let (taken, wrong) = std::thread::scope(|scope| {
            let judge = scope.spawn(|| judge_on(&lab, signing, &is_over));
            let over = Over(&is_over);
            flip(&lab, flips / 2, pause, &mut rng);
            drop(over);
            judge.join().unwrap()
        });
        eprintln!("{} flips in {} s; the zone was taken whole {taken} times", flips / 2, began.elapsed().as_secs());
        if let Some(dnsperf) = load {
            let said = dnsperf.log();
            let last = said.lines().last().unwrap_or_default();
            eprintln!("{last}");
            assert!(!last.ends_with(" 0.000000") && last.contains(": "), "it answers nothing:\n{said}");
        }
        assert!(taken > 0 && wrong.is_empty(), "of {taken} copies:\n{}", wrong.join("\n"));
        // At the full hour what is due is signed anew, the present answers among it.
        assert!(late() == before || self::hour() != hour, "a flip had to wait for its signatures");
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        let all = all.lock().unwrap();
        for (kind, seen, bogus) in all.iter() {
            eprintln!(
                "{kind:?}, {}: {} questions while {} flips: {:?}",
                signing.denial,
                seen.asked,
                flips / 2,
                seen.kinds
            );
            let shown: Vec<_> = seen.wrong.iter().chain(bogus).take(20).cloned().collect();
            assert!(
                shown.is_empty(),
                "{} of {} wrong, {} bogus:\n{}",
                seen.wrong.len(),
                seen.asked,
                bogus.len(),
                shown.join("\n")
            );
        }
        let seen: BTreeSet<String> = all.iter().flat_map(|(_, seen, _)| seen.kinds.keys().cloned()).collect();
        // Otherwise nobody has asked at the moments that matter.
        assert!(["A 1", "A 2", "AAAA 0", "HTTPS 0", "HTTPS 1"].iter().all(|kind| seen.contains(*kind)), "{seen:?}");
    }
}

fn hour() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() / 3600
}

/// A line of a validator's log that says so.
fn is_bogus(line: &str) -> bool {
    line.contains("validation failure") || line.contains("no valid signature found") || line.contains("bogus")
}
