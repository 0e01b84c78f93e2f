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
