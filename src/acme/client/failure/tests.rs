use super::*;

#[test]
fn what_passes_by_itself_is_no_refusal_and_is_tried_again_soon() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("roots.pem");
    std::fs::write(&file, rcgen::generate_simple_self_signed(vec!["ca.test".to_owned()]).unwrap().cert.pem()).unwrap();
    let http = Http::new(&file).unwrap();
    let failure = |kind: &str| {
        let problem = format!(r#"{{ "type": "urn:ietf:params:acme:error:{kind}", "detail": "no" }}"#);
        of(&Error::Api(serde_json::from_str(&problem).unwrap()), &http)
    };
    for kind in ["badNonce", "serverInternal", "accountDoesNotExist"] {
        assert_eq!(failure(kind).cause, Cause::Unasked, "{kind}");
    }
    for kind in ["unauthorized", "rateLimited", "externalAccountRequired", "malformed"] {
        assert_eq!(failure(kind).cause, Cause::Refused, "{kind}");
    }
    assert!(failure("accountDoesNotExist").account_is_gone && !failure("badNonce").account_is_gone);
    assert_eq!(failure("rateLimited").why, "the CA says: no (rateLimited)");
}
