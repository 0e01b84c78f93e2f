use super::*;

fn fields(response: &Response) -> Vec<(String, String)> {
    let text = |value: &[u8]| String::from_utf8(value.to_vec()).unwrap();
    response.fields.iter().map(|(name, value)| (name.to_string(), text(value))).collect()
}

fn config(headers: &[(&str, &str)], body: AnswerBody) -> AnswerConfig {
    let headers = headers.iter().map(|(name, value)| FieldValue { name: (*name).into(), value: (*value).into() });
    AnswerConfig { status: 200, headers: headers.collect(), body }
}

#[test]
fn a_text_is_plain_unless_the_document_says_what_it_is() {
    let plain = FixedAnswer::new(&config(&[], AnswerBody::Text("a\n".into())), "answer").response().unwrap();
    assert_eq!(fields(&plain), [("Content-Type".into(), TEXT.into())]);
    assert_eq!(plain.content.length(), 2);
    let stated = config(&[("content-type", "text/css")], AnswerBody::Text("a{}".into()));
    let stated = FixedAnswer::new(&stated, "answer").response().unwrap();
    assert_eq!(fields(&stated), [("content-type".into(), "text/css".into())]);
}

#[test]
fn a_file_has_the_type_that_its_name_says() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("down.html");
    std::fs::write(&file, "<p>down").unwrap();
    let answer = FixedAnswer::new(&config(&[], AnswerBody::File(file)), "answer");
    assert_eq!(fields(&answer.response().unwrap()), [("Content-Type".into(), "text/html; charset=utf-8".into())]);
}

#[test]
fn a_file_that_cannot_be_read_is_named_with_its_key() {
    let answer = FixedAnswer::new(&config(&[], AnswerBody::File("/nowhere/x".into())), "services.down.answer");
    assert!(answer.response().is_none());
    let words = answer.file().and_then(KeptFile::error).expect("it is not there").to_string();
    assert!(words.starts_with("services.down.answer.file: /nowhere/x: cannot be read: "), "{words}");
}
