use super::*;
use crate::verbs::status::tests::examples::replies;

#[test]
fn a_bare_name_means_every_use_of_it() {
    let subjects: Vec<String> = find_subjects("web2", &replies()).into_keys().collect();
    assert_eq!(subjects, ["shop/web2", "www/web2"]);
}

#[test]
fn a_whole_subject_means_that_use_only() {
    let subjects: Vec<String> = find_subjects("www/web2", &replies()).into_keys().collect();
    assert_eq!(subjects, ["www/web2"]);
}

#[test]
fn a_part_of_a_name_means_nothing() {
    assert!(find_subjects("eb2", &replies()).is_empty());
}
