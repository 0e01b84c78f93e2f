use super::*;

#[test]
fn maint_and_down_admit_nothing_and_drain_only_what_is_bound() {
    for verdict in [Verdict::Up, Verdict::Down, Verdict::Unchecked] {
        for operator in [OperatorState::Ready, OperatorState::Drain, OperatorState::Maint] {
            let eligibility = Eligibility::of(verdict, operator);
            let up = verdict == Verdict::Up;
            let case = format!("{verdict}, {operator}");
            assert_eq!(eligibility.admits_new(), up && operator == OperatorState::Ready, "{case}");
            assert_eq!(eligibility.admits_bound(), up && operator != OperatorState::Maint, "{case}");
            let leaves = verdict == Verdict::Down || operator == OperatorState::Maint;
            assert_eq!(eligibility.keeps_running(), !leaves, "{case}");
        }
    }
}
