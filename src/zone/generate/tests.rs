use super::*;

#[test]
fn a_range_has_its_numbers_and_its_step() {
    assert_eq!(range(b"1-4").unwrap().collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert_eq!(range(b"0-7/3").unwrap().collect::<Vec<_>>(), [0, 3, 6]);
    for wrong in [&b"4-1"[..], b"1", b"-", b"1-4/0", b"a-b", b"0-65536", b"0-4294967295"] {
        assert!(range(wrong).is_err(), "{}", quote(wrong));
    }
    assert_eq!(range(b"0-4294967295/4294967295").unwrap().count(), 2);
}

#[test]
fn the_number_stands_where_the_template_has_it() {
    for (template, number, text) in [
        ("host$ A 192.0.2.$", 7, "host7 A 192.0.2.7"),
        ("h${0,3} A 192.0.2.${10}", 7, "h007 A 192.0.2.17"),
        ("h${-5,2,x} A x", 20, "h0f A x"),
        ("h${0,0,X} A x", 171, "hAB A x"),
        ("h${0,3,o} A x", 8, "h010 A x"),
        ("${0,7,n} PTR x", 0x2a, "a.2.0.0 PTR x"),
        ("${0,0,N} PTR x", 0x2a, "A.2 PTR x"),
        ("a$$b\\$ TXT $", 3, "a\\$b\\$ TXT 3"),
    ] {
        let entry = Template(template.into()).entry(number).unwrap();
        assert_eq!(String::from_utf8(entry).unwrap(), text);
    }
    for wrong in ["${", "${}", "${x}", "${0,64}", "${0,1,q}", "${0,1,d,4}", "${-9}"] {
        assert!(Template(wrong.into()).entry(1).is_err(), "{wrong}");
    }
}
