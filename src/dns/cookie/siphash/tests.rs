use super::*;

/// The authors' vectors: the key 00 01 … 0f, the messages empty, 00, 00 01, … (the first, two in between, and the
/// one of their paper's appendix).
#[test]
fn the_authors_vectors_come_out() {
    let key: [u8; 16] = std::array::from_fn(|n| n as u8);
    let message: Vec<u8> = (0..63).collect();
    for (length, hash) in [
        (0, 0x726f_db47_dd0e_0e31),
        (1, 0x74f8_39c5_93dc_67fd),
        (8, 0x93f5_f579_9a93_2462),
        (15, 0xa129_ca61_49be_45e5),
    ] {
        assert_eq!(siphash_2_4(&key, &message[..length]), hash, "{length} bytes");
    }
}

#[test]
fn it_is_the_function_of_the_standard_library() {
    use std::hash::Hasher;
    let mut random = fastrand::Rng::with_seed(1);
    for length in 0..100 {
        let key: [u8; 16] = std::array::from_fn(|_| random.u8(..));
        let message: Vec<u8> = (0..length).map(|_| random.u8(..)).collect();
        #[expect(deprecated, reason = "the one SipHash-2-4 at hand to compare with")]
        let mut theirs = std::hash::SipHasher::new_with_keys(number(&key[..8]), number(&key[8..]));
        theirs.write(&message);
        assert_eq!(siphash_2_4(&key, &message), theirs.finish(), "{length} bytes");
    }
}
