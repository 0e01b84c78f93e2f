//! One proxy: what its checks and its operator say of the backends, and its latch.

use std::time::Duration;

use polder::api::operator::OperatorState;
use polder::config::proxy::LatchConfig;
use polder::health::Verdict;
use polder::health::automaton::Automaton;
use polder::proxy::latch::{BackendState, CommandError, Keeper, Latch, Now, Operator, Situation};

/// The backends that documents may name.
pub const BACKENDS: [&str; 4] = ["web1", "web2", "web3", "web4"];

const OPERATOR: Operator<'static> = Operator { who: "alice", why: "" };

/// A proxy.
#[derive(Clone)]
pub struct Proxy {
    name: &'static str,
    rules: LatchConfig,
    backups: u8,
    checks: [Check; BACKENDS.len()],
    /// What the operator says of each backend.
    pub operator: [OperatorState; BACKENDS.len()],
    /// Which backends its document has.
    pub known: [bool; BACKENDS.len()],
    /// Requests on the active backend.
    pub running: u64,
    /// Its latch.
    pub keeper: Keeper,
}

/// The automaton, and the results in a row that it stands for.
#[derive(Clone, Copy)]
struct Check {
    automaton: Automaton,
    rise: u32,
    fall: u32,
    counted: Verdict,
    row: (bool, u32),
}

impl Check {
    fn probed(&mut self, success: bool) {
        let change = if success { self.automaton.success() } else { self.automaton.failure() };
        self.row = if self.row.0 == success { (success, self.row.1 + 1) } else { (success, 1) };
        let before = self.counted;
        self.counted = match (before, self.row) {
            (Verdict::Unchecked, (true, _)) => Verdict::Up,
            (Verdict::Unchecked, (false, _)) => Verdict::Down,
            (Verdict::Up, (false, failures)) if failures >= self.fall => Verdict::Down,
            (Verdict::Down, (true, successes)) if successes >= self.rise => Verdict::Up,
            (same, _) => same,
        };
        assert_eq!(self.automaton.verdict(), self.counted, "the automaton and counting results in a row disagree");
        assert_eq!(change.is_some(), before != self.counted, "whether the verdict changed");
        assert!(self.automaton.health() < self.rise + self.fall, "more health than there is");
    }
}

impl Proxy {
    /// A proxy after its first start, every backend unchecked. `backups`: a bit for each backend.
    pub fn new(name: &'static str, rules: LatchConfig, backups: u8, rise: u32, fall: u32) -> Proxy {
        let automaton = Automaton::unchecked(rise, fall);
        let check = Check { automaton, rise, fall, counted: Verdict::Unchecked, row: (true, 0) };
        let mut keeper = Keeper::new(Latch::first(BACKENDS[0]));
        keeper.begin_grace(Now::default(), &rules);
        Proxy {
            name,
            rules,
            backups,
            checks: [check; BACKENDS.len()],
            operator: [OperatorState::Ready; BACKENDS.len()],
            known: [true; BACKENDS.len()],
            running: 0,
            keeper,
        }
    }

    /// A probe of a backend has ended.
    pub fn probed(&mut self, backend: usize, success: bool) {
        self.checks[backend].probed(success);
    }

    /// Another proxy's eyes: its checks, its operator's words, its document.
    pub fn see_as(&mut self, other: &Proxy) {
        (self.checks, self.operator, self.known) = (other.checks, other.operator, other.known);
        self.running = 0;
    }

    /// The backends of its document.
    pub fn backend_states(&self) -> Vec<BackendState<'static>> {
        let known = (0..BACKENDS.len()).filter(|backend| self.known[*backend]);
        let standing = |backend: usize| BackendState {
            name: BACKENDS[backend],
            address: ([192, 0, 2, backend as u8], 80).into(),
            backup: self.backups >> backend & 1 == 1,
            verdict: self.checks[backend].automaton.verdict(),
            hearsay: false,
            reason: "as it is",
            operator: self.operator[backend],
            // These proxies are of a version that tells no verdicts.
            contradicted: false,
        };
        known.map(standing).collect()
    }

    /// How its latch moves.
    pub fn rules(&self) -> &LatchConfig {
        &self.rules
    }

    /// What surrounds its latch, for `look`.
    pub fn at<T>(&mut self, now: Duration, look: impl FnOnce(&mut Keeper, Now, &Situation<'_>) -> T) -> T {
        let backends = self.backend_states();
        let rules = self.rules.clone();
        let (own, running) = (self.name, self.running);
        let situation = Situation {
            own,
            service: "shop",
            backends: &backends,
            rules: &rules,
            running,
            isolated: false,
            agreed: false,
        };
        let unix_ms = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        look(&mut self.keeper, Now { running: now, unix_ms }, &situation)
    }

    /// Lets the latch move.
    pub fn step(&mut self, now: Duration) {
        let before = self.keeper.latch().cloned();
        let _ = self.at(now, |keeper, now, situation| keeper.step(now, situation));
        let without_addresses = |latch: &Latch| Latch { addresses: Default::default(), ..latch.clone() };
        let after = self.keeper.latch().map(without_addresses);
        assert_eq!(after, before.as_ref().map(without_addresses), "it counts before it is stored");
    }

    /// What was proposed is on disk.
    pub fn commit(&mut self) {
        let Some(next) = self.keeper.proposed().cloned() else { return };
        let before = self.keeper.latch().cloned();
        assert!(self.keeper.commit(&next).is_some(), "what was proposed is not what was stored");
        assert!(before.as_ref().is_none_or(|before| *before < next), "the latch goes back: {before:?}, then {next:?}");
        assert!(!next.failed_from.contains(&next.active), "active and failed away from: {next:?}");
    }

    /// Hears what the other one's latch is.
    pub fn hear(&mut self, other: &Proxy) {
        if let Some(theirs) = other.keeper.latch() {
            self.keeper.merge_peers(theirs);
        }
    }

    /// The operator's `failover`.
    pub fn failover(&mut self, to: Option<&str>, now: Duration) {
        let refused = self.at(now, |keeper, now, situation| keeper.failover(to, &OPERATOR, now, situation)).err();
        self.in_words(refused);
    }

    /// The operator's `failback`.
    pub fn failback(&mut self, now: Duration) {
        let refused = self.at(now, |keeper, now, situation| keeper.failback(&OPERATOR, now, situation)).err();
        self.in_words(refused);
    }

    fn in_words(&self, refused: Option<CommandError>) {
        let (Some(CommandError::NotFound(why)) | Some(CommandError::Conflict(why))) = refused else { return };
        assert!(!why.is_empty(), "refused without a word");
    }
}
