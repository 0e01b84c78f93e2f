#![allow(clippy::unwrap_used)]

use super::*;

/// A nameserver of one datagram: what `reply` makes of the question's bytes.
fn nameserver(reply: impl FnOnce(&[u8]) -> Vec<u8> + Send + 'static) -> SocketAddr {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = socket.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut buffer = [0; 512];
        let (length, from) = socket.recv_from(&mut buffer).unwrap();
        socket.send_to(&reply(&buffer[..length]), from).unwrap();
    });
    address
}

/// The question with a header of a response, and what follows it.
fn response(question: &[u8], rcode: u8, answers: u8, rest: &[u8]) -> Vec<u8> {
    let mut response = question.to_vec();
    response[2] |= 0x84;
    response[3] = rcode;
    response[7] = answers;
    response.extend_from_slice(rest);
    response
}

const SOA: &[u8] = b"\xc0\x0c\x00\x06\x00\x01\x00\x00\x0e\x10\x00\x18\xc0\x0c\xc0\x0c\x00\x00\x00\x2a\x00\x00\x00\x02\x00\x00\x00\x03\x00\x00\x00\x04\x00\x00\x00\x05";

#[test]
fn the_serial_is_that_of_the_answer() {
    let server = nameserver(|question| response(question, 0, 1, SOA));
    assert_eq!(serial(server, "example.net").unwrap(), Some(42));
}

#[test]
fn a_nameserver_that_refuses_has_no_such_zone() {
    let server = nameserver(|question| response(question, 5, 0, b""));
    assert_eq!(serial(server, "example.net").unwrap(), None);
}

#[test]
fn a_nameserver_that_fails_is_no_answer() {
    let server = nameserver(|question| response(question, 2, 0, b""));
    assert!(serial(server, "example.net").unwrap_err().to_string().starts_with("it answered "));
}

#[test]
fn an_answer_to_another_question_and_noise_count_for_nothing() {
    let server = nameserver(|question| {
        let mut response = response(question, 0, 1, SOA);
        response[0] ^= 1;
        response
    });
    // The stray is passed over; then the nameserver is gone, and its port with it.
    assert!(serial(server, "example.net").is_err());
}

#[test]
fn a_closed_port_is_not_waited_for() {
    let closed = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    let error = serial(closed, "example.net").unwrap_err();
    assert!(matches!(error, QueryError::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused));
}

#[test]
fn a_response_repeats_the_question_unless_it_is_an_error() {
    let question = Question::new("example.net", rtype::A).unwrap();
    let query = question.query(7);
    assert!(question.read_response(7, &query).is_none(), "a query is no response");
    assert!(question.read_response(7, &response(&query, 0, 0, b"")).is_some());
    assert!(question.read_response(8, &response(&query, 0, 0, b"")).is_none());
    let other = Question::new("example.org", rtype::A).unwrap();
    assert!(other.read_response(7, &response(&query, 0, 0, b"")).is_none());
    let mut bare = response(&query[..HEADER], 1, 0, b"");
    bare[5] = 0;
    assert_eq!(question.read_response(7, &bare).unwrap().code, ResponseCode::FormErr);
}
