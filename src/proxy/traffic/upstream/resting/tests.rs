use super::*;

fn all(count: usize) -> Resting<usize> {
    let mut resting = Resting::default();
    (0..count).for_each(|connection| resting.put(connection, 1000));
    resting
}

/// As many requests at once as there are connections, and one sweep.
fn use_and_sweep(resting: &mut Resting<usize>, at_once: usize) {
    let used: Vec<usize> = (0..at_once).map_while(|_| resting.take()).collect();
    used.into_iter().for_each(|connection| resting.put(connection, 1000));
    resting.sweep(|_| true);
}

#[test]
fn as_many_as_are_needed_at_once_are_kept() {
    let mut resting = all(500);
    (0..20).for_each(|_| use_and_sweep(&mut resting, 500));
    assert_eq!(resting.connections.len(), 500);
}

#[test]
fn beyond_a_small_number_those_that_are_not_needed_go_in_a_few_sweeps_the_oldest_first() {
    let mut resting = all(500);
    resting.sweep(|_| true);
    (0..12).for_each(|_| use_and_sweep(&mut resting, 10));
    assert_eq!(resting.connections.len(), STEADY + 10);
    assert!(resting.take() >= Some(490), "those that were used last are there");
}

#[test]
fn a_few_are_kept_though_nothing_needs_them() {
    let mut resting = all(STEADY);
    (0..12).for_each(|_| resting.sweep(|_| true));
    assert_eq!(resting.connections.len(), STEADY);
}

#[test]
fn of_more_than_the_most_the_oldest_go() {
    let mut resting = all(3);
    resting.put(3, 3);
    assert_eq!(resting.connections, [1, 2, 3]);
    resting.put(4, 0);
    assert!(resting.is_empty());
}

#[test]
fn those_that_are_no_good_go_at_once() {
    let mut resting = all(4);
    resting.sweep(|connection| connection % 2 == 0);
    assert_eq!(resting.connections, [0, 2]);
}
