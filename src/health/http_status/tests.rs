use super::*;

#[test]
fn random_bytes_never_panic_and_are_decided_alike_in_pieces_and_at_once() {
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    let alphabet: &[&[u8]] = &[b"HTTP/1.", b"1", b" ", b"200", b"100", b"\r\n", b"\n", b"x", b"\0", b"\r"];
    for _ in 0..50_000 {
        let response: Vec<u8> =
            (0..random.usize(0..12)).flat_map(|_| alphabet[random.usize(0..alphabet.len())]).copied().collect();
        let whole = final_status(&response);
        let first = (0..=response.len()).map(|end| final_status(&response[..end])).find(|head| *head != Head::Partial);
        assert_eq!(first.unwrap_or(Head::Partial), whole, "seed {seed}: {}", response.escape_ascii());
    }
}

#[test]
fn a_status_is_read_once_its_line_is_whole_and_interim_responses_are_passed_over() {
    assert_eq!(final_status(b"HTTP/1.1 20"), Head::Partial);
    assert_eq!(final_status(b"HTTP/1.1 200 OK\r\nServer: x"), Head::Status(200));
    assert_eq!(final_status(b"HTTP/1.1 503\r\n"), Head::Status(503));
    assert_eq!(final_status(b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\n"), Head::Status(200));
    assert_eq!(final_status(b"garbage\n"), Head::NotHttp);
}
