use super::*;

const BYTES: &[u8] = b"skipped\
    \x00\x00\x02\x01\x01\x00\x00\x00\x01ab\
    \x00\x00\x04\x03\x00\x00\x00\x00\x01\x00\x00\x00\x08\
    \x00\x00\x00\x00\x01\x00\x00\x00\x03\
    \x00\x00\x08\x06\x00\x00\x00\x00\x00pingpong\
    \x00\x00\x01\x09\x04\x00\x00\x00\x05c";

fn frames(pieces: &[&[u8]]) -> (Vec<Frame>, bool) {
    let mut frames = Frames::after(7);
    let mut found = Vec::new();
    for piece in pieces {
        frames.look(piece, |frame| found.push(frame));
    }
    (found, frames.is_within_frame())
}

#[test]
fn frames_are_found_whatever_pieces_they_come_in() {
    let (whole, is_within) = frames(&[BYTES]);
    let kinds: Vec<_> = whole.iter().map(|frame| (frame.kind, frame.length)).collect();
    let expected =
        [(Kind::Headers, 2), (Kind::Reset(8), 4), (Kind::Data, 0), (Kind::Other, 8), (Kind::Continuation, 1)];
    assert_eq!(kinds, expected);
    assert!(!is_within);
    for at in 0..BYTES.len() {
        assert_eq!(frames(&[&BYTES[..at], &BYTES[at..]]).0, whole, "cut at {at}");
    }
    let single: Vec<&[u8]> = BYTES.chunks(1).collect();
    assert_eq!(frames(&single).0, whole);
}

#[test]
fn what_a_frame_ends_is_told_by_its_flags() {
    let (whole, _) = frames(&[BYTES]);
    assert_eq!(whole.iter().map(|frame| frame.ends_stream()).collect::<Vec<_>>(), [true, false, true, false, false]);
    let open: Vec<_> = whole.iter().map(|frame| frame.leaves_head_open()).collect();
    assert_eq!(open, [true, false, false, false, false]);
    assert!(frames(&[&BYTES[..17]]).1, "the payload of the first is not whole");
}
