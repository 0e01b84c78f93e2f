use super::*;

#[test]
fn control_frames_are_the_bytes_that_fstrm_has() {
    let ready = b"\0\0\0\0\0\0\0\x22\0\0\0\x04\0\0\0\x01\0\0\0\x16protobuf:dnstap.Dnstap";
    assert_eq!(Control::Ready.written(), ready);
    assert_eq!(Control::Stop.written(), b"\0\0\0\0\0\0\0\x04\0\0\0\x03");
}

#[test]
fn a_receiver_accepts_our_content_type_or_leaves_it_open() {
    let written = Control::Accept.written();
    assert_eq!(read_control(&written[8..]), Ok((Control::Accept, true)));
    assert_eq!(read_control(&[0, 0, 0, 5]), Ok((Control::Finish, true)));
    assert_eq!(read_control(b"\0\0\0\x01\0\0\0\x01\0\0\0\x03abc"), Ok((Control::Accept, false)));
    let both = [&written[8..], b"\0\0\0\x01\0\0\0\x03abc"].concat();
    assert_eq!(read_control(&both), Ok((Control::Accept, true)));
}

#[test]
fn what_is_no_control_frame_is_malformed_wherever_it_ends() {
    let body = &Control::Accept.written()[8..];
    for length in (0..body.len()).filter(|length| *length != LENGTH) {
        assert_eq!(read_control(&body[..length]), Err(Malformed), "{length}");
    }
    assert_eq!(read_control(&[0, 0, 0, 9]), Err(Malformed));
    let head = |escape: u32, length: u32| [escape.to_be_bytes(), length.to_be_bytes()].concat().try_into().unwrap();
    assert_eq!(control_length(head(0, 34)), Ok(34));
    for (escape, length) in [(1, 34), (0, 3), (0, 513), (0, u32::MAX)] {
        assert_eq!(control_length(head(escape, length)), Err(Malformed), "{escape} {length}");
    }
}

#[test]
fn frames_are_counted_wherever_a_ring_cuts_them() {
    let bytes: Vec<u8> = [1u32, 300, 7]
        .iter()
        .flat_map(|length| [&length.to_be_bytes()[..], &vec![9; *length as usize]].concat())
        .collect();
    for cut in 0..=bytes.len() {
        assert_eq!(count(&bytes[..cut], &bytes[cut..]), 3, "{cut}");
    }
    assert_eq!(count(&[], &[]), 0);
}
