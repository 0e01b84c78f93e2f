use super::*;

#[test]
fn one_is_one_and_all_else_is_several() {
    assert_eq!([0, 1, 2].map(|count| counted(count, "service")), ["0 services", "1 service", "2 services"]);
    assert_eq!([1, 2].map(|count| counted(count, "query")), ["1 query", "2 queries"]);
    assert_eq!([1_u64, 2].map(|count| counted(count, "day")), ["1 day", "2 days"]);
}
