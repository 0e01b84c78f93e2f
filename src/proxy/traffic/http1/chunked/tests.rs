#![allow(clippy::unwrap_used)]
use super::*;

/// All data of an input cut into pieces, and how many bytes were used up to the trailer section.
fn decode(input: &[u8], mut cuts: impl FnMut() -> usize) -> Result<Option<(Vec<u8>, usize)>, Malformed> {
    let (mut decoder, mut data, mut at, mut end) = (Decoder::default(), Vec::new(), 0, 0);
    loop {
        match decoder.next(&input[at..end])? {
            Step::Data { skip, length } => {
                data.extend_from_slice(&input[at + skip..at + skip + length]);
                at += skip + length;
            }
            Step::More { .. } if end == input.len() => return Ok(None),
            Step::More { skip } => {
                at += skip;
                end = (end + cuts().max(1)).min(input.len());
            }
            Step::Last { skip } => return Ok(Some((data, at + skip))),
        }
    }
}

#[test]
fn chunks_come_out_whole_wherever_the_reads_are_cut() {
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    for round in 0..500 {
        let (mut plain, mut coded) = (Vec::new(), Vec::new());
        for _ in 0..random.usize(0..6) {
            let chunk: Vec<u8> = (0..random.usize(1..200)).map(|_| random.u8(..)).collect();
            begin_chunk(&mut coded, chunk.len());
            coded.extend_from_slice(&chunk);
            coded.extend_from_slice(b"\r\n");
            plain.extend_from_slice(&chunk);
        }
        coded.extend_from_slice(b"0\r\n");
        let end = coded.len();
        coded.extend_from_slice(b"\r\nnext");
        let found = decode(&coded, || random.usize(1..40)).unwrap().unwrap();
        assert_eq!(found, (plain, end), "seed {seed} round {round}");
    }
}

#[test]
fn what_two_readers_could_read_differently_is_malformed() {
    for input in [
        &b"\r\n"[..],
        b"g\r\n",
        b"0x5\r\nhello\r\n",
        b"+5\r\nhello\r\n",
        b"-1\r\n",
        b" 5\r\nhello\r\n",
        b"5 \r\nhello\r\n",
        b"5\nhello\r\n",
        b"5;a=b\nhello\r\n",
        b"5;a\rb\r\nhello\r\n",
        b"5;a\0\r\nhello\r\n",
        b"5\r\nhelloX",
        b"5\r\nhello\n",
        b"5\r\nhello\rX",
        b"5\r\r\nhello",
        b"1234567890abcdef\r\n",
        b"0000000000000005\r\nhello\r\n",
        b"5,5\r\nhello\r\n",
        b"0\n\n",
    ] {
        assert_eq!(decode(input, || 1), Err(Malformed), "{:?}", input.escape_ascii().to_string());
    }
}

#[test]
fn extensions_are_dropped_and_bounded() {
    let found = decode(b"5;name=\"value\"\r\nhello\r\n00;last\r\n\r\n", || 3).unwrap().unwrap();
    assert_eq!(found.0, b"hello");
    let mut long = b"5;".to_vec();
    long.resize(MOST_EXTENSION + 10, b'a');
    assert_eq!(decode(&long, || 100), Err(Malformed));
}
