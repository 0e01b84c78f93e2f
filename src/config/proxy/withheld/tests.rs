use super::*;

#[test]
fn every_field_of_the_list_is_found_in_any_case_and_nothing_near_it() {
    let find = |name: &str| WithheldField::find(name.as_bytes());
    for (index, (name, _)) in FIELDS.iter().enumerate() {
        assert_eq!(find(&name.to_uppercase()), Some(WithheldField(index as u8)), "{name}");
        assert_eq!(
            find(&name[1..]),
            FIELDS.iter().position(|(other, _)| *other == &name[1..]).map(|at| WithheldField(at as u8))
        );
        assert_eq!(find(&format!("{name}s")), None);
    }
    assert_eq!((find(""), find("0"), find(&"x".repeat(100))), (None, None, None));
}

#[test]
fn what_says_who_asks_is_passed_from_trusted_proxies_only() {
    let all = PassedFields(u64::MAX);
    for index in 0..FIELDS.len() as u8 {
        let field = WithheldField(index);
        assert!(all.pass(field, true) && !PassedFields::default().pass(field, true));
        assert_eq!(all.pass(field, false), !field.names_client());
    }
}
