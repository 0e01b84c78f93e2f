//! Work of many pieces on all cores, beside what is served: whoever is served comes first.

use std::num::NonZero;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use rustix::process::nice;

/// What is added to the niceness of each thread (nice(2), which on Linux is about the calling thread): where cores are short, whoever is answered comes first.
const NICE: i32 = 5;

/// How many pieces of each thread wait to be taken at most.
const WAITING: usize = 4;

/// How many threads can work at a time.
pub fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

/// Makes so many pieces on so many threads, and has each taken on this one, in their order and as soon as it is there. Whatever the number of threads, the same
/// is taken; only a few pieces of each wait in memory. A single piece, and what no thread can be started for, this one makes itself.
///
/// # Errors
///
/// What `take` gives first; nothing more is taken then.
pub fn in_order<T: Send, E>(
    pieces: usize,
    threads: usize,
    make: impl Fn(usize) -> T + Sync,
    mut take: impl FnMut(T) -> Result<(), E>,
) -> Result<(), E> {
    if pieces <= 1 {
        return (0..pieces).try_for_each(|piece| take(make(piece)));
    }
    // One core is the more reason to give way.
    let threads = threads.clamp(1, pieces);
    let make = &make;
    thread::scope(|scope| {
        let begin = |first: usize| -> Option<Receiver<T>> {
            let (made, receiver) = sync_channel(WAITING);
            let work = move || {
                // Without it, it does the same.
                let _ = nice(NICE);
                for piece in (first..pieces).step_by(threads) {
                    if made.send(make(piece)).is_err() {
                        break;
                    }
                }
            };
            thread::Builder::new().name(format!("work-{first}")).spawn_scoped(scope, work).ok().map(|_| receiver)
        };
        let begun: Vec<Option<Receiver<T>>> = (0..threads).map(begin).collect();
        for piece in 0..pieces {
            let made = match &begun[piece % threads] {
                Some(receiver) => receiver.recv(),
                None => Ok(make(piece)),
            };
            // One that has panicked sends nothing more; the panic goes on here, as the scope ends.
            let Ok(made) = made else { break };
            take(made)?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn every_piece_is_taken_once_and_in_order_whatever_the_number_of_threads() {
        for threads in [0, 1, 2, 3, 8, 200] {
            let mut taken = Vec::new();
            let Ok(()) = in_order(
                100,
                threads,
                |piece| piece,
                |piece| {
                    taken.push(piece);
                    Ok::<(), Infallible>(())
                },
            );
            assert!(taken.iter().copied().eq(0..100), "{threads} threads: {taken:?}");
        }
    }

    #[test]
    fn what_is_refused_ends_the_work_and_what_is_made_ahead_of_it_is_little() {
        let made = AtomicUsize::new(0);
        let make = |piece| {
            made.fetch_add(1, Ordering::Relaxed);
            piece
        };
        let ended = in_order(100_000, 4, make, |piece| if piece == 10 { Err(piece) } else { Ok(()) });
        assert_eq!(ended, Err(10));
        let made = made.into_inner();
        assert!(made <= 11 + 4 * (WAITING + 2), "{made} were made");
    }

    #[test]
    fn whoever_makes_a_piece_gives_way_to_this_thread_however_many_cores_there_are() {
        let niceness = || rustix::process::getpriority_process(None).unwrap();
        let own = niceness();
        for threads in [1, 3] {
            let mut seen = Vec::new();
            let Ok(()) = in_order(
                9,
                threads,
                |_| niceness(),
                |niceness| {
                    seen.push(niceness);
                    Ok::<(), Infallible>(())
                },
            );
            assert_eq!(seen, [(own + NICE).min(19); 9], "{threads} threads");
        }
        assert_eq!(niceness(), own);
    }

    #[test]
    #[should_panic(expected = "a scoped thread panicked")]
    fn a_panic_of_a_piece_is_one_of_the_whole() {
        let _ = in_order(10, 2, |piece| assert_ne!(piece, 3), |()| Ok::<(), Infallible>(()));
    }
}
