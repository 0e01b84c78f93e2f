#![allow(clippy::unwrap_used)]

use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll, Waker};

use super::*;

/// The slot that a place has been given, if it has.
fn given(place: &mut Place) -> Option<Slot> {
    match std::pin::pin!(place.slot()).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(slot) => slot,
        Poll::Pending => None,
    }
}

fn join(queue: &Arc<Queue>, wanted: &[&Slots]) -> Place {
    queue.join(queue.ticket(), wanted.iter().copied().cloned().collect(), 100).unwrap()
}

#[test]
fn a_slot_that_is_freed_goes_to_the_one_who_has_queued_longest_of_those_who_want_it() {
    let (queue, web0, web1) = (Arc::new(Queue::default()), Slots::new(1, None), Slots::new(1, None));
    let (first, second) = (web0.take(&queue).unwrap(), web1.take(&queue).unwrap());
    assert!(web0.take(&queue).is_none());
    let mut bound = join(&queue, &[&web0]);
    let mut any = join(&queue, &[&web0, &web1]);
    let mut last = join(&queue, &[&web0, &web1]);
    drop(second);
    assert!(given(&mut bound).is_none());
    let second = given(&mut any).unwrap();
    assert!(web1.are_those_of(&second) && !web0.are_those_of(&second));
    drop(first);
    let first = given(&mut bound).unwrap();
    assert!(given(&mut last).is_none() && queue.len() == 1);
    drop(first);
    assert!(web0.take(&queue).is_none(), "a newcomer does not overtake");
    assert!(web0.are_those_of(&given(&mut last).unwrap()) && queue.is_empty());
    drop(second);
    assert!(web0.take(&queue).is_some() && web1.take(&queue).is_some());
}

#[test]
fn who_leaves_the_queue_is_passed_over_and_a_slot_that_he_was_given_goes_on() {
    let (queue, web) = (Arc::new(Queue::default()), Slots::new(1, None));
    let slot = web.take(&queue).unwrap();
    let (gone, has_gone, mut stays) = (join(&queue, &[&web]), join(&queue, &[&web]), join(&queue, &[&web]));
    drop(gone);
    drop(slot);
    // It was given to him, and he has not looked.
    assert!(given(&mut stays).is_none());
    drop(has_gone);
    assert!(given(&mut stays).is_some());
    assert!(!web.are_taken());
}

#[test]
fn who_comes_back_to_the_queue_has_the_place_that_he_had() {
    let (queue, web) = (Arc::new(Queue::default()), Slots::new(1, None));
    let slot = web.take(&queue).unwrap();
    let early = queue.ticket();
    drop(queue.join(early, vec![web.clone()], 100).unwrap());
    let mut late = join(&queue, &[&web]);
    let mut early = queue.join(early, vec![web.clone()], 100).unwrap();
    drop(slot);
    assert!(given(&mut late).is_none() && given(&mut early).is_some());
}

#[test]
fn no_more_queue_than_may_and_a_document_with_fewer_slots_takes_none_away() {
    let (queue, web) = (Arc::new(Queue::default()), Slots::new(3, None));
    let mut slots: Vec<_> = (0..3).map(|_| web.take(&queue).unwrap()).collect();
    let fewer = Slots::new(2, Some(&web));
    let mut place = queue.join(queue.ticket(), vec![fewer.clone()], 1).unwrap();
    assert_eq!(queue.join(queue.ticket(), vec![fewer.clone()], 1).unwrap_err(), Full);
    slots.pop();
    assert!(given(&mut place).is_none(), "as many run as may");
    slots.pop();
    assert!(given(&mut place).is_some());
}

/// The rule in plain words: a list of who waits for what, and a count for each backend.
#[derive(Default)]
struct Naive {
    running: Vec<(usize, usize)>,
    waiting: Vec<(usize, Vec<usize>)>,
    most: Vec<usize>,
}

impl Naive {
    fn is_free(&self, backend: usize) -> bool {
        self.running.iter().filter(|(_, on)| *on == backend).count() < self.most[backend]
    }

    /// Whoever waits and can run, in the order in which they came.
    fn settle(&mut self) {
        while let Some(at) = self.waiting.iter().position(|(_, wanted)| wanted.iter().any(|on| self.is_free(*on))) {
            let (who, wanted) = self.waiting.remove(at);
            let on = wanted.into_iter().find(|on| self.is_free(*on)).unwrap();
            self.running.push((who, on));
        }
    }
}

#[test]
fn whatever_comes_and_goes_those_run_that_a_plain_list_would_have_run() {
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    for _ in 0..200 {
        let queue = Arc::new(Queue::default());
        let mut naive = Naive { most: (0..3).map(|_| random.usize(1..4)).collect(), ..Naive::default() };
        let backends: Vec<Slots> = naive.most.iter().map(|most| Slots::new(*most, None)).collect();
        let (mut slots, mut places) = (Vec::<(usize, Slot)>::new(), Vec::<(usize, Place)>::new());
        for who in 0..200 {
            match random.u8(..5) {
                0..3 => {
                    let mut wanted: Vec<usize> = (0..3).filter(|_| random.bool()).collect();
                    if wanted.is_empty() {
                        wanted.push(random.usize(..3));
                    }
                    match wanted.iter().find_map(|on| backends[*on].take(&queue)) {
                        Some(slot) => slots.push((who, slot)),
                        None => places
                            .push((who, join(&queue, &wanted.iter().map(|on| &backends[*on]).collect::<Vec<_>>()))),
                    }
                    naive.waiting.push((who, wanted));
                }
                3 if !slots.is_empty() => {
                    let (who, _) = slots.remove(random.usize(..slots.len()));
                    naive.running.retain(|(other, _)| *other != who);
                }
                4 if !places.is_empty() => {
                    let (who, _) = places.remove(random.usize(..places.len()));
                    naive.waiting.retain(|(other, _)| *other != who);
                }
                _ => {}
            }
            naive.settle();
            places.retain_mut(|(who, place)| given(place).map(|slot| slots.push((*who, slot))).is_none());
            let on = |slot: &Slot| backends.iter().position(|slots| slots.are_those_of(slot)).unwrap();
            let mut running: Vec<_> = slots.iter().map(|(who, slot)| (*who, on(slot))).collect();
            running.sort_unstable();
            naive.running.sort_unstable();
            assert_eq!(running, naive.running, "seed {seed}");
            assert_eq!(queue.len(), naive.waiting.len(), "seed {seed}");
        }
    }
}

#[test]
fn between_threads_no_slot_is_lost_and_none_is_given_twice() {
    const MOST: usize = 2;
    let (queue, web) = (Arc::new(Queue::default()), Slots::new(MOST, None));
    let (running, worst) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let serve = || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for round in 0..2_000 {
            let slot = web.take(&queue).unwrap_or_else(|| runtime.block_on(join(&queue, &[&web]).slot()).unwrap());
            worst.fetch_max(running.fetch_add(1, SeqCst) + 1, Relaxed);
            if round % 7 == 0 {
                std::thread::yield_now();
            }
            running.fetch_sub(1, SeqCst);
            drop(slot);
            // Who leaves at once, with a slot or without.
            drop(join(&queue, &[&web]));
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(serve);
        }
    });
    assert!(worst.load(Relaxed) <= MOST && queue.is_empty() && !web.are_taken());
}
