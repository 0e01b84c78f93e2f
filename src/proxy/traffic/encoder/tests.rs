#![allow(clippy::unwrap_used)]
use std::io::Read;

use super::*;

/// What a visitor reads of this so far: an encoding may still go on.
fn decoded(algorithm: Algorithm, encoded: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    // The end is missing where it is still to come.
    let _ = match algorithm {
        Algorithm::Gzip => flate2::read::GzDecoder::new(encoded).read_to_end(&mut content),
        Algorithm::Brotli => brotli::Decompressor::new(encoded, 4096).read_to_end(&mut content),
        Algorithm::Zstd => zstd::stream::read::Decoder::new(encoded).unwrap().read_to_end(&mut content),
    };
    content
}

#[test]
fn content_in_any_pieces_comes_out_again_and_all_that_was_flushed_before_the_end() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    for algorithm in Algorithm::ALL {
        for _ in 0..8 {
            let (mut encoder, mut content, mut encoded) = (Encoder::new(algorithm).unwrap(), Vec::new(), Vec::new());
            for _ in 0..random.usize(..6) {
                let letters = random.u8(1..);
                let piece: Vec<u8> = (0..random.usize(..20_000)).map(|_| random.u8(..letters)).collect();
                encoder.push(&piece).unwrap();
                content.extend(piece);
                if random.bool() {
                    encoder.flush().unwrap();
                    encoded.append(encoder.out());
                    assert_eq!(decoded(algorithm, &encoded).len(), content.len(), "{algorithm:?}: a flush is whole");
                }
                encoded.append(encoder.out());
            }
            encoded.append(&mut encoder.finish().unwrap());
            assert!(decoded(algorithm, &encoded) == content, "{algorithm:?}");
        }
    }
}
