//! docs/logs.md is held to what the proxy writes into its access log.

use polder::proxy::traffic::access_log::Field;
use polder::proxy::traffic::termination::End;

const PAGE: &str = include_str!("../../docs/logs.md");

/// The cells of the rows of a section's last table, those whose first cell is in backquotes.
fn rows(section: &str) -> Vec<Vec<&'static str>> {
    let (_, after) = PAGE.split_once(&format!("## {section}\n")).unwrap_or_else(|| panic!("no section {section}"));
    let section = after.split("\n## ").next().unwrap();
    let table = section.rsplit_once("| ---").unwrap().1;
    let rows = table.lines().filter(|line| line.starts_with("| `"));
    rows.map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect()).collect()
}

#[test]
fn every_field_of_the_access_log_has_a_row_in_its_order_and_no_other_has() {
    let told: Vec<&str> = rows("Fields").iter().map(|row| row[0].trim_matches('`')).collect();
    let written: Vec<&str> = Field::ALL.iter().map(|field| field.name()).collect();
    assert_eq!(told, written);
}

#[test]
fn every_code_of_the_access_log_has_a_row_with_its_cause_and_haproxys() {
    let rows = rows("How a request ended");
    let told: Vec<(&str, &str)> = rows.iter().map(|row| (row[0].trim_matches('`'), row[1])).collect();
    let written: Vec<(&str, &str)> = End::ALL.iter().map(|end| (end.code(), end.cause())).collect();
    assert_eq!(told, written);
    for row in rows {
        assert!(row.len() == 4 && !row[3].is_empty(), "what HAProxy writes is missing: {row:?}");
    }
}

#[test]
fn no_two_ends_have_one_code_or_one_cause() {
    for of in [End::code, End::cause] {
        let mut all: Vec<&str> = End::ALL.iter().map(|end| of(*end)).collect();
        all.sort_unstable();
        let count = all.len();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
