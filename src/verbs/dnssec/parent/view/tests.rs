use super::*;

fn ds(tag: u16) -> Ds {
    Ds { tag, algorithm: 13, digest_type: 2, digest: format!("{tag:064x}") }
}

fn asked(nameserver: &str, tags: &[u16]) -> Asked {
    let ds = tags.iter().map(|tag| ds(*tag)).collect();
    Asked::new(nameserver.to_owned(), Ok(DsSet { ds, ttl: Some(3600) }))
}

fn parent(nameservers: Vec<Asked>) -> Parent {
    Parent { zone: Some("net".to_owned()), nameservers }
}

#[test]
fn a_record_is_read_from_its_data_and_from_its_text() {
    let data = [&[0x9d, 0x14, 13, 2][..], &[0xab; 32]].concat();
    let ds = Ds::read(&data).unwrap();
    assert_eq!((ds.tag, ds.algorithm, ds.digest_type), (40212, 13, 2));
    assert_eq!(Ds::from_text(&ds.to_string().to_uppercase()), Some(ds));
    assert_eq!((Ds::read(&[1, 2, 3]), Ds::from_text("1 13")), (None, None));
}

#[test]
fn a_record_of_another_digest_is_of_the_key_that_it_names_and_one_of_the_same_digest_only_if_that_is_the_key_s() {
    let key = KeyId(ds(7));
    assert!(ds(7).is_of(&key) && !ds(8).is_of(&key));
    assert!(Ds { digest_type: 4, digest: "aa".to_owned(), ..ds(7) }.is_of(&key));
    assert!(!Ds { digest: "aa".to_owned(), ..ds(7) }.is_of(&key));
    assert!(!Ds { algorithm: 15, ..ds(7) }.is_of(&key));
}

#[test]
fn each_record_is_told_with_its_key_and_where_nameservers_differ_with_who_has_it() {
    let silent = Asked::new("c.net".to_owned(), Err("no answer".to_owned()));
    let parent = parent(vec![asked("a.net", &[7, 9]), asked("b.net", &[7]), silent]);
    assert_eq!(
        parent.told(&[KeyId(ds(7))]),
        [
            "the parent (net) has the DS of key 7 on all of its 2 nameservers that answered".to_owned(),
            format!("the parent (net) has a DS that is of no key of the zone ({}) on a.net and NOT on b.net", ds(9)),
            "the parent (net): c.net does not tell: no answer".to_owned(),
        ]
    );
    assert_eq!(parent.place(|one| one.tag == 9), Place::Partly { on: vec!["a.net"], not_on: vec!["b.net"] });
    assert_eq!(
        (parent.place(|one| one.tag == 7), parent.place(|one| one.tag == 1)),
        (Place::Everywhere, Place::Nowhere)
    );
}

#[test]
fn a_parent_without_any_says_what_that_means() {
    assert_eq!(
        parent(vec![asked("a.net", &[])]).told(&[]),
        ["the parent (net) has no DS: nobody validates the zone yet"]
    );
}
