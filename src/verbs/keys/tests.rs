use super::*;

fn files(hosts: &[(&str, &[&str])]) -> Files {
    let keys = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect();
    hosts.iter().map(|(host, its)| ((*host).to_owned(), BTreeMap::from([("cookies".to_owned(), keys(its))]))).collect()
}

#[test]
fn hosts_with_the_same_keys_stand_together_and_others_apart() {
    let same = groups(&files(&[("px-nl", &["a", "b"]), ("px-ch", &["a", "b"])]));
    assert_eq!((same.len(), differing(&same).len()), (1, 0));
    let text = anstream::adapter::strip_str(&table(&same)).to_string();
    assert!(text.contains("cookies  a      b          px-ch px-nl"), "{text}");
    let other = groups(&files(&[("px-nl", &["a", "b"]), ("px-ch", &["b", "a"])]));
    assert_eq!(differing(&other), BTreeSet::from(["cookies"]));
}

#[test]
fn only_a_key_that_is_the_first_everywhere_may_be_left_alone() {
    let first = |hosts: &[(&str, &[&str])]| the_first_everywhere(&rotate::of_file(&files(hosts), "cookies"));
    assert_eq!(first(&[("a", &["n", "o"]), ("b", &["n"]), ("c", &[])]).as_deref(), Some("n"));
    assert_eq!(first(&[("a", &["n", "o"]), ("b", &["o", "n"])]), None);
    assert_eq!(first(&[("a", &[])]), None);
}
