use super::*;

#[test]
fn every_row_has_a_name_of_its_own() {
    for row in ROWS {
        assert!(std::ptr::eq(by_name(row.name).expect("it is in the table"), row), "{}", row.name);
    }
}
