use super::*;

const PACE: Pace = Pace { interval: Duration::from_millis(2000), fast: Duration::from_millis(500) };

fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

#[test]
fn targets_that_begin_together_are_apart_after_two_intervals() {
    let began = Instant::now();
    let mut table = Timetable::new(began);
    (0..100).for_each(|id| table.add(id, PACE, began));
    let mut starts = Vec::new();
    while let Some(now) = table.next_due().filter(|due| *due < began + ms(8000)) {
        let id = table.start_one(now).expect("it is due");
        table.ended(id, now + ms(3), true);
        starts.push(now);
    }
    let late: Vec<_> = starts.into_iter().filter(|start| *start >= began + ms(4000)).collect();
    assert_eq!(late.len(), 200);
    let busiest = late.iter().map(|from| late.iter().filter(|at| *at >= from && **at < *from + ms(100)).count()).max();
    assert!(busiest <= Some(8), "100 targets in 2 s are 5 in 100 ms; found {busiest:?}");
}

#[test]
fn random_lives_keep_every_gap_within_bounds() {
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    for life in 0..2000 {
        let pace = Pace { interval: ms(random.u64(10..3000)), fast: ms(random.u64(1..10)) };
        let began = Instant::now();
        let mut table = Timetable::new(began);
        let id = random.u64(0..1000);
        table.add(id, pace, began + ms(random.u64(0..50)));
        let mut earlier: Option<(Instant, Instant, bool)> = None;
        for _ in 0..20 {
            let mut hastened = random.u8(0..4) == 0;
            if hastened {
                table.hasten(id, earlier.map_or(began, |(_, ended, _)| ended));
            }
            let now = table.next_due().expect("one target waits") + ms(random.u64(0..3));
            assert_eq!(table.start_one(now), Some(id));
            assert_eq!(table.start_one(now + ms(60_000)), None, "a probe overlaps with itself");
            if let Some((started, ended, fast)) = earlier {
                let longest = if fast || hastened { pace.fast } else { pace.interval };
                let bound = (started + longest).max(ended) + ms(2);
                assert!(now >= ended && now <= bound, "seed {seed}, life {life}: {pace:?}, {:?}", now - started);
            }
            let (ended, settled) = (now + ms(random.u64(0..4000)), random.bool());
            hastened = random.u8(0..4) == 0;
            if hastened {
                table.hasten(id, now);
            }
            table.ended(id, ended, settled);
            earlier = Some((now, ended, !settled || hastened));
        }
    }
}

#[test]
fn hastening_again_and_again_probes_no_faster_than_the_fast_interval() {
    let began = Instant::now();
    let mut table = Timetable::new(began);
    table.add(1, PACE, began);
    let mut starts = 0;
    for tick in 0..4000 {
        let now = began + ms(tick);
        table.hasten(1, now);
        if let Some(id) = table.start_one(now) {
            starts += 1;
            table.ended(id, now, true);
        }
    }
    assert_eq!(starts, 8);
}

#[test]
fn a_removed_target_is_due_no_more_even_if_its_probe_ends_later() {
    let began = Instant::now();
    let mut table = Timetable::new(began);
    table.add(1, PACE, began);
    table.add(2, PACE, began);
    assert_eq!(table.start_one(began), Some(1));
    table.remove(1);
    table.remove(2);
    table.ended(1, began, true);
    assert_eq!(table.next_due(), None);
}

#[test]
fn whoever_waits_for_a_probe_gets_it_at_once_or_after_the_one_that_runs_and_then_the_rhythm_is_as_before() {
    let began = Instant::now();
    let mut table = Timetable::new(began);
    table.add(1, PACE, began);
    table.start_one(began);
    table.ended(1, began + ms(1), true);
    table.ask(1, began + ms(100));
    assert_eq!(table.start_one(began + ms(100)), Some(1));
    table.ask(1, began + ms(101));
    table.hasten(1, began + ms(101));
    assert_eq!(table.start_one(began + ms(102)), None, "a probe never overlaps with another one of the same target");
    table.ended(1, began + ms(150), true);
    assert_eq!((table.next_due(), table.start_one(began + ms(150))), (Some(began + ms(150)), Some(1)));
    table.ended(1, began + ms(151), true);
    assert!(table.next_due() >= Some(began + ms(1150)), "half an interval at least");
    table.ask(2, began);
}
