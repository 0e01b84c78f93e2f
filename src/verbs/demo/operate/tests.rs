use super::*;

#[test]
fn the_line_that_says_what_became_of_it_is_told() {
    assert_eq!(
        gist("www/web1: web1 gets no more requests\nDAEMON  SUBJECT\npx-1"),
        "www/web1: web1 gets no more requests"
    );
    assert_eq!(
        gist("DAEMON  SUBJECT  RESULT\npx-1  shop  done  shop is on shop2\n"),
        "px-1  shop  done  shop is on shop2"
    );
    assert_eq!(gist("polder: ns-1 is a nameserver\n"), "ns-1 is a nameserver");
    assert_eq!(gist(""), "done");
}
