use super::*;

fn stream(message: &[u8]) -> Vec<u8> {
    [&(message.len() as u16).to_be_bytes()[..], message].concat()
}

#[test]
fn a_stream_is_one_whole_query_of_identifier_0_that_says_nothing_of_tcp() {
    let query = [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1];
    assert_eq!(one_query(&stream(&query)), Some(&query[..]));
    let mut other = query;
    other[1] = 7;
    assert_eq!(one_query(&stream(&other)), None, "another identifier");
    let whole = stream(&query);
    assert_eq!(one_query(&whole[..whole.len() - 1]), None, "cut");
    assert_eq!(one_query(&[&whole[..], &[0]].concat()), None, "more than one");
    assert_eq!(one_query(&[0]), None);
    assert_eq!(one_query(&[]), None);
    let mut keepalive = query.to_vec();
    keepalive[11] = 1;
    keepalive.extend([0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 4, 0, 11, 0, 0]);
    assert_eq!(one_query(&stream(&keepalive)), None, "edns-tcp-keepalive");
}
