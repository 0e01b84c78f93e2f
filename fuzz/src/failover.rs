//! A stateful service on two proxies: automata, latches and choices under any sequence of events, against the
//! rules of checks, choice and latch stated a second time.
//!
//! The input is a situation and then its events, two bytes each. After every event each proxy's latch is held to [`rule`] and what a
//! request gets to [`choices`]; at the end the proxies see the same and hear each other, and must come to be of one mind.

mod choices;
mod proxy;
mod rule;

use std::time::Duration;

use polder::api::operator::OperatorState;
use polder::config::proxy::LatchConfig;

use proxy::{BACKENDS, Proxy};

/// Rounds of the proxies hearing each other, a second each, until which they must agree.
const ROUNDS: usize = 40;

/// A situation and its events.
pub fn check(input: &[u8]) {
    let [shape, times, events @ ..] = input else { return };
    let rules = LatchConfig {
        start_grace: Duration::from_secs(u64::from(times & 7)),
        last_resort: shape & 1 == 1,
        failover_drain: Duration::from_secs(u64::from(times >> 3 & 7)),
        without_agreement: Default::default(),
    };
    let backups = shape >> 1 & 0b1110;
    let (rise, fall) = (u32::from(shape >> 5 & 1) + 1, u32::from(shape >> 6) + 1);
    let mut proxies = ["px-1", "px-2"].map(|name| Proxy::new(name, rules.clone(), backups, rise, fall));
    let mut now = Duration::ZERO;
    for event in events.chunks_exact(2).take(100) {
        happens(&mut proxies, &mut now, event[0], event[1]);
    }
    come_to_agree(&mut proxies, now);
}

fn happens(proxies: &mut [Proxy; 2], now: &mut Duration, what: u8, with: u8) {
    let [one, other] = proxies;
    let (one, other) = if what & 0x80 == 0 { (one, other) } else { (other, one) };
    let backend = usize::from(with) % BACKENDS.len();
    match what % 12 {
        0 => one.probed(backend, with & 0x80 == 0),
        1 => {
            one.probed(backend, with & 0x80 == 0);
            other.probed(backend, with & 0x80 == 0);
        }
        2 => one.operator[backend] = state(with),
        3 => {
            one.operator[backend] = state(with);
            other.operator[backend] = state(with);
        }
        4 => *now += Duration::from_millis(u64::from(with) * 50),
        5 => one.running = u64::from(with),
        6 => one.failover((with & 0x80 == 0).then_some(BACKENDS[backend]), *now),
        7 => one.failback(*now),
        8 => one.commit(),
        9 => one.hear(other),
        10 => one.known[backend] = with & 0x80 == 0 || backend == 0,
        _ => {
            let proposed = one.keeper.proposed().is_some();
            one.commit();
            assert_eq!(one.keeper.proposed(), None, "a proposal is left that was stored: {proposed}");
        }
    }
    for proxy in [one, other] {
        step(proxy, *now);
        choices::check(proxy, *now, what ^ with);
    }
}

/// Lets a proxy's latch move, and holds the move to the rule.
fn step(proxy: &mut Proxy, now: Duration) {
    let before = proxy.clone();
    proxy.step(now);
    rule::holds(before, proxy, now);
}

fn state(with: u8) -> OperatorState {
    [OperatorState::Ready, OperatorState::Drain, OperatorState::Maint][usize::from(with >> 4) % 3]
}

/// Both see what the first one sees, and time passes.
fn come_to_agree(proxies: &mut [Proxy; 2], mut now: Duration) {
    let seen = proxies[0].clone();
    let mut last = None;
    for round in 0..ROUNDS {
        now += Duration::from_secs(1);
        for (this, other) in [(0, 1), (1, 0)] {
            let others = proxies[other].clone();
            let proxy = &mut proxies[this];
            proxy.see_as(&seen);
            proxy.hear(&others);
            step(proxy, now);
            proxy.commit();
            step(proxy, now);
            choices::check(proxy, now, 0x80);
        }
        let latches = [0, 1].map(|n| proxies[n].keeper.latch().cloned());
        if round + 2 == ROUNDS {
            last = Some(latches);
        } else if round + 1 == ROUNDS {
            assert_eq!(latches[0], latches[1], "the proxies are of two minds");
            assert_eq!(last, Some(latches), "the latch goes on moving though nothing happens");
        }
    }
    rule::is_at_rest(&proxies[0], now);
}
