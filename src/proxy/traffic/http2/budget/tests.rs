use super::super::frames::Frames;
use super::*;

fn frame(kind: u8, flags: u8, payload: &[u8]) -> Frame {
    let mut bytes = vec![0, 0, payload.len() as u8, kind, flags, 0, 0, 0, 1];
    bytes.extend_from_slice(payload);
    let mut found = None;
    Frames::after(0).look(&bytes, |frame| found = Some(frame));
    found.expect("a frame")
}

fn ping() -> Frame {
    frame(6, 0, &[0; 8])
}

fn reset(code: u8) -> Frame {
    frame(3, 0, &[0, 0, 0, code])
}

fn until_spent(budget: &mut Budget, mut step: impl FnMut(&mut Budget)) -> Option<usize> {
    (1..=100_000).find(|_| {
        step(budget);
        budget.is_spent()
    })
}

#[test]
fn frames_without_content_are_bounded() {
    for frame in
        [ping(), frame(4, 0, &[]), frame(2, 0, &[0; 5]), frame(8, 0, &[0; 4]), frame(9, 0, b"x"), frame(0, 0, &[])]
    {
        let mut budget = Budget::new(Duration::ZERO);
        assert_eq!(until_spent(&mut budget, |budget| budget.receive(frame)), Some(1001), "{frame:?}");
    }
}

#[test]
fn whoever_asks_every_few_seconds_whether_we_are_there_may_do_so_for_ever() {
    // gRPC's keepalive: no less than 10 s apart. Some clients ask each second, with a window update beside it.
    let mut budget = Budget::new(Duration::ZERO);
    for second in 1..=7 * 86_400 {
        budget.grow(Duration::from_secs(second));
        budget.receive(ping());
        budget.receive(frame(8, 0, &[0; 4]));
    }
    assert!(!budget.is_spent());
}

#[test]
fn whoever_is_sent_frames_may_answer_them_for_ever() {
    let mut budget = Budget::new(Duration::ZERO);
    let spent = until_spent(&mut budget, |budget| {
        budget.send(frame(0, 0, b"data"));
        for _ in 0..3 {
            budget.receive(frame(8, 0, &[0; 4]));
        }
    });
    assert_eq!(spent, None);
}

#[test]
fn time_makes_up_for_frames() {
    let mut budget = Budget::new(Duration::ZERO);
    let mut now = Duration::ZERO;
    let spent = until_spent(&mut budget, |budget| {
        now += Duration::from_millis(20);
        budget.grow(now);
        budget.receive(ping());
    });
    assert_eq!(spent, None, "50 a second");
}

#[test]
fn streams_that_are_broken_off_are_bounded_by_those_that_are_not() {
    let mut budget = Budget::new(Duration::ZERO);
    assert_eq!(until_spent(&mut budget, |budget| budget.receive(reset(8))), Some(201), "by the client");
    let mut budget = Budget::new(Duration::ZERO);
    assert_eq!(until_spent(&mut budget, |budget| budget.receive(reset(0))), Some(201), "whatever it says");
    let mut budget = Budget::new(Duration::ZERO);
    assert_eq!(until_spent(&mut budget, |budget| budget.send(reset(1))), Some(201), "by us, for the client's fault");
    let mut budget = Budget::new(Duration::ZERO);
    assert_eq!(until_spent(&mut budget, |budget| budget.send(reset(2))), None, "by us, for a backend's");
    let mut budget = Budget::new(Duration::ZERO);
    let spent = until_spent(&mut budget, |budget| {
        budget.send(frame(0, 1, b"the end"));
        budget.receive(reset(8));
    });
    assert_eq!(spent, None, "each has had a response");
}
