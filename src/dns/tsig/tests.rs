use super::*;
use crate::config::dns::TsigAlgorithm;
use crate::dns::answer::TsigPlace;

const NOW: u64 = 1_800_000_000;
/// `example.net. SOA IN`.
const QUERY: &[u8] = b"\x12\x34\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x03net\x00\x00\x06\x00\x01";
const NAME: &[u8] = b"\x05trans\x03key\x00";

fn key(name: &[u8], algorithm: TsigAlgorithm, secret: u8) -> Key {
    Key::new(name, algorithm, &[secret; 32])
}

fn keys(algorithm: TsigAlgorithm) -> Keys {
    Keys::of([key(NAME, algorithm, 7)])
}

fn signed_by(key: &Key, now: u64) -> Vec<u8> {
    let mut buffer = [QUERY, &[0; 512]].concat();
    let length = Signer::new(key).sign(&mut buffer, QUERY.len(), now);
    buffer.truncate(length);
    buffer
}

fn place(message: &[u8]) -> TsigPlace {
    TsigPlace::of(message).expect("it has a TSIG")
}

#[test]
fn what_is_signed_with_a_key_is_verified_with_it_by_each_algorithm() {
    for (name, algorithm) in TsigAlgorithm::ALL {
        let message = signed_by(&key(NAME, algorithm, 7), NOW);
        let keys = keys(algorithm);
        let verified = keys.verify(&message, place(&message), NOW).unwrap_or_else(|why| panic!("{name}: {why:?}"));
        assert_eq!((verified.fault, &verified.message[..]), (None, QUERY), "{name}");
        assert!(message.len() - QUERY.len() <= verified.key.record_length(), "{name}");
    }
}

#[test]
fn another_secret_another_name_another_algorithm_and_a_changed_bit_are_refused() {
    let keys = keys(TsigAlgorithm::HmacSha256);
    let refused = |message: &[u8]| keys.verify(message, place(message), NOW).map(|_| ()).unwrap_err();
    let by = |name: &[u8], algorithm, secret| signed_by(&key(name, algorithm, secret), NOW);
    assert_eq!(refused(&by(NAME, TsigAlgorithm::HmacSha256, 8)), Refused::BadSignature);
    assert_eq!(refused(&by(b"\x05other\x00", TsigAlgorithm::HmacSha256, 7)), Refused::BadKey);
    assert_eq!(refused(&by(NAME, TsigAlgorithm::HmacSha384, 7)), Refused::BadKey);
    let mut changed = by(NAME, TsigAlgorithm::HmacSha256, 7);
    changed[14] ^= 0x20;
    assert_eq!(refused(&changed), Refused::BadSignature);
}

#[test]
fn a_query_from_a_clock_that_is_too_far_off_is_told_our_time() {
    let keys = keys(TsigAlgorithm::HmacSha256);
    for (now, fault) in [
        (NOW - 300, None),
        (NOW + 300, None),
        (NOW - 301, Some(Untimely::BadTime)),
        (NOW + 301, Some(Untimely::BadTime)),
    ] {
        let message = signed_by(&key(NAME, TsigAlgorithm::HmacSha256, 7), now);
        let verified = keys.verify(&message, place(&message), NOW).unwrap();
        assert_eq!(verified.fault, fault, "{now}");
        if let Some(fault) = fault {
            let mut answer = [QUERY, &[0; 512]].concat();
            let length = verified.sign_fault(fault, &mut answer, QUERY.len(), NOW);
            assert_eq!(answer[length - 6..length], NOW.to_be_bytes()[2..], "its last bytes are our time");
            assert_eq!(answer[length - 10..length - 6], [0, 18, 0, 6], "BADTIME, and six bytes more");
        }
    }
}

#[test]
fn a_signature_that_is_cut_off_is_known_and_not_enough() {
    let keys = keys(TsigAlgorithm::HmacSha256);
    let cut = |length: usize| {
        let mut message = signed_by(&key(NAME, TsigAlgorithm::HmacSha256, 7), NOW);
        let place = place(&message);
        message.drain(place.fudge_end + 2 + length..place.original_id);
        message[place.fudge_end..place.fudge_end + 2].copy_from_slice(&(length as u16).to_be_bytes());
        let data = place.algorithm - 2;
        let data_length = u16::from_be_bytes([message[data], message[data + 1]]) - (32 - length as u16);
        message[data..data + 2].copy_from_slice(&data_length.to_be_bytes());
        message
    };
    let half = cut(16);
    assert_eq!(keys.verify(&half, place(&half), NOW).unwrap().fault, Some(Untimely::BadTruncation));
    let less = cut(15);
    assert_eq!(keys.verify(&less, place(&less), NOW).map(|_| ()).unwrap_err(), Refused::Malformed);
    let mut wrong = cut(16);
    let at = place(&wrong).fudge_end + 2;
    wrong[at] ^= 1;
    assert_eq!(keys.verify(&wrong, place(&wrong), NOW).map(|_| ()).unwrap_err(), Refused::BadSignature);
}

#[test]
fn no_secret_is_ever_shown() {
    let key = key(NAME, TsigAlgorithm::HmacSha256, 7);
    assert_eq!(format!("{key:?}"), "Key(trans.key, not shown)");
}

