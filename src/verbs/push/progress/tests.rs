use super::*;

#[test]
fn hosts_are_rows_in_the_order_of_their_turns() {
    let stages = BTreeMap::from([
        ("px-nl".to_owned(), Stage::Copy(3, 12)),
        ("ns-nl".to_owned(), Stage::Confirmed),
        ("px-ch".to_owned(), Stage::Reverted("www is gone\nand more".to_owned())),
    ]);
    let hosts = ["ns-nl", "px-nl", "px-ch"].map(str::to_owned);
    let text = anstream::adapter::strip_str(&table(&hosts, &stages)).to_string();
    let rows: Vec<Vec<&str>> = text.lines().skip(1).map(|row| row.split("  ").map(str::trim).collect()).collect();
    assert_eq!(rows[0][..2], ["ns-nl", "confirmed"]);
    assert_eq!(rows[1][..2], ["px-nl", "copy 3/12 paths"]);
    assert!(text.ends_with("www is gone\n"), "{text}");
}
