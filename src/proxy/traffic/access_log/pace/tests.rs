use super::*;

#[test]
fn so_many_are_taken_in_a_second_and_as_many_in_the_next() {
    let pace = Pace::default();
    let began = Instant::now();
    let taken = |from: u64| (0..1_000).filter(|ms| pace.takes(began + Duration::from_millis(from + ms))).count();
    assert_eq!([taken(0), taken(1_000), taken(60_000)], [MOST as usize; 3]);
}

#[test]
fn requests_that_are_over_in_another_order_than_they_began_in_do_no_harm() {
    let pace = Pace::default();
    let began = Instant::now() + Duration::from_secs(60);
    assert!(pace.takes(began) && pace.takes(began - Duration::from_secs(30)));
}