#[test]
fn a_key_may_be_named_by_a_pointer() {
    let name = b"\x07example\x03net\x00";
    let keys = Keys::of([key(name, TsigAlgorithm::HmacSha256, 7)]);
    let whole = signed_by(&key(name, TsigAlgorithm::HmacSha256, 7), NOW);
    let compressed = [&whole[..QUERY.len()], &[0xc0, 12], &whole[QUERY.len() + name.len()..]].concat();
    let verified = keys.verify(&compressed, place(&compressed), NOW).unwrap();
    assert_eq!((verified.fault, &verified.message[..]), (None, QUERY));
}

/// An answer of so many messages, of which those at these places are signed.
fn answer(key: &Key, messages: usize, signed: impl Fn(usize) -> bool) -> (Verifier, Vec<Vec<u8>>) {
    let mut asking = Signer::new(key);
    let mut query = [QUERY, &[0; 512]].concat();
    let length = asking.sign(&mut query, QUERY.len(), NOW);
    let keys = Keys::of([key.clone()]);
    let mut signer = keys.verify(&query[..length], place(&query[..length]), NOW).unwrap().signer();
    let (mut all, mut skipped) = (Vec::new(), Vec::new());
    for n in 0..messages {
        let mut message = [QUERY, &[0; 512]].concat();
        message[2] |= 0x80;
        if !signed(n) {
            message.truncate(QUERY.len());
            skipped.extend_from_slice(&message);
            all.push(message);
            continue;
        }
        let before = signer.before.clone();
        let length = signer.sign(&mut message, QUERY.len(), NOW);
        message.truncate(length);
        // A server that signs some messages only signs the others with the next one (RFC 8945, 5.3.1).
        if !skipped.is_empty() {
            let at = place(&message);
            let bare = [&message[..2], &[0x80 | QUERY[2]], &QUERY[3..]].concat();
            let prefix = (before.len() as u16).to_be_bytes();
            let text = [&prefix[..], &before, &skipped, &bare, &message[at.fudge_end - 8..at.fudge_end]].concat();
            let mac = hmac::sign(key.secret(), &text);
            message[at.fudge_end + 2..at.original_id].copy_from_slice(mac.as_ref());
            signer.before = mac.as_ref().to_vec();
            skipped.clear();
        }
        all.push(message);
    }
    (asking.verifier(), all)
}

#[test]
fn an_answer_is_verified_message_by_message_those_without_a_signature_by_the_next_one() {
    for (_, algorithm) in TsigAlgorithm::ALL {
        let (mut verifier, messages) = answer(&key(NAME, algorithm, 7), 5, |n| matches!(n, 0 | 1 | 4));
        for (n, message) in messages.iter().enumerate() {
            assert_eq!(verifier.take(message, NOW), Ok(QUERY.len()), "{n}");
            assert_eq!(verifier.is_complete(), matches!(n, 0 | 1 | 4), "{n}");
        }
    }
}

#[test]
fn an_answer_that_was_changed_is_not_believed_nor_one_without_a_first_signature_or_with_few() {
    let key = key(NAME, TsigAlgorithm::HmacSha256, 7);
    let (mut verifier, messages) = answer(&key, 1, |_| false);
    assert_eq!(verifier.take(&messages[0], NOW), Err(Unproven::Unsigned));
    let (mut verifier, mut messages) = answer(&key, 3, |n| n != 1);
    messages[1][14] ^= 1;
    assert_eq!(verifier.take(&messages[0], NOW), Ok(QUERY.len()));
    assert_eq!(verifier.take(&messages[1], NOW), Ok(QUERY.len()), "not known yet");
    assert_eq!(verifier.take(&messages[2], NOW), Err(Unproven::BadSignature));
    let (mut verifier, messages) = answer(&key, 101, |n| n == 0);
    let ended: Vec<_> = messages.iter().map(|message| verifier.take(message, NOW)).collect();
    assert!(ended[..100].iter().all(Result::is_ok));
    assert_eq!(ended[100], Err(Unproven::Unsigned));
    let (mut verifier, messages) = answer(&key, 1, |_| true);
    assert_eq!(verifier.clone().take(&messages[0], NOW + 301), Err(Unproven::BadTime));
    verifier.take(&messages[0], NOW).unwrap();
    assert_eq!(verifier.take(&messages[0], NOW), Err(Unproven::BadSignature), "told twice");
}

#[test]
fn what_the_other_side_says_of_our_signature_is_told() {
    let key = key(NAME, TsigAlgorithm::HmacSha256, 7);
    let (mut verifier, _) = answer(&key, 0, |_| true);
    let query = signed_by(&key, NOW);
    let place = place(&query);
    let mut refusal = [&query[..place.fudge_end], &[0, 0], &query[..2], &[0, 17, 0, 0]].concat();
    let data = place.algorithm - 2;
    refusal[data..data + 2].copy_from_slice(&((place.fudge_end - place.algorithm + 8) as u16).to_be_bytes());
    assert_eq!(verifier.take(&refusal, NOW), Err(Unproven::Refused(17)));
    assert!(Unproven::Refused(17).to_string().contains("BADKEY"));
}
