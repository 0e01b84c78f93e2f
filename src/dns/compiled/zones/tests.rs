use super::*;

fn apex(text: &str) -> Box<[u8]> {
    name::from_text(text).unwrap()
}

/// Zones that could not be read: they are counted too, and need no file.
fn zones(apexes: &[&str]) -> Zones {
    Zones::new(Vec::new(), apexes.iter().map(|name| apex(name)).collect())
}

#[test]
fn a_zone_is_counted_where_it_was_and_a_new_one_where_none_was() {
    let first = zones(&["a.test", "b.test", "d.test"]);
    let slots = |zones: &Zones, names: &[&str]| names.iter().map(|name| zones.slot(&apex(name))).collect::<Vec<_>>();
    assert_eq!(slots(&first, &["a.test", "b.test", "d.test", "e.test"]), [Some(0), Some(1), Some(2), None]);
    let second = zones(&["c.test", "d.test", "b.test", "e.test"]).following(&first);
    assert_eq!(slots(&second, &["b.test", "c.test", "d.test", "e.test"]), [Some(1), Some(3), Some(2), Some(4)]);
    let third = zones(&["a.test", "e.test"]).following(&second);
    assert_eq!(slots(&third, &["a.test", "e.test"]), [Some(5), Some(4)], "what a.test had is not shown twice");
}

#[test]
fn beyond_the_most_all_are_counted_together() {
    let names: Vec<String> = (0..MOST_SLOTS + 5).map(|n| format!("z{n}.test")).collect();
    let all = zones(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let shared = names.iter().filter(|name| all.slot(&apex(name)) == Some(MOST_SLOTS)).count();
    assert_eq!(shared, 5);
    let more = zones(&["new.test", "newer.test"]).following(&all);
    assert_eq!([more.slot(&apex("new.test")), more.slot(&apex("newer.test"))], [Some(MOST_SLOTS); 2]);
}

#[test]
fn a_name_is_counted_for_the_zone_that_answers() {
    let zones = zones(&["test", "a.test"]);
    let slot = |name: &str, qtype| zones.zone_and_slot_of(&Name::from_text(name).unwrap(), qtype).1;
    assert_eq!(slot("www.a.test", rtype::A), zones.slot(&apex("a.test")));
    assert_eq!(slot("a.test", rtype::DS), zones.slot(&apex("test")));
    assert_eq!(slot("example.net", rtype::A), None);
}
