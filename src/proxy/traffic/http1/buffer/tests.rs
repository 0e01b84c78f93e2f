use super::*;

#[test]
fn bytes_come_out_in_the_order_they_went_in_however_they_are_cut() {
    let mut random = fastrand::Rng::with_seed(7);
    let (mut buffer, mut next_in, mut next_out) = (Buffer::default(), 0_u8, 0_u8);
    for _ in 0..20_000 {
        if random.bool() {
            let room = buffer.space();
            let count = random.usize(0..=room.len().min(3000));
            for byte in &mut room[..count] {
                *byte = next_in;
                next_in = next_in.wrapping_add(1);
            }
            buffer.advance(count);
        } else {
            let count = random.usize(0..=buffer.len());
            for byte in &buffer.filled()[..count] {
                assert_eq!(*byte, next_out);
                next_out = next_out.wrapping_add(1);
            }
            buffer.consume(count);
        }
        assert!(buffer.capacity() <= SIZE);
    }
}

#[test]
fn an_empty_buffer_lets_go_of_its_memory_and_the_next_one_takes_it() {
    let mut buffer = Buffer::default();
    assert_eq!(buffer.capacity(), 0);
    let memory = buffer.space().as_ptr();
    buffer.advance(2);
    buffer.release();
    assert_eq!((buffer.len(), buffer.capacity()), (2, SIZE), "it is in use");
    buffer.consume(2);
    buffer.release();
    assert_eq!(buffer.capacity(), 0);
    assert_eq!(Buffer::default().space().as_ptr(), memory);
}
