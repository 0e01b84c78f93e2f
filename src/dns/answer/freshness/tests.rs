use super::*;

/// A message with one question and these records: whether they are answers, their type and TTL.
fn message(rcode: u8, records: &[(bool, u16, u32)]) -> Vec<u8> {
    let of = |is_answer: bool| records.iter().filter(|record| record.0 == is_answer).count() as u8;
    let mut message = vec![0, 0, 0x84, rcode, 0, 1, 0, of(true), 0, of(false), 0, 0, 1, b'a', 0, 0, 1, 0, 1];
    for (_, rtype, ttl) in records {
        message.extend([0xc0, 12]);
        message.extend(rtype.to_be_bytes());
        message.extend([0, 1]);
        message.extend(ttl.to_be_bytes());
        message.extend([0, 1, 9]);
    }
    message
}

#[test]
fn an_answer_is_fresh_for_its_least_ttl_and_a_negative_one_for_that_of_the_soa() {
    let (a, ns, soa) = (1, 2, 6);
    assert_eq!(freshness(&message(0, &[(true, 5, 300), (true, a, 60)])), 60);
    assert_eq!(freshness(&message(0, &[(true, a, 300), (false, ns, 60)])), 300);
    assert_eq!(freshness(&message(3, &[(false, soa, 30)])), 30);
    assert_eq!(freshness(&message(0, &[(false, ns, 3600)])), 0, "a referral");
    assert_eq!(freshness(&message(2, &[(true, a, 300)])), 0, "an error");
    let mut cut = message(0, &[(true, a, 300)]);
    cut[2] |= 2;
    assert_eq!(freshness(&cut), 0);
    let whole = message(0, &[(true, a, 300)]);
    assert!((0..whole.len() - 1).all(|length| freshness(&whole[..length]) == 0), "what is no message");
}
