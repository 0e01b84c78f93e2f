use super::*;

#[test]
fn the_next_tick_is_the_same_however_often_it_is_asked_for_until_then() {
    let at = |ms| Now { running: Duration::from_millis(ms), unix_ms: 0 };
    let tick = |ms| at(ms).next_tick(Duration::from_millis(20)).as_millis();
    assert_eq!([tick(0), tick(1), tick(19), tick(20), tick(39)], [20, 20, 20, 40, 40]);
    assert!(at(7).next_tick(Duration::ZERO) > at(7).running, "it lies ahead");
}
