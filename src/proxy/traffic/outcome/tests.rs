#![allow(clippy::panic)]

use tokio::time::Instant;

use super::*;

/// An attempt that has come this far.
fn progress(touched: bool, body_taken: bool, answered: bool, begun: bool) -> Progress {
    let progress = Progress::default();
    progress.touched.set(touched);
    progress.body_taken.set(body_taken);
    progress.answered.set(answered);
    progress.begun.set(begun);
    progress.owed_since.set(touched.then(Instant::now));
    progress
}

#[test]
fn a_request_is_sent_again_only_if_no_backend_can_have_seen_it_or_it_may_see_it_twice() {
    for case in 0..32_u8 {
        let bit = |n: u8| case >> n & 1 == 1;
        let (touched, body_taken, answered, is_replayable, is_reused) = (bit(0), bit(1), bit(2), bit(3), bit(4));
        let progress = progress(touched, body_taken, answered, false);
        let outcome = Outcome::of_relay_error(
            RelayError::NoResponse,
            &progress,
            is_replayable,
            is_reused,
            RetryConfig::default(),
        );
        let unseen = !touched && !body_taken;
        let again = !answered && (unseen || is_replayable);
        match outcome {
            Outcome::Stale => assert!(again && is_reused, "case {case}"),
            Outcome::TryAnother(_) => assert!(again && !is_reused, "case {case}"),
            Outcome::Failed(failure) => {
                assert!(!again, "case {case}");
                assert_eq!(failure, Failure::new(502, End::BackendInHead), "case {case}");
            }
            other => panic!("case {case}: {other:?}"),
        }
    }
}

#[test]
fn a_backend_that_was_too_slow_or_answered_nonsense_does_not_get_the_request_sent_elsewhere() {
    for (error, end) in [(RelayError::TimedOut, End::ResponseTimeout), (RelayError::Malformed, End::MalformedResponse)]
    {
        let outcome =
            Outcome::of_relay_error(error, &progress(false, false, false, false), true, false, RetryConfig::default());
        assert!(matches!(outcome, Outcome::Failed(failure) if failure.end == end), "{outcome:?}");
    }
}

#[test]
fn an_order_moves_what_may_move_and_resets_what_has_begun() {
    for order in [Order::Move, Order::Abort, Order::ChooseAgain, Order::Close, Order::Evict, Order::Kill] {
        let begun = Outcome::of_order(order, &progress(true, false, true, true), true);
        assert!(matches!(begun, Outcome::Finished { then: AfterResponse::Reset, .. }), "{order:?}: {begun:?}");
        let unsent = Outcome::of_order(order, &progress(false, false, false, false), false);
        let stays = matches!(order, Order::Kill | Order::Abort);
        assert_eq!(matches!(unsent, Outcome::Failed(_)), stays, "{order:?}: {unsent:?}");
        assert_eq!(matches!(unsent, Outcome::Moved), !stays, "{order:?}: {unsent:?}");
    }
    let bound = Outcome::of_order(Order::Move, &progress(true, false, false, false), false);
    assert!(matches!(bound, Outcome::Failed(failure) if failure.end == End::FailedOverInWait), "{bound:?}");
}

#[test]
fn a_client_that_leaves_is_told_nothing_and_a_begun_response_is_reset() {
    let waiting = progress(true, false, false, false);
    waiting.sent.set(true);
    let outcome = Outcome::of_send_error(SendError::ClientClosed, &waiting);
    assert!(matches!(outcome, Outcome::Failed(failure) if failure == Failure::of_gone_client(End::ClientInWait)));
    for (error, status) in [
        (SendError::ClientTimedOut, Some(408)),
        (SendError::BackendTimedOut, Some(504)),
        (SendError::Malformed, Some(400)),
        (SendError::ClientClosed, None),
    ] {
        let outcome = Outcome::of_send_error(error, &progress(true, true, false, false));
        assert!(matches!(outcome, Outcome::Failed(failure) if failure.status == status), "{error:?}: {outcome:?}");
        let outcome = Outcome::of_send_error(error, &progress(true, true, true, true));
        assert!(matches!(outcome, Outcome::Finished { then: AfterResponse::Reset, .. }), "{error:?}: {outcome:?}");
    }
}

#[test]
fn what_a_service_says_may_be_sent_again_is_if_the_request_may_be_and_nothing_has_reached_the_visitor() {
    let all = RetryConfig { on: RetryOn::ALL, ..RetryConfig::default() };
    let errors = [RelayError::TimedOut, RelayError::TryTimedOut, RelayError::Malformed, RelayError::NoResponse];
    for error in errors {
        let again = |retry, is_replayable, begun| {
            let progress = progress(true, false, begun, begun);
            matches!(Outcome::of_relay_error(error, &progress, is_replayable, false, retry), Outcome::TryAnother(_))
        };
        assert!(again(all, true, false), "{error:?}");
        assert!(!again(all, false, false) && !again(all, true, true), "{error:?}");
        assert!(!again(RetryConfig { on: RetryOn::NONE, ..all }, true, false), "{error:?}");
    }
}
