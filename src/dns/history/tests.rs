use super::*;

fn content(serial: u32) -> Content {
    Content { serial, digest: [serial as u8; 32], has_pools: false }
}

fn difference(text: &str) -> Option<Difference> {
    let mut difference = Difference::default();
    put(&mut difference.removed, b"\x01a\0", 6, 1, b"before");
    put(&mut difference.added, b"\x01a\0", 16, 1, text.as_bytes());
    Some(difference)
}

/// Served one after the other by one process, after one that everybody trusts.
fn served(serials: &[u32]) -> History {
    let mut history = History { distrusted: None, ..History::begin(content(serials[0])) };
    for serial in &serials[1..] {
        history = history.next(content(*serial), Before::Here, 0, |_| difference(&serial.to_string()));
    }
    history
}

fn leads(history: &History, from: u32) -> Option<Vec<u32>> {
    history.since(from).map(|steps| steps.iter().map(|step| step.to).collect())
}

#[test]
fn each_serial_that_was_served_leads_to_the_present_one_over_those_between() {
    let history = served(&[u32::MAX - 1, 1, 2, 9]);
    assert_eq!(leads(&history, u32::MAX - 1), Some(vec![1, 2, 9]));
    assert_eq!(leads(&history, 2), Some(vec![9]));
    assert_eq!((leads(&history, 9), leads(&history, 3), leads(&history, 0)), (None, None, None));
}

#[test]
fn what_a_history_begins_with_nobody_else_need_have() {
    let history = History::begin(content(1)).next(content(2), Before::Here, 0, |_| difference(""));
    assert_eq!(leads(&history, 1), None, "what was served as 1 before is not known");
    let history = history.next(content(3), Before::Here, 0, |_| difference(""));
    assert_eq!(leads(&history, 2), Some(vec![3]));
}

#[test]
fn another_content_under_the_same_serial_ends_what_led_there_and_begins_nothing() {
    let changed = Content { digest: [77; 32], ..content(2) };
    let history = served(&[1, 2]).next(changed, Before::Here, 0, |_| panic!("of no use"));
    assert_eq!((leads(&history, 1), leads(&history, 2)), (None, None));
    let history = history.next(content(3), Before::Here, 0, |_| difference(""));
    assert_eq!(leads(&history, 2), None, "there are two of that serial");
    let history = history.next(content(4), Before::Here, 0, |_| difference(""));
    assert_eq!((leads(&history, 2), leads(&history, 3)), (None, Some(vec![4])));
}

#[test]
fn a_serial_that_went_back_is_not_trusted_before_it_is_beyond_what_it_was() {
    let mut history = served(&[8, 9, 10]).next(content(7), Before::Here, 0, |_| panic!("of no use"));
    for (serial, trusted) in [(8, false), (9, false), (10, false), (11, false), (12, true)] {
        let from = history.content().serial;
        history = history.next(content(serial), Before::Here, 0, |_| difference(""));
        assert_eq!(leads(&history, from).is_some(), trusted, "from {from}, which may have been another one");
    }
    let half = served(&[5]).next(content(5 + (1 << 31)), Before::Here, 0, |_| panic!("neither is newer"));
    assert_eq!(leads(&half, 5), None);
}

#[test]
fn copies_with_addresses_of_pools_get_no_difference_nor_do_those_made_while_there_were_some() {
    let pools = |serial| Content { has_pools: true, ..content(serial) };
    let history = served(&[1]).next(pools(2), Before::Here, 0, |_| panic!("of no use"));
    let history = history.next(pools(3), Before::Here, 0, |_| panic!("of no use"));
    // Left out from now on, under the same serial: who has 3 may have addresses.
    let history = history.next(content(3), Before::Here, 0, |_| panic!("of no use"));
    let history = history.next(content(4), Before::Here, 0, |_| difference(""));
    assert_eq!(leads(&history, 3), None);
    let history = history.next(content(5), Before::Here, 0, |_| difference(""));
    assert_eq!(leads(&history, 4), Some(vec![5]));
}

#[test]
fn what_changed_while_nobody_served_leads_on_and_begins_nothing() {
    let history = served(&[1, 2]).next(content(3), Before::Gone, 0, |_| difference(""));
    assert_eq!(leads(&history, 1), Some(vec![2, 3]));
    let history = history.next(content(4), Before::Here, 0, |_| difference(""));
    assert_eq!(leads(&history, 3), None, "the process that died may have served another 3");
    assert_eq!(leads(&history, 2), Some(vec![3, 4]));
}

#[test]
fn a_difference_that_is_not_known_ends_what_led_there() {
    let history = served(&[1, 2]).next(content(3), Before::Here, 0, |_| None);
    assert_eq!((leads(&history, 1), leads(&history, 2)), (None, None));
    let history = history.next(content(4), Before::Here, 0, |_| difference(""));
    assert_eq!(leads(&history, 3), Some(vec![4]));
}

#[test]
fn what_is_kept_is_bounded_and_the_oldest_goes_first() {
    let long = "x".repeat(10_000);
    let mut history = served(&[0]);
    for serial in 1..100 {
        history = history.next(content(serial), Before::Here, 0, |most| {
            assert_eq!(most, KEPT[0]);
            difference(&long)
        });
        assert!(history.steps.iter().map(|step| step.size()).sum::<usize>() <= KEPT[0]);
    }
    assert_eq!((leads(&history, 92), leads(&history, 93)), (None, Some((94..100).collect())));
    let history = history.next(content(100), Before::Here, 200_000, |_| difference(&long));
    assert_eq!(leads(&history, 93).map(|steps| steps.len()), Some(7), "a larger zone may have more");
}

#[test]
fn stored_and_read_it_is_the_same_and_damaged_anywhere_it_is_none() {
    for history in [served(&[1, 2, 7]), History::begin(content(3)), served(&[4])] {
        let bytes = history.to_bytes();
        assert_eq!(History::from_bytes(&bytes), Some(history));
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << (at % 8);
            assert_eq!(History::from_bytes(&damaged), None, "byte {at}");
            assert_eq!(History::from_bytes(&bytes[..at]), None, "cut at {at}");
        }
    }
}

#[test]
fn steps_with_a_gap_between_them_or_to_another_serial_are_no_history() {
    let mut gapped = served(&[1, 2, 3, 4]);
    gapped.steps.remove(1);
    assert_eq!(History::from_bytes(&gapped.to_bytes()), None);
    let mut elsewhere = served(&[1, 2]);
    elsewhere.content.serial = 3;
    assert_eq!(History::from_bytes(&elsewhere.to_bytes()), None);
}
