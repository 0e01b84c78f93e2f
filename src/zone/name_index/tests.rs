#![allow(clippy::unwrap_used)]

use super::super::name::from_text;
use super::*;

#[test]
fn every_name_is_found_in_any_case_and_no_other() {
    for count in [0, 1, 2, 3, 4, 5, 100, 10_000] {
        let names: Vec<Box<[u8]>> = (0..count).map(|n| from_text(&format!("Host-{n}.example")).unwrap()).collect();
        let index = NameIndex::new(names.iter().map(|name| &**name));
        let find = |name: &[u8]| index.find(name, |number| names[number as usize].eq_ignore_ascii_case(name));
        for (number, name) in names.iter().enumerate() {
            assert_eq!(find(&name.to_ascii_uppercase()), Some(number as u32), "{number} of {count}");
            let lower = name.to_ascii_lowercase();
            let found = index.find_lower(&lower, |number| names[number as usize].eq_ignore_ascii_case(&lower));
            assert_eq!(found, Some(number as u32), "{number} of {count}");
        }
        for n in count..count + 1000 {
            assert_eq!(find(&from_text(&format!("host-{n}.example")).unwrap()), None, "{n} of {count}");
        }
    }
}
