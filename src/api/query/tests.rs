use super::*;

#[test]
fn what_is_encoded_decodes_to_itself() {
    let mut random = fastrand::Rng::with_seed(7);
    for _ in 0..500 {
        let text = |random: &mut fastrand::Rng| (0..random.usize(..8)).map(|_| random.char(..)).collect::<String>();
        let parameters = [(format!("n{}", text(&mut random)), text(&mut random)), ("m".into(), text(&mut random))];
        let borrowed: Vec<_> = parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let target = with_query("/explain", &borrowed);
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        assert_eq!(path, "/explain");
        assert_eq!(parse(query).as_deref(), Some(parameters.as_slice()), "{target}");
    }
}

#[test]
fn a_path_without_parameters_has_no_question_mark() {
    assert_eq!(with_query("/status", &[]), "/status");
}

#[test]
fn malformed_queries_are_refused_and_plus_is_a_space() {
    assert_eq!(parse("a=%4"), None);
    assert_eq!(parse("a=%zz"), None);
    assert_eq!(parse("a=%ff"), None);
    assert_eq!(parse("a=b+c&&d"), Some(vec![("a".into(), "b c".into()), ("d".into(), String::new())]));
    assert_eq!(parse(""), Some(vec![]));
}
