//! Asking members one shortly after the other, until the first one answers: one that is silent costs a moment, not the time it is given to answer in.
//!
//! What browsers do with the addresses of a host (RFC 8305, section 5), for the same reason.

use std::time::Duration;

use tokio::task::JoinSet;

/// The first answer; all that are still asked then are left. The next one is asked when one has failed, or has not answered for this time.
/// Runs on a thread that has a `LocalSet`.
///
/// # Errors
///
/// All have failed: why, in the order in which they did.
pub async fn first_to_answer<T: 'static, E: 'static, A>(
    asks: impl IntoIterator<Item = A>,
    patience: Duration,
) -> Result<T, Vec<E>>
where
    A: Future<Output = Result<T, E>> + 'static,
{
    let mut asks = asks.into_iter().peekable();
    let (mut asked, mut failed) = (JoinSet::new(), Vec::new());
    loop {
        if let Some(ask) = asks.next() {
            asked.spawn_local(ask);
        }
        tokio::select! {
            ended = asked.join_next() => match ended {
                Some(Ok(Ok(answer))) => return Ok(answer),
                Some(Ok(Err(why))) => failed.push(why),
                // None is cancelled while the set is here.
                Some(Err(panicked)) => std::panic::resume_unwind(panicked.into_panic()),
                None => return Err(failed),
            },
            () = tokio::time::sleep(patience), if asks.peek().is_some() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::future::pending;
    use std::rc::Rc;

    use super::*;

    const A_MOMENT: Duration = Duration::from_millis(1);
    const LONGER_THAN_THE_TEST: Duration = Duration::from_secs(3600);

    /// What a member does that is asked.
    #[derive(Clone, Copy)]
    enum Member {
        Answers,
        Fails,
        IsSilent,
    }
    use Member::{Answers, Fails, IsSilent};

    /// Which one answered, or which ones failed; and how many were asked.
    fn ask(members: &'static [Member], patience: Duration) -> (Result<usize, Vec<usize>>, usize) {
        let asked = Rc::new(Cell::new(0));
        let seen = Rc::clone(&asked);
        let asks = members.iter().enumerate().map(move |(member, does)| {
            let seen = Rc::clone(&seen);
            async move {
                seen.set(seen.get() + 1);
                match does {
                    Answers => Ok(member),
                    Fails => Err(member),
                    IsSilent => pending().await,
                }
            }
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let first = tokio::task::LocalSet::new().block_on(&runtime, first_to_answer(asks, patience));
        (first, asked.get())
    }

    #[test]
    fn one_that_answers_is_the_only_one_that_is_asked() {
        assert_eq!(ask(&[Answers, Answers, Answers], LONGER_THAN_THE_TEST), (Ok(0), 1));
    }

    #[test]
    fn members_that_are_silent_hold_up_nobody() {
        assert_eq!(ask(&[IsSilent, IsSilent, Answers], A_MOMENT), (Ok(2), 3));
    }

    #[test]
    fn after_one_that_fails_the_next_is_asked_at_once() {
        assert_eq!(ask(&[Fails, Answers, Answers], LONGER_THAN_THE_TEST), (Ok(1), 2));
    }

    #[test]
    fn where_all_fail_each_says_why() {
        assert_eq!(ask(&[Fails, Fails, Fails], LONGER_THAN_THE_TEST), (Err(vec![0, 1, 2]), 3));
    }
}
