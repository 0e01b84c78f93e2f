use super::*;

/// The rule as an operator reads it: count results in a row.
struct Naive {
    verdict: Verdict,
    successes_in_a_row: u32,
    failures_in_a_row: u32,
}

impl Naive {
    fn after(&mut self, success: bool, rise: u32, fall: u32) {
        if success {
            self.successes_in_a_row += 1;
            self.failures_in_a_row = 0;
        } else {
            self.failures_in_a_row += 1;
            self.successes_in_a_row = 0;
        }
        self.verdict = match self.verdict {
            Verdict::Unchecked if success => Verdict::Up,
            Verdict::Unchecked => Verdict::Down,
            Verdict::Up if self.failures_in_a_row >= fall => Verdict::Down,
            Verdict::Down if self.successes_in_a_row >= rise => Verdict::Up,
            same => same,
        };
    }

    fn towards_change(&self, rise: u32, fall: u32) -> Option<(u32, u32)> {
        match self.verdict {
            Verdict::Unchecked => None,
            Verdict::Up => Some((self.failures_in_a_row, fall)),
            Verdict::Down => Some((self.successes_in_a_row, rise)),
        }
        .filter(|(count, _)| *count > 0)
    }

    fn in_transition(&self) -> bool {
        match self.verdict {
            Verdict::Unchecked => true,
            Verdict::Up => self.failures_in_a_row > 0,
            Verdict::Down => self.successes_in_a_row > 0,
        }
    }
}

#[test]
fn a_million_random_sequences_agree_with_counting_results_in_a_row() {
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    for sequence in 0..1_000_000 {
        let (rise, fall) = (random.u32(1..=5), random.u32(1..=5));
        let (length, results) = (random.u32(1..=30), random.u64(..));
        let mut automaton = Automaton::unchecked(rise, fall);
        let mut naive = Naive { verdict: Verdict::Unchecked, successes_in_a_row: 0, failures_in_a_row: 0 };
        for step in 0..length {
            let success = results >> step & 1 == 1;
            let before = automaton.verdict();
            let change = if success { automaton.success() } else { automaton.failure() };
            naive.after(success, rise, fall);
            let expected_change = (before != naive.verdict).then_some(Change { from: before, to: naive.verdict });
            assert!(
                automaton.verdict() == naive.verdict
                    && automaton.in_transition() == naive.in_transition()
                    && change == expected_change
                    && automaton.towards_change() == naive.towards_change(rise, fall),
                "seed {seed}, sequence {sequence}, step {step}: rise {rise}, fall {fall}, results {results:b}: \
                 {automaton:?}, counting says {}",
                naive.verdict
            );
        }
    }
}

#[test]
fn the_first_result_decides_alone() {
    let mut up = Automaton::unchecked(3, 3);
    assert_eq!(up.success(), Some(Change { from: Verdict::Unchecked, to: Verdict::Up }));
    assert_eq!((up.health(), up.in_transition()), (5, false));
    let mut down = Automaton::unchecked(3, 3);
    assert_eq!(down.failure(), Some(Change { from: Verdict::Unchecked, to: Verdict::Down }));
    assert_eq!((down.health(), down.in_transition()), (0, false));
}

#[test]
fn resumed_health_goes_on_where_it_stood_and_is_never_above_the_top() {
    let mut one_failure_left = Automaton::resumed(2, 3, 2);
    assert_eq!(one_failure_left.verdict(), Verdict::Up);
    assert_eq!(one_failure_left.failure(), Some(Change { from: Verdict::Up, to: Verdict::Down }));
    assert_eq!(Automaton::resumed(2, 3, 99).health(), 4);
}

#[test]
fn a_changed_check_keeps_the_verdict_and_no_result_before_it_decides_alone() {
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    for _ in 0..20_000 {
        let mut automaton = Automaton::unchecked(random.u32(1..6), random.u32(1..6));
        for _ in 0..random.u8(0..20) {
            let _ = if random.bool() { automaton.success() } else { automaton.failure() };
        }
        let changed = automaton.with(random.u32(1..6), random.u32(1..6));
        assert_eq!(changed.verdict(), automaton.verdict(), "seed {seed}: {automaton:?} -> {changed:?}");
        assert!(changed.health() <= changed.top(), "seed {seed}: {automaton:?} -> {changed:?}");
        let settled = !automaton.in_transition();
        assert!(!settled || !changed.in_transition(), "seed {seed}: {automaton:?} -> {changed:?}");
    }
    let mut failing = Automaton::resumed(2, 3, 4);
    assert_eq!(failing.failure(), None);
    assert_eq!(failing.with(2, 2).health(), 2, "one failure of two");
    assert_eq!(failing.with(2, 2).with(2, 3).health(), 3, "changed to and fro, one failure is not forgotten");
}
