//! polder-proxy beside HAProxy: random requests and backends, every answer and everything that arrives compared.
//!
//! Needs HAProxy (Debian's haproxy), and so is apart from `cargo test`:
//! `cargo test --test beside_haproxy -- --ignored --nocapture`. `SECONDS` is how long it goes on (60), `SEED` where it begins
//! (random), `CASES` how many at most. A failure prints the command that repeats it.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "blocking backends share what they saw, and pauses are a part of cases"
)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, missing_docs)]

mod cases;
mod compare;
mod explained;
#[path = "../common/ports.rs"]
mod ports;
mod proxies;
mod scripts;
mod seen;
mod visit;
mod wire;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use cases::Case;
use compare::{Aspect, difference, tell};
use explained::{Row, explain};
use proxies::{Kind, Proxy};
use seen::Seen;
use visit::{Outcome, visit, wait_ready};

/// How long nothing comes before a proxy is taken to wait: at first, and when a difference is looked at again.
const QUIET: [Duration; 3] = [Duration::from_millis(150), Duration::from_secs(2), Duration::from_secs(2)];

/// Tries at smaller cases that a failure is worth.
const TRIES: usize = 150;

/// Both proxies, each over its backends.
struct Bench {
    polder: Proxy,
    haproxy: Proxy,
}

/// A difference without a reason.
struct Found {
    case: Case,
    aspect: Aspect,
    how: String,
    told: String,
}

#[test]
#[ignore = "needs HAProxy: see CONTRIBUTING.md"]
fn polder_serves_as_haproxy_does_or_says_why_not() {
    let number = |name: &str| {
        std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap_or_else(|_| panic!("{name} is a number")))
    };
    let seed = number("SEED").unwrap_or_else(|| fastrand::u64(..1_000_000_000));
    let cases = number("CASES").unwrap_or(u64::MAX);
    let end = Instant::now() + Duration::from_secs(number("SECONDS").unwrap_or(60));
    eprintln!("SEED={seed}");
    let mut bench = Bench::start();
    let mut counts = BTreeMap::new();
    let mut next = 0;
    while next < cases && (next == 0 || Instant::now() < end) {
        if let Some(found) = bench.compare(&Case::random(seed + next), &mut counts) {
            let found = bench.shrink(found);
            panic!(
                "polder-proxy differs in {:?}; repeat with\n  SEED={} CASES=1 cargo test --test beside_haproxy -- --ignored \
                 --nocapture\n\n{}{}",
                found.aspect,
                seed + next,
                found.case,
                found.told
            );
        }
        next += 1;
    }
    eprintln!("{next} cases");
    for (row, count) in counts {
        eprintln!("  {count:6} explained: {row}");
    }
}

impl Bench {
    fn start() -> Bench {
        let [polder, haproxy] = [Kind::Polder, Kind::HaProxy].map(Proxy::start);
        for proxy in [&polder, &haproxy] {
            wait_ready(proxy);
        }
        Bench { polder, haproxy }
    }

    fn visit(&self, case: &Case, quiet: Duration) -> (Outcome, Outcome) {
        (visit(&self.polder, case, quiet), visit(&self.haproxy, case, quiet))
    }

    /// A difference counts if it is there every time. It is looked at again when what was still under way has ended: a busy machine
    /// may hold a proxy up for longer than a visitor waits.
    fn compare(&mut self, case: &Case, counts: &mut BTreeMap<&'static str, u64>) -> Option<Found> {
        let mut last = None;
        for quiet in QUIET {
            if last.is_some() {
                std::thread::sleep(quiet);
            }
            match self.compare_once(case, quiet)? {
                Ok(found) => last = Some(found),
                Err(row) => {
                    *counts.entry(row.name).or_default() += 1;
                    return None;
                }
            }
        }
        last
    }

    /// A difference, without or with a reason.
    fn compare_once(&mut self, case: &Case, quiet: Duration) -> Option<Result<Found, &'static Row>> {
        let (polder, haproxy) = self.visit(case, quiet);
        assert!(self.polder.is_running(), "polder-proxy has ended:\n{}\n{case}", self.polder.log());
        let (aspect, how) = difference(&polder, &haproxy)?;
        if let Some(row) = explain(&Seen { case, aspect, polder: &polder, haproxy: &haproxy }) {
            return Some(Err(row));
        }
        let told = format!("  polder\n{}  HAProxy\n{}", tell(&polder), tell(&haproxy));
        Some(Ok(Found { case: case.clone(), aspect, how, told }))
    }

    /// The smallest case that still differs alike.
    fn shrink(&mut self, mut found: Found) -> Found {
        let mut tries = 0;
        while let Some(same) = found.case.smaller().iter().find_map(|case| {
            tries += 1;
            let same = self.compare_once(case, QUIET[0])?.ok()?;
            (same.aspect == found.aspect && same.how == found.how).then_some(same)
        }) {
            found = same;
            if tries > TRIES {
                break;
            }
        }
        found
    }
}
