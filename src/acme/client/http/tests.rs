use super::*;

#[test]
fn roots_that_cannot_be_used_are_an_error_that_names_file_and_key() {
    let folder = tempfile::tempdir().unwrap();
    let missing = Http::new(&folder.path().join("none.pem")).err().unwrap().to_string();
    assert!(missing.contains("none.pem: cannot be read") && missing.contains("\"ca_file\""), "{missing}");
    std::fs::write(folder.path().join("empty.pem"), "nothing").unwrap();
    let empty = Http::new(&folder.path().join("empty.pem")).err().unwrap().to_string();
    assert!(empty.contains("holds no certificate"), "{empty}");
}

#[test]
fn a_ca_that_leads_to_something_else_than_https_is_not_asked() {
    for wrong in ["http://ca.test/new-order", "/new-order", "ftp://ca.test/"] {
        let uri: Uri = wrong.parse().unwrap();
        assert!(host_of(&uri).is_err(), "{wrong}");
    }
    let uri: Uri = "https://ca.test:14000/dir?x=1".parse().unwrap();
    let request = of_origin(Request::new(Bytes::new()), &uri).unwrap();
    assert_eq!(request.uri().to_string(), "/dir?x=1");
    assert_eq!(request.headers()[HOST], "ca.test:14000");
}

#[test]
fn whatever_the_ca_says_of_when_to_come_again_a_day_is_the_longest_and_the_library_sees_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("roots.pem");
    let key = rcgen::generate_simple_self_signed(vec!["ca.test".to_owned()]).unwrap();
    std::fs::write(&file, key.cert.pem()).unwrap();
    let http = Http::new(&file).unwrap();
    let day = Duration::from_secs(86_400);
    let said: [(&str, Option<Duration>); 7] = [
        ("18446744073709551615", Some(day)),
        ("18446744073709551616", None),
        ("Fri, 31 Dec 9999 23:59:59 GMT", Some(day)),
        ("Thu, 01 Jan 1970 00:00:00 GMT", Some(Duration::ZERO)),
        (" 7 ", Some(Duration::from_secs(7))),
        ("soon", None),
        ("-1", None),
    ];
    for (text, expected) in said {
        let mut response = Response::new(Bytes::new());
        response.headers_mut().insert(RETRY_AFTER, text.parse().unwrap());
        http.note(&mut response);
        assert_eq!(http.retry_after(), expected, "{text}");
        let left = response.headers().get(RETRY_AFTER).map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(left, expected.map(|time| time.as_secs().to_string()), "{text}");
    }
    let mut silent = Response::new(Bytes::new());
    http.note(&mut silent);
    assert_eq!(http.retry_after(), None);
}
