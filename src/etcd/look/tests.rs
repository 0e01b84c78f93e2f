use super::*;

#[test]
fn an_alarm_is_read_with_whose_it_is_and_other_errors_are_none() {
    let nospace = alarm("memberID:10501334649042878790 alarm:NOSPACE ");
    assert_eq!(nospace, Some((10_501_334_649_042_878_790, "NOSPACE".to_owned())));
    for error in ["etcdserver: no leader", "", "memberID:x alarm:NOSPACE", "memberID:1"] {
        assert_eq!(alarm(error), None, "{error}");
    }
}
